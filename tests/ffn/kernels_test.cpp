// What every kernel of the library's list, and a user's own, owes to models and observers.
#include <quipu/ffn/kernels.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "extend/ffn_kernel.hpp"
#include "support/random_weights.hpp"

namespace quipu_kernels_test {

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace linear = quipu::linear;
using quipu::matrix_view;

namespace {

constexpr std::size_t d_model = 64, d_ffn = 96, n_row = 5;

const auto random_values = quipu::test::random_values<float>;

/// What an observer was shown, in order.
struct witness {
  std::vector<int> calls;
  std::vector<float> gate, up, hidden;

  static std::vector<float> copy(matrix_view<const float> m) {
    std::vector<float> all;
    for (std::size_t t = 0; t < m.rows(); ++t) all.insert(all.end(), m.row(t), m.row(t) + m.cols());
    return all;
  }
};

struct observer {
  witness& seen;
  template <class In, class Out>
  void gate(const In&, const Out& out) const {
    seen.calls.push_back(0);
    seen.gate = witness::copy(out);
  }
  template <class In, class Out>
  void up(const In&, const Out& out) const {
    seen.calls.push_back(1);
    seen.up = witness::copy(out);
  }
  template <class Hidden>
  void hidden(const Hidden& h) const {
    seen.calls.push_back(2);
    seen.hidden = witness::copy(h);
  }
  template <class In, class Out>
  void down(const In&, const Out&) const {
    seen.calls.push_back(3);
  }
};

struct problem {
  std::vector<float> gate = random_values(d_ffn * d_model, 1), up = random_values(d_ffn * d_model, 2),
                     down = random_values(d_model * d_ffn, 3), bias = random_values(d_ffn, 4), x = random_values(n_row * d_model, 7);
  quipu::io::model_config config;
  quipu::io::checkpoint_content content;
  quipu::progress_callback progress;

  problem() { config.d_model = d_model, config.d_ffn = d_ffn, config.n_layer = 1; }

  template <class Kernel>
  std::vector<float> run(const Kernel& kernel, std::size_t rows, std::size_t n_decode, std::size_t n_thread, witness& seen) const {
    linear::workspace ws{quipu::thread_team(n_thread)};
    linear::projector<float> projector(ws, linear::activation_rounding::none);
    projector.set_decode_rows(n_decode);
    const ffn::ffn_weights<float> w{linear::store_plain(gate.data(), d_ffn, d_model),
                                    linear::store_plain(up.data(), d_ffn, d_model),
                                    linear::store_plain(down.data(), d_model, d_ffn), bias.data(), bias.data()};
    const typename Kernel::template state<float> state(kernel, w, {0, config, content, ws.team(), progress});
    std::vector<float> g(rows * d_ffn), u = g, h = g, y(rows * d_model, 1.0f);
    kernel.forward(state, w, ws, projector, matrix_view<const float>(x.data(), rows, d_model),
                   ffn::ffn_buffers<float>{{g.data(), rows, d_ffn}, {u.data(), rows, d_ffn}, {h.data(), rows, d_ffn}},
                   matrix_view<float>(y.data(), rows, d_model), observer{seen});
    return y;
  }
};

// The kernel that computes with the same numbers, in the plainest way.
template <class Kernel>
auto reference_of(const Kernel& kernel) {
  return ffn::dense<typename Kernel::activation_type>{kernel.activation};
}
template <class Activation>
auto reference_of(const ffn::certified_sparse<Activation>& kernel) {
  return ffn::eigen_sparse<Activation>(kernel.activation, kernel.thresholds, {.gate = ffn::gate_form::integer});
}

template <class Kernel>
void check(const Kernel& kernel) {
  const problem p;
  const auto plain = reference_of(kernel);
  for (const auto& [rows, n_decode] : {std::pair<std::size_t, std::size_t>{1, 0}, {1, 1}, {3, 0}, {3, 2}, {5, 5}}) {
    witness seen, reference;
    const auto y = p.run(kernel, rows, n_decode, 1, seen), expected = p.run(plain, rows, n_decode, 1, reference);
    CHECK(seen.calls == std::vector<int>{0, 1, 2, 3});
    const auto far = [](const std::vector<float>& a, const std::vector<float>& b) {
      double worst = 0, largest = 0;
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
        largest = std::max(largest, std::abs(static_cast<double>(b[i])));
      }
      return worst / largest;
    };
    CHECK(far(y, expected) < 1e-5);
    CHECK(far(seen.gate, reference.gate) < 1e-6);  // all of the gate
    CHECK(far(seen.hidden, reference.hidden) < 1e-5);  // with zeros where nothing is active
    for (std::size_t i = 0; i < seen.hidden.size(); ++i) {
      // Of a neuron that either skips, up may be 0.
      const bool close = seen.up[i] == 0 || seen.hidden[i] == 0 || std::abs(seen.up[i] - reference.up[i]) <= 1e-4f;
      CHECK(close);
      if (seen.up[i] == 0 && reference.up[i] != 0) CHECK(seen.hidden[i] == 0);
    }
    witness again;
    CHECK(p.run(kernel, rows, n_decode, 3, again) == y);  // whatever the number of threads
  }
}

}  // namespace

TEST_CASE("every kernel computes what the dense one does and shows observers what it owes", "[ffn][kernels]") {
  ffn::kernels<activation::relu>::for_each([]<class Kernel>() { check(Kernel{}); });
  ffn::kernels<activation::fat_relu>::for_each([]<class Kernel>() { check(Kernel{{0.5}}); });
  ffn::kernels<activation::silu>::for_each([]<class Kernel>() { check(Kernel{}); });
  check(extend::row_skipping{});
  check(extend::row_skipping{{0.5}, {}});
}

}  // namespace quipu_kernels_test
