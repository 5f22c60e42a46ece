// PEFT itself opens what we write.
#include <quipu/pet/peft_folder.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/pet/combine.hpp>

#include "support/modules.hpp"
#include "support/peft_script.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace quipu_peft_interop_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;
using lora = pet::lora::module<float>;

namespace {

template <class Model>
nlohmann::json written_case(const Model& m, const test::temp_folder& folder, const std::string& name,
                            pet::any_module<float> module) {
  llama::bind_base(module, m);
  test::shake(module, 0.05);
  module.visit([&](const auto& held) {
    pet::save_peft(folder.path() / name, held, m.config(), {.base_model = "gqa_tied_odd"});
  });
  llama::training_pass pass(m, thread_team(2));
  llama::module_hooks hooks(module, pass.workspace());
  const std::vector<quipu::token_id> ids = {1, 17, 9, 30, 2, 8, 44, 5};
  auto batch = test::batch_for<float>(hooks);
  batch.add(ids, {});
  return {{"name", name},
          {"folder", (folder.path() / name).string()},
          {"ids", ids},
          {"logits", test::batch_logits(pass, batch, hooks)}};
}

}  // namespace

TEST_CASE("PEFT opens our folders, gives the same logits, and combines as we do", "[pet][peft_interop]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<float>("gqa_tied_odd");
  const auto& c = m.config();
  const auto all = optim::name_pattern::all();
  const test::temp_folder folder;
  nlohmann::json expected;
  expected["base"] = test::golden_case("gqa_tied_odd").string();
  expected["cases"] = {
      written_case(m, folder, "lora", lora({.rank = 3, .alpha = 5, .targets = all}, c, 1)),
      written_case(m, folder, "patterns",
                   lora({.rank = 3,
                         .alpha = 5,
                         .rs_lora = true,
                         .targets = optim::name_pattern::regex(".*\\.(q|down)_proj"),
                         .rank_pattern = {{"q_proj", 2}, {"layers\\.0\\.mlp\\.down_proj", 5}},
                         .alpha_pattern = {{"layers\\.1\\..*", 2.5}}},
                        c, 2)),
      written_case(m, folder, "dora", pet::dora::module<float>({{.rank = 2, .alpha = 3, .targets = all}}, c, 3)),
      written_case(m, folder, "ia3", pet::ia3::module<float>({.targets = all}, c, 4)),
      written_case(m, folder, "bitfit", pet::bitfit::module<float>({}, c, 5)),
      written_case(m, folder, "prompt", pet::prompt::module<float>({.n_virtual = 3}, c, 6)),
      written_case(m, folder, "prefix", pet::prefix::module<float>({.n_virtual = 3}, c, 7))};

  expected["combinations"] = nlohmann::json::array();
  std::vector<lora> modules;
  std::vector<std::string> parts;
  for (std::uint64_t seed : {11u, 12u, 13u}) {
    modules.emplace_back(
        pet::lora{.rank = 3, .alpha = 5, .targets = optim::name_pattern::suffixes({"q_proj", "up_proj"})}, c, seed);
    test::shake(modules.back(), 0.1, seed);
    parts.push_back((folder.path() / quipu::concat("part", seed)).string());
    pet::save_peft(parts.back(), modules.back(), c);
  }
  const std::vector<double> weights = {0.7, 1.3, -0.4};
  std::vector<pet::weighted_module<float>> weighted;
  for (std::size_t i = 0; i < modules.size(); ++i) weighted.push_back({&modules[i], weights[i]});
  const auto add = [&](const char* type, const lora& combined, const nlohmann::json& density,
                       const nlohmann::json& rank) {
    const auto place = (folder.path() / type).string();
    pet::save_peft(place, combined, c);
    expected["combinations"].push_back({{"type", type},
                                        {"parts", parts},
                                        {"weights", weights},
                                        {"density", density},
                                        {"rank", rank},
                                        {"folder", place}});
  };
  using how = pet::arithmetic;
  const std::span<const pet::weighted_module<float>> w(weighted);
  add("cat", pet::concatenate(c, w), nullptr, nullptr);
  add("linear", pet::combine_factors(c, w), nullptr, nullptr);
  add("ties", pet::combine_factors(c, w, {.how = how::ties, .density = 0.4}), 0.4, nullptr);
  add("magnitude_prune", pet::combine_factors(c, w, {.how = how::magnitude_prune, .density = 0.4}), 0.4, nullptr);
  add("svd", pet::combine_products(c, w, {}, 5), nullptr, 5);
  add("ties_svd", pet::combine_products(c, w, {.how = how::ties, .density = 0.4}, 5), 0.4, 5);

  folder.write("expected.json", expected.dump());
  test::check_with_peft("peft_adapter.py", folder);
}

}  // namespace quipu_peft_interop_test
