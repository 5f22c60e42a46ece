// Adapters that strangers brought: PEFT's logits in sessions, in training passes, merged, and written and read again.
#include <quipu/llama/adapted_model.hpp>

#include <cmath>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/llama/export.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/merge.hpp>
#include <quipu/llama/with_base_changes.hpp>

#include "support/exact_model.hpp"
#include "support/modules.hpp"
#include "support/strangers.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace quipu_strangers_adapters_test {

namespace llama = quipu::llama;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;
using quipu::token_id;
using test::stranger;

namespace {

using ids = std::vector<token_id>;

// "... logits of ids [1, 5, 9]"
ids ids_of(const stranger& s) {
  const std::string how = s.expected["how"].get<std::string>();
  std::string list = how.substr(how.find('[') + 1);
  list.resize(list.find(']'));
  for (char& c : list) c = c == ',' ? ' ' : c;
  std::istringstream in(list);
  ids found;
  for (token_id id = 0; in >> id;) found.push_back(id);
  return found;
}

std::vector<double> logits_of(const nlohmann::json& rows) {
  std::vector<double> all;
  for (const auto& row : rows) {
    for (const auto& value : row) all.push_back(value.get<double>());
  }
  return all;
}

template <class Values>
double difference(const Values& found, const std::vector<double>& wanted) {
  if (found.size() != wanted.size()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) most = std::max(most, std::abs(found[i] - wanted[i]));
  return most;
}

std::vector<stranger> adapters() {
  return test::strangers_of([](const stranger& s) {
    return test::has_keys(s.expected, {"how", "logits"}) && s.expected["logits"].is_object() &&
           std::filesystem::exists(s.input / s.expected["logits"].begin().key() / "adapter_config.json");
  });
}

template <class F>
void for_each_adapter(F&& f) {
  for (const stranger& s : adapters()) {
    for (const auto& [name, rows] : s.expected["logits"].items()) {
      INFO(s.name << "/" << name);
      f(s, s.input / name, logits_of(rows));
    }
  }
}

}  // namespace

TEST_CASE("adapters give PEFT's logits in a session", "[llama][strangers]") {
  for_each_adapter([](const stranger& s, const auto& folder, const std::vector<double>& wanted) {
    const auto base = test::load_exact((s.input / "base").string());
    const auto model = llama::with_adapter(base, folder);
    auto session = llama::open_session(model, thread_team(2));
    CHECK(difference(test::all_logits(session, ids_of(s)), wanted) < 1e-5);
    // Forks and cut sequences go on from where they are.
    const auto first = session.create();
    const ids all = ids_of(s);
    static_cast<void>(session.next_logits(first, std::span(all).first(2)));
    const auto second = session.fork(first, 1);
    session.truncate(first, 0);
    const auto last = session.next_logits(second, std::span(all).subspan(1));
    const std::size_t n_vocab = session.n_vocab();
    CHECK(difference(std::vector<double>(last.begin(), last.end()),
                     std::vector<double>(wanted.end() - static_cast<std::ptrdiff_t>(n_vocab), wanted.end())) < 1e-5);
  });
}

TEST_CASE("adapters give PEFT's logits in training passes, merged, and written and read again", "[llama][strangers]") {
  for_each_adapter([](const stranger& s, const auto& folder, const std::vector<double>& wanted) {
    const auto loaded = test::load_exact((s.input / "base").string());
    const pet::peft_folder opened(folder);
    const auto base = llama::with_base_changes(loaded, opened.base_changes(loaded.config()));
    auto module = pet::load_any_peft<float>(folder, loaded.config(), pet::base_state::changed);
    const ids all = ids_of(s);
    {
      const auto trainable = llama::thaw<float>(base);
      llama::bind_base(module, trainable.model());
      llama::training_pass pass(trainable.model(), thread_team(1));
      llama::module_hooks hooks(module, pass.workspace());
      auto batch = test::batch_for<float>(hooks);
      batch.add(all, std::vector<std::int64_t>(all.size(), 1));
      CHECK(difference(test::batch_logits(pass, batch, hooks), wanted) < 1e-5);
    }
    const auto merged = llama::merge(llama::thaw<float>(base), module);
    const auto logits = [&](const auto& model) {
      auto session = llama::open_session(model, thread_team(1));
      return test::all_logits(session, all);
    };
    CHECK(difference(logits(merged.model()), wanted) < 1e-5);
    const test::temp_folder out;
    const auto written = llama::checkpoint_of(merged.trainable());
    quipu::io::write_hf_folder(out.path() / "hf", written);
    CHECK(difference(logits(test::load_exact((out.path() / "hf").string())), wanted) < 1e-5);
    quipu::io::write_gguf((out.path() / "model.gguf").string(), written);
    CHECK(difference(logits(test::load_exact((out.path() / "model.gguf").string())), wanted) < 1e-5);
  });
}

TEST_CASE("a module of an adapter that changes the base is not given out alone", "[llama][strangers]") {
  for_each_adapter([](const stranger& s, const auto& folder, const std::vector<double>&) {
    const auto c = test::load_exact((s.input / "base").string()).config();
    const auto changes = pet::peft_folder(folder).base_changes(c);
    if (changes.empty()) {
      CHECK_NOTHROW(pet::load_any_peft<float>(folder, c));
    } else {
      CHECK_THROWS_WITH(pet::load_any_peft<float>(folder, c), Catch::Contains(std::string(changes.first())));
    }
  });
}

TEST_CASE("adapters stack, and have a strength where they can", "[llama][strangers]") {
  for (const stranger& s : adapters()) {
    const auto base = test::load_exact((s.input / "base").string());
    const auto logits = [&](const auto& model) {
      auto session = llama::open_session(model, thread_team(1));
      return test::all_logits(session, ids_of(s));
    };
    const auto plain = logits(base);
    for (const auto& [name, rows] : s.expected["logits"].items()) {
      INFO(s.name << "/" << name);
      const auto changes = pet::peft_folder(s.input / name).base_changes(base.config());
      if (!changes.replaced.empty() || !changes.rows.empty()) {
        CHECK_THROWS_WITH(llama::with_adapter(base, s.input / name, 0.5), Catch::Contains("scale"));
        continue;
      }
      if (pet::peft_folder(s.input / name).is<pet::dora>()) continue;  // of strength 0 it still has its magnitudes
      CHECK(logits(llama::with_adapter(base, s.input / name, 0)) == plain);
      const auto twice = llama::with_adapter(llama::with_adapter(base, s.input / name, 0.25), s.input / name, 0.75);
      CHECK(difference(logits(twice), logits_of(rows)) < 1e-5);
      CHECK(twice.key() != llama::with_adapter(base, s.input / name).key());
    }
  }
}

TEST_CASE("a tied head follows its embedding as in PEFT", "[llama][strangers]") {
  const test::temp_folder out;
  for (const stranger& s : adapters()) {
    const auto untied = test::load_exact((s.input / "base").string());
    for (const auto& entry : s.expected["logits"].items()) {
      const auto folder = s.input / entry.key();
      const auto changes = pet::peft_folder(folder).base_changes(untied.config());
      if (changes.empty()) continue;
      INFO(s.name << "/" << entry.key());
      // The same base with its embedding as head.
      auto source = llama::checkpoint_of(llama::thaw<float>(untied));
      source.tensors.erase(std::string(quipu::io::head_name));
      source.config.tied_embeddings = true;
      quipu::io::write_hf_folder(out.path() / "tied", source);
      const auto tied = test::load_exact((out.path() / "tied").string());
      const auto m = llama::with_base_changes(tied, changes);
      const auto& w = m.weights();
      bool embedding = false, head = false;
      const auto look = [&](const auto& list) {
        for (const auto& change : list) {
          embedding |= change.name == quipu::io::embedding_name;
          head |= change.name == quipu::io::head_name;
        }
      };
      look(changes.replaced);
      look(changes.added);
      const bool rows = !changes.rows.empty();
      CHECK(m.config().tied_embeddings == !(embedding || head));
      CHECK((w.embedding.data == tied.weights().embedding.data) == !(embedding || rows));
      CHECK((w.head.data == tied.weights().head.data) == !(head || rows));
    }
  }
}

}  // namespace quipu_strangers_adapters_test
