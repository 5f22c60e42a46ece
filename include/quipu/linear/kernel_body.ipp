// Loops over vector registers that every instruction set compiles for itself: included inside
// `namespace quipu::linear::<set>`, where f32x and f64x name that set's registers.
// SPDX-License-Identifier: Apache-2.0

// Four sums: a product that stands alone has no others to hide the latency of its additions behind.
template <class Weight>
float dot_plain(const Weight* w, const float* x, std::size_t n) noexcept {
  constexpr std::size_t width = f32x::width;
  f32x sums[4] = {f32x::zero(), f32x::zero(), f32x::zero(), f32x::zero()};
  std::size_t k = 0;
  for (; k + 4 * width <= n; k += 4 * width) {
    QUIPU_UNROLL
    for (std::size_t i = 0; i < 4; ++i) sums[i] = fma(f32x::load(w + k + i * width), f32x::load(x + k + i * width), sums[i]);
  }
  for (; k + width <= n; k += width) sums[0] = fma(f32x::load(w + k), f32x::load(x + k), sums[0]);
  float sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum();
  for (; k < n; ++k) sum += static_cast<float>(w[k]) * x[k];
  return sum;
}

// Row after row: several side by side are faster from the first-level cache, but memory is read best in one stream.
template <class Weight>
void dot_rows_plain(const std::byte* w, std::size_t stride, std::size_t n_row, const float* x,
                    std::size_t n, float* y) noexcept {
  for (std::size_t i = 0; i < n_row; ++i) y[i] = dot_plain(reinterpret_cast<const Weight*>(w + i * stride), x, n);
}

// Blocks are widened piece by piece into the first-level cache.
inline void dot_rows_widened(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                             const float* x, std::size_t n, float* y) noexcept {
  constexpr std::size_t piece = 256;
  alignas(64) float wide[piece];
  for (std::size_t i = 0; i < n_row; ++i) {
    f32x even = f32x::zero(), odd = f32x::zero();
    float tail = 0;
    const std::byte* row = w + i * stride;
    for (std::size_t k = 0; k < n; k += piece) {
      const std::size_t count = n - k < piece ? n - k : piece;
      widen(type, row + row_bytes(type, k), count, wide);
      std::size_t j = 0;
      for (; j + 16 <= count; j += 16) {
        even = fma(f32x::load(wide + j), f32x::load(x + k + j), even);
        odd = fma(f32x::load(wide + j + 8), f32x::load(x + k + j + 8), odd);
      }
      for (; j < count; ++j) tail += wide[j] * x[k + j];
    }
    y[i] = (even + odd).sum() + tail;
  }
}

inline void dot_rows(tensor_type type, const std::byte* w, std::size_t stride, std::size_t n_row,
                     const float* x, std::size_t n, float* y) noexcept {
  switch (type) {
    case tensor_type::f32: return dot_rows_plain<float>(w, stride, n_row, x, n, y);
    case tensor_type::f16: return dot_rows_plain<f16>(w, stride, n_row, x, n, y);
    case tensor_type::bf16: return dot_rows_plain<bf16>(w, stride, n_row, x, n, y);
    default: return dot_rows_widened(type, w, stride, n_row, x, n, y);
  }
}

inline float dot(const float* x, const float* y, std::size_t n) noexcept { return dot_plain(x, y, n); }

template <class Weight>
void add_listed_plain(const std::byte* w, std::size_t stride, const std::uint32_t* rows, const float* c,
                      std::size_t n_listed, std::size_t first, std::size_t n, float* y) noexcept {
  constexpr std::size_t width = f32x::width;
  for (std::size_t i = 0; i < n_listed; ++i) {
    const Weight* row = reinterpret_cast<const Weight*>(w + rows[i] * stride) + first;
    const f32x factor = f32x::set1(c[i]);
    std::size_t j = 0;
    for (; j + width <= n; j += width) fma(f32x::load(row + j), factor, f32x::load(y + j)).store(y + j);
    for (; j < n; ++j) y[j] += static_cast<float>(row[j]) * c[i];
  }
}

inline void add_listed(tensor_type type, const std::byte* w, std::size_t stride, const std::uint32_t* rows,
                       const float* c, std::size_t n_listed, std::size_t first, std::size_t n, float* y) noexcept {
  switch (type) {
    case tensor_type::f32: return add_listed_plain<float>(w, stride, rows, c, n_listed, first, n, y);
    case tensor_type::f16: return add_listed_plain<f16>(w, stride, rows, c, n_listed, first, n, y);
    case tensor_type::bf16: return add_listed_plain<bf16>(w, stride, rows, c, n_listed, first, n, y);
    default: break;
  }
  constexpr std::size_t piece = 256;
  constexpr std::uint32_t own_row = 0;
  alignas(64) float wide[piece];
  for (std::size_t i = 0; i < n_listed; ++i) {
    for (std::size_t k = 0; k < n; k += piece) {
      const std::size_t count = n - k < piece ? n - k : piece;
      widen(type, w + rows[i] * stride + row_bytes(type, first + k), count, wide);
      add_listed_plain<float>(reinterpret_cast<const std::byte*>(wide), 0, &own_row, c + i, 1, 0, count, y + k);
    }
  }
}

template <class Register>
void gemm_tile(std::size_t k, const typename Register::value_type* a,
               const typename Register::value_type* b, typename Register::value_type* c,
               std::size_t ldc, bool accumulate) noexcept {
  using value_type = typename Register::value_type;
  constexpr std::size_t width = Register::width;
  constexpr int mr = static_cast<int>(gemm_mr<value_type>);
  static_assert(gemm_nr<value_type> == 2 * width);
  Register left[mr], right[mr];
  QUIPU_UNROLL
  for (int i = 0; i < mr; ++i) left[i] = right[i] = Register::zero();
  for (std::size_t j = 0; j < k; ++j) {
    const Register b0 = Register::load(b), b1 = Register::load(b + width);
    QUIPU_UNROLL
    for (int i = 0; i < mr; ++i) {
      const Register ai = Register::set1(a[i]);
      left[i] = fma(ai, b0, left[i]);
      right[i] = fma(ai, b1, right[i]);
    }
    a += mr;
    b += 2 * width;
  }
  QUIPU_UNROLL
  for (int i = 0; i < mr; ++i) {
    value_type* row = c + static_cast<std::size_t>(i) * ldc;
    if (accumulate) {
      left[i] = Register::load(row) + left[i];
      right[i] = Register::load(row + width) + right[i];
    }
    left[i].store(row);
    right[i].store(row + width);
  }
}
