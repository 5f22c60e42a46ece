// Loops over listed neurons that every instruction set compiles for itself: included inside `namespace quipu::linear::<set>`,
// where `Ops` is that set's `neuron_ops`. Rows are walked block by block (32 columns), and those of a group side by side: for each
// row of a group the same operations in the same order, however large the group is.
// SPDX-License-Identifier: Apache-2.0

/// Blocks whose scales are widened ahead of their codes: eight rows' fill an eighth of a first-level cache.
inline constexpr std::size_t scale_piece = 128;

/// What a block's numbers are multiplied with, for each row of a group.
template <class Ops, row_form Form, int Rows>
using row_factors = typename Ops::scalar[Rows][has_scales(Form) ? scale_piece : 1];

/// Blocks first .. last of a group's rows.
template <class Ops, row_form Form, int Rows>
QUIPU_ALWAYS_INLINE void widen_scales(const std::byte* const (&row)[Rows], std::size_t n_col, std::size_t first, std::size_t last,
                                      row_factors<Ops, Form, Rows>& scales) noexcept {
  if constexpr (has_scales(Form)) {
    for (int r = 0; r < Rows; ++r) Ops::widen_scales(row[r] + scales_at(Form, n_col) + 2 * first, last - first, scales[r]);
  }
}

/// Where the rows are that a list goes on with; those of a list's end stand for what does not follow.
using next_rows = const std::byte*[8];

/// Asks for the lines that hold bytes at .. at + n of all next rows. The processor's own prefetcher has to find out anew about
/// each group of rows, and what it brings too late the arithmetic does not make up for: half of the speed on Zen 4.
QUIPU_ALWAYS_INLINE void fetch(const next_rows& next, std::size_t at, std::size_t n) noexcept {
  for (std::size_t line = (at + 63) / 64 * 64; line < at + n; line += 64) {
    QUIPU_UNROLL
    for (int r = 0; r < 8; ++r) __builtin_prefetch(next[r] + line, 0, 2);  // to the second-level cache
  }
}

/// sums[r] += one block of row r times x; the scale is that of the block's own sum.
template <class Ops, row_form Form, int Rows>
QUIPU_ALWAYS_INLINE void add_dots(const std::byte* const (&row)[Rows], std::size_t at, const row_factors<Ops, Form, Rows>& scales,
                                  std::size_t b, const typename Ops::scalar* x, typename Ops::values (&sums)[Rows]) noexcept {
  using values = typename Ops::values;
  constexpr int n = static_cast<int>(row_block / Ops::width);
  values xs[n];
  QUIPU_UNROLL
  for (int i = 0; i < n; ++i) xs[i] = Ops::load(x + static_cast<std::size_t>(i) * Ops::width);
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    values w[n];
    Ops::template load_block<Form>(row[r] + at, w);
    values sum = Ops::product(w[0], xs[0]);
    QUIPU_UNROLL
    for (int i = 1; i < n; ++i) sum = Ops::fma(w[i], xs[i], sum);
    if constexpr (has_scales(Form)) {
      sums[r] = Ops::fma(Ops::set1(scales[r][b]), sum, sums[r]);
    } else {
      sums[r] = Ops::sum_of(sums[r], sum);
    }
  }
}

template <class Ops, row_form Form, int Rows>
void dot_group(const neuron_view& w, const std::uint32_t* rows, const typename Ops::scalar* x, typename Ops::scalar* out,
               const next_rows& next) noexcept {
  using scalar = typename Ops::scalar;
  constexpr std::size_t bytes = block_bytes(Form);
  const std::byte* row[Rows];
  typename Ops::values sums[Rows];
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    row[r] = w.row(rows[r]);
    sums[r] = Ops::zero();
  }
  alignas(64) row_factors<Ops, Form, Rows> scales;
  const std::size_t n_block = row_blocks(w.cols), n_whole = w.cols / row_block;
  for (std::size_t first = 0; first < n_block; first += scale_piece) {
    const std::size_t last = first + scale_piece < n_block ? first + scale_piece : n_block;
    widen_scales<Ops, Form, Rows>(row, w.cols, first, last, scales);
    if constexpr (has_scales(Form)) fetch(next, scales_at(Form, w.cols) + 2 * first, 2 * (last - first));
    const std::size_t last_whole = last < n_whole ? last : n_whole;
    for (std::size_t b = first; b < last_whole; ++b) {
      fetch(next, b * bytes, bytes);
      add_dots<Ops, Form, Rows>(row, b * bytes, scales, b - first, x + b * row_block, sums);
    }
  }
  if (n_whole != n_block) {  // rows are filled up with zeros, and so is x here
    alignas(64) scalar rest[row_block] = {};
    for (std::size_t k = n_whole * row_block; k < w.cols; ++k) rest[k % row_block] = x[k];
    add_dots<Ops, Form, Rows>(row, n_whole * bytes, scales, n_whole % scale_piece, rest, sums);
  }
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) out[r] = Ops::sum(sums[r]);
}

/// y += factors[r] times blocks b .. b + Blocks of row r, row after row, y being in registers meanwhile.
template <class Ops, row_form Form, int Rows, int Blocks>
QUIPU_ALWAYS_INLINE void add_blocks(const std::byte* const (&row)[Rows], std::size_t at,
                                    const row_factors<Ops, Form, Rows>& factors, std::size_t b, typename Ops::scalar* y) noexcept {
  using values = typename Ops::values;
  constexpr int n = static_cast<int>(row_block / Ops::width);
  values sums[Blocks * n];
  QUIPU_UNROLL
  for (int i = 0; i < Blocks * n; ++i) sums[i] = Ops::load(y + static_cast<std::size_t>(i) * Ops::width);
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    QUIPU_UNROLL
    for (int k = 0; k < Blocks; ++k) {
      const auto block = static_cast<std::size_t>(k);
      values w[n];
      Ops::template load_block<Form>(row[r] + at + block * block_bytes(Form), w);
      const values factor = Ops::set1(factors[r][has_scales(Form) ? b + block : 0]);
      QUIPU_UNROLL
      for (int i = 0; i < n; ++i) sums[k * n + i] = Ops::fma(factor, w[i], sums[k * n + i]);
    }
  }
  QUIPU_UNROLL
  for (int i = 0; i < Blocks * n; ++i) Ops::store(sums[i], y + static_cast<std::size_t>(i) * Ops::width);
}

template <class Ops, row_form Form, int Rows>
void add_group(const neuron_view& w, const std::uint32_t* rows, const typename Ops::scalar* c, std::size_t first_col,
               std::size_t n_col, typename Ops::scalar* y, const next_rows& next) noexcept {
  using scalar = typename Ops::scalar;
  constexpr int together = Ops::blocks_together;
  constexpr std::size_t bytes = block_bytes(Form);
  const std::byte* row[Rows];
  QUIPU_UNROLL
  for (int r = 0; r < Rows; ++r) row[r] = w.row(rows[r]);
  alignas(64) row_factors<Ops, Form, Rows> factors;
  if constexpr (!has_scales(Form)) {
    for (int r = 0; r < Rows; ++r) factors[r][0] = c[r];
  }
  const std::size_t begin = first_col / row_block, end = begin + row_blocks(n_col), whole_end = begin + n_col / row_block;
  for (std::size_t first = begin; first < end; first += scale_piece) {
    const std::size_t last = first + scale_piece < end ? first + scale_piece : end;
    widen_scales<Ops, Form, Rows>(row, w.cols, first, last, factors);
    if constexpr (has_scales(Form)) {
      for (int r = 0; r < Rows; ++r) Ops::scale_all(c[r], last - first, factors[r]);
    }
    if constexpr (has_scales(Form)) fetch(next, scales_at(Form, w.cols) + 2 * first, 2 * (last - first));
    const std::size_t last_whole = last < whole_end ? last : whole_end;
    std::size_t b = first;
    for (; b + together <= last_whole; b += together) {
      fetch(next, b * bytes, together * bytes);
      add_blocks<Ops, Form, Rows, together>(row, b * bytes, factors, b - first, y + (b - begin) * row_block);
    }
    for (; b < last_whole; ++b)
      add_blocks<Ops, Form, Rows, 1>(row, b * bytes, factors, b - first, y + (b - begin) * row_block);
  }
  if (whole_end != end) {
    alignas(64) scalar rest[row_block] = {};
    const std::size_t from = (whole_end - begin) * row_block;
    for (std::size_t k = from; k < n_col; ++k) rest[k - from] = y[k];
    add_blocks<Ops, Form, Rows, 1>(row, whole_end * bytes, factors, (whole_end - begin) % scale_piece, rest);
    for (std::size_t k = from; k < n_col; ++k) y[k] = rest[k - from];
  }
}

/// Calls group(number of rows, where in the list, what follows) for all of a list. Eight rows are as many as the processor's
/// prefetcher follows; what is left is walked in groups too.
template <class Group>
QUIPU_ALWAYS_INLINE void in_groups(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const Group& group) noexcept {
  std::size_t i = 0;
  next_rows next;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t r = 0; r < 8; ++r) next[r] = w.row(rows[i + 8 + r < n ? i + 8 + r : n - 1]);
    group(std::integral_constant<int, 8>(), i, next);
  }
  if (i == n) return;
  for (const std::byte*& each : next) each = w.row(rows[n - 1]);
  if (i + 4 <= n) {
    group(std::integral_constant<int, 4>(), i, next);
    i += 4;
  }
  if (i + 2 <= n) {
    group(std::integral_constant<int, 2>(), i, next);
    i += 2;
  }
  if (i < n) group(std::integral_constant<int, 1>(), i, next);
}

template <class Ops, row_form Form>
void dot_form(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const typename Ops::scalar* x,
              typename Ops::scalar* out) noexcept {
  in_groups(w, rows, n, [&](auto size, std::size_t i, const next_rows& next) __attribute__((always_inline)) {
    dot_group<Ops, Form, size>(w, rows + i, x, out + i, next);
  });
}

template <class Ops, row_form Form>
void add_form(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const typename Ops::scalar* c, std::size_t first,
              std::size_t n_col, typename Ops::scalar* y) noexcept {
  in_groups(w, rows, n, [&](auto size, std::size_t i, const next_rows& next) __attribute__((always_inline)) {
    add_group<Ops, Form, size>(w, rows + i, c + i, first, n_col, y, next);
  });
}

template <class Ops, row_form Form>
void widen_form(const neuron_view& w, std::size_t row_number, std::size_t first_col, std::size_t n_col,
                typename Ops::scalar* out) noexcept {
  using scalar = typename Ops::scalar;
  using values = typename Ops::values;
  constexpr int n = static_cast<int>(row_block / Ops::width);
  const std::byte* const row[1] = {w.row(row_number)};
  const std::size_t begin = first_col / row_block, end = begin + row_blocks(n_col), whole_end = begin + n_col / row_block;
  alignas(64) row_factors<Ops, Form, 1> scales;
  for (std::size_t first = begin; first < end; first += scale_piece) {
    const std::size_t last = first + scale_piece < end ? first + scale_piece : end;
    widen_scales<Ops, Form, 1>(row, w.cols, first, last, scales);
    for (std::size_t b = first; b < last; ++b) {
      values block[n];
      Ops::template load_block<Form>(row[0] + b * block_bytes(Form), block);
      if constexpr (has_scales(Form)) {
        QUIPU_UNROLL
        for (int i = 0; i < n; ++i) block[i] = Ops::product(block[i], Ops::set1(scales[0][b - first]));
      }
      alignas(64) scalar rest[row_block];
      scalar* const to = b < whole_end ? out + (b - begin) * row_block : rest;
      QUIPU_UNROLL
      for (int i = 0; i < n; ++i) Ops::store(block[i], to + static_cast<std::size_t>(i) * Ops::width);
      for (std::size_t k = (b - begin) * row_block; b >= whole_end && k < n_col; ++k) out[k] = rest[k % row_block];
    }
  }
}

template <class Ops>
void dot_neurons(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const typename Ops::scalar* x,
                 typename Ops::scalar* out) noexcept {
  using enum row_form;
  switch (w.form) {
    case f64: return dot_form<Ops, f64>(w, rows, n, x, out);
    case f32: return dot_form<Ops, f32>(w, rows, n, x, out);
    case f16: return dot_form<Ops, f16>(w, rows, n, x, out);
    case bf16: return dot_form<Ops, bf16>(w, rows, n, x, out);
    case q8: return dot_form<Ops, q8>(w, rows, n, x, out);
    case q4: return dot_form<Ops, q4>(w, rows, n, x, out);
  }
}

template <class Ops>
void add_neurons(const neuron_view& w, const std::uint32_t* rows, std::size_t n, const typename Ops::scalar* c, std::size_t first,
                 std::size_t n_col, typename Ops::scalar* y) noexcept {
  using enum row_form;
  switch (w.form) {
    case f64: return add_form<Ops, f64>(w, rows, n, c, first, n_col, y);
    case f32: return add_form<Ops, f32>(w, rows, n, c, first, n_col, y);
    case f16: return add_form<Ops, f16>(w, rows, n, c, first, n_col, y);
    case bf16: return add_form<Ops, bf16>(w, rows, n, c, first, n_col, y);
    case q8: return add_form<Ops, q8>(w, rows, n, c, first, n_col, y);
    case q4: return add_form<Ops, q4>(w, rows, n, c, first, n_col, y);
  }
}

template <class Ops>
void widen_neurons(const neuron_view& w, std::size_t first_row, std::size_t n_row, std::size_t first, std::size_t n_col,
                   typename Ops::scalar* out, std::size_t ld) noexcept {
  for (std::size_t i = first_row; i < first_row + n_row; ++i, out += ld) {
    using enum row_form;
    switch (w.form) {
      case f64: widen_form<Ops, f64>(w, i, first, n_col, out); break;
      case f32: widen_form<Ops, f32>(w, i, first, n_col, out); break;
      case f16: widen_form<Ops, f16>(w, i, first, n_col, out); break;
      case bf16: widen_form<Ops, bf16>(w, i, first, n_col, out); break;
      case q8: widen_form<Ops, q8>(w, i, first, n_col, out); break;
      case q4: widen_form<Ops, q4>(w, i, first, n_col, out); break;
    }
  }
}

template <class Ops>
inline constexpr neuron_kernel_table<typename Ops::scalar> neuron_table{
    .set = Ops::set, .dot = dot_neurons<Ops>, .add = add_neurons<Ops>, .widen = widen_neurons<Ops>};
