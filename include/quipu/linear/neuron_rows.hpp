/// @file The up rows and transposed down rows of an FFN side by side, so that a neuron is one stretch of memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/linear/neuron_view.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::linear {

/// The form that up rows of a type take of themselves: the file's very numbers of F64, F32, F16, BF16, Q8_0 and Q4_0; q8 of
/// every other type.
[[nodiscard]] constexpr row_form up_form_of(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::f64: return row_form::f64;
    case tensor_type::f32: return row_form::f32;
    case tensor_type::f16: return row_form::f16;
    case tensor_type::bf16: return row_form::bf16;
    case tensor_type::q4_0: return row_form::q4;
    default: return row_form::q8;
  }
}

/// The same for down rows. Files round a down matrix along d_ffn and these rows run along d_model, so quantised types are
/// rounded anew: to q8, since a second rounding to four bits would cost quality.
[[nodiscard]] constexpr row_form down_form_of(tensor_type type) noexcept {
  return type == tensor_type::q4_0 ? row_form::q8 : up_form_of(type);
}

struct neuron_row_options {
  std::optional<row_form> up = {};    ///< empty: `up_form_of`
  std::optional<row_form> down = {};  ///< empty: `down_form_of`
  bool without_down = false;          ///< rows of up alone; `down` is not read then, and may be empty
  std::string_view name = "neuron_rows";  ///< of the layer, for messages
  std::size_t memory = 0;                 ///< bytes that the rows may take; 0 means what is available
};

/// What laying the rows out did.
struct neuron_row_report {
  std::size_t n_byte = 0;
  double seconds = 0;
  /// sqrt(sum (w - w')^2 / sum w^2) of the numbers held against the file's; 0 where they are the same
  double up_error = 0;
  double down_error = 0;
};

/// Bytes that the rows of an FFN take.
/// @param up  (d_ffn, d_model)
[[nodiscard]] std::size_t neuron_row_bytes(const stored_matrix& up, const stored_matrix& down,
                                           const neuron_row_options& options = {}) noexcept;

/// Owns, for every neuron, its row of up and right behind it its column of down as a row, both (d_model), in one piece of memory
/// (huge pages where the system has them). Constant once made, for any number of threads.
class neuron_rows {
 public:
  /// Lays the rows out with all threads of a team. The bytes do not depend on how many there are.
  /// @param up        (d_ffn, d_model) of any weight type; its tiles are not read
  /// @param down      (d_model, d_ffn)
  /// @param progress  called now and then with neurons done; returning false stops
  /// @throws shape_error   the shapes do not fit together, or are empty
  /// @throws config_error  a weight or scale is not finite, or too large for the form; too little memory
  /// @throws cancelled     `progress` returned false
  neuron_rows(const stored_matrix& up, const stored_matrix& down, const thread_team& team, const neuron_row_options& options = {},
              const progress_callback& progress = {});

  [[nodiscard]] const neuron_view& up() const noexcept { return up_; }      ///< (d_ffn, d_model)
  [[nodiscard]] const neuron_view& down() const noexcept { return down_; }  ///< (d_ffn, d_model), or empty
  [[nodiscard]] const neuron_row_report& report() const noexcept { return report_; }

 private:
  buffer<std::byte> memory_;
  neuron_view up_;
  neuron_view down_;
  neuron_row_report report_;
};

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/neuron_rows.ipp>
#endif
