// Every kind of the list, and a user's own beside them.
#include <quipu/pet/kinds.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/mixed_module_hooks.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/module_key.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "extend/pet_kind.hpp"
#include "support/modules.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace quipu_kind_list_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::matrix_view;
using quipu::thread_team;
using quipu::token_id;
using quipu::linear::projection_site;

namespace {

quipu::io::model_config tiny_config() {
  quipu::io::model_config c;
  c.d_model = 8, c.d_ffn = 12, c.n_layer = 2, c.n_head = 2, c.n_kv_head = 1, c.d_head = 4, c.n_vocab = 10, c.n_ctx = 16;
  return c;
}

template <class Policy>
Policy small_policy() {
  Policy policy;
  if constexpr (requires { policy.n_virtual; }) policy.n_virtual = 3;
  if constexpr (requires { policy.size; }) policy.size = 3;
  if constexpr (requires { policy.rank; }) {
    policy.rank = 2;
    policy.alpha = 6;
  }
  return policy;
}

template <class Policy>
auto simple_module(const Policy& policy) {
  typename Policy::template module<float> m(policy, tiny_config(), 1);
  for (const auto& p : m.parameters())
    for (std::size_t i = 0; i < p.size(); ++i) p.value[i] = 0.25f * static_cast<float>(i % 7);
  return m;
}

template <class Policy>
std::uint64_t key_of(const Policy& policy) {
  return pet::module_key(simple_module(policy));
}

using extend::output_gain;  // a user's kind

using own_kinds = pet::kind_list<output_gain, pet::lora>;
using own_module = pet::any_module<double, own_kinds>;

std::vector<token_id> tokens_of(std::size_t n, std::size_t first) {
  std::vector<token_id> ids(n);
  for (std::size_t t = 0; t < n; ++t) ids[t] = static_cast<token_id>(3 + (first + 5 * t) % 60);
  return ids;
}

}  // namespace

TEST_CASE("keys of the kinds are those that lie in files", "[pet][kind_list]") {
  CHECK(key_of(pet::lora{.rank = 2, .alpha = 6}) == 0x21b3f8f76faa51a5);
  CHECK(key_of(pet::dora{{.rank = 2, .alpha = 6}}) == 0x7661d2e1a78f7eed);
  CHECK(key_of(pet::ia3{}) == 0xe25d5c64e3a3eee6);
  CHECK(key_of(pet::bitfit{}) == 0x3a6ca0c1eadd0aa0);
  CHECK(key_of(pet::prompt{.n_virtual = 3}) == 0x232ab30333b7e3e5);
  CHECK(key_of(pet::prefix{.n_virtual = 3}) == 0xbb8eccb699c1f2b3);
  CHECK(key_of(pet::bottleneck<>{.size = 3}) == 0xfaebb5d2fb83fb7c);
  CHECK(key_of(pet::bottleneck<>{.size = 3, .keeps_output = false}) == 0x38eca179538a034f);
  CHECK(key_of(pet::bottleneck<quipu::activation::relu>{.size = 3}) == 0x267ef610f408d844);
  CHECK(key_of(output_gain{}) != key_of(output_gain{.most = 5}));
}

TEST_CASE("every kind of the list goes through a folder and through any_module", "[pet][kind_list]") {
  const test::temp_folder folder;
  const auto c = tiny_config();
  std::size_t n = 0;
  const bool ended = pet::kinds::any_of([&]<class Policy>() {
    CAPTURE(Policy::peft_type);
    const auto made = simple_module(small_policy<Policy>());
    const auto place = folder.path() / std::to_string(n++);
    pet::save_peft(place, made, c);
    CHECK(pet::peft_folder(place).is<Policy>());
    const auto read = pet::load_any_peft<float>(place, c);
    read.visit([&](const auto& m) {
      CHECK(std::is_same_v<std::remove_cvref_t<decltype(m)>, typename Policy::template module<float>>);
    });
    CHECK(pet::module_key(read) == pet::module_key(made));
    CHECK(read.lowest_layer() == made.lowest_layer());
    return false;
  });
  CHECK_FALSE(ended);
  CHECK(n == 8);
  pet::save_peft(folder.path() / "own", simple_module(output_gain{}), c);
  CHECK_THROWS_WITH(
      pet::load_any_peft<float>(folder.path() / "own", c),
      Catch::Contains("LORA, IA3, BEFT, PROMPT_TUNING, PREFIX_TUNING or BOTTLENECK") && Catch::Contains("OUTPUT_GAIN"));
}

TEST_CASE("a user's kind loads, trains and mixes with the library's", "[pet][kind_list]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = test::exact_model<double>("biased");
  const test::temp_folder folder;
  output_gain::module<double> gain({}, m.config(), 0);
  test::shake(gain, 0.3);
  pet::save_peft(folder.path() / "gain", gain, m.config());
  auto first = std::make_shared<own_module>(pet::load_any_peft<double, own_kinds>(folder.path() / "gain", m.config()));
  pet::lora::module<double> low_rank({.rank = 2}, m.config(), 1);
  test::shake(low_rank, 0.2);
  auto second = std::make_shared<own_module>(std::move(low_rank));

  llama::training_pass pass(m, thread_team(2));
  llama::training_batch batch;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto ids = tokens_of(4 + i, i);
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  }
  llama::mixed_module_hooks<own_module> hooks({first, second, first}, pass.workspace());
  static_cast<void>(pass.step(batch, batch.n_counted(), hooks, {}));
  test::compare_with_differences(pass, hooks, *first, batch, [](const std::string&) { return false; });
  test::compare_with_differences(pass, hooks, *second, batch, [](const std::string&) { return false; });
}

TEST_CASE("LoRA from folders uses the grouped products as compiled LoRA does", "[pet][kind_list]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = test::exact_model<float>("biased");
  using compiled = pet::lora::module<float>;
  using any = pet::any_module<float>;
  const test::temp_folder folder;
  const pet::lora policy{.rank = 3, .targets = optim::name_pattern::all()};
  const std::size_t n = 5;
  const auto run = [&]<class Module>(std::vector<std::shared_ptr<Module>> modules, std::size_t& n_grouped) {
    llama::training_pass pass(m, thread_team(2));
    llama::mixed_module_hooks<Module> hooks(modules, pass.workspace());
    llama::training_batch batch;
    for (std::size_t i = 0; i < modules.size(); ++i) {
      const auto ids = tokens_of(4 + i, i);
      batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
    }
    std::vector<float> all = {static_cast<float>(pass.step(batch, batch.n_counted(), hooks, {}).sum)};
    for (std::size_t i = 0; i < n; ++i)
      for (const auto& p : modules[i]->parameters()) all.insert(all.end(), p.gradient, p.gradient + p.size());
    const auto logits = test::batch_logits(pass, batch, hooks);
    all.insert(all.end(), logits.begin(), logits.end());
    n_grouped = hooks.n_grouped();
    return all;
  };
  std::vector<std::shared_ptr<compiled>> own;
  std::vector<std::shared_ptr<any>> read;
  for (std::size_t i = 0; i < n; ++i) {
    own.push_back(std::make_shared<compiled>(policy, m.config(), i));
    test::shake(*own.back(), 0.2, i + 1);
    const auto place = folder.path() / std::to_string(i);
    pet::save_peft(place, *own.back(), m.config());
    read.push_back(std::make_shared<any>(pet::load_any_peft<float>(place, m.config())));
  }
  std::size_t grouped_own = 0, grouped_read = 0, grouped_mixed = 0;
  CHECK(run(own, grouped_own) == run(read, grouped_read));
  CHECK(grouped_own == 3 * m.config().n_layer * quipu::linear::projection_sites.size());  // twice forward, once back
  CHECK(grouped_read == grouped_own);

  // A module of another kind in the batch leaves the LoRA sequences as they are.
  pet::ia3::module<float> scales({}, m.config(), 0);
  auto last = std::make_shared<any>(std::move(scales));
  llama::bind_base(*last, m);
  for (const auto& r : read) optim::zero_gradients<float>(thread_team(1), r->parameters());
  auto mixed = read;
  mixed.push_back(last);
  const auto with_other = run(mixed, grouped_mixed);
  CHECK(grouped_mixed == grouped_own);
  double largest = 0;
  for (const auto& p : last->parameters()) largest = std::max(largest, test::largest_of<float>({p.gradient, p.size()}));
  CHECK(largest > 0);
}

}  // namespace quipu_kind_list_test
