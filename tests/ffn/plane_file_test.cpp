#include <quipu/ffn/plane_file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/file_numbers.hpp>
#include <quipu/ffn/plane_data.hpp>

#include "support/sparse_problem.hpp"
#include "support/temp_folder.hpp"

namespace ffn = quipu::ffn;
namespace io = quipu::io;
namespace linear = quipu::linear;
using quipu::tensor_type;
using quipu::test::same_bits;
using quipu::test::sparse_problem;
using Catch::Matchers::Contains;

namespace {

using plane_relu = quipu::activation::fat_relu;
using plane_kernel = ffn::certified_sparse<plane_relu>;

ffn::plane_data planes_for(sparse_problem& p, const plane_kernel& kernel = {}) {
  const auto state = p.state_of(kernel);
  return {{{state.planes, state.gate->relative_error()}}, kernel.options.dither_seed, p.content.hash()};
}

template <class T>
bool same_memory(const quipu::buffer<T>& a, const quipu::buffer<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.n_byte()) == 0;
}
bool same_planes(const linear::gate_planes& a, const linear::gate_planes& b) {
  return a.n_neuron == b.n_neuron && a.n_col == b.n_col && same_memory(a.high, b.high) && same_memory(a.low, b.low) && same_memory(a.scale, b.scale) &&
         same_memory(a.dither, b.dither);
}

plane_kernel with_planes(ffn::plane_data data) {
  plane_kernel kernel;
  kernel.planes = std::make_shared<const ffn::plane_data>(std::move(data));
  return kernel;
}

// A copy of a layer's planes that may be changed.
std::shared_ptr<linear::gate_planes> copy_of(const linear::gate_planes& from) {
  auto to = std::make_shared<linear::gate_planes>(linear::gate_shape{from.n_neuron, from.n_col});
  std::copy_n(from.high.data(), from.high.size(), to->high.data());
  std::copy_n(from.low.data(), from.low.size(), to->low.data());
  std::copy_n(from.scale.data(), from.scale.size(), to->scale.data());
  std::copy_n(from.dither.data(), from.dither.size(), to->dither.data());
  return to;
}

}  // namespace

TEST_CASE("planes come back from a file, and a kernel that takes them gives the same bits", "[ffn][plane_file]") {
  const quipu::test::temp_folder folder;
  const std::string path = folder.file("planes.safetensors");
  for (const auto type : {tensor_type::q8_0, tensor_type::f32}) {
    for (const auto& [d_ffn, d_model] : {std::pair<std::size_t, std::size_t>{100, 64}, {17, 576}, {1, 32}, {48, 320}}) {
      INFO(quipu::name_of(type) << " " << d_ffn << " x " << d_model);
      sparse_problem p(type, d_ffn, d_model, 3);
      const ffn::plane_data made = planes_for(p);
      ffn::write_planes(path, made);
      const auto read = ffn::read_planes(path);
      CHECK(read->content_hash == made.content_hash);
      CHECK(read->dither_seed == made.dither_seed);
      REQUIRE(read->layers.size() == 1);
      CHECK(read->layers[0].relative_error == made.layers[0].relative_error);
      CHECK(same_planes(*read->layers[0].planes, *made.layers[0].planes));

      const plane_kernel taking = with_planes(*read);
      sparse_problem again(type, d_ffn, d_model, 3);  // whose cache of forms knows nothing yet
      const auto state = again.state_of(taking);
      CHECK(state.planes == read->layers[0].planes);  // nothing was made
      CHECK(state.report.gate_error == made.layers[0].relative_error);
      for (std::size_t row = 0; row < p.n_row; ++row) {
        const auto o = sparse_problem::run_options{.first = row, .rows = 1, .n_thread = 2};
        CHECK(same_bits(again.run(taking, state, ffn::no_observer{}, o).y, p.run(plane_kernel(), p.state_of(plane_kernel()), ffn::no_observer{}, o).y));
      }
    }
  }
}

TEST_CASE("planes of other weights, shapes or dithers are refused", "[ffn][plane_file]") {
  sparse_problem p(tensor_type::q8_0, 100, 64);
  const ffn::plane_data made = planes_for(p);
  const auto refused = [&](const std::function<void(ffn::plane_data&)>& change, const auto& words) {
    ffn::plane_data other = made;
    change(other);
    sparse_problem fresh(tensor_type::q8_0, 100, 64);
    CHECK_THROWS_WITH(fresh.state_of(with_planes(other)), words);
  };
  refused([](auto& d) { d.content_hash += 1; }, Contains(quipu::hex_digits(made.content_hash)) && Contains(quipu::hex_digits(made.content_hash + 1)));
  refused([](auto& d) { d.content_hash = 0; }, Contains(quipu::hex_digits(made.content_hash)));
  refused([](auto& d) { d.layers.push_back(d.layers[0]); }, Contains("layers"));
  refused([](auto& d) { d.dither_seed += 1; }, Contains("dither_seed"));
  sparse_problem fewer(tensor_type::q8_0, 99, 64), narrower(tensor_type::q8_0, 100, 32);
  refused([&](auto& d) { d.layers = planes_for(fewer).layers; }, Contains("100 x 64") && Contains("99 x 64"));
  refused([&](auto& d) { d.layers = planes_for(narrower).layers; }, Contains("100 x 64") && Contains("100 x 32"));
  // Of a layer without planes they are made.
  ffn::plane_data none = made;
  none.layers[0] = {};
  sparse_problem fresh(tensor_type::q8_0, 100, 64);
  CHECK(same_planes(*fresh.state_of(with_planes(none)).planes, *made.layers[0].planes));
}

TEST_CASE("damaged, truncated and forged files of planes are refused, whatever was changed", "[ffn][plane_file]") {
  const quipu::test::temp_folder folder;
  const std::string path = folder.file("planes.safetensors");
  sparse_problem p(tensor_type::q8_0, 33, 64);
  const ffn::plane_data made = planes_for(p);
  ffn::write_planes(path, made);
  const std::string whole = quipu::test::read_bytes(path);
  // Every cut, in the header byte by byte.
  for (std::size_t n = 0; n < whole.size(); n += n < 1500 ? 1 : 37) {
    folder.write("cut.safetensors", whole.substr(0, n));
    CHECK_THROWS_AS(ffn::read_planes(folder.file("cut.safetensors")), quipu::error);
  }
  // Every changed byte is noticed, or is none of the data's (the seed, another hash of weights: refused by the kernel).
  std::size_t n_refused = 0;
  for (std::size_t n = 0; n < whole.size(); n += n < 1500 ? 1 : 11) {
    std::string changed = whole;
    changed[n] = static_cast<char>(changed[n] ^ (n % 2 == 0 ? 0x01 : 0x40));
    folder.write("changed.safetensors", changed);
    try {
      const auto read = ffn::read_planes(folder.file("changed.safetensors"));
      const bool tied = read->content_hash == made.content_hash && read->dither_seed == made.dither_seed && read->layers.size() == 1;
      if (tied && read->layers[0].planes) CHECK(same_planes(*read->layers[0].planes, *made.layers[0].planes));
    } catch (const quipu::error&) {
      ++n_refused;
    }
  }
  CHECK(n_refused > 1000);

  // Files whose own hash is right, and whose numbers no kernel may see.
  const auto forged = [&](const std::function<void(linear::gate_planes&)>& change) {
    auto planes = copy_of(*made.layers[0].planes);
    change(*planes);
    ffn::write_planes(path, {{{planes, 0.01}}, made.dither_seed, made.content_hash});
    CHECK_THROWS_AS(ffn::read_planes(path), quipu::format_error);
  };
  constexpr std::size_t lines = linear::integer_form::high_lines;
  const auto multiplier = [&](linear::gate_planes& g, std::size_t neuron) -> std::byte& {
    return g.high[neuron / 16 * g.form().tile_bytes(lines) + linear::integer_form::multipliers_at(0, lines) + neuron % 16];
  };
  forged([&](auto& g) { multiplier(g, 4) = g.low[4 * g.form().low_bytes()] = std::byte{17}; });
  forged([&](auto& g) { multiplier(g, 4) = g.low[4 * g.form().low_bytes()] = std::byte{0}; });
  forged([&](auto& g) { g.low[4 * g.form().low_bytes()] = std::byte{200}; });
  forged([&](auto& g) { multiplier(g, 40) = std::byte{200}; });  // after the last neuron
  forged([](auto& g) { g.scale[2] = std::numeric_limits<float>::quiet_NaN(); });
  forged([](auto& g) { g.scale[2] = -1; });
  ffn::write_planes(path, {{{made.layers[0].planes, std::nan("")}}, made.dither_seed, made.content_hash});
  CHECK_THROWS_AS(ffn::read_planes(path), quipu::format_error);

  CHECK_THROWS_AS(ffn::write_planes(path, ffn::plane_data{}), quipu::config_error);
  CHECK_THROWS_AS(ffn::write_planes(folder.file("no/such/folder"), made), quipu::io_error);
  CHECK_THROWS_AS(ffn::read_planes(folder.file("none")), quipu::io_error);
  folder.write("other.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
  CHECK_THROWS_WITH(ffn::read_planes(folder.file("other.safetensors")), Contains("quipu.gate_planes"));
}
