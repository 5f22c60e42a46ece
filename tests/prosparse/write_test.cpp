#include <quipu/prosparse/write.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/stored_thresholds.hpp>
#include <quipu/io/gguf_config.hpp>
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/sparsity/searches.hpp>

#include "support/random_checkpoint.hpp"
#include "support/temp_folder.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace io = quipu::io;
namespace llama = quipu::llama;
namespace prosparse = quipu::prosparse;
namespace sparsity = quipu::sparsity;
using quipu::tensor_type;
using Catch::Matchers::Contains;

namespace {

constexpr quipu::token_id some_ids[] = {1, 3, 4, 6, 3, 5, 4, 3};

io::checkpoint relu_checkpoint(tensor_type type = tensor_type::f32, const char* hidden_act = "relu") {
  auto config = quipu::test::small_config();
  config.hidden_act = hidden_act;
  auto made = quipu::test::random_checkpoint(config, type);
  made.vocabulary = quipu::test::small_vocabulary();
  return made;
}

// Logits of tokens that are chosen one at a time, and of the same as a prompt.
template <class Model>
std::vector<float> all_logits(const Model& m) {
  auto session = open_session(m, quipu::thread_team(2));
  std::vector<float> all;
  const auto chosen = session.create(), prompt = session.create();
  for (const quipu::token_id id : some_ids) {
    const auto logits = session.next_logits(chosen, {&id, 1}, llama::token_role::decode);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  const auto logits = session.next_logits(prompt, some_ids);
  all.insert(all.end(), logits.begin(), logits.end());
  return all;
}
bool equal_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

ffn::thresholds random_thresholds(const io::model_config& c) {
  ffn::thresholds t;
  for (std::size_t l = 0; l < c.n_layer; ++l) {
    t.of_neurons.emplace_back(c.d_ffn);
    for (std::size_t i = 0; i < c.d_ffn; ++i) t.of_neurons.back()[i] = 0.5f + static_cast<float>((i * 7 + l) % 13);
  }
  return t;
}

}  // namespace

TEST_CASE("sparse checkpoints give the same logits bit for bit when they are read back", "[prosparse][write]") {
  using relu = activation::relu;
  using fat_relu = activation::fat_relu;
  const quipu::test::temp_folder folder;
  for (const auto type : {tensor_type::f32, tensor_type::bf16, tensor_type::q8_0}) {
    INFO(quipu::name_of(type));
    const auto m = llama::from_checkpoint<ffn::gate_sparse<relu>>(relu_checkpoint(type));
    const ffn::thresholds neurons = random_thresholds(m.config());
    const ffn::thresholds one{.of_layers = std::vector<double>(m.config().n_layer, 0.7)}, layers{.of_layers = {0.3, 2.5}};
    for (const ffn::thresholds* t : {&neurons, &one, &layers}) {
      const auto expected = all_logits(llama::with_ffn(m, ffn::gate_sparse<relu>(*t)));
      CHECK_FALSE(equal_bits(expected, all_logits(m)));
      const std::string gguf = folder.file("m.gguf"), hf = folder.file("m");
      prosparse::write(gguf, m, *t);
      CHECK(equal_bits(all_logits(llama::load<ffn::gate_sparse<fat_relu>>(gguf)), expected));
      if (type == tensor_type::q8_0) continue;  // folders have no blocks
      prosparse::write(hf, m, *t);
      const auto read = llama::load<ffn::gate_sparse<fat_relu>>(hf);
      CHECK(equal_bits(all_logits(read), expected));
      CHECK(read.config().hidden_act == "fatrelu");
      CHECK(read.config().activation_threshold == Approx(t == &neurons ? 0.5 : t == &one ? 0.7 : 0.3));
      CHECK(read.identity()->content->hash() == m.identity()->content->hash());  // what is tied to these weights still is
      CHECK((read.identity()->content->find(ffn::threshold_tensor_name) == nullptr) == (t == &one));
    }
    // What proves neurons inactive knows the same thresholds.
    const auto exact = llama::load(folder.file("m.gguf"), {}, ffn::gate_sparse<fat_relu>(fat_relu{}, {}, {.gate = ffn::gate_form::integer}));
    CHECK(equal_bits(all_logits(exact), all_logits(llama::load<ffn::certified_sparse<fat_relu>>(folder.file("m.gguf")))));
  }
}

TEST_CASE("levels of SwiGLU models travel with the weights", "[prosparse][write]") {
  using silu = activation::silu;
  using kernel = ffn::threshold_sparse<silu, ffn::weighted_gate, ffn::hidden_size>;
  const quipu::test::temp_folder folder;
  const auto m = llama::from_checkpoint<>(relu_checkpoint(tensor_type::f32, "silu"));
  const auto found = sparsity::search(m, some_ids, sparsity::two_quantiles<>{0.3, 0.6}, {.record = {.window = 8, .team = quipu::thread_team(1)}});
  const auto expected = all_logits(llama::with_ffn(m, found.kernel(silu{})));
  for (const char* name : {"levels.gguf", "levels"}) {
    prosparse::write(folder.file(name), m, found);
    CHECK(equal_bits(all_logits(llama::load<kernel>(folder.file(name))), expected));
    CHECK(equal_bits(all_logits(llama::load<>(folder.file(name))), all_logits(m)));  // the dense model is still there
    using other = ffn::threshold_sparse<silu, ffn::gate_size, ffn::hidden_size>;
    CHECK_THROWS_WITH(llama::load<other>(folder.file(name)), Contains("levels for |f(gate)|"));
  }
}

TEST_CASE("a GGUF file with another activation has an architecture of its own", "[prosparse][write]") {
  const quipu::test::temp_folder folder;
  for (const char* act : {"silu", "relu", "fatrelu", "drelu"}) {
    io::write_gguf(folder.file("m.gguf"), relu_checkpoint(tensor_type::f32, act));
    const quipu::mapped_file file(folder.file("m.gguf"));
    const auto contents = io::parse_gguf(file.bytes(), file.path());
    const bool plain = std::string(act) == "silu";
    CHECK(contents.metadata.text_or("general.architecture", "") == (plain ? "llama" : "quipu-llama"));
    CHECK(io::open_checkpoint(folder.file("m.gguf")).config.hidden_act == act);
  }
}

TEST_CASE("published sparse checkpoints open and run sparsely", "[prosparse][write]") {
  const quipu::test::temp_folder folder;
  const auto published = [&](const std::string& name, const nlohmann::json& fields) {
    io::write_hf_folder(folder.file(name), relu_checkpoint(tensor_type::bf16));
    const std::string path = folder.file(name) + "/config.json";
    auto config = nlohmann::json::parse(quipu::mapped_file(path).text());
    config.update(fields);
    folder.write(name + "/config.json", config.dump());
    return folder.file(name);
  };
  const std::string pro = published("pro", {{"model_type", "sparsellama"}, {"architectures", {"SparseLlamaForCausalLM"}}, {"hidden_act", "fatrelu"}, {"hidden_act_param", 0.5}});
  auto expected = relu_checkpoint(tensor_type::bf16, "fatrelu");
  expected.config.activation_threshold = 0.5;
  using fat_relu = activation::fat_relu;
  CHECK(equal_bits(all_logits(llama::load<ffn::gate_sparse<fat_relu>>(pro)), all_logits(llama::from_checkpoint<ffn::gate_sparse<fat_relu>>(expected))));

  const std::string turbo = published("turbo", {{"model_type", "bamboo"}, {"architectures", {"BambooForCausalLM"}}, {"hidden_act", "relu"}, {"sliding_window", 4096}});
  using drelu = activation::drelu;
  const auto own = llama::from_checkpoint<ffn::gate_sparse<drelu>>(relu_checkpoint(tensor_type::bf16, "drelu"));
  CHECK(equal_bits(all_logits(llama::load<ffn::gate_sparse<drelu>>(turbo)), all_logits(own)));
  CHECK_THROWS_AS(llama::load<ffn::gate_sparse<activation::relu>>(turbo), quipu::config_error);  // that would be another model
}

TEST_CASE("what makes no sparse checkpoint is refused before anything is written", "[prosparse][write]") {
  using relu = activation::relu;
  const quipu::test::temp_folder folder;
  const auto m = llama::from_checkpoint<ffn::dense<relu>>(relu_checkpoint());
  const auto refused = [&](const ffn::thresholds& t, const char* words) {
    CHECK_THROWS_WITH(prosparse::write(folder.file("none"), m, t), Contains(words));
    CHECK_FALSE(std::filesystem::exists(folder.file("none")));
  };
  refused({.of_layers = {0.1}}, "2, one a layer");
  refused({.of_neurons = {std::vector<float>(96, 1), std::vector<float>(95, 1)}}, "d_ffn = 96");
  refused({.of_layers = {0.1, std::numeric_limits<double>::infinity()}}, "finite");
  refused({.of_layers = {0.1, 1e9}}, "thresholds of layer 1");
  refused({.of_layers = {0.1, 1e9}}, "every neuron dead");
  refused({.of_layers = {0.1, 0.1}, .content_hash = 77}, "those of these weights");
  const auto silu = llama::from_checkpoint<>(relu_checkpoint(tensor_type::f32, "silu"));
  CHECK_THROWS_WITH(prosparse::write(folder.file("none"), silu, ffn::thresholds{.of_layers = {1, 1}}), Contains("relu or fatrelu") && Contains("silu"));
  CHECK_THROWS_AS(llama::from_checkpoint<ffn::gate_sparse<relu>>(relu_checkpoint(tensor_type::f32, "silu")), quipu::config_error);
  folder.write("file", "in the way");
  CHECK_THROWS_AS(prosparse::write(folder.file("file") + "/below", m, ffn::thresholds{}), quipu::io_error);
  CHECK_THROWS_AS(prosparse::write(folder.file("file") + "/below.gguf", m, ffn::thresholds{}), quipu::io_error);

  // Tensors that do not fit.
  auto broken = prosparse::with_thresholds(relu_checkpoint(), random_thresholds(m.config()));
  broken.further.find(ffn::threshold_tensor_name)->second.shape = {1, 192};
  CHECK_THROWS_WITH(llama::from_checkpoint<ffn::gate_sparse<activation::fat_relu>>(broken), Contains("quipu.ffn_thresholds") && Contains("(2, 96)"));
  auto bad = random_thresholds(m.config());
  auto made = prosparse::with_thresholds(relu_checkpoint(), bad);
  bad.of_neurons[1][5] = std::numeric_limits<float>::quiet_NaN();
  ffn::store_thresholds(made, bad.of_neurons);
  CHECK_THROWS_WITH(llama::from_checkpoint<ffn::gate_sparse<activation::fat_relu>>(made), Contains("finite"));
}
