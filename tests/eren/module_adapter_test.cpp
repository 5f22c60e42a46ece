// Readers with a module: on while they read, off everywhere else, beside models that have the module in their weights.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/llama/merge.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/byte_model.hpp"
#include "support/modules.hpp"
#include "support/temp_folder.hpp"

namespace quipu_module_adapter_test {

using namespace quipu;
using strings = std::vector<std::string>;
using ids = std::vector<token_id>;

namespace {

using lora_module = pet::lora::module<float>;
using model_type = decltype(test::byte_model());

pet::lora attention_lora() {
  return {.rank = 4, .alpha = 8, .targets = optim::name_pattern::suffixes({"q_proj", "k_proj", "v_proj", "o_proj"})};
}

template <class Model>
lora_module shaken_lora(const Model& m, std::uint64_t seed = 9) {
  lora_module module(attention_lora(), m.config(), 1);
  test::shake(module, 0.3, seed);
  return module;
}

const std::vector<eren::reading_task> tasks = {{"What is the capital of Norway?", {"The capital of Norway is Bergen"}},
                                               {"What is the capital of Peru?", {"The capital of Norway is Bergen"}},
                                               {"Who wrote Hamlet?", {"Hamlet was written by Anna Blume"}}};

void check_same(const std::vector<eren::reading>& a, const std::vector<eren::reading>& b, double margin) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].answer == b[i].answer);
    CHECK(a[i].log_p_answer == Approx(b[i].log_p_answer).margin(margin));
    CHECK(a[i].log_p_abstain == Approx(b[i].log_p_abstain).margin(margin));
  }
}

}  // namespace

TEST_CASE("reading with LoRA is reading with the model that has it in its weights", "[eren][module_adapter]") {
  const auto m = test::byte_model();
  const auto merged = llama::merge(llama::thaw<float>(m), shaken_lora(m));
  const eren::module_adapter adapter(shaken_lora(m), m);
  eren::reading_session with{m, eren::prompt_form()};
  eren::reading_session inside{merged.model(), eren::prompt_form()};
  using merged_reader = eren::basic_span_reader<eren::plain_note_prompt>;
  const eren::taught_reader<lora_module> reader({}, {}, adapter);
  for (int round = 0; round < 2; ++round) {  // the second one from the caches
    const auto read = reader.read(with, tasks, {.hidden_depth = 2});
    const auto expected = merged_reader().read(inside, tasks, {.hidden_depth = 2});
    check_same(read, expected, 1e-2);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      REQUIRE(read[i].hidden.size() == expected[i].hidden.size());
      for (std::size_t c = 0; c < read[i].hidden.size(); ++c)
        CHECK(read[i].hidden[c] == Approx(expected[i].hidden[c]).margin(2e-2));
      // Token by token from a fresh sequence.
      double log_p = 0;
      ids text = m.tokenizer().encode(read[i].prompt_text);
      for (const token_id token : m.tokenizer().encode(" unanswerable")) {
        auto plain = llama::open_session(merged.model());
        log_p += llama::log_probability(plain.next_logits(plain.create(), text), token);
        text.push_back(token);
      }
      CHECK(read[i].log_p_abstain == Approx(log_p).margin(1e-2));
      CHECK(read[i].prompt_text ==
            "Note: " + tasks[i].notes[0] + ".\nQuestion: " + tasks[i].question.text() + "\nAnswer:");
    }
  }
  const eren::taught_generating_reader<lora_module> free({.max_tokens = 6}, {}, adapter);
  const eren::basic_generating_reader<eren::plain_note_prompt, eren::abstention_gate, 1> merged_free({.max_tokens = 6});
  const auto wrote = free.read(with, tasks), wanted = merged_free.read(inside, tasks);
  check_same(wrote, wanted, 2e-2);
  CHECK(wrote[0].n_token > 1);  // past the prompt's own logits
}

TEST_CASE("claims are checked with LoRA as by the model that has it in its weights; the gate alone decides",
          "[eren][module_adapter]") {
  const auto m = test::byte_model();
  const auto merged = llama::merge(llama::thaw<float>(m), shaken_lora(m));
  using claim_reader = eren::taught_claim_reader<lora_module>;
  const claim_reader reader(claim_reader::usual_options(), {}, {shaken_lora(m), m});
  const eren::basic_option_reader<eren::plain_claim_prompt> inside;
  eren::reading_session with{m, eren::prompt_form()};
  eren::reading_session plain{merged.model(), eren::prompt_form()};
  for (int round = 0; round < 2; ++round) {
    const auto read = reader.read(with, tasks), expected = inside.read(plain, tasks);
    check_same(read, expected, 1e-2);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      CHECK(read[i].prompt_text ==
            "Note: " + tasks[i].notes[0] + ".\nClaim: " + tasks[i].question.text() + "\nAnswer:");
      // Token by token from fresh sequences.
      const auto log_p = [&](const char* option) {
        double sum = 0;
        ids text = m.tokenizer().encode(read[i].prompt_text);
        for (const token_id token : m.tokenizer().encode(std::string(" ") + option)) {
          auto session = llama::open_session(merged.model());
          sum += llama::log_probability(session.next_logits(session.create(), text), token);
          text.push_back(token);
        }
        return sum;
      };
      const double yes = log_p("yes"), no = log_p("no"), unanswerable = log_p("unanswerable");
      CHECK(read[i].answer == (yes > no ? "yes" : "no"));
      CHECK(read[i].log_p_answer == Approx(std::max(yes, no)).margin(1e-2));
      CHECK(read[i].log_p_abstain == Approx(unanswerable).margin(1e-2));
      CHECK_FALSE(read[i].abstained);
    }
  }
  CHECK(reader.identity() != inside.identity());
  // Options that are likelier by far: what abstains by itself without an adapter is left to the gate with one.
  auto options = claim_reader::usual_options();
  options[2].offset = 1000;
  const claim_reader shy(options, {}, reader.adapter());
  eren::gate_evidence e;
  e.read = shy.read(with, tasks).front();
  CHECK_FALSE(e.read.abstained);
  CHECK_FALSE(eren::margin_gate{}.decide(with, e).apply);
  CHECK(eren::margin_gate{-2000}.decide(with, e).apply);
  CHECK(eren::basic_option_reader<eren::plain_claim_prompt>(
            {{"yes", "yes"}, {"no", "no"}, {"unanswerable", "", 1000}}).read(plain, tasks).front().abstained);
}

TEST_CASE("an adapter changes its own reader and nothing else on the session", "[eren][module_adapter]") {
  const auto m = test::byte_model();
  using frozen_reader = eren::basic_span_reader<eren::plain_note_prompt>;
  const auto alone = [&](const auto& reader) {
    eren::reading_session session{m, eren::prompt_form()};
    return reader.read(session, tasks);
  };
  const eren::taught_reader<lora_module> first({}, {}, {shaken_lora(m, 9), m}), second({}, {}, {shaken_lora(m, 10), m});
  const frozen_reader frozen;
  const auto frozen_alone = alone(frozen), first_alone = alone(first), second_alone = alone(second);
  CHECK(std::abs(first_alone[0].log_p_abstain - frozen_alone[0].log_p_abstain) > 0.01);
  CHECK(std::abs(first_alone[0].log_p_abstain - second_alone[0].log_p_abstain) > 0.01);
  // All three by turns on one session, each from caches that the others filled too.
  eren::reading_session shared{m, eren::prompt_form()};
  for (int round = 0; round < 3; ++round) {
    check_same(frozen.read(shared, tasks), frozen_alone, 1e-3);
    check_same(first.read(shared, tasks), first_alone, 1e-3);
    check_same(second.read(shared, tasks), second_alone, 1e-3);
  }
}

TEST_CASE("questions that the gate leaves alone get the unedited model's bytes, whatever was read before",
          "[eren][module_adapter]") {
  const auto m = test::byte_model();
  using editor_t =
      eren::editor<model_type, notes::memory_store, notes::bm25_retriever, eren::taught_reader<lora_module>>;
  static_assert(std::is_same_v<editor_t::gate_type, eren::margin_gate>);
  const eren::taught_reader<lora_module> reader({}, {}, {shaken_lora(m), m});
  const eren::editor_options options{.generate = {.max_tokens = 12}, .form = eren::prompt_form()};
  for (const double threshold : {1e9, -1e9}) {
    editor_t editor(m, notes::memory_store(), notes::bm25_retriever(), reader, {.threshold = threshold}, options);
    for (const auto& task : tasks) editor.add_note(task.notes[0] + ".");
    for (const auto& task : tasks) {
      const eren::answer a = editor.answer(task.question.text());
      CHECK(a.trace.candidates[0].read.done);
      CHECK((a.source == eren::answer_source::read_note) == (threshold < 0));
      if (threshold < 0) continue;
      auto plain = llama::open_session(m);
      const auto expected = llama::generate(plain, m.tokenizer(), plain.create(),
                                            editor.application_ids(task.question.text()), options.generate);
      CHECK(a.text == expected.text);
      CHECK_FALSE(expected.text.empty());
    }
  }
}

TEST_CASE("modules with virtual tokens read too", "[eren][module_adapter]") {
  const auto m = test::byte_model();
  const auto check = [&](auto module) {
    using module_type = decltype(module);
    test::shake(module, 0.5);
    const eren::module_adapter<module_type> adapter(std::move(module), m);
    CHECK(adapter.n_virtual() == 3);
    eren::reading_session session{m, eren::prompt_form()};
    const std::vector<ids> prompts = {
        {1, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80}, {1, 70, 71, 72, 73, 74, 75, 76, 77, 78, 90}, {5, 6}};
    for (int round = 0; round < 3; ++round) {
      const auto states = session.read(prompts, {}, adapter);
      for (std::size_t i = 0; i < prompts.size(); ++i) {
        auto plain = llama::open_session(m);
        const auto expected = plain.next_logits(llama::create_with(plain, adapter.module()), prompts[i]);
        for (std::size_t t = 0; t < expected.size(); ++t)
          CHECK(states[i].logits[t] == Approx(expected[t]).margin(1e-3));
        if (round > 0) CHECK(states[i].n_computed == 1);
        session.release(states[i], prompts[i], adapter);
      }
    }
  };
  check(pet::prompt::module<float>({.n_virtual = 3}, m.config(), 1));
  check(pet::prefix::module<float>({.n_virtual = 3}, m.config(), 1));
}

TEST_CASE("a key tells modules apart by values, names and settings", "[eren][module_adapter]") {
  const auto m = test::byte_model();
  const auto key = [&](const lora_module& module) { return pet::module_key(module); };
  const auto base = key(shaken_lora(m));
  CHECK(key(shaken_lora(m)) == base);
  CHECK(key(shaken_lora(m, 10)) != base);
  CHECK(pet::module_key(pet::any_module<float>(shaken_lora(m))) == base);
  pet::lora louder = attention_lora();
  louder.alpha *= 2;
  lora_module scaled(louder, m.config(), 1);
  test::shake(scaled, 0.3, 9);
  CHECK(key(scaled) != base);
  lora_module nearly = shaken_lora(m);
  nearly.parameters()[0].value[0] = std::nextafter(nearly.parameters()[0].value[0], 1e9f);
  CHECK(key(nearly) != base);
  // Gates that were fitted with one adapter are not taken with another.
  const eren::taught_reader<lora_module> one({}, {}, {shaken_lora(m), m}), other({}, {}, {shaken_lora(m, 10), m});
  CHECK(one.identity() != other.identity());
  const test::temp_folder folder;
  using editor_t = eren::editor<model_type, notes::memory_store, notes::bm25_retriever,
                                eren::taught_reader<lora_module>, eren::fitted_gate<eren::answer_margin>>;
  const eren::editor_options options{.form = eren::prompt_form()};
  editor_t fitted(m, notes::memory_store(), notes::bm25_retriever(), one,
                  eren::fitted_gate<eren::answer_margin>(eren::gate_of_feature("margin"), eren::answer_margin()),
                  options);
  fitted.save_gate(folder.file("gate.json"));
  editor_t same(m, notes::memory_store(), notes::bm25_retriever(), one, {}, options),
      wrong(m, notes::memory_store(), notes::bm25_retriever(), other, {}, options);
  same.load_gate(folder.file("gate.json"));
  CHECK(same.gate().is_fitted());
  CHECK_THROWS_AS(wrong.load_gate(folder.file("gate.json")), config_error);
}

TEST_CASE("a folder of another model's adapter is refused with file, expectation and what was found",
          "[eren][module_adapter]") {
  const auto m = test::byte_model(), wider = test::byte_model({.d_model = 96, .n_layer = 2}),
             deeper = test::byte_model({.d_model = 64, .n_layer = 3});
  const test::temp_folder folder;
  pet::save_peft(folder.path() / "good", shaken_lora(m), m.config());
  pet::save_peft(folder.path() / "wide", shaken_lora(wider), wider.config());
  pet::save_peft(folder.path() / "deep", shaken_lora(deeper), deeper.config());
  const auto adapter = eren::load_adapter(folder.path() / "good", m);
  CHECK(adapter.variant() == eren::module_adapter(shaken_lora(m), m).variant());
  const auto message = [&](const char* name, const auto& model) -> std::string {
    try {
      static_cast<void>(eren::load_adapter(folder.path() / name, model));
    } catch (const format_error& e) {
      return e.what();
    }
    return {};
  };
  using Catch::Contains;
  CHECK_THAT(message("wide", m),
             Contains("wide/adapter_model.safetensors") && Contains("lora_A") && Contains("64") && Contains("96"));
  CHECK_THAT(message("deep", m), Contains("deep/adapter_model.safetensors") && Contains("layers.2"));
  CHECK_THAT(message("good", deeper), Contains("good/adapter_model.safetensors") && Contains("layers.2"));
  CHECK_THROWS_AS(eren::load_adapter(folder.path() / "none", m), io_error);
  CHECK_THROWS_AS(eren::module_adapter(shaken_lora(wider), m), config_error);
}

}  // namespace quipu_module_adapter_test
