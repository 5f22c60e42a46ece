/// @file A gate matrix in whole numbers, in forms that are made when somebody asks for them and shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/linear/integer_form.hpp>
#include <quipu/linear/stored_matrix.hpp>

namespace quipu::linear {

/// A neuron's weights in whole numbers: w = scale * multiplier[j / 64] * q[j].
struct integer_weights {
  std::span<std::int8_t> q;            ///< (64 n_group) -112 .. 112; 0 after the last column
  std::span<std::uint8_t> multiplier;  ///< (n_group) 1 .. 16
  float scale = 0;
};

/// What both forms have.
struct gate_shape {
  std::size_t n_neuron = 0, n_col = 0;
  [[nodiscard]] constexpr integer_form form() const noexcept { return integer_form::of(n_col); }
  [[nodiscard]] constexpr std::size_t n_tile() const noexcept { return (n_neuron + integer_tile_rows - 1) / integer_tile_rows; }
};

/// The form that whole gates are read in: one byte for each weight, sixteen neurons side by side (see `integer_form`).
struct gate_bytes : gate_shape {
  buffer<std::byte> tiles;  ///< (n_tile, form().tile_bytes(16))
  buffer<float> scale;      ///< (16 n_tile) 0 after the last neuron

  explicit gate_bytes(gate_shape shape);
  /// Bytes that the form of a shape takes.
  [[nodiscard]] static constexpr std::size_t bytes_of(gate_shape s) noexcept {
    return s.n_tile() * (s.form().tile_bytes(integer_form::byte_lines) + integer_tile_rows * sizeof(float));
  }
  [[nodiscard]] const std::byte* tile(std::size_t i) const noexcept {
    return tiles.data() + i * form().tile_bytes(integer_form::byte_lines);
  }
  [[nodiscard]] std::size_t n_byte() const noexcept { return tiles.n_byte() + scale.n_byte(); }
  /// Different neurons may be written and read by different threads.
  void write(std::size_t neuron, const integer_weights& from) noexcept;
  void read(std::size_t neuron, integer_weights& to) const noexcept;
};

/// The form of certified gates: high nibbles of q + dither in tiles, low ones row by row (see `integer_form`).
struct gate_planes : gate_shape {
  buffer<std::byte> high;       ///< (n_tile, form().tile_bytes(8))
  buffer<std::byte> low;        ///< (n_neuron, form().low_bytes())
  buffer<float> scale;          ///< (16 n_tile) 0 after the last neuron
  buffer<std::uint8_t> dither;  ///< (n_col) 0 .. 15

  explicit gate_planes(gate_shape shape);
  /// Bytes that the form of a shape takes.
  [[nodiscard]] static constexpr std::size_t bytes_of(gate_shape s) noexcept {
    return s.n_tile() * (s.form().tile_bytes(integer_form::high_lines) + integer_tile_rows * sizeof(float)) +
           s.n_neuron * s.form().low_bytes() + s.n_col;
  }
  [[nodiscard]] const std::byte* tile(std::size_t i) const noexcept {
    return high.data() + i * form().tile_bytes(integer_form::high_lines);
  }
  [[nodiscard]] const std::byte* low_row(std::size_t neuron) const noexcept {
    return low.data() + neuron * form().low_bytes();
  }
  [[nodiscard]] std::size_t n_byte() const noexcept {
    return high.n_byte() + low.n_byte() + scale.n_byte() + dither.n_byte();
  }
  void write(std::size_t neuron, const integer_weights& from) noexcept;
  void read(std::size_t neuron, integer_weights& to) const noexcept;
  /// Draws the dither, see `integer_gate_options`.
  void draw_dither(std::uint64_t seed, std::uint64_t stream);
  /// What is wrong with planes that came from elsewhere; empty if they can be used: multipliers in 1 .. 16 that are the same in both
  /// planes, scales that are finite and not negative.
  [[nodiscard]] std::string flaw() const;
};

/// How an `integer_gate` is made.
struct integer_gate_options {
  /// The dither is drawn from this stream. The proof holds over the seed: activations must not depend on it.
  std::uint64_t dither_seed = 0;
  std::uint64_t dither_stream = 0;  ///< one for each layer
  std::string name = "gate";        ///< in messages
};

/// (n_neuron, n_col) weights, each rounded once to w = scale * multiplier * q: the scale is a neuron's, the multiplier
/// one of 1 .. 16 for each 64 columns, and |q| <= 112. Whole multipliers keep sums of different passes equal to the last
/// bit.
///
/// Copies share what was made. Forms hold the same integers; a second one is made of the first.
class integer_gate {
 public:
  integer_gate() = default;
  /// Reads no weight yet.
  /// @param w  any type that holds weights; its memory must live until the first form is made
  /// @throws config_error  no weight type, or more than 32,768 columns
  explicit integer_gate(const stored_matrix& w, integer_gate_options options = {});
  /// A gate whose planes were made before, of the same weights with the same options. No weight is read.
  /// @throws config_error  as above; planes of another shape
  integer_gate(const stored_matrix& w, std::shared_ptr<const gate_planes> planes, double relative_error, integer_gate_options options = {});

  [[nodiscard]] bool empty() const noexcept { return state_ == nullptr; }
  [[nodiscard]] std::size_t n_neuron() const noexcept;
  [[nodiscard]] std::size_t n_col() const noexcept;

  /// The forms, made by the threads of `team` at the first call. Calls from several threads are safe; one makes, the
  /// others wait.
  /// @throws config_error    a weight is not finite: says which
  /// @throws std::bad_alloc  out of memory
  [[nodiscard]] std::shared_ptr<const gate_bytes> bytes(const thread_team& team) const;
  [[nodiscard]] std::shared_ptr<const gate_planes> planes(const thread_team& team) const;
  [[nodiscard]] bool has_bytes() const;
  [[nodiscard]] bool has_planes() const;

  /// sqrt(sum (w - w')^2 / sum w^2) of the weights w' that the whole numbers mean; 0 before a form was made.
  [[nodiscard]] double relative_error() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/integer_gate.ipp>
#endif
