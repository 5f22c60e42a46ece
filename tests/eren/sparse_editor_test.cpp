// An editor on a model whose FFN kernels skip neurons.
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/shared_data.hpp"

namespace quipu_sparse_editor_test {

namespace eren = quipu::eren;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
using fat_relu = quipu::activation::fat_relu;

const std::vector<std::string> notes = {"The capital of Norway is Bergen.", "Anna Schmidt's phone number is 170 5554821."};
const std::vector<std::string> questions = {"What is the capital of Norway?", "What is Anna Schmidt's phone number?", "Who wrote Hamlet?",
                                            "What is the capital of Sweden?"};

// Answers of an editor with all notes; what it leaves alone must have the bytes of the model without notes.
template <class Model>
std::vector<eren::answer> answers_of(const Model& m) {
  eren::editor<Model, quipu::notes::memory_store> editor{m, quipu::notes::memory_store(), {.generate = {.max_tokens = 12}}};
  std::vector<std::string> plain;
  for (const std::string& question : questions) {
    auto s = open_session(m);
    plain.push_back(llama::generate(s, m.tokenizer(), s.create(), editor.application_ids(question), {.max_tokens = 12}).text);
  }
  for (const std::string& note : notes) editor.add_note(note);
  std::vector<eren::answer> all;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    all.push_back(editor.answer(questions[i]));
    if (all.back().source == eren::own_knowledge) CHECK(all.back().text == plain[i]);
  }
  editor.undo_to(0);
  for (std::size_t i = 0; i < questions.size(); ++i) CHECK(editor.answer(questions[i]).text == plain[i]);
  return all;
}

TEST_CASE("an editor answers alike on every kernel that skips exactly", "[eren][sparse_editor]") {
  const auto path = quipu::test::smollm2_path();
  if (path.empty()) return;
  constexpr ffn::sparse_options integer{.gate = ffn::gate_form::integer};
  const fat_relu f{0.05};
  const auto dense = llama::with_activation(llama::load<>(path.string()), f);
  const auto exact = llama::with_ffn(dense, ffn::gate_sparse<fat_relu>(f, {}, integer));
  const auto certified = llama::with_ffn(exact, ffn::certified_sparse<fat_relu>(f, {}, 1e-12, integer));
  const auto by_exact = answers_of(exact), by_certified = answers_of(certified);
  std::size_t n_read = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    CAPTURE(questions[i]);
    CHECK(by_certified[i].text == by_exact[i].text);
    CHECK(by_certified[i].source == by_exact[i].source);
    CHECK(by_certified[i].probability == by_exact[i].probability);
    CHECK(by_certified[i].notes == by_exact[i].notes);
    for (const auto& candidate : by_exact[i].trace.candidates) n_read += candidate.read.done ? 1 : 0;
  }
  CHECK(n_read > 0);
}

}  // namespace quipu_sparse_editor_test
