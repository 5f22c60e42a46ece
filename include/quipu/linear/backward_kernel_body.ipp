// Loops of the backward pass over rows of activations, written once over a register type and compiled
// inside the namespace of each instruction set.
// SPDX-License-Identifier: Apache-2.0

// y_i = x_i s w_i with s = (mean(x^2) + eps)^(-1/2), so
// dx_i = s w_i dy_i - x_i s^3 / n sum_j w_j dy_j x_j  and  dw_i = dy_i x_i s.
template <class R>
void rms_norm_backward(const typename R::value_type* x, const typename R::value_type* w,
                       typename R::value_type eps, const typename R::value_type* dy, std::size_t n,
                       typename R::value_type* dx, typename R::value_type* dw) noexcept {
  using scalar = typename R::value_type;
  R squares = R::zero(), products = R::zero();
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) {
    const R v = R::load(x + i);
    squares = fma(v, v, squares);
    products = fma(R::load(w + i) * R::load(dy + i), v, products);
  }
  scalar square = squares.sum(), product = products.sum();
  for (; i < n; ++i) {
    square += x[i] * x[i];
    product += w[i] * dy[i] * x[i];
  }
  const scalar scale = scalar(1) / std::sqrt(square / static_cast<scalar>(n) + eps);
  const scalar pull = scale * scale * scale * product / static_cast<scalar>(n);
  const R scales = R::set1(scale), pulls = R::set1(pull);
  for (i = 0; i + R::width <= n; i += R::width) {
    const R own = scales * R::load(w + i) * R::load(dy + i) - pulls * R::load(x + i);
    (R::load(dx + i) + own).store(dx + i);
  }
  for (; i < n; ++i) dx[i] += scale * w[i] * dy[i] - pull * x[i];
  if (dw == nullptr) return;
  for (i = 0; i + R::width <= n; i += R::width) {
    fma(R::load(dy + i), R::load(x + i) * scales, R::load(dw + i)).store(dw + i);
  }
  for (; i < n; ++i) dw[i] += dy[i] * (x[i] * scale);
}

// hidden = f(gate) * up:  d_gate = dh * up * f'(gate), d_up = dh * f(gate). Gate gives f and f' of a register.
// d_gate may be dh; hidden may be null. The tail runs through a padded copy.
template <class R, class Gate>
void gate_rows(const typename R::value_type* gate, const typename R::value_type* up,
               const typename R::value_type* dh, std::size_t n, typename R::value_type* d_gate,
               typename R::value_type* d_up, typename R::value_type* hidden, Gate g) noexcept {
  using scalar = typename R::value_type;
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) {
    R value, slope;
    g(R::load(gate + i), value, slope);
    const R u = R::load(up + i), d = R::load(dh + i);
    (d * u * slope).store(d_gate + i);
    (d * value).store(d_up + i);
    if (hidden != nullptr) (value * u).store(hidden + i);
  }
  if (i == n) return;
  scalar padded[3][R::width] = {};
  for (std::size_t j = i; j < n; ++j) {
    padded[0][j - i] = gate[j];
    padded[1][j - i] = up[j];
    padded[2][j - i] = dh[j];
  }
  R value, slope;
  g(R::load(padded[0]), value, slope);
  const R u = R::load(padded[1]), d = R::load(padded[2]);
  (d * u * slope).store(padded[0]);
  (d * value).store(padded[1]);
  (value * u).store(padded[2]);
  for (std::size_t j = i; j < n; ++j) {
    d_gate[j] = padded[0][j - i];
    d_up[j] = padded[1][j - i];
    if (hidden != nullptr) hidden[j] = padded[2][j - i];
  }
}

template <class R>
void silu_backward(const typename R::value_type* gate, const typename R::value_type* up,
                   const typename R::value_type* dh, std::size_t n, typename R::value_type* d_gate,
                   typename R::value_type* d_up, typename R::value_type* hidden) noexcept {
  const R one = R::set1(1);
  gate_rows<R>(gate, up, dh, n, d_gate, d_up, hidden, [&](R x, R& value, R& slope) {
    const R sigmoid = one / (one + exp(R::zero() - x));
    value = x * sigmoid;
    slope = sigmoid * fma(x, one - sigmoid, one);
  });
}

template <class R>
void gelu_tanh_backward(const typename R::value_type* gate, const typename R::value_type* up,
                        const typename R::value_type* dh, std::size_t n, typename R::value_type* d_gate,
                        typename R::value_type* d_up, typename R::value_type* hidden) noexcept {
  using scalar = typename R::value_type;
  const R one = R::set1(1), twice = R::set1(scalar(2 * 0.79788456080286535588));
  // value = x s with s = sigmoid(2 z), z = sqrt(2 / pi) (x + 0.044715 x^3)
  gate_rows<R>(gate, up, dh, n, d_gate, d_up, hidden, [&](R x, R& value, R& slope) {
    const R cube = R::set1(scalar(0.044715)) * x * x;
    const R sigmoid = one / (one + exp(R::zero() - twice * fma(cube, x, x)));
    const R inner = twice * fma(R::set1(3), cube, one);
    value = x * sigmoid;
    slope = sigmoid * fma(x * inner, one - sigmoid, one);
  });
}

// f(x) = x where x >= threshold and x > 0, else 0; f'(x) = 1 where f(x) > 0.
template <class R>
void threshold_backward(const typename R::value_type* gate, const typename R::value_type* up,
                        const typename R::value_type* dh, typename R::value_type threshold, std::size_t n,
                        typename R::value_type* d_gate, typename R::value_type* d_up,
                        typename R::value_type* hidden) noexcept {
  using scalar = typename R::value_type;
  const R one = R::set1(1), least = R::set1(std::numeric_limits<scalar>::denorm_min());
  const R limit = R::set1(std::max(threshold, std::numeric_limits<scalar>::denorm_min()));
  gate_rows<R>(gate, up, dh, n, d_gate, d_up, hidden, [&](R x, R& value, R& slope) {
    value = keep_unless_below(x, x, limit);
    slope = keep_if_at_least(one, value, least);
  });
}

// The inverse of the rotation of pairs (i, i + half).
template <class R>
void rotate_back(typename R::value_type* x, const typename R::value_type* cosine,
                 const typename R::value_type* sine, std::size_t half) noexcept {
  std::size_t i = 0;
  for (; i + R::width <= half; i += R::width) {
    const R a = R::load(x + i), b = R::load(x + half + i);
    const R c = R::load(cosine + i), s = R::load(sine + i);
    (a * c + b * s).store(x + i);
    (b * c - a * s).store(x + half + i);
  }
  for (; i < half; ++i) {
    const auto a = x[i], b = x[half + i];
    x[i] = a * cosine[i] + b * sine[i];
    x[half + i] = b * cosine[i] - a * sine[i];
  }
}

// The negative log probability of `target`; with `scale` != 0 logits become scale * (softmax - one-hot).
template <class R>
double cross_entropy(typename R::value_type* logits, std::size_t n, std::size_t target,
                     typename R::value_type scale) noexcept {
  using scalar = typename R::value_type;
  R tops = R::set1(logits[0]);
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) tops = max(tops, R::load(logits + i));
  scalar top = tops.largest();
  for (; i < n; ++i) top = logits[i] > top ? logits[i] : top;
  const scalar own = logits[target];
  const bool keep = scale != scalar(0);
  const R shift = R::set1(top);
  R sums = R::zero();
  for (i = 0; i + R::width <= n; i += R::width) {
    const R e = exp_negative(R::load(logits + i) - shift);
    sums = sums + e;
    if (keep) e.store(logits + i);
  }
  scalar sum = sums.sum();
  for (; i < n; ++i) {
    const scalar e = std::exp(logits[i] - top);
    sum += e;
    if (keep) logits[i] = e;
  }
  if (keep) {
    const scalar factor = scale / sum;
    const R factors = R::set1(factor);
    for (i = 0; i + R::width <= n; i += R::width) (R::load(logits + i) * factors).store(logits + i);
    for (; i < n; ++i) logits[i] *= factor;
    logits[target] -= scale;
  }
  return std::log(static_cast<double>(sum)) + (static_cast<double>(top) - static_cast<double>(own));
}

// One row of attention's backward pass: scores <q, k_j> become probabilities e^(scale score - log_sum), and
// dp_j = <do, v_j> become the gradients of the scores, scale p_j (dp_j - delta).
template <class R>
void attention_gradient(typename R::value_type* scores, typename R::value_type* dp, std::size_t n,
                        typename R::value_type scale, typename R::value_type log_sum,
                        typename R::value_type delta) noexcept {
  using scalar = typename R::value_type;
  const R scales = R::set1(scale), sums = R::set1(log_sum), deltas = R::set1(delta);
  const auto step = [&](const scalar* from_scores, const scalar* from_dp, scalar* to_scores, scalar* to_dp) {
    const R p = exp_negative(R::load(from_scores) * scales - sums);
    p.store(to_scores);
    (p * (R::load(from_dp) - deltas) * scales).store(to_dp);
  };
  std::size_t j = 0;
  for (; j + R::width <= n; j += R::width) step(scores + j, dp + j, scores + j, dp + j);
  if (j == n) return;
  scalar padded[2][R::width] = {};
  for (std::size_t i = j; i < n; ++i) {
    padded[0][i - j] = scores[i];
    padded[1][i - j] = dp[i];
  }
  step(padded[0], padded[1], padded[0], padded[1]);
  for (std::size_t i = j; i < n; ++i) {
    scores[i] = padded[0][i - j];
    dp[i] = padded[1][i - j];
  }
}

// Rows x Registers sums over k of a[i, k] b[k, j], each in the order of k.
template <class R, int Rows, int Registers>
void strided_tile(std::size_t n_k, const typename R::value_type* a, std::size_t a_row, std::size_t a_k,
                  const typename R::value_type* b, std::size_t b_k, typename R::value_type* c, std::size_t c_row,
                  bool accumulate) noexcept {
  R sums[Rows][Registers];
  QUIPU_UNROLL
  for (int i = 0; i < Rows; ++i) {
    QUIPU_UNROLL
    for (int j = 0; j < Registers; ++j) sums[i][j] = R::zero();
  }
  for (std::size_t k = 0; k < n_k; ++k, a += a_k, b += b_k) {
    R right[Registers];
    QUIPU_UNROLL
    for (int j = 0; j < Registers; ++j) right[j] = R::load(b + j * R::width);
    QUIPU_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const R left = R::set1(a[static_cast<std::size_t>(i) * a_row]);
      QUIPU_UNROLL
      for (int j = 0; j < Registers; ++j) sums[i][j] = fma(left, right[j], sums[i][j]);
    }
  }
  QUIPU_UNROLL
  for (int i = 0; i < Rows; ++i) {
    QUIPU_UNROLL
    for (int j = 0; j < Registers; ++j) {
      typename R::value_type* to = c + static_cast<std::size_t>(i) * c_row + j * R::width;
      if (accumulate) sums[i][j] = R::load(to) + sums[i][j];
      sums[i][j].store(to);
    }
  }
}

// c (m, n) = or += sum over k of a[i, k] b[k, j], from where the operands lie.
template <class R>
void strided_product(std::size_t m, std::size_t n, std::size_t n_k, const typename R::value_type* a, std::size_t a_row,
                     std::size_t a_k, const typename R::value_type* b, std::size_t b_k, typename R::value_type* c,
                     std::size_t c_row, bool accumulate) noexcept {
  std::size_t j = 0;
  for (; j + 2 * R::width <= n; j += 2 * R::width) {
    std::size_t i = 0;
    for (; i + 4 <= m; i += 4) strided_tile<R, 4, 2>(n_k, a + i * a_row, a_row, a_k, b + j, b_k, c + i * c_row + j, c_row, accumulate);
    for (; i < m; ++i) strided_tile<R, 1, 2>(n_k, a + i * a_row, a_row, a_k, b + j, b_k, c + i * c_row + j, c_row, accumulate);
  }
  if (j == n) return;
  std::size_t i = 0;
  for (; i + 8 <= m; i += 8) strided_tile<R, 8, 1>(n_k, a + i * a_row, a_row, a_k, b + j, b_k, c + i * c_row + j, c_row, accumulate);
  for (; i < m; ++i) strided_tile<R, 1, 1>(n_k, a + i * a_row, a_row, a_k, b + j, b_k, c + i * c_row + j, c_row, accumulate);
}

template <class R>
typename R::value_type dot(const typename R::value_type* a, const typename R::value_type* b,
                           std::size_t n) noexcept {
  R sums = R::zero();
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) sums = fma(R::load(a + i), R::load(b + i), sums);
  auto sum = sums.sum();
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// y += scale * x
template <class R>
void add_scaled(const typename R::value_type* x, typename R::value_type scale, std::size_t n,
                typename R::value_type* y) noexcept {
  const R scales = R::set1(scale);
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) fma(scales, R::load(x + i), R::load(y + i)).store(y + i);
  for (; i < n; ++i) y[i] += scale * x[i];
}

template <class R>
inline constexpr backward_kernel_table<typename R::value_type> table{
    rms_norm_backward<R>, silu_backward<R>,      gelu_tanh_backward<R>, threshold_backward<R>, rotate_back<R>,
    cross_entropy<R>,     attention_gradient<R>, dot<R>,                add_scaled<R>,         strided_product<R>};
