#include <quipu/pet/peft_folder.hpp>

#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/session.hpp>
#include <quipu/llama/virtual_tokens.hpp>

#include "support/modules.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace quipu_peft_folder_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;
using Catch::Matchers::Contains;

namespace {

template <class Scalar>
void check_module(const test::golden& golden, pet::any_module<Scalar>& module) {
  const auto m = test::exact_model<Scalar>("gqa_tied_odd");
  llama::bind_base(module, m);
  llama::training_pass pass(m, thread_team(2));
  llama::module_hooks hooks(module, pass.workspace());
  auto batch = test::batch_for<Scalar>(hooks);
  test::add_row(batch, golden, "", 0, 0);
  CHECK(test::max_abs_difference(test::batch_logits(pass, batch, hooks), golden.values("logits_f64")) <
        (sizeof(Scalar) == 8 ? 1e-10 : 1e-4));
  hooks.train(0);
  const auto loss = pass.step(batch, batch.n_counted(), hooks, {});
  CHECK(loss.mean() == Approx(golden.json()["loss"].get<double>()).epsilon(sizeof(Scalar) == 8 ? 1e-12 : 1e-6));
  for (const auto& p : module.parameters()) {
    INFO(p.name);
    CHECK(test::gradient_error<Scalar>({p.gradient, p.size()}, golden.values("grad." + p.name)) <
          test::allowed_error<Scalar>(golden, "grad." + p.name));
  }
}

const char* const cases[] = {"lora_conpet", "lora_all", "rslora", "dora", "ia3", "prefix", "prompt"};

template <class Scalar>
void check_case(const std::string& name) {
  INFO(name << ", " << sizeof(Scalar) << " bytes");
  QUIPU_NEEDS(test::golden_case("peft/" + name));
  const test::golden golden("peft/" + name);
  const auto config = test::exact_model<Scalar>("gqa_tied_odd").config();
  const pet::peft_folder folder(golden.folder());
  CHECK(folder.base_model() == "gqa_tied_odd");
  auto any = pet::load_any_peft<Scalar>(golden.folder(), config);
  check_module<Scalar>(golden, any);
  pet::visit_peft<Scalar>(folder, config, [&](auto module) {
    // Written and read again, nothing changes.
    const test::temp_folder copy;
    using module_type = decltype(module);
    pet::save_peft(copy.path() / "a", module, config, {.base_model = folder.base_model()});
    const auto again = pet::load_peft<typename module_type::policy_type, Scalar>(copy.path() / "a", config);
    REQUIRE(again.parameters().size() == module.parameters().size());
    for (std::size_t i = 0; i < again.parameters().size(); ++i) {
      const auto &p = again.parameters()[i], &q = module.parameters()[i];
      CHECK(p.name == q.name);
      CHECK(p.shape == q.shape);
      CHECK(std::equal(p.value, p.value + p.size(), q.value));
    }
    if constexpr (std::is_same_v<Scalar, float>) {  // F32 as in the golden file: the same bytes for every tensor
      const pet::peft_folder written(copy.path() / "a");
      CHECK(written.tensors().tensors().size() == folder.tensors().tensors().size());
      for (const auto& [tensor_name, tensor] : folder.tensors().tensors()) {
        CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), written.tensors().at(tensor_name).bytes.begin()));
      }
      const auto ours = test::read_json(copy.path() / "a" / "adapter_config.json");
      const auto theirs = test::read_json(golden.folder() / "adapter_config.json");
      for (const auto& [key, value] : ours.items()) {
        INFO(key);
        // PEFT's own defaults for what a module no longer needs.
        if (key == "encoder_hidden_size" || key == "fan_in_fan_out" || key == "init_weights" ||
            key.rfind("init_", 0) == 0)
          continue;
        REQUIRE(theirs.contains(key));
        CHECK(theirs[key] == value);
      }
    }
  });
}

}  // namespace

TEST_CASE("every kind gives PEFT's logits and gradients, and survives a round trip", "[pet][peft_folder]") {
  for (const std::string name : cases) {
    check_case<double>(name);
    check_case<float>(name);
  }
}

TEST_CASE("a session applies an adapter to cached sequences", "[pet][peft_folder]") {
  for (const std::string name : {"lora_all", "dora", "ia3", "prefix", "prompt"}) {
    INFO(name);
    QUIPU_NEEDS(test::golden_case("peft/" + name));
    const test::golden golden("peft/" + name);
    const auto m = test::exact_model<float>("gqa_tied_odd");
    {
      auto module = pet::load_any_peft<float>(golden.folder(), m.config());
      llama::bind_base(module, m);
      llama::session s(m, thread_team(2));
      llama::module_hooks hooks(module, s.workspace());
      const auto ids = golden.ids("ids");
      const auto sequence = s.fork(llama::create_with(s, module));
      std::vector<float> logits;
      // In two parts, so that the second reads the cache
      for (const std::size_t cut : {std::size_t{0}, ids.size() / 2}) {
        const auto part = cut == 0 ? std::span(ids).first(ids.size() / 2) : std::span(ids).subspan(cut);
        const llama::sequence_input<float> in{sequence, part, {}, llama::logits_of::every_row};
        s.run(
            {&in, 1},
            [&](std::size_t, std::size_t, std::span<const float> row) {
              logits.insert(logits.end(), row.begin(), row.end());
            },
            hooks);
      }
      const auto expected = golden.values("logits_f64");  // with those of learned embeddings
      REQUIRE(expected.size() == logits.size() + module.n_virtual() * m.config().n_vocab);
      CHECK(test::max_abs_difference(logits, std::span(expected).last(logits.size())) < 1e-4);
    }
  }
}

namespace {

/// A copy of a golden folder whose settings were changed.
struct changed_folder {
  explicit changed_folder(const std::string& name)
      : json(test::read_json(test::golden_case("peft/" + name) / "adapter_config.json")) {
    folder.write("adapter_model.safetensors",
                 test::read_bytes(test::golden_case("peft/" + name) / "adapter_model.safetensors"));
  }
  template <class Policy>
  void load(const quipu::io::model_config& c) const {
    folder.write("adapter_config.json", json.dump());
    static_cast<void>(pet::load_peft<Policy, float>(folder.path(), c));
  }
  nlohmann::json json;
  test::temp_folder folder;
};

}  // namespace

TEST_CASE("settings that would change the mathematics are refused by name", "[pet][peft_folder]") {
  QUIPU_NEEDS(test::golden_case("peft/lora_conpet"));
  const auto c = test::exact_model<float>("gqa_tied_odd").config();
  const auto refuses = [&](const char* key, const nlohmann::json& value) {
    changed_folder f("lora_conpet");
    f.json[key] = value;
    INFO(key);
    CHECK_THROWS_WITH(f.load<pet::lora>(c), Contains("adapter_config.json") && Contains(key) && Contains("expected"));
    CHECK_THROWS_AS(f.load<pet::lora>(c), quipu::format_error);
  };
  refuses("use_qalora", true);
  refuses("use_dora", true);
  refuses("lora_bias", true);
  refuses("fan_in_fan_out", true);
  refuses("bias", "some");
  refuses("trainable_token_indices", {3, 4});
  refuses("modules_to_save", {"lm_head"});
  refuses("modules_to_save", {"input_layernorm"});
  refuses("target_modules", {"q_proj", "k_proj", "v_proj", "o_proj", "embed_tokens"});
  refuses("layer_replication", {{0, 1}});
  refuses("layers_to_transform", {c.n_layer});
  refuses("layers_to_transform", "0");
  refuses("exclude_modules", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"});
  refuses("alora_invocation_tokens", {3, 4});
  refuses("init_lora_weights", "pissa");
  refuses("a_key_of_the_future", 1);
  refuses("peft_type", "VERA");
  refuses("peft_type", nullptr);
  refuses("r", 0);
  refuses("r", "four");
  refuses("lora_alpha", "two");
  refuses("target_modules", {1});
  refuses("target_modules", "q_proj(");
  refuses("rank_pattern", {{"q_proj", "x"}});
  refuses("lora_dropout", "much");
  changed_folder plain("lora_conpet");
  plain.json["another_key"] = nullptr;
  plain.json["and_another"] = false;
  CHECK_NOTHROW(plain.load<pet::lora>(c));
  // Tensors of layers and modules that the settings leave out are left over.
  for (const auto& [key, value] : {std::pair<const char*, nlohmann::json>("layers_to_transform", {0}),
                                   std::pair<const char*, nlohmann::json>("exclude_modules", {"k_proj"})}) {
    changed_folder less("lora_conpet");
    less.json[key] = value;
    INFO(key);
    CHECK_THROWS_WITH(less.load<pet::lora>(c), Contains("adapter_model.safetensors") && Contains("expected"));
  }

  changed_folder ia3("ia3");
  ia3.json["feedforward_modules"] = {"k_proj"};
  CHECK_THROWS_WITH(ia3.load<pet::ia3>(c), Contains("adapter_config.json") && Contains("down_proj"));
  changed_folder prefix("prefix");
  prefix.json["token_dim"] = c.d_kv() + 1;
  CHECK_THROWS_WITH(prefix.load<pet::prefix>(c), Contains("token_dim"));
  changed_folder many("prompt");
  many.json["num_virtual_tokens"] = 2000000000u;
  CHECK_THROWS_WITH(many.load<pet::prompt>(c), Contains("prompt_embeddings"));
}

TEST_CASE("adapters of other models and damaged files are refused", "[pet][peft_folder]") {
  QUIPU_NEEDS(test::golden_case("peft/lora_conpet"));
  const auto golden = test::golden_case("peft/lora_conpet");
  const auto c = test::exact_model<float>("gqa_tied_odd").config();
  const auto load = [](const std::filesystem::path& folder, const quipu::io::model_config& config) {
    static_cast<void>(pet::load_peft<pet::lora, float>(folder, config));
  };
  auto wider = c;
  wider.d_model += 2;
  CHECK_THROWS_WITH(load(golden, wider), Contains("lora_A.weight") && Contains("expected shape") && Contains("found"));
  auto deeper = c;
  deeper.n_layer += 1;
  CHECK_THROWS_WITH(load(golden, deeper),
                    Contains("adapter_model.safetensors") && Contains(quipu::concat("layers.", c.n_layer)));
  auto shallow = c;
  shallow.n_layer -= 1;
  CHECK_THROWS_WITH(load(golden, shallow), Contains(quipu::concat("layers.", c.n_layer - 1)));
  changed_folder fewer("lora_conpet");
  fewer.json["target_modules"] = {"q_proj"};
  CHECK_THROWS_WITH(fewer.load<pet::lora>(c), Contains("k_proj"));
  changed_folder more("lora_conpet");
  more.json["target_modules"] = {"q_proj", "k_proj", "v_proj"};
  CHECK_THROWS_WITH(more.load<pet::lora>(c), Contains("v_proj"));
  changed_folder rank("lora_conpet");
  rank.json["r"] = rank.json["r"].get<int>() + 1;
  CHECK_THROWS_WITH(rank.load<pet::lora>(c), Contains("expected shape"));

  const std::string model = test::read_bytes(golden / "adapter_model.safetensors"),
                    config = test::read_bytes(golden / "adapter_config.json");
  const test::temp_folder broken;
  for (std::size_t n = 0; n < model.size(); n += 1 + model.size() / 50) {
    broken.write("adapter_config.json", config);
    broken.write("adapter_model.safetensors", std::string_view(model).substr(0, n));
    CHECK_THROWS_AS(load(broken.path(), c), quipu::format_error);
  }
  broken.write("adapter_model.safetensors", model);
  for (std::size_t n = 0; n + 2 < config.size(); n += 1 + config.size() / 50) {
    broken.write("adapter_config.json", std::string_view(config).substr(0, n));
    CHECK_THROWS_AS(load(broken.path(), c), quipu::format_error);
  }
  CHECK_THROWS_AS(load(broken.path() / "none", c), quipu::io_error);
}

TEST_CASE("memory is not taken for a rank whose values the file does not have", "[pet][peft_folder]") {
  quipu::io::model_config c;
  c.d_model = 576, c.d_ffn = 1536, c.n_layer = 30, c.n_head = 9, c.n_kv_head = 3, c.d_head = 64, c.n_vocab = 10,
  c.n_ctx = 16;
  const test::temp_folder folder;
  folder.write("adapter_model.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
  const auto refused = [&](const std::string& config) -> std::string {
    folder.write("adapter_config.json", config);
    try {
      static_cast<void>(pet::load_any_peft<float>(folder.path(), c));
    } catch (const quipu::format_error& problem) {
      return problem.what();
    }
    return "";
  };
  const std::string low_rank = R"({"peft_type": "LORA", "target_modules": "all-linear", "r": )";
  // 6144 rows for each of 210 matrices: 7.5 GB.
  CHECK_THAT(refused(low_rank + R"(6144})"), Contains("expected 1875640320 values, as") && Contains("found 0"));
  CHECK_THAT(refused(low_rank + R"(1, "use_dora": true, "rank_pattern": {".*": 6144}})"), Contains("values, as"));
  CHECK_THAT(
      refused(
          R"({"peft_type": "BOTTLENECK", "bottleneck_size": 576, "placement": "houlsby", "non_linearity": "silu"})"),
      Contains("values, as"));
  // A small one names the tensor.
  CHECK_THAT(refused(R"({"peft_type": "LORA", "target_modules": ["q_proj"], "r": 2})"),
             Contains("q_proj.lora_A.weight"));
}

TEST_CASE("patterns that are names and expressions choose the same modules as Python's", "[pet][peft_folder]") {
  const pet::pattern_table table({{"model.layers.0.self_attn.q_proj", 1},
                                  {"layers\\.0\\.mlp\\.(up|gate)_proj", 2},
                                  {"v_proj", 3},
                                  {"layers.1.mlp", 4},
                                  {"_proj", 5},
                                  {"o_pro.", 6},
                                  {".*down_proj", 7}});
  CHECK(table("model.layers.0.self_attn.q_proj", 0) == 1);
  CHECK(table("model_layers-0xself_attn.q_proj", 0) == 1);  // an unescaped dot is any letter
  CHECK(table("base.model.layers.0.self_attn.q_proj", 0) == 1);
  CHECK(table("basemodel.layers.0.self_attn.q_proj", 0) == 0);
  CHECK(table("model.layers.0.mlp.gate_proj", 0) == 2);
  CHECK(table("model.layers.10.mlp.gate_proj", 0) == 0);
  CHECK(table("model.layers.9.self_attn.v_proj", 0) == 3);
  CHECK(table("v_proj", 0) == 3);
  CHECK(table("model.layers.1.mlp.up_proj", 0) == 0);
  CHECK(table("model.layers.1.self_attn.o_proj", 0) == 6);
  CHECK(table("model.layers.1.mlp.down_proj", 0) == 7);
  CHECK(table("", 9) == 9);
  // Each of them says what the expression says.
  for (const char* name : {"model.layers.0.self_attn.q_proj", "x.layers.1.mlp", "layers.1.mlp", "layers31.mlp",
                           "a._proj", "o_proj", "o_proj.x"}) {
    for (const char* pattern :
         {"model.layers.0.self_attn.q_proj", "layers.1.mlp", "_proj", "o_pro.", "layers\\.1\\.mlp", "."}) {
      INFO(pattern << " " << name);
      CHECK((pet::pattern_table({{pattern, 1}})(name, 0) == 1) ==
            optim::name_pattern::regex(std::string("(.*\\.)?(") + pattern + ")")(name));
    }
  }
  CHECK_THROWS_WITH(pet::pattern_table({{"(", 1}}), Contains("regular expression"));
  CHECK_THROWS_WITH(pet::pattern_table(std::vector<pet::pattern_value>(1025, {".*", 1})), Contains("at most 1024"));
}

TEST_CASE("rank and alpha patterns, regular expressions and heads survive a round trip", "[pet][peft_folder]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto c = test::exact_model<float>("gqa_tied_odd").config();
  const pet::lora policy{.rank = 3, .alpha = 2.5, .rs_lora = true, .dropout = 0.25,
                         .targets = optim::name_pattern::regex(".*layers\\.[01]\\..*(q|down)_proj"),
                         .rank_pattern = {{"q_proj", 2}, {"layers\\.0\\.mlp\\.down_proj", 5}, {"down_proj", 4}},
                         .alpha_pattern = {{"layers\\.1\\..*", 7}}};
  pet::lora::module<float> module(policy, c, 3);
  test::shake(module, 0.1);
  std::vector<float> head(3 * c.d_model, 0.5f);
  const optim::parameter<float> extra{"base_model.model.score.weight", {3, c.d_model}, head.data(), nullptr};
  const test::temp_folder folder;
  pet::save_peft(folder.path(), module, c, {.modules_to_save = {"score"}}, {&extra, 1});
  const pet::peft_folder opened(folder.path());
  const auto again = opened.module<pet::lora, float>(c);
  CHECK(again.policy().rank == policy.rank);
  CHECK(again.policy().alpha == policy.alpha);
  CHECK(again.policy().rs_lora);
  CHECK(again.policy().dropout == policy.dropout);
  CHECK(again.policy().targets.expression() == policy.targets.expression());
  REQUIRE(again.parameters().size() == module.parameters().size());
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    for (const auto site : quipu::linear::projection_sites) {
      const auto &t = again.at(layer, site), &u = module.at(layer, site);
      CHECK(t.rank == u.rank);
      CHECK(t.scale == u.scale);
    }
  }
  // The first pattern that fits holds, in the order of the file.
  CHECK(again.at(0, quipu::linear::projection_site::down).rank == 5);
  CHECK(again.at(1, quipu::linear::projection_site::down).rank == 4);
  CHECK(opened.modules_to_save() == std::vector<std::string>{"score"});
  std::vector<float> read(head.size());
  const optim::parameter<float> into{extra.name, extra.shape, read.data(), nullptr};
  opened.read<float>({&into, 1});
  CHECK(read == head);
  pet::save_peft(folder.path(), module, c, {}, {&extra, 1});
  CHECK_THROWS_WITH((pet::load_peft<pet::lora, float>(folder.path(), c)), Contains("score"));
}

}  // namespace quipu_peft_folder_test
