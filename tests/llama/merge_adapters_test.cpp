// Adapters merged into checkpoints: PEFT's logits, and what stays as it was.
#include <quipu/llama/merge_adapters.hpp>

#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/session.hpp>

#include "support/golden.hpp"
#include "support/same_bytes.hpp"
#include "support/strangers.hpp"
#include "support/temp_folder.hpp"

namespace quipu_merge_adapters_test {

namespace io = quipu::io;
namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::tensor_type;
using quipu::token_id;

namespace {

std::vector<float> every_logit(io::checkpoint source, const std::vector<token_id>& ids) {
  const auto m = llama::from_checkpoint<quipu::ffn::dense<quipu::activation::as_stated>, quipu::activations::f32,
                                        quipu::kv::exact>(std::move(source));
  llama::session session(m, quipu::thread_team(1));
  std::vector<float> all;
  const llama::sequence_input<float> one{session.create(), ids, {}, llama::logits_of::every_row};
  session.run(std::span(&one, 1), [&](std::size_t, std::size_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}

io::checkpoint merged(const std::filesystem::path& base, const std::filesystem::path& adapter, double scale = 1,
                      llama::merge_options options = {}) {
  const llama::adapter_choice choice{adapter.string(), scale};
  return llama::merge_adapters(io::open_checkpoint(base.string()), {&choice, 1}, options);
}

}  // namespace

TEST_CASE("merged adapters give PEFT's logits from every form", "[llama][merge_adapters]") {
  for (const char* name : {"lora_conpet", "lora_all", "rslora", "dora", "ia3"}) {
    INFO(name);
    const auto base = test::golden_case("gqa_tied_odd");
    QUIPU_NEEDS(base);
    const test::golden golden(std::string("peft/") + name);
    const auto ids = golden.ids("ids");
    const auto wanted = golden.values("logits");
    const auto source = merged(base, golden.folder());
    CHECK(test::max_abs_difference(every_logit(source, ids), wanted) < 1e-4);
    const test::temp_folder folder;
    io::write_gguf(folder.file("m.gguf"), source);
    io::write_hf_folder(folder.path() / "hf", source);
    CHECK(test::max_abs_difference(every_logit(io::open_checkpoint(folder.file("m.gguf")), ids), wanted) < 1e-4);
    CHECK(test::max_abs_difference(every_logit(io::open_checkpoint(folder.file("hf")), ids), wanted) < 1e-4);
  }
}

TEST_CASE("adapters with saved modules, heads, biases and tokens merge too", "[llama][merge_adapters]") {
  const auto strangers = test::strangers_of([](const test::stranger& s) {
    return test::has_keys(s.expected, {"how", "logits"}) && s.expected["logits"].is_object() &&
           std::filesystem::exists(s.input / s.expected["logits"].begin().key() / "adapter_config.json");
  });
  for (const test::stranger& s : strangers) {
    std::string list = s.expected["how"].get<std::string>();
    list = list.substr(list.find('[') + 1);
    list.resize(list.find(']'));
    for (char& c : list) c = c == ',' ? ' ' : c;
    std::istringstream in(list);
    std::vector<token_id> ids;
    for (token_id id = 0; in >> id;) ids.push_back(id);
    for (const auto& [name, rows] : s.expected["logits"].items()) {
      INFO(s.name << "/" << name);
      std::vector<double> wanted;
      for (const auto& row : rows) {
        for (const auto& value : row) wanted.push_back(value.get<double>());
      }
      const test::temp_folder folder;
      io::write_hf_folder(folder.path() / "hf", merged(s.input / "base", s.input / name));
      CHECK(test::max_abs_difference(every_logit(io::open_checkpoint(folder.file("hf")), ids), wanted) < 1e-4);
    }
  }
}

TEST_CASE("tensors that no adapter touches keep their bytes, the others their plain type", "[llama][merge_adapters]") {
  const auto base = test::golden_case("gqa_tied_odd"), adapter = test::golden_case("peft/lora_conpet");
  QUIPU_NEEDS(base);
  QUIPU_NEEDS(adapter);
  const test::temp_folder folder;
  const auto source = io::open_checkpoint(base.string());
  io::write_hf_folder(folder.path() / "bf16", source, {.type = tensor_type::bf16});
  for (const auto& [file, kept, type] :
       {std::tuple{folder.path() / "bf16", tensor_type::bf16, std::optional<tensor_type>()},
        {folder.path() / "bf16", tensor_type::f16, std::optional(tensor_type::f16)}}) {
    const auto before = io::open_checkpoint(file.string());
    const auto after = merged(file, adapter, 1, {.type = type});
    REQUIRE(after.tensors.size() == before.tensors.size());
    std::size_t n_changed = 0;
    for (const auto& [name, tensor] : before.tensors) {
      if (test::same_bytes(tensor, after.at(name))) continue;
      INFO(name);
      ++n_changed;
      CHECK((name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos));
      CHECK(after.at(name).type == kept);
    }
    CHECK(n_changed == 2 * before.config.n_layer);
  }
  const auto nothing = merged(base, adapter, 0);
  for (const auto& [name, tensor] : source.tensors) CHECK(test::same_bytes(tensor, nothing.at(name)));
}

TEST_CASE("of a base in blocks only what changes becomes F32", "[llama][merge_adapters]") {
  // The golden model's rows are no whole blocks throughout: 172 inputs of down.
  const auto base = test::golden_case("gqa_tied_odd"), adapter = test::golden_case("peft/lora_conpet");
  QUIPU_NEEDS(base);
  QUIPU_NEEDS(adapter);
  auto blocks = io::open_checkpoint(base.string());
  for (auto& [name, tensor] : blocks.tensors) {
    if (tensor.shape.size() < 2 || tensor.shape[1] % 32 != 0) continue;
    auto bytes = std::make_shared<const std::vector<std::byte>>(io::stored_as(tensor, tensor_type::q8_0));
    tensor = {tensor_type::q8_0, tensor.shape, *bytes};
    blocks.owned.push_back(bytes);
  }
  const llama::adapter_choice twice[] = {{adapter.string(), 0.25}, {adapter.string(), 0.75}};
  const auto after = llama::merge_adapters(blocks, twice);
  const auto once = llama::merge_adapters(blocks, std::span(twice, 1), {.type = tensor_type::q8_0});
  for (const auto& [name, tensor] : blocks.tensors) {
    INFO(name);
    const bool touched =
        name.find("q_proj.weight") != std::string::npos || name.find("k_proj.weight") != std::string::npos;
    CHECK((touched ? after.at(name).type == tensor_type::f32 : test::same_bytes(tensor, after.at(name))));
    if (touched) CHECK(once.at(name).type == tensor_type::q8_0);
  }
  const llama::adapter_choice whole{adapter.string()};
  const auto wanted = llama::merge_adapters(blocks, {&whole, 1});
  const auto a = io::values_of<float>(wanted.at(io::layer_name(0, "self_attn.q_proj.weight")));
  const auto b = io::values_of<float>(after.at(io::layer_name(0, "self_attn.q_proj.weight")));
  CHECK(test::max_abs_difference(a, b) < 1e-5);
}

TEST_CASE("what is no change of weights is refused by its name", "[llama][merge_adapters]") {
  const auto base = test::golden_case("gqa_tied_odd");
  QUIPU_NEEDS(base);
  for (const auto& [name, kind] : {std::pair{"prompt", "PROMPT_TUNING"}, {"prefix", "PREFIX_TUNING"}}) {
    CHECK_THROWS_WITH(merged(base, test::golden_case("peft") / name), Catch::Contains(kind) && Catch::Contains(name));
  }
  CHECK_THROWS_AS(merged(base, test::golden_case("peft/ia3"), 0.5), quipu::config_error);
  CHECK_THROWS_AS(merged(base, base), quipu::io_error);
  CHECK_THROWS_AS(merged(test::golden_case("mha_untied"), test::golden_case("peft/lora_all")), quipu::error);
  const auto stop = [](const quipu::progress_state&) { return false; };
  CHECK_THROWS_AS(merged(base, test::golden_case("peft/lora_all"), 1, {.progress = stop}), quipu::cancelled);
}

}  // namespace quipu_merge_adapters_test
