// Fine-tuning on the edits: it stops when the edits are learned, leaves the model as it is, and changes other answers.
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/teach/edit_tuning.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/hooked_session.hpp>

#include "support/byte_model.hpp"
#include "support/temp_folder.hpp"

namespace quipu_edit_tuning_test {

using namespace quipu;

TEST_CASE("edits are learned, and no longer than it takes", "[eren][edit_tuning]") {
  const auto m = test::byte_model();
  std::vector<eren::taught_answer> edits;
  for (const char* city : {"Rome", "Oslo", "Lima", "Bern", "Kyiv"})
    edits.push_back({m.tokenizer().encode(std::string("Who is from ") + city + "? A:"), std::string("P") + city[1]});
  eren::edit_tuning_options options;
  options.learning_rate = 1e-2;
  options.lora.rank = 16;
  options.lora.alpha = 32;
  options.n_pass = 200;
  options.batch_size = 2;
  options.max_tokens = 6;
  std::vector<std::pair<std::size_t, std::size_t>> seen;
  options.progress = [&](std::size_t n_pass, std::size_t n_right) { seen.emplace_back(n_pass, n_right); };
  const auto answer = [&](const std::vector<token_id>& prompt, pet::lora::module<float>* module) {
    auto session = open_session(m, thread_team(1));
    const llama::generate_options how{.max_tokens = 6, .stop = {"\n"}};
    if (module == nullptr) return llama::generate(session, m.tokenizer(), session.create(), prompt, how).text;
    llama::module_hooks hooks(*module, session.workspace());
    llama::hooked_session with_module(session, hooks);
    return llama::generate(with_module, m.tokenizer(), with_module.create(), prompt, how).text;
  };
  std::vector<std::string> before;
  for (const auto& edit : edits) before.push_back(answer(edit.prompt, nullptr));

  llama::training_pass pass(m, thread_team(1));
  auto tuned = eren::tune_edits(pass, std::span<const eren::taught_answer>(edits), options);
  CHECK(tuned.n_right == edits.size());
  CHECK(tuned.n_pass < options.n_pass);
  REQUIRE(seen.size() == tuned.n_pass);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(seen[i].first == i + 1);
    CHECK((seen[i].second == edits.size()) == (i + 1 == seen.size()));  // not a pass more than needed
  }
  for (std::size_t i = 0; i < edits.size(); ++i) {
    CHECK(answer(edits[i].prompt, &tuned.module) == " " + edits[i].answer);
    CHECK(answer(edits[i].prompt, nullptr) == before[i]);
    CHECK(before[i] != " " + edits[i].answer);
  }

  // What was stopped goes on and ends with the same values.
  const test::temp_folder folder;
  options.folder = folder.file("run");
  struct stop {};
  options.progress = [&](std::size_t n_pass, std::size_t) {
    if (n_pass == tuned.n_pass / 2) throw stop();
  };
  CHECK_THROWS_AS(eren::tune_edits(pass, std::span<const eren::taught_answer>(edits), options), stop);
  seen.clear();
  options.progress = [&](std::size_t n_pass, std::size_t n_right) { seen.emplace_back(n_pass, n_right); };
  const auto resumed = eren::tune_edits(pass, std::span<const eren::taught_answer>(edits), options);
  CHECK(resumed.n_pass == tuned.n_pass);
  CHECK(seen.size() < tuned.n_pass);
  for (std::size_t p = 0; p < tuned.module.parameters().size(); ++p) {
    const auto &a = tuned.module.parameters()[p], &b = resumed.module.parameters()[p];
    CHECK(std::equal(a.value, a.value + a.size(), b.value));
  }

  // Too few passes: said so, and no error.
  options.folder.clear();
  options.n_pass = 2;
  const auto short_run = eren::tune_edits(pass, std::span<const eren::taught_answer>(edits), options);
  CHECK(short_run.n_pass == 2);
  CHECK(short_run.n_right < edits.size());
  CHECK_THROWS_AS(eren::tune_edits(pass, {}), config_error);
}

}  // namespace quipu_edit_tuning_test
