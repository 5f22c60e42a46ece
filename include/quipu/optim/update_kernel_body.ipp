// One pass over values, gradients and moments per optimiser, written once over a register type and compiled
// inside the namespace of each instruction set. The tail runs through padded copies, so that every element
// sees the same arithmetic.
// SPDX-License-Identifier: Apache-2.0

template <class R, int Moments, class Update>
void update_rows(typename R::value_type* value, const typename R::value_type* gradient,
                 typename R::value_type* const* moments, std::size_t n, Update update) noexcept {
  using scalar = typename R::value_type;
  std::size_t i = 0;
  for (; i + R::width <= n; i += R::width) {
    R m[Moments == 0 ? 1 : Moments];
    QUIPU_UNROLL
    for (int j = 0; j < Moments; ++j) m[j] = R::load(moments[j] + i);
    update(R::load(value + i), R::load(gradient + i), m).store(value + i);
    QUIPU_UNROLL
    for (int j = 0; j < Moments; ++j) m[j].store(moments[j] + i);
  }
  if (i == n) return;
  scalar padded[2 + Moments][R::width] = {};
  for (std::size_t k = i; k < n; ++k) {
    padded[0][k - i] = value[k];
    padded[1][k - i] = gradient[k];
    for (int j = 0; j < Moments; ++j) padded[2 + j][k - i] = moments[j][k];
  }
  R m[Moments == 0 ? 1 : Moments];
  for (int j = 0; j < Moments; ++j) m[j] = R::load(padded[2 + j]);
  update(R::load(padded[0]), R::load(padded[1]), m).store(padded[0]);
  for (int j = 0; j < Moments; ++j) m[j].store(padded[2 + j]);
  for (std::size_t k = i; k < n; ++k) {
    value[k] = padded[0][k - i];
    for (int j = 0; j < Moments; ++j) moments[j][k] = padded[2 + j][k - i];
  }
}

// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, x = keep x - step m / (sqrt(v) / root + eps)
template <class R>
void adamw_update(const update_numbers<typename R::value_type>& c, typename R::value_type* value,
                  const typename R::value_type* gradient, typename R::value_type* const* moments,
                  std::size_t n) noexcept {
  const R scale = R::set1(c.gradient_scale), b1 = R::set1(c.beta1), b2 = R::set1(c.beta2);
  const R r1 = R::set1(c.rest1), r2 = R::set1(c.rest2), keep = R::set1(c.keep);
  const R step = R::set1(c.step), root = R::set1(c.root), eps = R::set1(c.eps);
  update_rows<R, 2>(value, gradient, moments, n, [&](R x, R g, R* m) {
    g = g * scale;
    m[0] = fma(b1, m[0], r1 * g);
    m[1] = fma(b2, m[1], r2 * g * g);
    return x * keep - step * m[0] / (sqrt(m[1]) / root + eps);
  });
}

// m = b1 m + g + decay x, x = x - step m (plain) or x - step (g + decay x + b1 m) (Nesterov)
template <class R>
void sgd_update(const update_numbers<typename R::value_type>& c, typename R::value_type* value,
                const typename R::value_type* gradient, typename R::value_type* const* moments,
                std::size_t n) noexcept {
  const R scale = R::set1(c.gradient_scale), b1 = R::set1(c.beta1), decay = R::set1(c.keep), step = R::set1(c.step);
  const bool nesterov = c.beta2 != 0;
  update_rows<R, 1>(value, gradient, moments, n, [&](R x, R g, R* m) {
    g = fma(decay, x, g * scale);
    m[0] = fma(b1, m[0], g);
    return x - step * (nesterov ? fma(b1, m[0], g) : m[0]);
  });
}

// x = keep x - step sign(b1 m + (1 - b1) g), m = b2 m + (1 - b2) g
template <class R>
void lion_update(const update_numbers<typename R::value_type>& c, typename R::value_type* value,
                 const typename R::value_type* gradient, typename R::value_type* const* moments,
                 std::size_t n) noexcept {
  const R scale = R::set1(c.gradient_scale), b1 = R::set1(c.beta1), b2 = R::set1(c.beta2);
  const R r1 = R::set1(c.rest1), r2 = R::set1(c.rest2), keep = R::set1(c.keep), step = R::set1(c.step);
  const R least = R::set1(std::numeric_limits<typename R::value_type>::denorm_min());
  update_rows<R, 1>(value, gradient, moments, n, [&](R x, R g, R* m) {
    g = g * scale;
    const R direction = fma(b1, m[0], r1 * g);
    m[0] = fma(b2, m[0], r2 * g);
    const R up = keep_if_at_least(step, direction, least);
    const R down = keep_if_at_least(step, R::zero() - direction, least);
    return x * keep - up + down;
  });
}

// The sum of squares of n values, in double.
template <class R>
double square_sum(const typename R::value_type* x, std::size_t n) noexcept {
  double total = 0;
  for (std::size_t first = 0; first < n; first += 1024) {  // short float sums keep their precision
    const std::size_t end = first + 1024 < n ? first + 1024 : n;
    R sums = R::zero();
    std::size_t i = first;
    for (; i + R::width <= end; i += R::width) sums = fma(R::load(x + i), R::load(x + i), sums);
    total += static_cast<double>(sums.sum());
    for (; i < end; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return total;
}

template <class R>
inline constexpr update_kernel_table<typename R::value_type> table{adamw_update<R>, sgd_update<R>, lion_update<R>,
                                                                   square_sum<R>};
