#include <quipu/llama/backward.hpp>

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/llama/loss.hpp>

namespace linear = quipu::linear;
namespace llama = quipu::llama;
using quipu::matrix_view;

namespace {

using values = std::vector<double>;

values random_values(std::size_t n, std::uint64_t stream) {
  quipu::random_stream random(3, stream);
  values v(n);
  for (double& x : v) x = random.normal();
  return v;
}

/// Compares `gradient` with central differences of `f` in every entry of `x`, or every `every`th.
void check_differences(values& x, const values& gradient, const std::function<double()>& f, std::size_t every = 1) {
  REQUIRE(x.size() == gradient.size());
  double worst = 0, largest = 1e-30;
  for (std::size_t i = 0; i < x.size(); i += every) {
    const double kept = x[i], h = 1e-5;
    x[i] = kept + h;
    const double above = f();
    x[i] = kept - h;
    const double below = f();
    x[i] = kept;
    worst = std::max(worst, std::abs((above - below) / (2 * h) - gradient[i]));
    largest = std::max(largest, std::abs(gradient[i]));
  }
  CHECK(worst / largest < 1e-7);
}

double dot(const values& a, const values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

linear::workspace& tools() {
  static linear::workspace ws{quipu::thread_team(2)};
  return ws;
}

template <class Activation>
void check_gate(Activation f) {
  const std::size_t n = 3, d = 13;
  values gate = random_values(n * d, 1), up = random_values(n * d, 2), dh = random_values(n * d, 3), out(n * d),
         du(n * d), again(n * d);
  const auto forward = [&] {
    quipu::ffn::apply_gate<double>(f, tools(), {gate.data(), n, d}, {up.data(), n, d}, {out.data(), n, d});
    return dot(out, dh);
  };
  forward();
  values dg = dh;
  quipu::ffn::gate_backward<double>(f, tools(), {gate.data(), n, d}, {up.data(), n, d}, {dg.data(), n, d},
                                    {du.data(), n, d}, {again.data(), n, d});
  INFO(Activation::name);
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(again[i] == Approx(out[i]).epsilon(1e-14));
  check_differences(gate, dg, forward);
  check_differences(up, du, forward);
}

}  // namespace

TEST_CASE("RMSNorm's gradients are its differences", "[llama][backward]") {
  const std::size_t n = 130, d = 6;  // three slices of rows
  values x = random_values(n * d, 1), w = random_values(d, 2), dy = random_values(n * d, 3), out(n * d), dx(n * d),
         dw(d);
  const auto forward = [&] {
    llama::rms_norm_rows<double>(tools(), {x.data(), n, d}, w.data(), 1e-3, {out.data(), n, d});
    return dot(out, dy);
  };
  quipu::buffer<double> partial;
  llama::rms_norm_rows_backward<double>(tools(), {x.data(), n, d}, w.data(), 1e-3, {dy.data(), n, d}, {dx.data(), n, d},
                                        dw.data(), partial);
  check_differences(x, dx, forward);
  check_differences(w, dw, forward);
}

TEST_CASE("turning back undoes the rotation and is its gradient", "[llama][backward]") {
  quipu::io::model_config c;
  c.d_head = 10;
  llama::rope_table<double> rope(c);
  rope.extend(20);
  const std::vector<llama::row_segment> segments = {{0, 0, 4, 0}, {1, 4, 3, 9}};
  const std::size_t n = 7, d = 20;
  values x = random_values(n * d, 1), dy = random_values(n * d, 2), out;
  const auto forward = [&] {
    out = x;
    llama::rotate_rows<double>(tools(), rope, segments, c.d_head, {out.data(), n, d});
    return dot(out, dy);
  };
  values dx = dy;
  llama::detail::rotate_rows_back<double>(tools(), rope, segments, c.d_head, {dx.data(), n, d});
  check_differences(x, dx, forward);
  forward();
  llama::detail::rotate_rows_back<double>(tools(), rope, segments, c.d_head, {out.data(), n, d});
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(out[i] == Approx(x[i]).margin(1e-14));
}

TEST_CASE("the gate's gradients are its differences for every activation", "[llama][backward]") {
  check_gate(quipu::activation::silu{});
  check_gate(quipu::activation::relu{});
  check_gate(quipu::activation::fat_relu{0.2});
  check_gate(quipu::activation::gelu{});
  check_gate(quipu::activation::gelu_tanh{});
}

TEST_CASE("attention's gradients are its differences, over several blocks and behind prefixes", "[llama][backward]") {
  quipu::io::model_config c;
  c.n_layer = 1;
  c.n_head = 4;
  c.n_kv_head = 2;
  c.d_head = 6;
  const std::size_t n_prefix = 5, n = 81, d_q = c.d_q(), d_kv = c.d_kv();
  const std::vector<llama::row_segment> segments = {{0, 0, 70, n_prefix}, {1, 70, 11, 0}};  // 75 keys: two blocks
  values q = random_values(n * d_q, 1), k = random_values(n * d_kv, 2), v = random_values(n * d_kv, 3),
         prefix = random_values(n_prefix * 2 * d_kv, 4);
  values d_out = random_values(n * d_q, 5), out(n * d_q), sums(n * c.n_head), d_prefix(prefix.size());
  const std::vector<llama::kv_prefix<double>> prefixes = {{n_prefix, prefix.data(), d_prefix.data()}, {}};
  llama::batch_context<double> context(c, segments, prefixes);
  const llama::attention_plan plan(segments);
  const auto forward = [&] {
    context.store<double>(tools(), 0, segments, {k.data(), n, d_kv}, {v.data(), n, d_kv});
    llama::attend<double>(tools(), c, context, 0, plan, {q.data(), n, d_q}, {out.data(), n, d_q}, sums.data());
    return dot(out, d_out);
  };
  forward();
  const std::size_t joined = context.n_joined();
  values dq(n * d_q), dk(joined * d_kv), dv(joined * d_kv);
  quipu::buffer<double> delta;
  llama::attention_backward<double>(tools(), c, context,
                                    {{q.data(), n, d_q},
                                     {out.data(), n, d_q},
                                     sums.data(),
                                     {d_out.data(), n, d_q},
                                     {dq.data(), n, d_q},
                                     {dk.data(), joined, d_kv},
                                     {dv.data(), joined, d_kv}},
                                    delta);
  context.add_prefix_gradients(0, {dk.data(), joined, d_kv}, {dv.data(), joined, d_kv});
  llama::detail::drop_prefixes<double>(context, {dk.data(), joined, d_kv});
  llama::detail::drop_prefixes<double>(context, {dv.data(), joined, d_kv});
  dk.resize(n * d_kv);
  dv.resize(n * d_kv);
  check_differences(q, dq, forward, 7);
  check_differences(k, dk, forward, 5);
  check_differences(v, dv, forward, 5);
  check_differences(prefix, d_prefix, forward);
}

TEST_CASE("gradients of head and loss are its differences, in one portion or several", "[llama][backward]") {
  const std::size_t n = 9, d = 5, n_vocab = 21;
  values h = random_values(n * d, 1), w = random_values(n_vocab * d, 2), b = random_values(n_vocab, 3);
  std::vector<std::int64_t> targets(n, llama::ignored_label);
  for (const std::size_t t : {0u, 2u, 3u, 5u, 6u, 8u}) targets[t] = static_cast<std::int64_t>((t * 7 + 1) % n_vocab);
  linear::multiplier<double> multiply(tools());
  linear::projector<double> projector(tools(), linear::activation_rounding::none);
  const auto head = linear::store_plain<double>(w.data(), n_vocab, d);
  for (const std::size_t n_logit : {1u, 64u, 1000u}) {  // one row at a time, three, all
    llama::head_loss<double> loss(n_logit);
    values dh(n * d, 9.0), dw(n_vocab * d), db(n_vocab);
    const auto forward = [&] {
      return loss.run(projector, multiply, {head, nullptr, b.data()}, {h.data(), n, d}, targets, 0, {}).mean();
    };
    const auto result = loss.run(projector, multiply, {head, dw.data(), b.data(), db.data()}, {h.data(), n, d}, targets,
                                 1.0 / 6, {dh.data(), n, d});
    for (std::size_t t = 0; t < n; ++t) {
      if (targets[t] != llama::ignored_label) continue;
      // Rows that do not count are left alone
      for (std::size_t i = 0; i < d; ++i) CHECK(std::exchange(dh[t * d + i], 0) == 9);
    }
    CHECK(result.n_counted == 6);
    CHECK(result.mean() == Approx(forward()).epsilon(1e-13));
    check_differences(h, dh, forward);
    check_differences(w, dw, forward);
    check_differences(b, db, forward);
  }
  llama::head_loss<double> loss;
  for (const std::int64_t wrong : {static_cast<std::int64_t>(n_vocab), std::int64_t{-1}}) {
    targets[1] = wrong;
    CHECK_THROWS_AS(loss.run(projector, multiply, {head}, {h.data(), n, d}, targets, 0, {}), quipu::config_error);
  }
}
