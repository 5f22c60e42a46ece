#include <quipu/linear/backward.hpp>
#include <quipu/linear/backward_kernels.hpp>

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/dequantise.hpp>

namespace linear = quipu::linear;
using quipu::matrix_view;
using quipu::tensor_type;

namespace {

template <class Scalar>
std::vector<Scalar> random_values(std::size_t n, std::uint64_t stream) {
  quipu::random_stream random(7, stream);
  std::vector<Scalar> v(n);
  for (Scalar& x : v) x = static_cast<Scalar>(random.normal());
  return v;
}

template <class Scalar>
void check_products(const linear::kernel_table& kernels, std::size_t n, std::size_t d_in, std::size_t d_out) {
  linear::workspace ws(quipu::thread_team(2), kernels);
  linear::multiplier<Scalar> multiply(ws);
  const auto x = random_values<Scalar>(n * d_in, 1), dy = random_values<Scalar>(n * d_out, 2),
             w = random_values<Scalar>(d_out * d_in, 3);
  std::vector<Scalar> dx(n * d_in, Scalar(1)), dw(d_out * d_in, Scalar(2)), db(d_out, Scalar(3));
  multiply.input_gradient({dy.data(), n, d_out}, linear::store_plain(w.data(), d_out, d_in), {dx.data(), n, d_in},
                          linear::gemm_output::accumulate);
  multiply.weight_gradient({dy.data(), n, d_out}, {x.data(), n, d_in}, dw.data());
  multiply.bias_gradient({dy.data(), n, d_out}, db.data());
  const double tolerance = sizeof(Scalar) == 8 ? 1e-11 : 2e-3;
  double worst = 0;
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t i = 0; i < d_in; ++i) {
      double sum = 1;
      for (std::size_t o = 0; o < d_out; ++o) sum += double(dy[t * d_out + o]) * double(w[o * d_in + i]);
      worst = std::max(worst, std::abs(sum - double(dx[t * d_in + i])));
    }
  }
  for (std::size_t o = 0; o < d_out; ++o) {
    double bias = 3;
    for (std::size_t t = 0; t < n; ++t) bias += double(dy[t * d_out + o]);
    worst = std::max(worst, std::abs(bias - double(db[o])));
    for (std::size_t i = 0; i < d_in; ++i) {
      double sum = 2;
      for (std::size_t t = 0; t < n; ++t) sum += double(dy[t * d_out + o]) * double(x[t * d_in + i]);
      worst = std::max(worst, std::abs(sum - double(dw[o * d_in + i])));
    }
  }
  INFO(n << ' ' << d_in << ' ' << d_out);
  CHECK(worst < tolerance);
}

}  // namespace

TEST_CASE("gradients of inputs, weights and biases are the plain sums", "[linear][backward]") {
  for (const auto set : {quipu::instruction_set::portable, quipu::instruction_set::avx2}) {
    if (!quipu::has_instruction_set(set)) continue;
    for (const auto& [n, d_in, d_out] :
         {std::array<std::size_t, 3>{1, 1, 1}, {7, 33, 17}, {64, 96, 172}, {3, 16, 5000}, {800, 20, 13}}) {
      check_products<float>(linear::kernels_for(set), n, d_in, d_out);
      check_products<double>(linear::kernels_for(set), n, d_in, d_out);
    }
  }
}

TEST_CASE("gradients of inputs pass through every stored type", "[linear][backward]") {
  const std::size_t n = 9, d_in = 512, d_out = 24;
  const auto w = random_values<float>(d_out * d_in, 4);
  const auto dy = random_values<double>(n * d_out, 5);
  linear::workspace ws(quipu::thread_team(2));
  linear::multiplier<double> multiply(ws);
  for (const auto type :
       {tensor_type::f16, tensor_type::bf16, tensor_type::q4_0, tensor_type::q4_1, tensor_type::q8_0}) {
    const std::size_t stride = quipu::row_bytes(type, d_in);
    std::vector<std::byte> bytes(d_out * stride);
    std::vector<double> wide(d_out * d_in);
    for (std::size_t r = 0; r < d_out; ++r) {
      quipu::io::quantise_row(type, w.data() + r * d_in, bytes.data() + r * stride, d_in);
      quipu::io::dequantise_row(type, bytes.data() + r * stride, wide.data() + r * d_in, d_in);
    }
    std::vector<double> dx(n * d_in);
    multiply.input_gradient({dy.data(), n, d_out}, {type, d_out, d_in, bytes.data(), stride}, {dx.data(), n, d_in},
                            linear::gemm_output::overwrite);
    double worst = 0;
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t i = 0; i < d_in; ++i) {
        double sum = 0;
        for (std::size_t o = 0; o < d_out; ++o) sum += dy[t * d_out + o] * wide[o * d_in + i];
        worst = std::max(worst, std::abs(sum - dx[t * d_in + i]));
      }
    }
    INFO(quipu::name_of(type));
    CHECK(worst < 1e-11);
  }
}

TEST_CASE("a block product is the product on any tile remainder", "[linear][backward]") {
  for (const std::size_t m : {1, 5, 6, 64}) {
    for (const std::size_t n : {1, 15, 16, 37}) {
      const std::size_t k = 21;
      const auto a = random_values<float>(m * k, 6), b = random_values<float>(k * n, 7);
      std::vector<float> c(m * n, 1.0f), scratch(linear::block_scratch<float>(n, k));
      linear::block_product<float>(linear::best_kernels(), linear::plain_operand<float>::along({a.data(), m, k}),
                                   linear::plain_operand<float>::across({b.data(), k, n}), {c.data(), m, n},
                                   linear::gemm_output::accumulate, scratch.data());
      double worst = 0;
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          double sum = 1;
          for (std::size_t l = 0; l < k; ++l) sum += double(a[i * k + l]) * double(b[l * n + j]);
          worst = std::max(worst, std::abs(sum - double(c[i * n + j])));
        }
      }
      CHECK(worst < 1e-5);
    }
  }
}

TEST_CASE("float loops of every instruction set agree with double", "[linear][backward]") {
  const auto& exact = linear::backward_kernels_for<double>(quipu::instruction_set::portable);
  for (const auto set : {quipu::instruction_set::portable, quipu::instruction_set::avx2}) {
    if (!quipu::has_instruction_set(set)) continue;
    const auto& loops = linear::backward_kernels_for<float>(set);
    for (const std::size_t n : {1, 7, 8, 9, 64, 67}) {
      const auto a = random_values<double>(n, 11), b = random_values<double>(n, 12), c = random_values<double>(n, 13);
      const std::vector<float> fa(a.begin(), a.end()), fb(b.begin(), b.end()), fc(c.begin(), c.end());
      const auto close = [&](const std::vector<float>& ours, const std::vector<double>& reference) {
        double worst = 0;
        for (std::size_t i = 0; i < n; ++i)
          worst = std::max(worst, std::abs(double(ours[i]) - reference[i]) / (1 + std::abs(reference[i])));
        INFO(n << ' ' << quipu::name_of(set));
        CHECK(worst < 1e-5);
      };
      std::vector<double> r1(n), r2(n), r3(n);
      std::vector<float> o1(n), o2(n), o3(n);
      exact.rms_norm(a.data(), b.data(), 1e-5, c.data(), n, r1.data(), r2.data());
      loops.rms_norm(fa.data(), fb.data(), 1e-5f, fc.data(), n, o1.data(), o2.data());
      close(o1, r1), close(o2, r2);
      exact.silu(a.data(), b.data(), c.data(), n, r1.data(), r2.data(), r3.data());
      loops.silu(fa.data(), fb.data(), fc.data(), n, o1.data(), o2.data(), o3.data());
      close(o1, r1), close(o2, r2), close(o3, r3);
      exact.gelu_tanh(a.data(), b.data(), c.data(), n, r1.data(), r2.data(), r3.data());
      loops.gelu_tanh(fa.data(), fb.data(), fc.data(), n, o1.data(), o2.data(), o3.data());
      close(o1, r1), close(o2, r2), close(o3, r3);
      exact.threshold(a.data(), b.data(), c.data(), 0.3, n, r1.data(), r2.data(), r3.data());
      loops.threshold(fa.data(), fb.data(), fc.data(), 0.3f, n, o1.data(), o2.data(), o3.data());
      close(o1, r1), close(o2, r2), close(o3, r3);
      r1 = a, r2 = b, o1 = fa, o2 = fb;
      exact.attention(r1.data(), r2.data(), n, 0.5, 2.0, 0.25);
      loops.attention(o1.data(), o2.data(), n, 0.5f, 2.0f, 0.25f);
      close(o1, r1), close(o2, r2);
      r1 = a, o1 = fa;
      CHECK(loops.cross_entropy(o1.data(), n, n / 2, 0.5f) ==
            Approx(exact.cross_entropy(r1.data(), n, n / 2, 0.5)).epsilon(1e-5).margin(1e-6));
      close(o1, r1);
    }
  }
}
