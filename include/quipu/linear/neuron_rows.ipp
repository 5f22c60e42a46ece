// What neuron_rows.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include <quipu/core/available_memory.hpp>
#include <quipu/core/clock.hpp>
#include <quipu/core/error.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/unaligned.hpp>
#include <quipu/linear/neuron_block.hpp>
#include <quipu/linear/neuron_rows.hpp>

namespace quipu::linear {

namespace detail {

/// Neurons that one thread lays out at a time: whole blocks of every type.
inline constexpr std::size_t unit_neurons = 256;
/// Rows of down that meet in a tile: two blocks, whose codes are a whole line.
inline constexpr std::size_t tile_rows = 64;
/// Values between the rows of a tile, of which columns are read: rows then lie in different sets of the cache.
inline constexpr std::size_t tile_stride = unit_neurons + 16;

/// What one thread found out about its neurons.
struct laid_out {
  squared_error up, down;
  narrowing state = narrowing::done;
  bool in_down = false;
  std::size_t neuron = 0;  ///< of the weight that `state` is about
};

/// Bytes of a plain form's value; 0 of codes.
[[nodiscard]] constexpr std::size_t plain_bytes(row_form form) noexcept {
  return has_scales(form) ? 0 : block_bytes(form) / row_block;
}

/// Whether rows of a form hold the very numbers of a type, which then only change their places.
[[nodiscard]] constexpr bool keeps_numbers(tensor_type type, row_form form) noexcept {
  const bool is_kept = is_quantised(type) ? type == tensor_type::q8_0 || type == tensor_type::q4_0 : true;
  return is_kept && up_form_of(type) == form;
}

/// Whether a value of n bytes of a plain form, or a scale (f16), is finite.
template <class Bits>
[[nodiscard]] constexpr bool is_finite(row_form form, Bits bits) noexcept {
  const std::uint64_t exponent = form == row_form::f64   ? std::uint64_t{0x7ff} << 52
                                 : form == row_form::f32 ? 0x7f800000u
                                 : form == row_form::bf16 ? 0x7f80u
                                                          : 0x7c00u;
  return (bits & exponent) != exponent;
}

/// Calls f with a value of the unsigned type that has the width of a plain form.
template <class F>
auto with_bits(row_form form, F&& f) {
  switch (plain_bytes(form)) {
    case 8: return f(std::uint64_t{});
    case 4: return f(std::uint32_t{});
    default: return f(std::uint16_t{});
  }
}

/// A row of Q8_0 or Q4_0: codes and scales apart.
[[nodiscard]] inline narrowing split_row(tensor_type type, const std::byte* from, std::size_t n_col, std::byte* row) noexcept {
  const row_form form = up_form_of(type);
  const std::size_t n_code = block_bytes(form);
  std::byte* const scales = row + scales_at(form, n_col);
  for (std::size_t b = 0; b < row_blocks(n_col); ++b, from += 2 + n_code) {
    if (!is_finite(row_form::f16, io::load_unaligned<std::uint16_t>(from))) return narrowing::not_finite;
    std::memcpy(scales + 2 * b, from, 2);
    std::memcpy(row + b * n_code, from + 2, n_code);
  }
  return narrowing::done;
}

[[nodiscard]] inline narrowing copy_plain_row(row_form form, const std::byte* from, std::size_t n_col, std::byte* row) noexcept {
  std::memcpy(row, from, n_col * plain_bytes(form));
  return with_bits(form, [&](auto zero) {
    bool finite = true;
    for (std::size_t k = 0; k < n_col; ++k)
      finite &= is_finite(form, io::load_unaligned<decltype(zero)>(row + k * sizeof zero));
    return finite ? narrowing::done : narrowing::not_finite;
  });
}

/// @param wide  (row_blocks(w.cols) * 32) scratch
template <class Wide>
[[nodiscard]] narrowing narrow_row(const stored_matrix& w, std::size_t r, row_form form, std::byte* row, Wide* wide,
                                   squared_error& sums) noexcept {
  const std::size_t n_block = row_blocks(w.cols);
  io::dequantise_row(w.type, w.row(r), wide, w.cols);
  std::fill(wide + w.cols, wide + n_block * row_block, Wide(0));
  for (std::size_t b = 0; b < n_block; ++b) {
    const narrowing state =
        narrow_block(form, wide + b * row_block, row + b * block_bytes(form), row + scales_at(form, w.cols) + 2 * b, sums);
    if (state != narrowing::done) return state;
  }
  return narrowing::done;
}

/// Columns first .. last of w as rows, each value as it is.
/// @param tile  (tile_rows, tile_stride) scratch
template <class Bits>
void move_columns(const stored_matrix& w, std::size_t first, std::size_t last, const neuron_view& to, std::byte* rows, Bits* tile,
                  laid_out& found) noexcept {
  for (std::size_t i = 0; i < w.rows; i += tile_rows) {
    const std::size_t n = std::min(tile_rows, w.rows - i);
    for (std::size_t k = 0; k < n; ++k)
      std::memcpy(tile + k * tile_stride, w.row(i + k) + first * sizeof(Bits), (last - first) * sizeof(Bits));
    for (std::size_t j = first; j < last; ++j) {
      Bits column[tile_rows];
      bool finite = true;
      for (std::size_t k = 0; k < n; ++k) {
        column[k] = tile[k * tile_stride + (j - first)];
        finite &= is_finite(to.form, column[k]);
      }
      std::memcpy(rows + j * to.stride + i * sizeof(Bits), column, n * sizeof(Bits));
      if (!finite && found.state == narrowing::done) {
        found.state = narrowing::not_finite;
        found.neuron = j;
      }
    }
  }
}

/// Columns first .. last of w as rows, rounded to `to.form`.
/// @param tile  (tile_rows, tile_stride) scratch
template <class Wide>
void narrow_columns(const stored_matrix& w, std::size_t first, std::size_t last, const neuron_view& to, std::byte* rows, Wide* tile,
                    laid_out& found) noexcept {
  const std::size_t n_code = block_bytes(to.form), scales = scales_at(to.form, to.cols);
  for (std::size_t i = 0; i < w.rows; i += tile_rows) {
    const std::size_t n = std::min(tile_rows, w.rows - i);
    for (std::size_t k = 0; k < n; ++k)
      io::dequantise_row(w.type, w.row(i + k) + row_bytes(w.type, first), tile + k * tile_stride, last - first);
    for (std::size_t j = first; j < last; ++j) {
      for (std::size_t b = 0; b < row_blocks(n); ++b) {
        Wide block[row_block] = {};
        const std::size_t begin = b * row_block, end = std::min(begin + row_block, n);
        for (std::size_t k = begin; k < end; ++k) block[k - begin] = tile[k * tile_stride + (j - first)];
        const std::size_t at = i / row_block + b;
        std::byte* const row = rows + j * to.stride;
        const narrowing state = narrow_block(to.form, block, row + at * n_code, row + scales + 2 * at, found.down);
        if (state != narrowing::done && found.state == narrowing::done) {
          found.state = state;
          found.neuron = j;
        }
      }
    }
  }
}

/// Where a matrix goes: rows in memory that is still being written.
struct row_target {
  neuron_view view;
  std::byte* rows;
};

/// @param scratch  scratch_bytes
inline void lay_out_up(const stored_matrix& up, std::size_t first, std::size_t last, const row_target& to, std::byte* scratch,
                       laid_out& found) noexcept {
  for (std::size_t r = first; r < last && found.state == narrowing::done; ++r) {
    std::byte* const row = to.rows + r * to.view.stride;
    if (!keeps_numbers(up.type, to.view.form)) {
      found.state = up.type == tensor_type::f64
                        ? narrow_row(up, r, to.view.form, row, reinterpret_cast<double*>(scratch), found.up)
                        : narrow_row(up, r, to.view.form, row, reinterpret_cast<float*>(scratch), found.up);
    } else if (is_quantised(up.type)) {
      found.state = split_row(up.type, up.row(r), up.cols, row);
    } else {
      found.state = copy_plain_row(to.view.form, up.row(r), up.cols, row);
    }
    found.neuron = r;
  }
}

inline void lay_out_down(const stored_matrix& down, std::size_t first, std::size_t last, const row_target& to, std::byte* scratch,
                         laid_out& found) noexcept {
  if (found.state != narrowing::done) return;
  found.in_down = true;
  if (!is_quantised(down.type) && keeps_numbers(down.type, to.view.form)) {
    with_bits(to.view.form, [&](auto zero) {
      using bits = decltype(zero);
      move_columns(down, first, last, to.view, to.rows, reinterpret_cast<bits*>(scratch), found);
    });
  } else if (down.type == tensor_type::f64) {
    narrow_columns(down, first, last, to.view, to.rows, reinterpret_cast<double*>(scratch), found);
  } else {
    narrow_columns(down, first, last, to.view, to.rows, reinterpret_cast<float*>(scratch), found);
  }
}

/// Bytes from a neuron to the next: an odd number of lines, or rows that are read side by side would drive each other out of
/// the first-level cache.
/// @param n_byte  of all rows of a neuron, whole lines
[[nodiscard]] constexpr std::size_t neuron_stride(std::size_t n_byte) noexcept { return n_byte / 64 * 64 | 64; }

[[noreturn]] inline void refuse(const laid_out& found, std::string_view name, row_form form) {
  const auto place = concat(name, ": weights of neuron ", found.neuron, found.in_down ? " in down" : " in up");
  if (found.state == narrowing::not_finite) fail<config_error>(place, "finite numbers and scales", "one that is not");
  fail<config_error>(place, concat("numbers that ", name_of(form), " can hold"), "one that is too large");
}

}  // namespace detail

QUIPU_INLINE std::size_t neuron_row_bytes(const stored_matrix& up, const stored_matrix& down,
                                          const neuron_row_options& options) noexcept {
  std::size_t n_byte = bytes_of_row(options.up.value_or(up_form_of(up.type)), up.cols);
  if (!options.without_down) n_byte += bytes_of_row(options.down.value_or(down_form_of(down.type)), up.cols);
  return up.rows * detail::neuron_stride(n_byte);
}

QUIPU_INLINE neuron_rows::neuron_rows(const stored_matrix& up, const stored_matrix& down, const thread_team& team,
                                      const neuron_row_options& options, const progress_callback& progress) {
  const double start = steady_seconds();
  const bool fits = options.without_down || (up.rows == down.cols && up.cols == down.rows);
  if (!fits || up.rows == 0 || up.cols == 0) {
    fail<shape_error>(options.name, "up (d_ffn, d_model) and down (d_model, d_ffn)",
                      concat("(", up.rows, ", ", up.cols, ") and (", down.rows, ", ", down.cols, ")"));
  }
  for (const tensor_type type : {up.type, options.without_down ? up.type : down.type}) {
    if (!is_weight_type(type)) fail<config_error>(options.name, "a type of weights", name_of(type));
  }
  const std::size_t n = up.rows, n_byte = neuron_row_bytes(up, down, options);
  const std::size_t room = options.memory == 0 ? available_memory() : options.memory;
  if (n_byte > room) {
    fail<config_error>(concat(options.name, ": memory for rows of neurons"),
                       concat("at most ", mebibytes(room), ", which are available"), mebibytes(n_byte));
  }
  memory_ = buffer<std::byte>(n_byte);
  const row_form up_form = options.up.value_or(up_form_of(up.type));
  const row_form down_form = options.down.value_or(down_form_of(down.type));
  const std::size_t stride = n_byte / n, down_at = bytes_of_row(up_form, up.cols);
  up_ = {up_form, n, up.cols, memory_.data(), stride};
  if (!options.without_down) down_ = {down_form, n, up.cols, memory_.data() + down_at, stride};
  const detail::row_target up_to{up_, memory_.data()}, down_to{down_, memory_.data() + down_at};

  const std::size_t n_unit = (n + detail::unit_neurons - 1) / detail::unit_neurons;
  const std::size_t n_scratch = 8 * std::max(detail::tile_rows * detail::tile_stride, row_blocks(up.cols) * row_block);
  std::vector<buffer<std::byte>> scratch(team.size());
  for (auto& each : scratch) each = buffer<std::byte>(n_scratch);
  std::vector<detail::laid_out> found(n_unit);
  // Without anybody to tell, all at once; else pieces that every thread has a few units of.
  const std::size_t at_once = progress ? 4 * team.size() : n_unit;
  for (std::size_t done = 0; done < n_unit; done += at_once) {
    const std::size_t count = std::min(at_once, n_unit - done);
    team.parallel_for(count, 1, [&](std::size_t begin, std::size_t end, std::size_t thread) {
      for (std::size_t unit = done + begin; unit < done + end; ++unit) {
        const std::size_t first = unit * detail::unit_neurons, last = std::min(first + detail::unit_neurons, n);
        detail::lay_out_up(up, first, last, up_to, scratch[thread].data(), found[unit]);
        if (!options.without_down) detail::lay_out_down(down, first, last, down_to, scratch[thread].data(), found[unit]);
      }
    });
    for (std::size_t unit = done; unit < done + count; ++unit) {
      if (found[unit].state != narrowing::done) detail::refuse(found[unit], options.name, found[unit].in_down ? down_form : up_form);
    }
    if (!report_progress(progress, {"laying out neurons", std::min((done + count) * detail::unit_neurons, n), n})) {
      throw cancelled(concat(options.name, ": laying out neurons was cancelled"));
    }
  }
  squared_error up_sums, down_sums;
  for (const detail::laid_out& each : found) {
    up_sums += each.up;
    down_sums += each.down;
  }
  report_ = {n_byte, steady_seconds() - start, up_sums.relative(), down_sums.relative()};
}

}  // namespace quipu::linear
