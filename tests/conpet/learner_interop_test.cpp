// PEFT itself opens what a learner saves.
#include <quipu/conpet/learner_files.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/pet/score_head.hpp>

#include "conpet/small_streams.hpp"
#include "support/peft_script.hpp"
#include "support/temp_folder.hpp"

namespace quipu_learner_interop_test {

namespace conpet = quipu::conpet;
namespace fs = std::filesystem;
namespace llama = quipu::llama;
namespace pet = quipu::pet;
namespace test = quipu::test;

namespace {

using interop_model = decltype(test::stories());
using interop_tuner = conpet::dynamic_tuner<interop_model>;

/// The states of all rows of a text under an expert's module, and the logits of its head.
template <class Expert>
nlohmann::json expected_text(interop_tuner& tuner, const Expert& who, const conpet::encoded_example& e) {
  auto& pass = *tuner.core().pass;
  llama::bind_base(*who.module, pass.model());
  llama::module_hooks hooks(*who.module, pass.workspace());
  llama::training_batch batch;
  batch.add(e.tokens, {});
  const auto rows = pass.evaluate(batch, hooks);
  const std::vector<float> states(rows.data(), rows.data() + rows.rows() * rows.cols());
  conpet::cached_block_inputs<llama::training_pass<interop_model>> inputs(pass, tuner.core().inputs->layer());
  const conpet::routed_text<typename interop_tuner::module_type> routed{&e, &who};
  const auto logits = conpet::expert_logits<llama::training_pass<interop_model>, typename interop_tuner::module_type>(pass, inputs, std::span(&routed, 1));
  return {{"ids", e.tokens}, {"first", e.rows.first}, {"last", e.rows.last}, {"states", states}, {"logits", logits.front()}};
}

/// A module with a head without a bias on the last row, trained for a task.
template <class Form>
nlohmann::json score_case(interop_tuner& tuner, const quipu::data::stream_task& task, const Form& form, const fs::path& folder) {
  auto& core = tuner.core();
  auto who = core.new_expert(task.classes.size(), "score");
  *who.head = pet::linear_head<float>(conpet::head_name, task.classes.size(), core.config().d_model, 7, pet::head_bias::none);
  const auto encoded = [&](const auto& texts) {
    return conpet::encode_examples(core.pass->model().tokenizer(), form, conpet::last_row{}, std::span(texts), 0, core.n_longest());
  };
  const auto texts = encoded(task.train);
  std::vector<conpet::target_example> targets;
  for (const auto& e : texts) targets.push_back({&e, static_cast<std::int64_t>(e.label)});
  static_cast<void>(conpet::train_expert(*core.pass, who, *core.inputs, conpet::target_examples(std::move(targets)), quipu::train::epochs(), 1,
                                         core.options.training));
  pet::save_score(folder, *who.module, *who.head, core.config());
  nlohmann::json all = {{"folder", folder.string()}, {"n_class", task.classes.size()}, {"texts", nlohmann::json::array()}};
  for (const auto& e : encoded(task.test)) all["texts"].push_back(expected_text(tuner, who, e));
  return all;
}

}  // namespace

TEST_CASE("PEFT opens every module of a saved learner with our states and logits, and a score head as transformers' own",
          "[conpet][learner_interop]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 2);
  const test::temp_folder folder;
  quipu::io::write_hf_folder(folder.path() / "base", quipu::io::open_checkpoint((test::stories_folder() / "stories260K.bin").string()));
  auto options = test::short_training();
  options.training.n_step = 30;
  interop_tuner tuner(test::stories(), test::small_lora(), options);
  for (const auto& task : stream) tuner.learn(task);
  conpet::save_learner(folder.path() / "learner", tuner);
  nlohmann::json expected = {{"base", (folder.path() / "base").string()}, {"modules", nlohmann::json::array()}};
  for (const auto& t : tuner.tasks()) {
    nlohmann::json one = {{"folder", (folder.path() / "learner" / "modules" / conpet::numbered(t.id)).string()}, {"head", conpet::head_name},
                          {"texts", nlohmann::json::array()}};
    for (const auto& e : tuner.core().encode(stream.tasks[t.id].test, t.id)) one["texts"].push_back(expected_text(tuner, t.who, e));
    expected["modules"].push_back(std::move(one));
  }
  REQUIRE(expected["modules"].size() == 3);
  expected["scores"] = {score_case(tuner, stream.tasks[0], conpet::label_prompt{}, folder.path() / "score")};
  folder.write("expected.json", expected.dump());
  test::check_with_peft("peft_learner.py", folder);
}

}  // namespace quipu_learner_interop_test
