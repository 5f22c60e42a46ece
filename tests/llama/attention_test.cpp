// Attention over cached keys, beside its definition in double.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/llama/attention.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <quipu/core/isa.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/linear/row_kernels.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/kv_cache.hpp>

#include "support/random_weights.hpp"

namespace quipu_attention_test {

namespace llama = quipu::llama;

quipu::io::model_config shape(std::size_t n_head, std::size_t n_kv_head, std::size_t d_head) {
  quipu::io::model_config c;
  c.n_layer = 2, c.n_head = n_head, c.n_kv_head = n_kv_head, c.d_head = d_head;
  return c;
}

/// A sequence of random keys and values, of which layer 1 is looked at.
template <class Kv>
struct sequence {
  quipu::io::model_config c;
  std::size_t length;
  llama::kv_cache<Kv> cache;
  std::vector<float> keys, values;  // (length, n_kv_head, d_head) as they are stored

  sequence(const quipu::io::model_config& config, std::size_t n, std::size_t n_at_once)
      : c(config), length(n), cache({config.n_layer, config.n_kv_head, config.d_head}), keys(n * config.d_kv()), values(n * config.d_kv()) {
    const auto k = quipu::test::random_values(n * c.d_kv(), 1), v = quipu::test::random_values(n * c.d_kv(), 2);
    for (std::size_t t = 0; t < n; t += n_at_once) {  // pages come as they are asked for
      const std::size_t end = std::min(t + n_at_once, n);
      cache.prepare(end);
      for (std::size_t p = t; p < end; ++p) {
        for (std::size_t h = 0; h < c.n_kv_head; ++h) {
          for (std::size_t i = 0; i < c.d_head; ++i) {
            const std::size_t at = (p * c.n_kv_head + h) * c.d_head + i;
            if constexpr (!std::is_same_v<Kv, std::int8_t>) {
              cache.key(1, h, p)[i] = Kv(k[at]);
              cache.value(1, h, p)[i] = Kv(v[at]);
              keys[at] = static_cast<float>(Kv(k[at]));
              values[at] = static_cast<float>(Kv(v[at]));
            }
          }
          if constexpr (std::is_same_v<Kv, std::int8_t>) {
            const std::size_t at = (p * c.n_kv_head + h) * c.d_head;
            write_rounded(&k[at], cache.key(1, h, p), &keys[at]);
            write_rounded(&v[at], cache.value(1, h, p), &values[at]);
          }
        }
      }
      cache.commit(end);
    }
  }

  /// d_head whole numbers of at most 127 and their scale.
  void write_rounded(const float* x, std::int8_t* row, float* kept) const {
    float most = 0;
    for (std::size_t i = 0; i < c.d_head; ++i) most = std::max(most, std::abs(x[i]));
    const float scale = most / 127;
    for (std::size_t i = 0; i < c.d_head; ++i) {
      row[i] = static_cast<std::int8_t>(std::nearbyint(x[i] / scale));
      kept[i] = static_cast<float>(row[i]) * scale;
    }
    std::memcpy(row + c.d_head, &scale, sizeof scale);
  }

  /// What rows at positions first .. get, by the definition.
  [[nodiscard]] std::vector<double> wanted(const std::vector<float>& q, std::size_t first) const {
    std::vector<double> out(q.size());
    const std::size_t n_row = q.size() / c.d_q();
    for (std::size_t t = 0; t < n_row; ++t) {
      for (std::size_t h = 0; h < c.n_head; ++h) {
        const float* const own = q.data() + t * c.d_q() + h * c.d_head;
        const std::size_t kv_head = h / (c.n_head / c.n_kv_head);
        std::vector<double> p;
        for (std::size_t j = 0; j <= first + t; ++j) {
          double dot = 0;
          for (std::size_t i = 0; i < c.d_head; ++i) dot += double{own[i]} * double{keys[(j * c.n_kv_head + kv_head) * c.d_head + i]};
          p.push_back(dot / std::sqrt(static_cast<double>(c.d_head)));
        }
        const double top = *std::max_element(p.begin(), p.end());
        double total = 0;
        for (double& each : p) total += each = std::exp(each - top);
        for (std::size_t j = 0; j < p.size(); ++j) {
          for (std::size_t i = 0; i < c.d_head; ++i)
            out[t * c.d_q() + h * c.d_head + i] += p[j] / total * double{values[(j * c.n_kv_head + kv_head) * c.d_head + i]};
        }
      }
    }
    return out;
  }

  /// What `attend` gives to the rows, all in one batch.
  [[nodiscard]] std::vector<float> got(const std::vector<float>& q, std::size_t first, std::size_t n_thread,
                                       const quipu::linear::kernel_table& kernels = quipu::linear::best_kernels()) {
    const std::size_t n_row = q.size() / c.d_q();
    std::vector<float> out(q.size(), NAN);
    llama::kv_cache<Kv>* caches[] = {&cache};
    const llama::cached_context<Kv> context(caches);
    const std::vector<llama::row_segment> segments = {{0, 0, n_row, first, 0}};
    quipu::linear::workspace ws(quipu::thread_team(n_thread), kernels);
    llama::attend<float>(ws, c, context, 1, llama::attention_plan(segments), {q.data(), n_row, c.d_q()}, {out.data(), n_row, c.d_q()}, nullptr);
    return out;
  }
};

template <class Kv>
void check(const quipu::io::model_config& c) {
  sequence<Kv> s(c, 1300, 70);
  for (const std::size_t first : {0, 500, 511, 512, 1100}) {
    const auto q = quipu::test::random_values(40 * c.d_q(), first + 3);
    const auto wanted = s.wanted(q, first);
    const auto together = s.got(q, first, 2);
    double worst = 0;
    for (std::size_t i = 0; i < q.size(); ++i) worst = std::max(worst, std::abs(double{together[i]} - wanted[i]));
    INFO(c.n_head << " heads of " << c.d_head << ", from position " << first);
    CHECK(worst < 2e-6);
    for (const std::size_t n_thread : {1, 3, 7}) CHECK(s.got(q, first, n_thread) == together);
    for (const std::size_t t : {0, 17, 39}) {  // a row alone, as where tokens are generated
      const auto at = static_cast<std::ptrdiff_t>(t * c.d_q()), d = static_cast<std::ptrdiff_t>(c.d_q());
      const std::vector<float> row(q.begin() + at, q.begin() + at + d);
      const auto alone = s.got(row, first + t, 3);
      CHECK(std::equal(alone.begin(), alone.end(), together.begin() + at));
    }
    for (const quipu::instruction_set set : quipu::instruction_sets) {
      if (!quipu::has_instruction_set(set)) continue;
      const auto here = s.got(q, first, 2, quipu::linear::kernels_for(set));
      worst = 0;
      for (std::size_t i = 0; i < q.size(); ++i) worst = std::max(worst, std::abs(double{here[i]} - wanted[i]));
      INFO(quipu::name_of(set));
      CHECK(worst < 2e-6);
    }
  }
}

TEST_CASE("attention is its definition, whatever rows stand beside a row and however many threads there are", "[llama][attention]") {
  check<quipu::f16>(shape(9, 3, 64));
  check<float>(shape(4, 4, 16));
  check<float>(shape(6, 2, 40));
  check<quipu::f16>(shape(3, 1, 12));
  check<quipu::bf16>(shape(4, 2, 32));
  check<std::int8_t>(shape(4, 2, 64));
  check<std::int8_t>(shape(2, 1, 16));
  check<std::int8_t>(shape(2, 2, 20));
}

TEST_CASE("rows become 8 bits under the largest value's scale", "[llama][attention]") {
  for (const quipu::instruction_set set : quipu::instruction_sets) {
    if (!quipu::has_instruction_set(set)) continue;
    const auto& kv = quipu::linear::kv_kernels_for<float, std::int8_t>(set);
    const auto x = quipu::test::random_values(20, 5);
    std::vector<std::int8_t> row(24);
    kv.narrow(x.data(), 20, row.data());
    float scale;
    std::memcpy(&scale, row.data() + 20, sizeof scale);
    for (std::size_t i = 0; i < 20; ++i) CHECK(std::abs(static_cast<float>(row[i]) * scale - x[i]) <= 0.5001f * scale);
    const std::vector<float> zeros(20);
    kv.narrow(zeros.data(), 20, row.data());
    CHECK(std::all_of(row.begin(), row.end(), [](std::int8_t v) { return v == 0; }));
    auto bad = x;
    bad[3] = INFINITY;
    kv.narrow(bad.data(), 20, row.data());
    std::memcpy(&scale, row.data() + 20, sizeof scale);
    CHECK(std::isnan(scale));
  }
}

TEST_CASE("a cache that shares pages with another writes into its own", "[llama][attention]") {
  const auto c = shape(2, 2, 16);
  sequence<float> s(c, 300, 300);
  llama::kv_cache<float> other = s.cache;
  other.truncate(290);
  other.prepare(291);
  const std::vector<float> before(s.cache.keys(1, 1, 9), s.cache.keys(1, 1, 9) + 32 * c.d_head);
  CHECK(std::equal(before.begin(), before.begin() + 2 * 16, other.keys(1, 1, 9)));  // positions 288, 289
  *other.key(1, 1, 290) = 1234;
  CHECK(std::equal(before.begin(), before.end(), s.cache.keys(1, 1, 9)));
  CHECK(other.keys(1, 0, 4) == s.cache.keys(1, 0, 4));  // whole pages stay shared
}

}  // namespace quipu_attention_test
