// What ends a generation and what its options do, on the checkpoints that strangers brought.
#include <quipu/llama/generate.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/load.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/session.hpp>

#include "support/strangers.hpp"
#include "support/temp_folder.hpp"

namespace llama = quipu::llama;
using quipu::token_id;
using quipu::test::has_keys;
using quipu::test::stranger;

namespace {

using ids = std::vector<token_id>;

auto loaded(const std::filesystem::path& folder) { return llama::load(folder.string()); }

llama::generation generated(const std::filesystem::path& folder, const ids& prompt, llama::generate_options options) {
  const auto model = loaded(folder);
  auto session = llama::open_session(model, quipu::thread_team(1));
  return llama::generate(session, model.tokenizer(), session.create(), prompt, std::move(options));
}

// The only model folder of a case.
std::filesystem::path model_of(const stranger& s) {
  for (const auto& entry : std::filesystem::directory_iterator(s.input)) {
    if (std::filesystem::exists(entry.path() / "config.json")) return entry.path();
  }
  return {};
}

ids prompt_of(const stranger& s, const ids& otherwise) {
  return s.expected.contains("prompt") ? s.expected["prompt"].get<ids>() : otherwise;
}

std::string without_control_tokens(const std::filesystem::path& folder, std::string text) {
  const auto tokenizer = loaded(folder).tokenizer();
  for (token_id id = 0; static_cast<std::size_t>(id) < tokenizer.n_vocab(); ++id) {
    const std::string_view spelling = quipu::text::control_text(tokenizer, id);
    if (spelling.empty()) continue;
    for (auto at = text.find(spelling); at != std::string::npos; at = text.find(spelling)) text.erase(at, spelling.size());
  }
  return text;
}

const ids hello{276};

}  // namespace

TEST_CASE("generation ends at every end token that a folder names", "[llama][strangers]") {
  for (const stranger& s : quipu::test::strangers_of(
           [](const stranger& x) { return has_keys(x.expected, {"prompt", "text"}) && x.job.is_null(); })) {
    for (const auto& entry : std::filesystem::directory_iterator(s.input)) {
      CAPTURE(s.name, entry.path().filename().string());
      const auto result = generated(entry.path(), prompt_of(s, hello), {.max_tokens = 12});
      CHECK(result.text == s.expected["text"].get<std::string>());
      CHECK(result.reason == llama::stop_reason::end_token);
    }
  }
}

TEST_CASE("stop strings may be control tokens and reach over borders", "[llama][strangers]") {
  for (const stranger& s :
       quipu::test::strangers_of([](const stranger& x) { return has_keys(x.expected, {"by stop"}); })) {
    for (const auto& [stop, right] : s.expected["by stop"].items()) {
      CAPTURE(s.name, stop);
      std::string streamed;
      const auto result = generated(model_of(s), prompt_of(s, hello),
                                    {.max_tokens = 10, .stop = {stop}, .on_text = [&](std::string_view piece) {
                                       streamed += piece;
                                       return true;
                                     }});
      CHECK(result.reason == llama::stop_reason::stop_string);
      CHECK(result.tokens == right["tokens"].get<ids>());
      // transformers' text has the stop string and the control tokens; ours has neither.
      std::string text = right["text"].get<std::string>();
      text.resize(text.find(stop));
      CHECK(result.text == without_control_tokens(model_of(s), text));
      CHECK(streamed == result.text);
    }
  }
}

TEST_CASE("a control token may be a part of a stop string, and is never shown", "[llama][strangers]") {
  for (const stranger& s :
       quipu::test::strangers_of([](const stranger& x) { return has_keys(x.expected, {"by stop"}); })) {
    // " world", a control token, " hello", " the"
    const auto with = [&](const char* stop) { return generated(model_of(s), hello, {.max_tokens = 8, .stop = {stop}}).text; };
    CHECK(with("ld<|/turn|> he") == " wor");
    CHECK(with("|> hello t") == " world");
    CHECK(with("<|/turn|> hellos") == generated(model_of(s), hello, {.max_tokens = 8}).text);
  }
}

TEST_CASE("penalties work at temperature 0", "[llama][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) {
         return has_keys(x.expected, {"tokens", "text"}) && x.expected["tokens"].is_object();
       })) {
    for (const auto& [penalty, right] : s.expected["tokens"].items()) {
      CAPTURE(s.name, penalty);
      const auto result =
          generated(model_of(s), prompt_of(s, hello),
                    {.max_tokens = right.size(),
                     .sampler = llama::sampling({.temperature = 0, .repetition_penalty = std::stod(penalty)}),
                     .end_tokens = llama::end_tokens::ignore});
      CHECK(result.tokens == right.get<ids>());
      CHECK(result.text == s.expected["text"][penalty].get<std::string>());
    }
  }
}

TEST_CASE("end tokens of generation_config.json that are none are refused by name", "[llama][strangers]") {
  for (const stranger& s : quipu::test::strangers_of(
           [](const stranger& x) { return has_keys(x.expected, {"prompt", "text"}) && x.job.is_null(); })) {
    const quipu::test::temp_folder folder;
    for (const char* wrong : {R"({"eos_token_id": 100000})", R"({"eos_token_id": ["1"]})", R"({"eos_token_id": 1.5})", "["}) {
      std::filesystem::copy(s.input / "model", folder.path() / "model",
                            std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
      std::ofstream(folder.path() / "model" / "generation_config.json") << wrong;
      CHECK_THROWS_WITH(loaded(folder.path() / "model"), Catch::Contains("generation_config.json"));
    }
    std::filesystem::remove(folder.path() / "model" / "generation_config.json");
    CHECK_NOTHROW(loaded(folder.path() / "model"));
  }
}
