#include <quipu/ffn/predicted_sparse.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/eigen.hpp>
#include <quipu/ffn/predictor.hpp>
#include <quipu/ffn/predictor_file.hpp>
#include <quipu/ffn/predictors.hpp>
#include <quipu/io/dequantise.hpp>

#include "support/gguf_builder.hpp"
#include "support/sparse_problem.hpp"
#include "support/temp_folder.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace linear = quipu::linear;
using quipu::instruction_set;
using quipu::tensor_type;
using quipu::test::far;
using quipu::test::random_values;
using quipu::test::same_bits;
using quipu::test::sparse_problem;
using quipu::test::watching_observer;
using Catch::Matchers::Contains;

namespace {

std::shared_ptr<ffn::predictor_data> random_predictor(std::size_t d_ffn, std::size_t d_model, std::size_t rank, std::uint64_t hash = 0) {
  auto data = std::make_shared<ffn::predictor_data>();
  auto first = std::make_shared<std::vector<float>>(random_values<float>(rank * d_model, 21)), second = std::make_shared<std::vector<float>>(random_values<float>(d_ffn * rank, 22));
  data->layers.push_back({linear::store_plain(first->data(), rank, d_model), linear::store_plain(second->data(), d_ffn, rank)});
  data->content_hash = hash;
  data->memory = {first, second};
  return data;
}

// Outputs of the predictor by the equation, in double.
std::vector<double> predicted_by_hand(const ffn::predictor_data& data, const float* x, bool is_mlp) {
  const auto& l = data.layers[0];
  std::vector<double> inner(l.first.rows, 0), out(l.second.rows, 0);
  std::vector<float> row(std::max(l.first.cols, l.second.cols));
  for (std::size_t i = 0; i < inner.size(); ++i) {
    quipu::io::dequantise_row(l.first.type, l.first.row(i), row.data(), l.first.cols);
    for (std::size_t k = 0; k < l.first.cols; ++k) inner[i] += static_cast<double>(row[k]) * static_cast<double>(x[k]);
    if (is_mlp) inner[i] = std::max(inner[i], 0.0);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    quipu::io::dequantise_row(l.second.type, l.second.row(i), row.data(), l.second.cols);
    for (std::size_t k = 0; k < inner.size(); ++k) out[i] += static_cast<double>(row[k]) * inner[k];
  }
  return out;
}

// The FFN over predicted neurons in plain loops over the numbers that the state holds.
template <class State, class Predicted>
std::vector<float> sum_of_predicted(const sparse_problem& p, const State& s, Predicted&& predicted) {
  const auto wide = [&](const linear::neuron_view& v) {
    std::vector<float> m(v.rows * v.cols);
    linear::neuron_kernels_for<float>(instruction_set::portable).widen(v, 0, v.rows, 0, v.cols, m.data(), v.cols);
    return m;
  };
  const auto gate = wide(s.gate_rows->up()), up = wide(s.rows->up()), down = wide(s.rows->down());
  std::vector<float> y(p.n_row * p.d_model);
  for (std::size_t t = 0; t < p.n_row; ++t) {
    std::vector<double> sum(p.d_model, 1.0);
    for (std::size_t i = 0; i < p.d_ffn; ++i) {
      double g = p.with_bias ? static_cast<double>(p.gate_bias[i]) : 0, u = p.with_bias ? static_cast<double>(p.up_bias[i]) : 0;
      for (std::size_t k = 0; k < p.d_model; ++k) {
        const auto x = static_cast<double>(p.x[t * p.d_model + k]);
        g += static_cast<double>(gate[i * p.d_model + k]) * x, u += static_cast<double>(up[i * p.d_model + k]) * x;
      }
      if (g <= 0 || !predicted(t, i)) continue;
      for (std::size_t j = 0; j < p.d_model; ++j) sum[j] += g * u * static_cast<double>(down[i * p.d_model + j]);
    }
    for (std::size_t j = 0; j < p.d_model; ++j) y[t * p.d_model + j] = static_cast<float>(sum[j] + (p.with_bias ? static_cast<double>(p.down_bias[j]) : 0));
  }
  return y;
}

template <class Kernel, class Predicted>
void check_predicted(sparse_problem& p, const Kernel& kernel, Predicted&& predicted) {
  const auto state = p.state_of(kernel);
  const auto expected = sum_of_predicted(p, state, predicted);
  const auto alone = p.run(kernel, state, ffn::no_observer{}, {}).y;
  CHECK(far(alone, expected) < 1e-5);
  for (const std::size_t n_thread : {2, 3, 7}) CHECK(same_bits(p.run(kernel, state, ffn::no_observer{}, {.n_thread = n_thread}).y, alone));
  CHECK(same_bits(p.run(kernel, state, watching_observer{}, {.n_thread = 2}).y, alone));
  CHECK(far(p.run(kernel, state, ffn::no_observer{}, {.n_prompt = p.n_row, .n_thread = 2}).y, expected) < 1e-5);
  CHECK(far(p.run(kernel, state, ffn::no_observer{}, {.n_prompt = 1}).y, expected) < 1e-5);
  for (std::size_t t = 0; t < p.n_row; ++t) {
    const auto one = p.run(kernel, state, ffn::no_observer{}, {.first = t, .rows = 1}).y;
    CHECK(std::memcmp(one.data(), alone.data() + t * p.d_model, p.d_model * sizeof(float)) == 0);
  }
}

}  // namespace

TEST_CASE("predicted neurons alone add to the output, in every type and shape", "[ffn][predicted_sparse]") {
  for (const auto type : {tensor_type::f32, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_0}) {
    for (const std::size_t d_model : {std::size_t{17}, std::size_t{64}}) {
      if (d_model % quipu::block_of(type).elements != 0) continue;
      for (const std::size_t d_ffn : {std::size_t{1}, std::size_t{100}, std::size_t{353}}) {
        INFO(quipu::name_of(type) << " " << d_ffn << " x " << d_model);
        sparse_problem p(type, d_ffn, d_model, 4);
        p.with_bias = d_ffn == 100;
        const auto data = random_predictor(d_ffn, d_model, 9, p.content.hash());
        std::size_t n_predicted = 0;
        const auto by = [&](bool is_mlp) {
          return [&, is_mlp](std::size_t t, std::size_t i) {
            const double out = predicted_by_hand(*data, p.x.data() + t * p.d_model, is_mlp)[i];
            REQUIRE(std::abs(out) > 1e-4);  // none is too close to call
            n_predicted += out >= 0;
            return out >= 0;
          };
        };
        check_predicted(p, ffn::predicted_sparse<ffn::low_rank>(ffn::low_rank{data}), by(false));
        check_predicted(p, ffn::predicted_sparse<ffn::mlp>(ffn::mlp{data}), by(true));
        if (d_ffn > 1) CHECK(n_predicted > 0);
        check_predicted(p, ffn::predicted_sparse<ffn::sign_bits>(ffn::sign_bits{1.1}), [&](std::size_t t, std::size_t i) {
          std::size_t negative = 0;
          for (std::size_t k = 0; k < d_model; ++k) negative += (p.gate.wide[i * d_model + k] < 0) != (p.x[t * d_model + k] < 0);
          return !(static_cast<double>(negative) > 1.1 * static_cast<double>(d_model - negative));
        });
      }
    }
  }
}

TEST_CASE("predictor files come back, and are tied to their weights", "[ffn][predicted_sparse]") {
  const quipu::test::temp_folder folder;
  sparse_problem p(tensor_type::f32, 100, 64, 2);
  const auto data = random_predictor(100, 64, 8, p.content.hash());
  data->layers[0].least = random_values<float>(100, 30);
  const std::string path = folder.file("predictor.safetensors");
  ffn::write_predictor(path, ffn::low_rank::name, *data);
  const ffn::low_rank read{ffn::read_predictor(path, ffn::low_rank::name)};
  CHECK(read.data->content_hash == data->content_hash);
  CHECK(same_bits(p.run(ffn::predicted_sparse<ffn::low_rank>(read)), p.run(ffn::predicted_sparse<ffn::low_rank>(ffn::low_rank{data}))));

  CHECK_THROWS_WITH(ffn::read_predictor(path, ffn::mlp::name), Contains("MLP predictor") && Contains("low-rank predictor"));
  folder.write("none.safetensors", "{}");
  CHECK_THROWS_AS(ffn::read_predictor(folder.file("none.safetensors"), ffn::mlp::name), quipu::format_error);
  CHECK_THROWS_AS(ffn::write_predictor(folder.file("no/such/folder"), ffn::mlp::name, *data), quipu::io_error);
  CHECK_THROWS_AS(ffn::write_predictor(path, ffn::mlp::name, ffn::predictor_data{}), quipu::config_error);

  const auto refused = [&](std::shared_ptr<const ffn::predictor_data> other, const char* words) {
    CHECK_THROWS_WITH(p.state_of(ffn::predicted_sparse<ffn::low_rank>(ffn::low_rank{std::move(other)})), Contains(words));
  };
  refused(nullptr, "a predictor for each layer");
  refused(random_predictor(100, 64, 8, p.content.hash() + 1), "a predictor of these weights");
  refused(random_predictor(99, 64, 8), "(100, rank)");
  refused(random_predictor(100, 32, 8), "(rank, 64)");
  auto two = random_predictor(100, 64, 8);
  two->layers.push_back(two->layers[0]);
  refused(two, "layers");
  auto short_list = random_predictor(100, 64, 8);
  short_list->layers[0].least.resize(99);
  refused(short_list, "least outputs");
  auto bad = random_predictor(100, 64, 8);
  bad->layers[0].least.assign(100, std::nanf(""));
  refused(bad, "least outputs");
  CHECK_THROWS_AS(p.state_of(ffn::predicted_sparse<ffn::sign_bits>(ffn::sign_bits{0})), quipu::config_error);
}

TEST_CASE("PowerInfer's predictors are read from its files", "[ffn][predicted_sparse]") {
  const quipu::test::temp_folder folder;
  sparse_problem p(tensor_type::f32, 100, 64, 2);
  const auto data = random_predictor(100, 64, 32);
  const auto file_of = [&](bool with_second, const char* magic) {
    quipu::test::gguf_builder g;
    g.text("general.architecture", "llama").f32("powerinfer.sparse_threshold", 0.25f);
    const auto add = [&](const char* name, const linear::stored_matrix& m) {
      g.tensor({name, {m.cols, m.rows}, 0, std::string(reinterpret_cast<const char*>(m.data), m.n_byte())});
    };
    add("blk.0.fc1.weight", data->layers[0].first);
    if (with_second) add("blk.0.fc2.weight", data->layers[0].second);
    add("blk.0.ffn_down_t.weight", p.up.w);
    std::string bytes = g.bytes();
    bytes.replace(0, 4, magic);
    return bytes;
  };
  folder.write("m.powerinfer.gguf", file_of(true, "PWRI"));
  const ffn::mlp read = ffn::read_power_infer(folder.file("m.powerinfer.gguf"));
  REQUIRE(read.data->layers.size() == 1);
  CHECK(read.data->least == 0.25);
  data->least = 0.25;
  CHECK(same_bits(p.run(ffn::predicted_sparse<ffn::mlp>(read)), p.run(ffn::predicted_sparse<ffn::mlp>(ffn::mlp{data}))));
  folder.write("half.gguf", file_of(false, "PWRI"));
  CHECK_THROWS_WITH(ffn::read_power_infer(folder.file("half.gguf")), Contains("no fc2"));
  folder.write("plain.gguf", file_of(true, "GGUF"));
  CHECK_THROWS_AS(ffn::read_power_infer(folder.file("plain.gguf")), quipu::format_error);
}
