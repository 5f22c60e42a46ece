// Loops over rows of activations (norm, gates, rotation, attention), written once over a register type and
// compiled inside the namespace of each instruction set.
// SPDX-License-Identifier: Apache-2.0

template <class R>
void rms_norm(const typename R::value_type* x, const typename R::value_type* w,
              typename R::value_type eps, std::size_t n, typename R::value_type* out) noexcept {
  using scalar = typename R::value_type;
  R sums = R::zero();
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) {
    const R v = R::load(x + i);
    sums = fma(v, v, sums);
  }
  scalar square = sums.sum();
  for (; i < n; ++i) square += x[i] * x[i];
  const scalar scale = scalar(1) / std::sqrt(square / static_cast<scalar>(n) + eps);
  const R scales = R::set1(scale);
  for (i = 0; i + R::width <= n; i += R::width) (R::load(x + i) * scales * R::load(w + i)).store(out + i);
  for (; i < n; ++i) out[i] = x[i] * scale * w[i];
}

// out = f(gate) * up, where Gate maps a register. The tail runs through a padded copy, so that every
// element sees the same arithmetic.
template <class R, class Gate>
void gated(const typename R::value_type* gate, const typename R::value_type* up, std::size_t n,
           typename R::value_type* out, Gate f) noexcept {
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) (f(R::load(gate + i)) * R::load(up + i)).store(out + i);
  if (i == n) return;
  typename R::value_type padded[2 * R::width] = {};
  for (std::size_t j = i; j < n; ++j) {
    padded[j - i] = gate[j];
    padded[R::width + j - i] = up[j];
  }
  (f(R::load(padded)) * R::load(padded + R::width)).store(padded);
  for (std::size_t j = i; j < n; ++j) out[j] = padded[j - i];
}

template <class R>
void gate_silu(const typename R::value_type* gate, const typename R::value_type* up, std::size_t n,
               typename R::value_type* out) noexcept {
  gated<R>(gate, up, n, out, [](R x) { return x / (R::set1(1) + exp(R::zero() - x)); });
}

template <class R>
void gate_gelu_tanh(const typename R::value_type* gate, const typename R::value_type* up, std::size_t n,
                    typename R::value_type* out) noexcept {
  using scalar = typename R::value_type;
  // 0.5 x (1 + tanh(z)) = x / (1 + e^(-2 z)), z = sqrt(2 / pi) (x + 0.044715 x^3)
  gated<R>(gate, up, n, out, [](R x) {
    const R z = R::set1(scalar(0.79788456080286535588)) * fma(R::set1(scalar(0.044715)) * x * x, x, x);
    return x / (R::set1(1) + exp(R::set1(-2) * z));
  });
}

// x where x >= threshold and x > 0, else 0; NaN stays
template <class R>
void gate_threshold(const typename R::value_type* gate, const typename R::value_type* up,
                    typename R::value_type threshold, std::size_t n,
                    typename R::value_type* out) noexcept {
  using scalar = typename R::value_type;
  const R limit = R::set1(std::max(threshold, std::numeric_limits<scalar>::denorm_min()));
  gated<R>(gate, up, n, out, [&](R x) { return keep_unless_below(x, x, limit); });
}

// Rotates the pairs (i, i + half).
template <class R>
void rotate(typename R::value_type* x, const typename R::value_type* cosine,
            const typename R::value_type* sine, std::size_t half) noexcept {
  std::size_t i = 0;
  for (; i + R::width <= half; i += R::width) {
    const R a = R::load(x + i), b = R::load(x + half + i);
    const R c = R::load(cosine + i), s = R::load(sine + i);
    (a * c - b * s).store(x + i);
    (b * c + a * s).store(x + half + i);
  }
  for (; i < half; ++i) {
    const auto a = x[i], b = x[half + i];
    x[i] = a * cosine[i] - b * sine[i];
    x[half + i] = b * cosine[i] + a * sine[i];
  }
}

// Rows of 8-bit whole numbers end with their scale.
template <class scalar, class Kv>
scalar scale_of([[maybe_unused]] const Kv* row, [[maybe_unused]] std::size_t d) noexcept {
  if constexpr (std::is_same_v<Kv, std::int8_t>) {
    float scale;
    std::memcpy(&scale, row + d, sizeof scale);
    return static_cast<scalar>(scale);
  } else {
    return scalar(1);
  }
}

template <class R, class Kv>
void narrow(const typename R::value_type* x, std::size_t n, Kv* out) noexcept {
  using scalar = typename R::value_type;
  if constexpr (std::is_same_v<Kv, std::int8_t>) {
    scalar most = 0, not_finite = 0;
    for (std::size_t i = 0; i < n; ++i) {
      most = std::max(most, std::abs(x[i]));
      not_finite += x[i] * 0;
    }
    const float scale = static_cast<float>(most / 127 + not_finite);  // NaN if a value is not finite
    const scalar inverse = most > smallest_rounded && not_finite == 0 ? 127 / most : scalar(0);
    for (std::size_t i = 0; i < n; ++i) out[i] = inverse > 0 ? static_cast<std::int8_t>(std::nearbyint(x[i] * inverse)) : Kv(not_finite == 0 ? 0 : 1);
    std::memcpy(out + n, &scale, sizeof scale);
  } else if constexpr (std::is_same_v<Kv, bf16>) {
    for (std::size_t i = 0; i < n; ++i) out[i] = bf16(static_cast<float>(x[i]));
  } else {
    std::size_t i = 0;
    for (; i + R::width <= n; i += R::width) R::load(x + i).store(out + i);
    for (; i < n; ++i) {
      if constexpr (sizeof(Kv) == 2) {
        out[i] = Kv(static_cast<float>(x[i]));
      } else {
        out[i] = x[i];
      }
    }
  }
}

template <class R, int Queries, class Kv>
void scores_of(const typename R::value_type* q, std::size_t q_stride, const Kv* k, std::size_t k_stride,
               std::size_t n_key, std::size_t d, typename R::value_type scale,
               typename R::value_type* out, std::size_t out_stride) noexcept {
  using scalar = typename R::value_type;
  for (std::size_t j = 0; j < n_key; ++j, k += k_stride) {
    R sums[Queries];
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) sums[r] = R::zero();
    std::size_t i = 0;
    for (; i + R::width <= d; i += R::width) {
      const R key = R::load(k + i);
      QUIPU_UNROLL
      for (int r = 0; r < Queries; ++r) sums[r] = fma(R::load(q + r * q_stride + i), key, sums[r]);
    }
    const scalar key_scale = scale_of<scalar>(k, d) * scale;
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) {
      scalar sum = sums[r].sum();
      for (std::size_t t = i; t < d; ++t) sum += q[r * q_stride + t] * static_cast<scalar>(k[t]);
      out[r * out_stride + j] = sum * key_scale;
    }
  }
}

// The same for short heads, a register's width of keys at a time: a sum across a register would cost more than the
// products of so few values. Keys that are not there count as 0.
template <class R, int Queries>
void scores_of_columns(const typename R::value_type* q, std::size_t q_stride, const typename R::value_type* columns,
                       std::size_t n, std::size_t d, R scale, typename R::value_type* out, std::size_t out_stride) noexcept {
  R sums[Queries];
  QUIPU_UNROLL
  for (int r = 0; r < Queries; ++r) sums[r] = R::zero();
  for (std::size_t i = 0; i < d; ++i) {
    const R column = R::load(columns + i * R::width);
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) sums[r] = fma(R::set1(q[r * q_stride + i]), column, sums[r]);
  }
  if (n == R::width) {
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) (sums[r] * scale).store(out + r * out_stride);
    return;
  }
  for (int r = 0; r < Queries; ++r) {
    typename R::value_type padded[R::width];
    (sums[r] * scale).store(padded);
    for (std::size_t j = 0; j < n; ++j) out[r * out_stride + j] = padded[j];
  }
}

inline constexpr std::size_t short_head = 16;

template <class R, class Kv>
void scores_of_short_head(const typename R::value_type* q, std::size_t q_stride, std::size_t n_query, const Kv* k,
                          std::size_t k_stride, std::size_t n_key, std::size_t d, typename R::value_type scale,
                          typename R::value_type* out, std::size_t out_stride) noexcept {
  constexpr std::size_t width = R::width;
  alignas(64) typename R::value_type columns[short_head * width];
  for (std::size_t j = 0; j < n_key; j += width) {
    const std::size_t n = n_key - j < width ? n_key - j : width;
    for (std::size_t i = 0; i < d; i += width) {
      R block[width];
      QUIPU_UNROLL
      for (std::size_t t = 0; t < width; ++t) block[t] = t < n ? R::load(k + (j + t) * k_stride + i) : R::zero();
      transpose(block);
      QUIPU_UNROLL
      for (std::size_t t = 0; t < width; ++t) block[t].store(columns + (i + t) * width);
    }
    const R scales = R::set1(scale);
    std::size_t r = 0;
    for (; r + 8 <= n_query; r += 8) {
      scores_of_columns<R, 8>(q + r * q_stride, q_stride, columns, n, d, scales, out + r * out_stride + j, out_stride);
    }
    for (; r < n_query; ++r) {
      scores_of_columns<R, 1>(q + r * q_stride, q_stride, columns, n, d, scales, out + r * out_stride + j, out_stride);
    }
  }
}

// out[r][j] = scale * <q_r, k_j>
template <class R, class Kv>
void attention_scores(const typename R::value_type* q, std::size_t q_stride, std::size_t n_query,
                      const Kv* k, std::size_t k_stride, std::size_t n_key, std::size_t d,
                      typename R::value_type scale, typename R::value_type* out,
                      std::size_t out_stride) noexcept {
  if (!std::is_same_v<Kv, std::int8_t> && d <= short_head && d % R::width == 0) {  // by d alone: a row must not depend on its neighbours
    return scores_of_short_head<R>(q, q_stride, n_query, k, k_stride, n_key, d, scale, out, out_stride);
  }
  std::size_t r = 0;
  for (; r + 4 <= n_query; r += 4) {
    scores_of<R, 4>(q + r * q_stride, q_stride, k, k_stride, n_key, d, scale, out + r * out_stride, out_stride);
  }
  const auto rest = [&](auto count) {
    scores_of<R, count()>(q + r * q_stride, q_stride, k, k_stride, n_key, d, scale, out + r * out_stride, out_stride);
  };
  if (n_query - r == 3) rest(std::integral_constant<int, 3>());
  if (n_query - r == 2) rest(std::integral_constant<int, 2>());
  if (n_query - r == 1) rest(std::integral_constant<int, 1>());
}

template <class R, int Queries, class Kv>
void mix_of(const typename R::value_type* p, std::size_t p_stride, const Kv* v, std::size_t v_stride,
            std::size_t n_key, std::size_t d, typename R::value_type* out, std::size_t out_stride) noexcept {
  using scalar = typename R::value_type;
  std::size_t i = 0;
  for (; i + 2 * R::width <= d; i += 2 * R::width) {
    R left[Queries], right[Queries];
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) {
      left[r] = R::load(out + r * out_stride + i);
      right[r] = R::load(out + r * out_stride + i + R::width);
    }
    for (std::size_t j = 0; j < n_key; ++j) {
      const R v0 = R::load(v + j * v_stride + i), v1 = R::load(v + j * v_stride + i + R::width);
      const scalar scale = scale_of<scalar>(v + j * v_stride, d);
      QUIPU_UNROLL
      for (int r = 0; r < Queries; ++r) {
        const R weight = R::set1(p[r * p_stride + j] * scale);
        left[r] = fma(weight, v0, left[r]);
        right[r] = fma(weight, v1, right[r]);
      }
    }
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) {
      left[r].store(out + r * out_stride + i);
      right[r].store(out + r * out_stride + i + R::width);
    }
  }
  for (; i + R::width <= d; i += R::width) {  // short heads and remainders
    R sums[Queries];
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) sums[r] = R::load(out + r * out_stride + i);
    for (std::size_t j = 0; j < n_key; ++j) {
      const R value = R::load(v + j * v_stride + i);
      const scalar scale = scale_of<scalar>(v + j * v_stride, d);
      QUIPU_UNROLL
      for (int r = 0; r < Queries; ++r) sums[r] = fma(R::set1(p[r * p_stride + j] * scale), value, sums[r]);
    }
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) sums[r].store(out + r * out_stride + i);
  }
  for (; i < d; ++i) {
    QUIPU_UNROLL
    for (int r = 0; r < Queries; ++r) {
      scalar sum = out[r * out_stride + i];
      for (std::size_t j = 0; j < n_key; ++j)
        sum += p[r * p_stride + j] * scale_of<scalar>(v + j * v_stride, d) * static_cast<scalar>(v[j * v_stride + i]);
      out[r * out_stride + i] = sum;
    }
  }
}

// out_r += sum_j p[r][j] v_j
template <class R, class Kv>
void attention_mix(const typename R::value_type* p, std::size_t p_stride, std::size_t n_query, const Kv* v,
                   std::size_t v_stride, std::size_t n_key, std::size_t d, typename R::value_type* out,
                   std::size_t out_stride) noexcept {
  std::size_t r = 0;
  for (; r + 4 <= n_query; r += 4) {
    mix_of<R, 4>(p + r * p_stride, p_stride, v, v_stride, n_key, d, out + r * out_stride, out_stride);
  }
  const auto rest = [&](auto count) {
    mix_of<R, count()>(p + r * p_stride, p_stride, v, v_stride, n_key, d, out + r * out_stride, out_stride);
  };
  if (n_query - r == 3) rest(std::integral_constant<int, 3>());
  if (n_query - r == 2) rest(std::integral_constant<int, 2>());
  if (n_query - r == 1) rest(std::integral_constant<int, 1>());
}

// One step of the running softmax over a block of scores: replaces scores by e^(score - largest), scales
// what was summed before. Source: Milakov, Gimelshein 2018, algorithm 3.
template <class R>
void softmax_step(typename R::value_type* scores, std::size_t n, typename R::value_type& largest,
                  typename R::value_type& total, typename R::value_type* out, std::size_t d) noexcept {
  using scalar = typename R::value_type;
  R tops = R::set1(largest);
  std::size_t j = 0;
  for (; j + R::width <= n; j += R::width) tops = max(R::load(scores + j), tops);
  scalar top = tops.largest();
  for (; j < n; ++j) top = scores[j] > top ? scores[j] : top;
  if (top > largest) {
    const scalar shrink = std::exp(largest - top);
    total *= shrink;
    for (std::size_t i = 0; i < d; ++i) out[i] *= shrink;
    largest = top;
  }
  R sums = R::zero();
  const R shift = R::set1(largest);
  for (j = 0; j + R::width <= n; j += R::width) {
    const R e = exp_negative(R::load(scores + j) - shift);
    e.store(scores + j);
    sums = sums + e;
  }
  if (j < n) {  // the rest in a padded copy, whose padding adds nothing to a sum of 1 and more
    scalar padded[R::width];
    for (std::size_t i = 0; i < R::width; ++i) padded[i] = j + i < n ? scores[j + i] : -std::numeric_limits<scalar>::infinity();
    const R e = exp_negative(R::load(padded) - shift);
    e.store(padded);
    for (std::size_t i = 0; j + i < n; ++i) scores[j + i] = padded[i];
    sums = sums + e;
  }
  const scalar sum = sums.sum();
  total += sum;
}

// out = x * scale
template <class R>
void scale_row(const typename R::value_type* x, typename R::value_type scale, std::size_t n,
               typename R::value_type* out) noexcept {
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) (R::load(x + i) * R::set1(scale)).store(out + i);
  for (; i < n; ++i) out[i] = x[i] * scale;
}

template <class R>
inline constexpr row_kernel_table<typename R::value_type> row_table{
    rms_norm<R>, gate_silu<R>, gate_gelu_tanh<R>, gate_threshold<R>, rotate<R>, softmax_step<R>, scale_row<R>};
template <class R, class Kv>
inline constexpr kv_kernel_table<typename R::value_type, Kv> kv_table{narrow<R, Kv>, attention_scores<R, Kv>,
                                                                      attention_mix<R, Kv>};
