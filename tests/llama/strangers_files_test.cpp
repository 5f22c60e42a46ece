// Files, bytes and contexts that strangers met at their limits.
#include <quipu/llama/generate.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/session.hpp>

#include "support/exact_model.hpp"
#include "support/strangers.hpp"
#include "support/temp_folder.hpp"

namespace io = quipu::io;
namespace llama = quipu::llama;
using quipu::test::has_keys;
using quipu::test::stranger;

namespace {

const std::vector<quipu::token_id> probe_ids = {1, 5, 9, 11, 7, 3};

template <class Model>
auto logits_of(const Model& m) {
  auto session = llama::open_session(m, quipu::thread_team(1));
  return quipu::test::all_logits(session, probe_ids);
}

double difference(std::span<const float> a, std::span<const float> b) {
  double most = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) most = std::max(most, std::abs(double{a[i]} - double{b[i]}));
  return most;
}

// Any model with a tokenizer and room for so many tokens: the case brings none.
std::filesystem::path model_with_context(std::size_t n_ctx) {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) { return std::filesystem::exists(x.input / "model"); })) {
    const auto folder = s.input / "model";
    if (!std::filesystem::exists(folder / "tokenizer.json")) continue;
    nlohmann::json config;
    std::ifstream(folder / "config.json") >> config;
    if (config.value("max_position_embeddings", std::size_t{0}) >= n_ctx) return folder;
  }
  return {};
}

}  // namespace

TEST_CASE("unusual safetensors files load or are refused as safetensors does", "[llama][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) { return has_keys(x.expected, {"by file"}); })) {
    std::vector<std::vector<float>> all;
    for (const auto& [name, right] : s.expected["by file"].items()) {
      INFO(s.name << "/" << name);
      const std::string folder = (s.input / name).string(), verdict = right.get<std::string>();
      if (verdict.starts_with("loads")) {
        all.push_back(logits_of(quipu::test::load_exact(folder)));
        CHECK(all.back() == all.front());
      } else if (name.find("nul_padded") == std::string::npos) {  // padding by NUL does no harm and is let pass
        CHECK_THROWS_AS(quipu::test::load_exact(folder), quipu::format_error);
      }
    }
  }
}

TEST_CASE("models of every kind of position are the same in every form, or refused by name", "[llama][strangers]") {
  for (const stranger& s : quipu::test::strangers_of(
           [](const stranger& x) { return has_keys(x.expected, {"difference"}) && x.job.is_null(); })) {
    for (const auto& entry : std::filesystem::directory_iterator(s.input)) {
      const std::string name = entry.path().filename().string();
      if (!std::filesystem::exists(entry.path() / "config.json")) continue;
      INFO(s.name << "/" << name);
      if (name == "yarn" || name == "dynamic") {
        CHECK_THROWS_WITH(quipu::test::load_exact(entry.path().string()), Catch::Contains(name));
        continue;
      }
      const auto original = quipu::test::load_exact(entry.path().string());
      const quipu::test::temp_folder out;
      const auto source = io::open_checkpoint(entry.path().string());
      io::write_gguf((out.path() / "m.gguf").string(), source);
      io::write_hf_folder(out.path() / "hf", source);
      // Factors of the rotation are stored as floats in GGUF.
      CHECK(difference(logits_of(quipu::test::load_exact((out.path() / "m.gguf").string())), logits_of(original)) < 1e-5);
      CHECK(difference(logits_of(quipu::test::load_exact((out.path() / "hf").string())), logits_of(original)) == 0);
      nlohmann::json config;
      std::ifstream(out.path() / "hf" / "config.json") >> config;
      // transformers insists on integers where they are meant.
      if (config["rope_scaling"].is_object() && config["rope_scaling"].contains("original_max_position_embeddings"))
        CHECK(config["rope_scaling"]["original_max_position_embeddings"].is_number_integer());
      for (const char* key : {"hidden_size", "num_hidden_layers", "head_dim", "vocab_size", "max_position_embeddings"})
        CHECK(config[key].is_number_integer());
    }
  }
}

TEST_CASE("a context takes as many tokens as it has, and says what was too much", "[llama][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) { return has_keys(x.job, {"context", "prompts"}); })) {
    const auto n_ctx = s.job["context"].get<std::size_t>();
    const auto folder = model_with_context(n_ctx);
    REQUIRE(!folder.empty());
    const auto model = quipu::test::load_exact(folder.string());
    llama::session session(model, quipu::thread_team(1), {.n_ctx = n_ctx});
    for (const auto& length : s.job["prompts"]) {
      const auto n = length.get<std::size_t>();
      INFO(s.name << ": " << n << " of " << n_ctx);
      const std::vector<quipu::token_id> prompt(n, 42);
      const auto sequence = session.create();
      const auto run = [&] {
        return llama::generate(session, model.tokenizer(), sequence, prompt,
                               {.max_tokens = 100, .end_tokens = llama::end_tokens::ignore});
      };
      if (n > n_ctx) {
        CHECK_THROWS_WITH(run(), Catch::Contains(std::to_string(n)) && Catch::Contains(std::to_string(n_ctx)));
      } else {
        const auto result = run();
        CHECK(result.tokens.size() == n_ctx - n + 1);
        CHECK(result.reason == llama::stop_reason::context_full);
        // The same prompt once more, all of it but the last token cached.
        const auto again = session.fork(sequence, n - 1);
        const auto cached = session.next_logits(again, std::span(prompt).last(1));
        const std::vector<float> kept(cached.begin(), cached.end());
        const auto fresh = session.next_logits(session.create(), prompt);
        CHECK(difference(kept, fresh) < 1e-5);
      }
    }
  }
}
