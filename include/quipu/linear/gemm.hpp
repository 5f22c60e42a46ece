/// @file The packed matrix product that prompts, training and encoders run on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/scalar.hpp>            // bf16
#include <quipu/io/dequantise.hpp>          // dequantise_row
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// How an operand lies in memory: `along_k` has the summed index contiguous, `across_k` the other one.
enum class operand_order { along_k, across_k };

/// One side of a product, (outer, k), of plain values.
template <class Scalar>
struct plain_operand {
  const Scalar* data;
  std::size_t stride;
  std::size_t outer;
  std::size_t k;
  operand_order order;

  /// Row i of m is the operand's row i: x in x W^T.
  static plain_operand along(matrix_view<const Scalar> m) noexcept {
    return {m.data(), m.stride(), m.rows(), m.cols(), operand_order::along_k};
  }
  /// Column i of m is the operand's row i: x in x^T y.
  static plain_operand across(matrix_view<const Scalar> m) noexcept {
    return {m.data(), m.stride(), m.cols(), m.rows(), operand_order::across_k};
  }

  /// Panel of `width` outer indices from `first`, k indices k0 .. k0 + n_k: out[j * width + i]; `Element` bf16 as
  /// `kernel_table::round_across` lays it out.
  template <class Element>
  void pack(const kernel_table& kernels, std::size_t first, std::size_t width, std::size_t k0,
            std::size_t n_k, Element* out, Scalar*) const noexcept {
    const std::size_t rows = std::min(width, outer - first);
    const bool across = order == operand_order::across_k;
    const Scalar* in = across ? data + k0 * stride + first : data + first * stride + k0;
    if constexpr (!std::is_same_v<Element, Scalar>) {
      (across ? kernels.round_across : kernels.round_along)(in, stride, rows, n_k, width, out);
    } else if (across) {
      if (rows == gemm_mr<Scalar> && width == rows) return copy_rows<gemm_mr<Scalar>>(in, n_k, out);
      if (rows == gemm_nr<Scalar> && width == rows) return copy_rows<gemm_nr<Scalar>>(in, n_k, out);
      for (std::size_t j = 0; j < n_k; ++j, in += stride, out += width) {
        std::copy_n(in, rows, out);
        std::fill(out + rows, out + width, Scalar(0));
      }
    } else if constexpr (std::is_same_v<Scalar, float>) {
      kernels.interleave_f32(in, stride, rows, n_k, width, out);
    } else {
      for (std::size_t j = 0; j < n_k; ++j) {
        for (std::size_t i = 0; i < width; ++i) *out++ = i < rows ? in[i * stride + j] : Scalar(0);
      }
    }
  }
  /// Panels first_panel .. first_panel + n_panel of `width` indices, `panel_stride` values apart.
  template <class Element>
  void pack_panels(const kernel_table& kernels, std::size_t first_panel, std::size_t n_panel, std::size_t width,
                   std::size_t k0, std::size_t n_k, Element* out, std::size_t panel_stride,
                   Scalar* scratch) const noexcept {
    for (std::size_t p = 0; p < n_panel; ++p) {
      pack(kernels, (first_panel + p) * width, width, k0, n_k, out + p * panel_stride, scratch);
    }
  }
  static constexpr std::size_t pack_scratch(std::size_t) noexcept { return 0; }

 private:
  // A width known to the compiler: no call for a few values.
  template <std::size_t Width>
  void copy_rows(const Scalar* in, std::size_t n_k, Scalar* out) const noexcept {
    for (std::size_t j = 0; j < n_k; ++j, in += stride, out += Width) std::memcpy(out, in, Width * sizeof(Scalar));
  }
};

/// One side of a product: stored weights, widened panel by panel.
template <class Scalar>
struct stored_operand {
  stored_matrix w;
  operand_order order;  ///< along_k: y = x W^T; across_k: dx = dy W
  std::size_t outer;
  std::size_t k;

  static stored_operand along(const stored_matrix& w) noexcept {
    return {w, operand_order::along_k, w.rows, w.cols};
  }
  static stored_operand across(const stored_matrix& w) noexcept {
    return {w, operand_order::across_k, w.cols, w.rows};
  }

  /// As of `plain_operand`. @param scratch  pack_scratch(n_k) values
  template <class Element>
  void pack(const kernel_table& kernels, std::size_t first, std::size_t width, std::size_t k0,
            std::size_t n_k, Element* out, Scalar* scratch) const noexcept {
    const std::size_t rows = std::min(width, outer - first);
    if (is_plain()) {
      const plain_operand<Scalar> plain{reinterpret_cast<const Scalar*>(w.data), w.stride / sizeof(Scalar),
                                        outer, k, order};
      return plain.pack(kernels, first, width, k0, n_k, out, scratch);
    }
    if (order == operand_order::along_k) {
      if constexpr (std::is_same_v<Scalar, float>) {
        if (width == 16 && (w.type == tensor_type::q4_0 || w.type == tensor_type::q4_1)) {
          return through_panel(kernels, width, n_k, out, scratch, [&](float* to) {
            kernels.widen_panel(w.type, w.row(first) + row_bytes(w.type, k0), w.stride, rows, n_k, to);
          });
        }
      }
      for (std::size_t i = 0; i < rows; ++i) {
        widen(kernels, w.row(first + i) + row_bytes(w.type, k0), n_k, scratch + i * n_k);
      }
      const plain_operand<Scalar> plain{scratch, n_k, rows, n_k, operand_order::along_k};
      return plain.pack(kernels, 0, width, 0, n_k, out, scratch);
    }
    // Columns first .. first + rows of each of n_k weight rows; blocks do not start at any column.
    const std::size_t block = block_of(w.type).elements;
    const std::size_t begin = first / block * block;
    const std::size_t end = std::min((first + rows + block - 1) / block * block, w.cols);
    Scalar* const one_row = scratch + width * n_k;
    through_panel(kernels, width, n_k, out, scratch, [&](Scalar* to) {
      for (std::size_t j = 0; j < n_k; ++j, to += width) {
        widen(kernels, w.row(k0 + j) + row_bytes(w.type, begin), end - begin, one_row);
        std::copy_n(one_row + (first - begin), rows, to);
        std::fill(to + rows, to + width, Scalar(0));
      }
    });
  }
  /// As of `plain_operand`. Two panels lie in one block of columns, which is then widened once.
  template <class Element>
  void pack_panels(const kernel_table& kernels, std::size_t first_panel, std::size_t n_panel, std::size_t width,
                   std::size_t k0, std::size_t n_k, Element* out, std::size_t panel_stride,
                   Scalar* scratch) const noexcept {
    for (std::size_t p = 0; p < n_panel; ++p, out += panel_stride) {
      const std::size_t first = (first_panel + p) * width;
      if constexpr (std::is_same_v<Scalar, float>) {
        if (in_block_columns() && p + 1 < n_panel && 2 * width == int8_block && first % int8_block == 0) {
          Scalar* const right = scratch + width * n_k;
          through_panel(kernels, width, n_k, out, scratch, [&](Scalar* left) {
            kernels.widen_block_column(w.type, w.row(k0) + row_bytes(w.type, first), w.stride, n_k, left,
                                       std::is_same_v<Element, Scalar> ? left + panel_stride : right);
          });
          ++p;
          out += panel_stride;
          if constexpr (!std::is_same_v<Element, Scalar>) kernels.round_across(right, width, width, n_k, width, out);
          continue;
        }
      }
      pack(kernels, first, width, k0, n_k, out, scratch);
    }
  }
  /// Values of scratch that `pack` needs: two panels, or one and a row.
  static constexpr std::size_t pack_scratch(std::size_t n_k) noexcept {
    return gemm_nr<Scalar> * n_k + std::max<std::size_t>(gemm_nr<Scalar> * n_k, 1024);
  }

 private:
  // Lets `write` make a panel of Scalar: in place, or in scratch on its way to bf16.
  template <class Element, class Write>
  static void through_panel(const kernel_table& kernels, std::size_t width, std::size_t n_k, Element* out,
                            Scalar* scratch, Write write) noexcept {
    if constexpr (std::is_same_v<Element, Scalar>) {
      write(out);
    } else {
      write(scratch);
      kernels.round_across(scratch, width, width, n_k, width, out);
    }
  }
  [[nodiscard]] bool is_plain() const noexcept {
    return w.type == (sizeof(Scalar) == 8 ? tensor_type::f64 : tensor_type::f32);
  }
  [[nodiscard]] bool in_block_columns() const noexcept {
    return order == operand_order::across_k &&
           (w.type == tensor_type::q4_0 || w.type == tensor_type::q4_1 || w.type == tensor_type::q8_0);
  }
  void widen(const kernel_table& kernels, const std::byte* from, std::size_t n, Scalar* to) const noexcept {
    if constexpr (std::is_same_v<Scalar, float>) {
      kernels.widen(w.type, from, n, to);
    } else {
      io::dequantise_row(w.type, from, to, n);
    }
  }
};

enum class gemm_output { overwrite, accumulate };

/// What a product of floats may do to its operands.
enum class product_rounding : std::uint8_t {
  none,
  bf16,  ///< rounded to bf16 if the processor multiplies such pairs (AVX-512 BF16), twice as fast; sums stay f32
};

namespace detail {

// Values of k that a panel of `Element` holds for n of them: bf16 come in pairs.
template <class Element>
[[nodiscard]] constexpr std::size_t panel_k(std::size_t n) noexcept {
  return std::is_same_v<Element, bf16> ? (n + 1) / 2 * 2 : n;
}

}  // namespace detail

/// Left operand in panels of gemm_mr rows, made once and used by several products.
template <class Scalar>
class packed_rows {
 public:
  static constexpr std::size_t mr = gemm_mr<Scalar>;

  /// @param rounding  of both operands of the products that follow
  template <class Operand>
  void pack(workspace& ws, const Operand& a, product_rounding rounding = product_rounding::none) {
    outer_ = a.outer;
    k_ = a.k;
    rounded_ =
        std::is_same_v<Scalar, float> && rounding == product_rounding::bf16 && ws.kernels().gemm_tiles_bf16 != nullptr;
    if constexpr (std::is_same_v<Scalar, float>) {
      if (rounded_) return pack_into(ws, a, pairs_);
    }
    pack_into(ws, a, values_);
  }

  [[nodiscard]] std::size_t outer() const noexcept { return outer_; }
  [[nodiscard]] std::size_t k() const noexcept { return k_; }
  [[nodiscard]] bool rounded() const noexcept { return rounded_; }
  [[nodiscard]] std::size_t n_panel() const noexcept { return (outer_ + mr - 1) / mr; }
  /// Panel p from k0 on. Blocks of k follow one another, within each the panels.
  template <class Element>
  [[nodiscard]] const Element* panel(std::size_t p, std::size_t k0) const noexcept {
    if constexpr (std::is_same_v<Element, Scalar>) {
      return values_.data() + offset<Element>(p, k0);
    } else {
      return pairs_.data() + offset<Element>(p, k0);
    }
  }

 private:
  template <class Element>
  [[nodiscard]] std::size_t offset(std::size_t p, std::size_t k0) const noexcept {
    return n_panel() * mr * k0 + p * mr * detail::panel_k<Element>(std::min(gemm_k_block<Element>, k_ - k0));
  }
  template <class Element, class Operand>
  void pack_into(workspace& ws, const Operand& a, buffer<Element>& to) {
    constexpr std::size_t k_block = gemm_k_block<Element>;
    to.reserve_discarding(n_panel() * mr * detail::panel_k<Element>(k_));
    ws.reserve(Operand::pack_scratch(k_block) * sizeof(Scalar));
    ws.team().parallel_for(n_panel(), 4, [&](std::size_t begin, std::size_t end, std::size_t thread) {
      for (std::size_t k0 = 0; k0 < k_; k0 += k_block) {
        const std::size_t n = std::min(k_block, k_ - k0);
        a.pack_panels(ws.kernels(), begin, end - begin, mr, k0, n, to.data() + offset<Element>(begin, k0),
                      mr * detail::panel_k<Element>(n), ws.template scratch<Scalar>(thread));
      }
    });
  }

  std::size_t outer_ = 0;
  std::size_t k_ = 0;
  bool rounded_ = false;
  buffer<Scalar> values_;
  buffer<bf16> pairs_;
};

namespace detail {

// Panels of B that share a walk over the left operand: `shares` from the best on, fewer if that leaves no thread
// waiting for the last task.
template <class Element>
[[nodiscard]] constexpr std::size_t panels_of_task(std::size_t n_panel, std::size_t n_thread) noexcept {
  constexpr auto shares = std::is_same_v<Element, bf16> ? std::array<std::size_t, 5>{12, 8, 6, 4, 3}
                                                        : std::array<std::size_t, 5>{6, 4, 3, 2, 1};
  std::size_t best = shares[0], least = n_panel + best;
  for (const std::size_t panels : shares) {
    const std::size_t n_task = (n_panel + panels - 1) / panels;
    const std::size_t longest = (n_task + n_thread - 1) / n_thread * panels;
    if (longest < least) {
      best = panels;
      least = longest;
    }
  }
  return best;
}

// Full tiles: one panel of the left operand, n_panel of the right one.
template <class Element, class Scalar>
void multiply_panels(const kernel_table& kernels, std::size_t n_k, const Element* left, const Element* right,
                     std::size_t panel_stride, std::size_t n_panel, Scalar* c, std::size_t ldc,
                     bool accumulate) noexcept {
  if constexpr (std::is_same_v<Element, Scalar>) {
    const auto tile = gemm_tile_of<Scalar>(kernels);
    for (std::size_t p = 0; p < n_panel; ++p)
      tile(n_k, left, right + p * panel_stride, c + p * gemm_nr<Element>, ldc, accumulate);
  } else {
    kernels.gemm_tiles_bf16((n_k + 1) / 2, left, right, panel_stride, n_panel, c, ldc, accumulate);
  }
}

template <class Element, class Scalar, class Operand>
void gemm_packed(workspace& ws, const packed_rows<Scalar>& a, const Operand& b, matrix_view<Scalar> c,
                 gemm_output output) {
  constexpr std::size_t mr = gemm_mr<Element>, nr = gemm_nr<Element>;
  constexpr std::size_t k_block = gemm_k_block<Element>, panel_stride = nr * k_block;
  const std::size_t n_k = a.k();
  const std::size_t n_panel = (b.outer + nr - 1) / nr, n_full = b.outer / nr;
  const std::size_t panels_per_task = panels_of_task<Element>(n_panel, ws.team().size());
  // Packed panels, then scratch; both keep the alignment of 64 bytes.
  const std::size_t panel_values = panels_per_task * panel_stride * sizeof(Element) / sizeof(Scalar);
  ws.reserve((panel_values + Operand::pack_scratch(k_block)) * sizeof(Scalar));
  // If the panels make few tasks, each is cut into runs of rows long enough to pay for packing again.
  constexpr std::size_t least_rows = 64;
  const std::size_t n_group = (n_panel + panels_per_task - 1) / panels_per_task;
  const std::size_t n_run = n_group < 4 * ws.team().size() ? std::max<std::size_t>(a.n_panel() / least_rows, 1) : 1;
  ws.team().parallel_for(n_group * n_run, 1, [&](std::size_t task, std::size_t, std::size_t thread) {
    const std::size_t begin = task / n_run * panels_per_task, end = std::min(begin + panels_per_task, n_panel);
    const std::size_t full_end = std::min(end, n_full);
    const std::size_t first_row = a.n_panel() * (task % n_run) / n_run,
                      last_row = a.n_panel() * (task % n_run + 1) / n_run;
    Scalar* const memory = ws.template scratch<Scalar>(thread);
    auto* const packed = reinterpret_cast<Element*>(memory);
    alignas(64) Scalar edge[mr * nr];
    for (std::size_t k0 = 0; k0 < n_k; k0 += k_block) {
      const std::size_t n = std::min(k_block, n_k - k0);
      const bool add = k0 > 0 || output == gemm_output::accumulate;
      b.pack_panels(ws.kernels(), begin, end - begin, nr, k0, n, packed, panel_stride, memory + panel_values);
      for (std::size_t i = first_row; i < last_row; ++i) {
        const Element* left = a.template panel<Element>(i, k0);
        const std::size_t rows = std::min(mr, c.rows() - i * mr);
        std::size_t p = begin;
        if (rows == mr && full_end > begin) {
          multiply_panels(ws.kernels(), n, left, packed, panel_stride, full_end - begin, c.row(i * mr) + begin * nr,
                          c.stride(), add);
          p = full_end;
        }
        for (; p < end; ++p) {
          const std::size_t cols = std::min(nr, c.cols() - p * nr);
          multiply_panels(ws.kernels(), n, left, packed + (p - begin) * panel_stride, panel_stride, 1, edge, nr, false);
          for (std::size_t r = 0; r < rows; ++r) {
            Scalar* to = c.row(i * mr + r) + p * nr;
            for (std::size_t j = 0; j < cols; ++j) to[j] = add ? to[j] + edge[r * nr + j] : edge[r * nr + j];
          }
        }
      }
    }
  });
}

}  // namespace detail

/// c (m, n) = or += a (m, k) b (n, k)^T. Sums run over k in blocks, in the same order for every
/// element, whatever the number of threads.
///
/// @pre a.k() == b.k, c is (a.outer(), b.outer), c does not overlap the operands
/// Cost: 2 m n k flops.
template <class Scalar, class Operand>
void gemm(workspace& ws, const packed_rows<Scalar>& a, const Operand& b, matrix_view<Scalar> c,
          gemm_output output) {
  QUIPU_ASSERT(a.k() == b.k && c.rows() == a.outer() && c.cols() == b.outer);
  if (a.k() == 0 && output == gemm_output::overwrite) {
    for (std::size_t i = 0; i < c.rows(); ++i) std::fill_n(c.row(i), c.cols(), Scalar(0));
  }
  if constexpr (std::is_same_v<Scalar, float>) {
    if (a.rounded()) return detail::gemm_packed<bf16>(ws, a, b, c, output);
  }
  detail::gemm_packed<Scalar>(ws, a, b, c, output);
}

/// The same with a left operand that is used once.
template <class Scalar, class Left, class Right>
void gemm(workspace& ws, const Left& a, const Right& b, matrix_view<Scalar> c, gemm_output output) {
  // Slices of rows bound the packed copy: 768 rows are 3 MB for k = 1024.
  constexpr std::size_t slice = 768 / gemm_mr<Scalar> * gemm_mr<Scalar>;
  packed_rows<Scalar> packed;
  for (std::size_t first = 0; first < a.outer; first += slice) {
    Left part = a;
    part.outer = std::min(slice, a.outer - first);
    part.data += a.order == operand_order::along_k ? first * a.stride : first;
    packed.pack(ws, part);
    gemm(ws, packed, b, c.middle_rows(first, part.outer), output);
  }
}

}  // namespace quipu::linear
