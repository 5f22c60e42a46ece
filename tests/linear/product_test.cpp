#include <quipu/linear/backward.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/project.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/quantise.hpp>

#include "support/random_weights.hpp"

namespace linear = quipu::linear;
using linear::stored_matrix;
using quipu::matrix_view;
using quipu::tensor_type;
using quipu::test::random_values;
using random_weights = quipu::test::random_weights<float>;

namespace {

std::vector<const linear::kernel_table*> all_tables() {
  std::vector<const linear::kernel_table*> tables{&linear::kernels_for(quipu::instruction_set::portable)};
  for (const auto set : {quipu::instruction_set::avx2, quipu::instruction_set::avx512_bf16}) {
    if (quipu::has_instruction_set(set)) {
      tables.push_back(&linear::kernels_for(set));
    } else {
      WARN("no " << quipu::name_of(set) << " here: its kernels were not run");
    }
  }
  return tables;
}

// y = x W^T in double, from the definition
std::vector<double> reference(const std::vector<float>& x, const std::vector<float>& w, std::size_t n_row,
                              std::size_t rows, std::size_t cols) {
  std::vector<double> y(n_row * rows);
  for (std::size_t t = 0; t < n_row; ++t) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < cols; ++k) y[t * rows + r] += double{x[t * cols + k]} * w[r * cols + k];
    }
  }
  return y;
}

constexpr tensor_type weight_types[] = {tensor_type::f32,  tensor_type::f16,  tensor_type::bf16,
                                        tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_1};

}  // namespace

TEST_CASE("products with stored weights equal the definition", "[linear][project]") {
  for (const linear::kernel_table* table : all_tables()) {
    for (const tensor_type type : weight_types) {
      for (const std::size_t n_row : {1, 3, 4, 13, 65}) {
        for (const std::size_t cols : {32, 96, 352}) {
          const std::size_t rows = 43;
          const random_weights weights(type, rows, cols);
          const std::vector<float> x = random_values(n_row * cols, 2);
          const std::vector<float> bias = random_values(rows, 3);
          const std::vector<double> wanted = reference(x, weights.wide, n_row, rows, cols);
          linear::workspace ws(quipu::thread_team(2), *table);
          linear::projector<float> exact(ws, linear::activation_rounding::none);
          std::vector<float> y(n_row * rows, 5.0f);
          const matrix_view<float> view(y.data(), n_row, rows);
          const linear::projection<float> products[] = {
              {&weights.w, bias.data(), view, linear::gemm_output::accumulate}};
          exact.run({x.data(), n_row, cols}, products);
          INFO(quipu::name_of(table->set) << ' ' << quipu::name_of(type) << ' ' << n_row << 'x' << cols);
          double worst = 0;
          for (std::size_t i = 0; i < y.size(); ++i) {
            worst = std::max(worst, std::abs(y[i] - (wanted[i] + bias[i % rows] + 5.0)));
          }
          CHECK(worst < 2e-5 * std::sqrt(static_cast<double>(cols)));
        }
      }
    }
  }
}

TEST_CASE("products that may round to bf16 are those of the rounded numbers", "[linear][project]") {
  for (const linear::kernel_table* table : all_tables()) {
    const bool rounds = table->gemm_tiles_bf16 != nullptr;
    REQUIRE(rounds == (quipu::includes(table->set, quipu::instruction_set::avx512_bf16)));
    const auto rounded = [&](std::vector<float> values) {
      if (rounds) {
        for (float& v : values) v = quipu::bf16(v);
      }
      return values;
    };
    linear::workspace ws(quipu::thread_team(2), *table);
    linear::projector<float> projector(ws, linear::activation_rounding::none, linear::product_rounding::bf16);
    linear::multiplier<float> multiply(ws, linear::product_rounding::bf16);
    for (const tensor_type type : weight_types) {
      for (const std::size_t n_row : {4, 6, 13, 65}) {
        for (const std::size_t rows : {16, 43, 64, 149}) {
          const std::size_t cols = 352;
          const random_weights weights(type, rows, cols);
          const std::vector<float> x = random_values(n_row * cols, 2), dy = random_values(n_row * rows, 3);
          const std::vector<float> w = rounded(weights.wide), xr = rounded(x), dyr = rounded(dy);
          const auto worst = [](const std::vector<float>& got, const std::vector<double>& wanted) {
            double most = 0;
            for (std::size_t i = 0; i < got.size(); ++i) most = std::max(most, std::abs(got[i] - wanted[i]));
            return most;
          };
          INFO(quipu::name_of(table->set) << ' ' << quipu::name_of(type) << ' ' << n_row << 'x' << rows);

          std::vector<float> y(n_row * rows, 5.0f);
          const linear::projection<float> products[] = {{&weights.w, nullptr, {y.data(), n_row, rows}}};
          projector.run({x.data(), n_row, cols}, products);
          CHECK(worst(y, reference(xr, w, n_row, rows, cols)) < 4e-4);

          std::vector<float> dx(n_row * cols, 5.0f);
          multiply.input_gradient({dy.data(), n_row, rows}, weights.w, {dx.data(), n_row, cols},
                                  linear::gemm_output::overwrite);
          std::vector<double> dx_wanted(dx.size());
          for (std::size_t t = 0; t < n_row; ++t) {
            for (std::size_t r = 0; r < rows; ++r) {
              for (std::size_t k = 0; k < cols; ++k)
                dx_wanted[t * cols + k] += double{dyr[t * rows + r]} * w[r * cols + k];
            }
          }
          CHECK(worst(dx, dx_wanted) < 4e-4);

          std::vector<float> dw(rows * cols, 0.5f);  // n_row is the summed index here: odd ones leave half a pair
          multiply.weight_gradient({dy.data(), n_row, rows}, {x.data(), n_row, cols}, dw.data());
          std::vector<double> dw_wanted(dw.size(), 0.5);
          for (std::size_t t = 0; t < n_row; ++t) {
            for (std::size_t r = 0; r < rows; ++r) {
              for (std::size_t k = 0; k < cols; ++k)
                dw_wanted[r * cols + k] += double{dyr[t * rows + r]} * xr[t * cols + k];
            }
          }
          CHECK(worst(dw, dw_wanted) < 4e-4);
        }
      }
    }
  }
}

TEST_CASE("8-bit activations give the product of the rounded numbers", "[linear][project]") {
  for (const linear::kernel_table* table : all_tables()) {
    for (const tensor_type type : {tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_1}) {
      for (const std::size_t n_row : {1, 2, 5, 70}) {
        const std::size_t rows = 29, cols = 288;
        const random_weights weights(type, rows, cols);
        const std::vector<float> x = random_values(n_row * cols, 2);
        std::vector<float> rounded(x.size());
        for (std::size_t t = 0; t < n_row; ++t) {  // the definition: d = max / 127, nearest integer
          for (std::size_t b = 0; b < cols; b += 32) {
            const float* in = x.data() + t * cols + b;
            float largest = 0;
            for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(in[i]));
            for (std::size_t i = 0; i < 32; ++i) {
              rounded[t * cols + b + i] = std::nearbyint(in[i] * (127.0f / largest)) * (largest / 127.0f);
            }
          }
        }
        const std::vector<double> wanted = reference(rounded, weights.wide, n_row, rows, cols);
        linear::workspace ws(quipu::thread_team(2), *table);
        linear::projector<float> fast(ws, linear::activation_rounding::int8);
        std::vector<float> y(n_row * rows);
        const linear::projection<float> products[] = {{&weights.w, nullptr, {y.data(), n_row, rows}}};
        fast.run({x.data(), n_row, cols}, products);
        INFO(quipu::name_of(table->set) << ' ' << quipu::name_of(type) << ' ' << n_row);
        double worst = 0;
        for (std::size_t i = 0; i < y.size(); ++i) worst = std::max(worst, std::abs(y[i] - wanted[i]));
        CHECK(worst < 3e-4);
      }
    }
  }
}

TEST_CASE("a NaN among the activations reaches every output", "[linear][project]") {
  for (const linear::kernel_table* table : all_tables()) {
    for (const tensor_type type : weight_types) {
      for (const std::size_t n_row : {1, 6}) {
        const random_weights weights(type, 9, 64);
        std::vector<float> x = random_values(n_row * 64, 2);
        for (std::size_t t = 0; t < n_row; ++t) x[t * 64 + 37] = std::nanf("");
        linear::workspace ws(quipu::thread_team(1), *table);
        linear::projector<float> fast(ws, linear::activation_rounding::int8);
        std::vector<float> y(n_row * 9);
        const linear::projection<float> products[] = {{&weights.w, nullptr, {y.data(), n_row, 9}}};
        fast.run({x.data(), n_row, 64}, products);
        for (const float value : y) CHECK(std::isnan(value));
      }
    }
  }
}

TEST_CASE("several products of one step equal the same products one by one, bit for bit, for any team",
          "[linear][project]") {
  const std::size_t cols = 160;
  for (const auto rounding : {linear::activation_rounding::none, linear::activation_rounding::int8}) {
    for (const std::size_t n_row : {1, 9}) {
      const random_weights a(tensor_type::q4_1, 75, cols, 1), b(tensor_type::f16, 20, cols, 2),
          c(tensor_type::q8_0, 33, cols, 3);
      const std::vector<float> x = random_values(n_row * cols, 4);
      std::vector<std::vector<float>> results;
      for (const std::size_t n_thread : {1, 2, 3}) {
        linear::workspace ws{quipu::thread_team(n_thread)};
        linear::projector<float> together(ws, rounding);
        std::vector<float> y(n_row * (75 + 20 + 33));
        const matrix_view<float> ya(y.data(), n_row, 75), yb(ya.data() + n_row * 75, n_row, 20),
            yc(yb.data() + n_row * 20, n_row, 33);
        const linear::projection<float> products[] = {{&a.w, nullptr, ya}, {&b.w, nullptr, yb}, {&c.w, nullptr, yc}};
        together.run({x.data(), n_row, cols}, products);
        results.push_back(y);
        std::fill(y.begin(), y.end(), 0.0f);
        for (const auto& product : products) together.run({x.data(), n_row, cols}, {&product, 1});
        results.push_back(y);
      }
      for (const auto& result : results) {
        std::size_t n_different = 0;
        for (std::size_t i = 0; i < result.size(); ++i) n_different += result[i] != results.front()[i];
        INFO("rounding " << static_cast<int>(rounding) << ", rows " << n_row);
        CHECK(n_different == 0);
      }
    }
  }
}

TEMPLATE_TEST_CASE("gemm equals the definition in all orders of its operands", "[linear][gemm]", float, double) {
  using scalar = TestType;
  for (const linear::kernel_table* table : all_tables()) {
    for (const auto [m, n, k] :
         {std::array<std::size_t, 3>{1, 1, 1}, {6, 16, 256}, {7, 17, 257}, {50, 33, 600}, {1601, 5, 3}, {4, 4, 0}}) {
      const auto fill = [&](std::size_t size, std::uint64_t seed) {
        const std::vector<float> values = random_values(size, seed);
        return std::vector<scalar>(values.begin(), values.end());
      };
      const std::vector<scalar> a = fill(m * k, 1), b = fill(n * k, 2);
      std::vector<scalar> at(m * k), bt(n * k);
      for (std::size_t j = 0; j < k; ++j) {
        for (std::size_t i = 0; i < m; ++i) at[j * m + i] = a[i * k + j];
        for (std::size_t i = 0; i < n; ++i) bt[j * n + i] = b[i * k + j];
      }
      std::vector<double> wanted(m * n);
      for (std::size_t i = 0; i < m * n; ++i) {
        for (std::size_t j = 0; j < k; ++j) wanted[i] += double{a[i / n * k + j]} * b[i % n * k + j];
      }
      linear::workspace ws(quipu::thread_team(2), *table);
      using plain = linear::plain_operand<scalar>;
      using view = matrix_view<const scalar>;
      for (int form = 0; form < 8; ++form) {
        const plain left = form & 1 ? plain::across(view(at.data(), k, m)) : plain::along(view(a.data(), m, k));
        const plain right = form & 2 ? plain::across(view(bt.data(), k, n)) : plain::along(view(b.data(), n, k));
        const bool add = (form & 4) != 0;
        std::vector<scalar> c(m * n, scalar(3));
        linear::gemm(ws, left, right, matrix_view<scalar>(c.data(), m, n),
                     add ? linear::gemm_output::accumulate : linear::gemm_output::overwrite);
        double worst = 0;
        for (std::size_t i = 0; i < c.size(); ++i) worst = std::max(worst, std::abs(c[i] - wanted[i] - (add ? 3 : 0)));
        INFO(quipu::name_of(table->set) << ' ' << m << ' ' << n << ' ' << k << " form " << form);
        CHECK(worst < (sizeof(scalar) == 8 ? 1e-12 : 1e-4));
      }
    }
  }
}

TEST_CASE("gemm reads stored weights in both directions", "[linear][gemm]") {
  for (const linear::kernel_table* table : all_tables()) {
    for (const tensor_type type : weight_types) {
      const std::size_t rows = 70, cols = 96, n_row = 11;
      const random_weights weights(type, rows, cols);
      const std::vector<float> dy = random_values(n_row * rows, 5);
      linear::workspace ws(quipu::thread_team(2), *table);
      std::vector<float> dx(n_row * cols);
      linear::gemm(ws, linear::plain_operand<float>::along({dy.data(), n_row, rows}),
                   linear::stored_operand<float>::across(weights.w), matrix_view<float>(dx.data(), n_row, cols),
                   linear::gemm_output::overwrite);
      double worst = 0;
      for (std::size_t t = 0; t < n_row; ++t) {
        for (std::size_t c = 0; c < cols; ++c) {
          double sum = 0;
          for (std::size_t r = 0; r < rows; ++r) sum += double{dy[t * rows + r]} * weights.wide[r * cols + c];
          worst = std::max(worst, std::abs(dx[t * cols + c] - sum));
        }
      }
      INFO(quipu::name_of(type));
      CHECK(worst < 1e-4);
    }
  }
}

TEST_CASE("kernels widen every type as the reference does, bit for bit", "[linear][kernels]") {
  for (const linear::kernel_table* table : all_tables()) {
    for (const tensor_type type : weight_types) {
      const random_weights weights(type, 1, 320);
      std::vector<float> wide(320);
      table->widen(type, weights.bytes.data(), 320, wide.data());
      CHECK(wide == weights.wide);
    }
  }
}

TEST_CASE("a product of two rows equals its sum in double, for any length", "[linear][kernels]") {
  for (const linear::kernel_table* table : all_tables()) {
    INFO(quipu::name_of(table->set));
    for (std::size_t n = 0; n <= 100; ++n) {
      const std::vector<float> x = random_values(n, n + 1), y = random_values(n, 2 * n + 7);
      double sum = 0, size = 0;
      for (std::size_t k = 0; k < n; ++k) {
        sum += double{x[k]} * y[k];
        size += std::abs(double{x[k]} * y[k]);
      }
      CHECK(std::abs(table->dot(x.data(), y.data(), n) - sum) <= 1e-6 * size);
    }
  }
}
