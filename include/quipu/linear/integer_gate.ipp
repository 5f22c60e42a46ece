// What integer_gate.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/smallest_rounded.hpp>

namespace quipu::linear {

QUIPU_INLINE gate_bytes::gate_bytes(gate_shape shape)
    : gate_shape(shape),
      tiles(n_tile() * form().tile_bytes(integer_form::byte_lines)),
      scale(n_tile() * integer_tile_rows) {}

QUIPU_INLINE void gate_bytes::write(std::size_t neuron, const integer_weights& from) noexcept {
  constexpr std::size_t lines = integer_form::byte_lines;
  const std::size_t n = neuron % integer_tile_rows;
  std::byte* const to = tiles.data() + neuron / integer_tile_rows * form().tile_bytes(lines);
  scale[neuron] = from.scale;
  for (std::size_t g = 0; g < form().n_group; ++g) {
    to[integer_form::multipliers_at(g, lines) + n] = std::byte{from.multiplier[g]};
    std::byte* const group = to + integer_form::group_at(g, lines) + 4 * n;
    const std::int8_t* const q = from.q.data() + g * integer_group;
    for (std::size_t k = 0; k < lines; ++k) {
      std::uint8_t four[4];
      for (std::size_t j = 0; j < 4; ++j) four[j] = static_cast<std::uint8_t>(q[4 * k + j] + 128);
      std::memcpy(group + 64 * k, four, 4);
    }
  }
}

QUIPU_INLINE void gate_bytes::read(std::size_t neuron, integer_weights& to) const noexcept {
  constexpr std::size_t lines = integer_form::byte_lines;
  const std::size_t n = neuron % integer_tile_rows;
  const std::byte* const from = tile(neuron / integer_tile_rows);
  to.scale = scale[neuron];
  for (std::size_t g = 0; g < form().n_group; ++g) {
    to.multiplier[g] = std::to_integer<std::uint8_t>(from[integer_form::multipliers_at(g, lines) + n]);
    const std::byte* const group = from + integer_form::group_at(g, lines) + 4 * n;
    for (std::size_t j = 0; j < integer_group; ++j)
      to.q[g * integer_group + j] = static_cast<std::int8_t>(std::to_integer<int>(group[j / 4 * 64 + j % 4]) - 128);
  }
}

QUIPU_INLINE gate_planes::gate_planes(gate_shape shape)
    : gate_shape(shape),
      high(n_tile() * form().tile_bytes(integer_form::high_lines)),
      low(n_neuron * form().low_bytes()),
      scale(n_tile() * integer_tile_rows),
      dither(n_col) {}

QUIPU_INLINE void gate_planes::write(std::size_t neuron, const integer_weights& from) noexcept {
  constexpr std::size_t lines = integer_form::high_lines;
  const std::size_t n = neuron % integer_tile_rows;
  std::byte* const to = high.data() + neuron / integer_tile_rows * form().tile_bytes(lines);
  std::byte* const row = low.data() + neuron * form().low_bytes();
  scale[neuron] = from.scale;
  for (std::size_t g = 0; g < form().n_group; ++g) {
    to[integer_form::multipliers_at(g, lines) + n] = row[g] = std::byte{from.multiplier[g]};
    std::byte* const group = to + integer_form::group_at(g, lines) + 4 * n;
    std::byte* const low_line = row + form().low_multiplier_bytes() + g / 2 * integer_form::line;
    int v[integer_group];  // -112 .. 127
    for (std::size_t j = 0; j < integer_group; ++j) {
      const std::size_t at = g * integer_group + j;
      v[j] = from.q[at] + (at < n_col ? dither[at] : 0);
      const int nibble = v[j] & 15;
      low_line[j] = static_cast<std::byte>(g % 2 == 0 ? nibble : std::to_integer<int>(low_line[j]) | nibble << 4);
    }
    for (std::size_t k = 0; k < lines; ++k) {
      for (std::size_t j = 0; j < 4; ++j)
        group[64 * k + j] = static_cast<std::byte>(((v[8 * k + j] >> 4) + 8) | ((v[8 * k + 4 + j] >> 4) + 8) << 4);
    }
  }
}

QUIPU_INLINE void gate_planes::read(std::size_t neuron, integer_weights& to) const noexcept {
  constexpr std::size_t lines = integer_form::high_lines;
  const std::size_t n = neuron % integer_tile_rows;
  const std::byte *const from = tile(neuron / integer_tile_rows), *const row = low_row(neuron);
  to.scale = scale[neuron];
  for (std::size_t g = 0; g < form().n_group; ++g) {
    to.multiplier[g] = std::to_integer<std::uint8_t>(row[g]);
    const std::byte* const group = from + integer_form::group_at(g, lines) + 4 * n;
    const std::byte* const low_line = row + form().low_multiplier_bytes() + g / 2 * integer_form::line;
    for (std::size_t j = 0; j < integer_group; ++j) {
      const std::size_t at = g * integer_group + j;
      const int both = std::to_integer<int>(group[j / 8 * 64 + j % 4]), nibbles = std::to_integer<int>(low_line[j]);
      const int hi = (j % 8 < 4 ? both & 15 : both >> 4) - 8, lo = g % 2 == 0 ? nibbles & 15 : nibbles >> 4;
      to.q[at] = static_cast<std::int8_t>(16 * hi + lo - (at < n_col ? dither[at] : 0));
    }
  }
}

QUIPU_INLINE void gate_planes::draw_dither(std::uint64_t seed, std::uint64_t stream) {
  random_stream random(seed, stream);
  for (std::uint8_t& u : dither.span()) u = static_cast<std::uint8_t>(random.below(16));
}

QUIPU_INLINE std::string gate_planes::flaw() const {
  constexpr std::size_t lines = integer_form::high_lines;
  for (std::size_t neuron = 0; neuron < n_tile() * integer_tile_rows; ++neuron) {
    const bool is_one = neuron < n_neuron;
    if (!(std::isfinite(scale[neuron]) && scale[neuron] >= 0) || (!is_one && scale[neuron] != 0)) return concat("scale of neuron ", neuron, ": ", scale[neuron]);
    const std::byte* const of_tile = tile(neuron / integer_tile_rows);
    for (std::size_t g = 0; g < form().n_group; ++g) {
      const int high_one = std::to_integer<int>(of_tile[integer_form::multipliers_at(g, lines) + neuron % integer_tile_rows]);
      const int low_one = is_one ? std::to_integer<int>(low_row(neuron)[g]) : 0;
      if (high_one != low_one || high_one > largest_multiplier || (is_one && high_one == 0))
        return concat("multipliers of neuron ", neuron, ", columns from ", g * integer_group, " on: ", high_one, " and ", low_one);
    }
  }
  return {};
}

namespace detail {

/// Squared sizes of weights and of what rounding changed in them.
struct rounding_error {
  double changed = 0, whole = 0;
  bool finite = true;
};

/// w (64 n_group, zeros after the last column) to whole numbers.
QUIPU_INLINE rounding_error round_weights(const float* w, integer_weights& to) noexcept {
  const std::size_t n_group = to.multiplier.size();
  constexpr float most = largest_integer_weight;
  const auto largest = [&](std::size_t g) {
    float a = 0;
    for (std::size_t j = 0; j < integer_group; ++j) a = std::max(a, std::abs(w[g * integer_group + j]));
    return a;
  };
  rounding_error error;
  float row_largest = 0, check = 0;
  for (std::size_t g = 0; g < n_group; ++g) {
    row_largest = std::max(row_largest, largest(g));
    for (std::size_t j = 0; j < integer_group; ++j) check += w[g * integer_group + j] * 0;
  }
  error.finite = check == 0;
  // See `smallest_rounded`.
  to.scale = error.finite && row_largest > smallest_rounded ? row_largest / (most * largest_multiplier) : 0;
  for (std::size_t g = 0; g < n_group; ++g) {
    const float steps = to.scale > 0 ? std::ceil(largest(g) / (most * to.scale)) : 1;
    const auto m = static_cast<std::uint8_t>(std::clamp(steps, 1.0f, static_cast<float>(largest_multiplier)));
    to.multiplier[g] = m;
    const float step = to.scale * m, inverse = to.scale > 0 ? 1 / step : 0;
    double changed = 0, whole = 0;
    for (std::size_t j = g * integer_group; j < (g + 1) * integer_group; ++j) {
      const float v = std::clamp(error.finite ? w[j] * inverse : 0, -most, most);
      const long q = std::lrint(v);
      to.q[j] = static_cast<std::int8_t>(q);
      const double from = w[j], less = from - double{step} * static_cast<double>(q);
      changed += less * less;
      whole += from * from;
    }
    error.changed += changed;
    error.whole += whole;
  }
  return error;
}

/// A row's memory, of its own for each thread.
struct integer_row_memory {
  std::vector<std::int8_t> q;
  std::vector<std::uint8_t> multiplier;
  std::vector<float> wide;
  integer_weights weights;

  explicit integer_row_memory(std::size_t n_group)
      : q(n_group * integer_group), multiplier(n_group), wide(n_group * integer_group), weights{q, multiplier, 0} {}
  integer_row_memory(integer_row_memory&&) = default;  // vectors keep their memory, and spans of it stay right
};

}  // namespace detail

struct integer_gate::state {
  stored_matrix w;
  integer_gate_options options;
  std::mutex making;
  std::shared_ptr<const gate_bytes> bytes;
  std::shared_ptr<const gate_planes> planes;
  double relative_error = 0;

  state(const stored_matrix& weights, integer_gate_options o) : w(weights), options(std::move(o)) {}

  /// Brings every neuron's whole numbers into `to`.
  template <class Form>
  void fill(const thread_team& team, Form& to) {
    const std::size_t n_group = to.form().n_group, n_tile = to.n_tile();
    std::vector<detail::integer_row_memory> memory;
    for (std::size_t i = 0; i < team.size(); ++i) memory.emplace_back(n_group);
    std::vector<detail::rounding_error> errors(
        bytes || planes ? 0 : n_tile);  // added in order: the same for any number of threads
    std::atomic<std::size_t> bad{w.rows};
    team.parallel_for(n_tile, 4, [&](std::size_t begin, std::size_t end, std::size_t thread) {
      detail::integer_row_memory& own = memory[thread];
      for (std::size_t neuron = begin * integer_tile_rows; neuron < std::min(w.rows, end * integer_tile_rows);
           ++neuron) {
        if (bytes) {
          bytes->read(neuron, own.weights);
        } else if (planes) {
          planes->read(neuron, own.weights);
        } else {
          io::dequantise_row(w.type, w.row(neuron), own.wide.data(), w.cols);
          const detail::rounding_error error = detail::round_weights(own.wide.data(), own.weights);
          detail::rounding_error& sum = errors[neuron / integer_tile_rows];
          sum.changed += error.changed;
          sum.whole += error.whole;
          for (std::size_t first = bad.load();
               !error.finite && neuron < first && !bad.compare_exchange_weak(first, neuron);) {
          }
        }
        to.write(neuron, own.weights);
      }
    });
    if (bad < w.rows) refuse(bad);
    if (errors.empty()) return;
    double changed = 0, whole = 0;
    for (const detail::rounding_error& e : errors) {
      changed += e.changed;
      whole += e.whole;
    }
    relative_error = whole > 0 ? std::sqrt(changed / whole) : 0;
  }

  [[noreturn]] void refuse(std::size_t neuron) const {
    std::vector<float> row(w.cols);
    io::dequantise_row(w.type, w.row(neuron), row.data(), w.cols);
    std::size_t column = 0;
    while (column + 1 < w.cols && std::isfinite(row[column])) ++column;
    fail<config_error>(concat(options.name, ": row ", neuron, ", column ", column), "a finite weight", row[column]);
  }
};

QUIPU_INLINE integer_gate::integer_gate(const stored_matrix& w, integer_gate_options options) {
  if (w.cols > largest_integer_columns)
    fail<config_error>(concat(options.name, ": columns"), concat("at most ", largest_integer_columns), w.cols);
  float none = 0;
  io::dequantise_row(w.type, nullptr, &none, 0);  // throws if no weights have this type
  state_ = std::make_shared<state>(w, std::move(options));
}

QUIPU_INLINE integer_gate::integer_gate(const stored_matrix& w, std::shared_ptr<const gate_planes> planes, double relative_error, integer_gate_options options)
    : integer_gate(w, std::move(options)) {
  if (planes->n_neuron != w.rows || planes->n_col != w.cols) {
    fail<config_error>(concat(state_->options.name, ": planes"), concat("those of ", w.rows, " x ", w.cols, " weights"),
                       concat(planes->n_neuron, " x ", planes->n_col));
  }
  state_->planes = std::move(planes);
  state_->relative_error = relative_error;
}

QUIPU_INLINE std::size_t integer_gate::n_neuron() const noexcept { return state_ ? state_->w.rows : 0; }
QUIPU_INLINE std::size_t integer_gate::n_col() const noexcept { return state_ ? state_->w.cols : 0; }

QUIPU_INLINE std::shared_ptr<const gate_bytes> integer_gate::bytes(const thread_team& team) const {
  QUIPU_ASSERT(!empty());
  const std::lock_guard lock(state_->making);
  if (!state_->bytes) {
    const auto made = std::make_shared<gate_bytes>(gate_shape{state_->w.rows, state_->w.cols});
    state_->fill(team, *made);
    state_->bytes = made;
  }
  return state_->bytes;
}

QUIPU_INLINE std::shared_ptr<const gate_planes> integer_gate::planes(const thread_team& team) const {
  QUIPU_ASSERT(!empty());
  const std::lock_guard lock(state_->making);
  if (!state_->planes) {
    const auto made = std::make_shared<gate_planes>(gate_shape{state_->w.rows, state_->w.cols});
    made->draw_dither(state_->options.dither_seed, state_->options.dither_stream);
    state_->fill(team, *made);
    state_->planes = made;
  }
  return state_->planes;
}

QUIPU_INLINE bool integer_gate::has_bytes() const {
  if (!state_) return false;
  const std::lock_guard lock(state_->making);
  return state_->bytes != nullptr;
}
QUIPU_INLINE bool integer_gate::has_planes() const {
  if (!state_) return false;
  const std::lock_guard lock(state_->making);
  return state_->planes != nullptr;
}
QUIPU_INLINE double integer_gate::relative_error() const {
  if (!state_) return 0;
  const std::lock_guard lock(state_->making);
  return state_->relative_error;
}

}  // namespace quipu::linear
