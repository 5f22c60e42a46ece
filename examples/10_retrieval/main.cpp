// How well retrievers find the notes of EREN's sets, one row each, and what each adds on paraphrased questions.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <quipu/data/open_set.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/eren/study/retrieval_study.hpp>
#include <quipu/notes/bert_encoder.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/dense_retriever.hpp>
#include <quipu/notes/fts5_retriever.hpp>
#include <quipu/notes/hnsw_index.hpp>
#include <quipu/notes/hybrid_retriever.hpp>

#include "arguments.hpp"
#include "edit_sets.hpp"
#include "terminal.hpp"

namespace q = quipu;
namespace n = quipu::notes;

struct settings {
  std::string set = "cfh", data, encoder, report;
  std::size_t n_edit = 0, n_thread = 0;
};

// Every row's index, with the notes in it, side by side: hybrids are made of the same parts.
template <class Retriever>
Retriever filled(Retriever retriever, const q::eren::retrieval_set& set) {
  q::eren::add_notes_of(set, retriever);
  return retriever;
}

// An encoder that computes each text once, for all who ask.
n::callback_encoder remembering(const n::bert_encoder& encoder) {
  auto known = std::make_shared<std::map<std::string, std::vector<float>, std::less<>>>();
  return {encoder.dimension(), encoder.identity(), [encoder, known](std::string_view text) {
            const auto found = known->find(text);
            return found != known->end() ? found->second : known->emplace(text, encoder.encode(text)).first->second;
          }};
}

// Share of the exact index's first k that a graph finds too, over all questions.
template <class Exact, class Graph>
double recall_of(const Graph& graph, const Exact& exact, const q::eren::retrieval_set& set, std::size_t k) {
  std::size_t n_found = 0, n_all = 0;
  for (const auto& question : set.questions) {
    const auto right = exact.retrieve(question.question, k), found = graph.retrieve(question.question, k);
    n_all += right.size();
    for (const auto& hit : right)
      n_found += std::any_of(found.begin(), found.end(), [&](const auto& other) { return other.id == hit.id; }) ? 1 : 0;
  }
  return static_cast<double>(n_found) / static_cast<double>(std::max<std::size_t>(1, n_all));
}

int run(const settings& s) {
  const auto set = q::eren::retrieval_set_of(terminal::open_edits(s.set, s.data), s.n_edit);
  std::cout << set.notes.size() << " notes, " << set.questions.size() << " questions, " << set.n_paraphrase()
            << " of them paraphrases\n";
  std::vector<q::eren::retriever_scores> rows;
  const auto row = [&](const char* name, const auto& retriever) {
    rows.push_back(q::eren::score_retriever(name, retriever, set));
  };
  using words = n::bm25_retriever;
  using grams = n::char_ngram_retriever<>;
  row("BM25", filled(words(), set));
  row("SQLite FTS5", filled(n::fts5_retriever(), set));
  row("character n-grams", filled(grams(), set));
  row("BM25 + n-grams", filled(n::hybrid_retriever<words, grams>(), set));
  std::string recall;
  if (!s.encoder.empty()) {
    using dense = n::dense_retriever<n::callback_encoder>;
    const auto encoder = remembering(n::bert_encoder(s.encoder, 256, q::thread_team(s.n_thread)));
    const auto exact = filled(dense(encoder), set);
    const auto graph = filled(n::dense_retriever<n::callback_encoder, n::hnsw_index>(encoder), set);
    row("dense", exact);
    row("dense, hnswlib", graph);
    row("BM25 + dense", filled(n::hybrid_retriever<words, dense>(words(), dense(encoder)), set));
    row("BM25 + n-grams + dense",
        filled(n::hybrid_retriever<words, grams, dense>(words(), grams(), dense(encoder)), set));
    recall = q::concat("hnswlib finds ", 100 * recall_of(graph, exact, set, 5), " % of the exact index's first five\n");
  }
  const q::report::table table = q::eren::retrieval_table(rows, set);
  std::cout << table.markdown() << recall;
  if (s.report.empty()) return 0;
  q::io::write_text(s.report + ".md", table.markdown());
  q::io::write_text(s.report + ".json", table.json().dump(1));
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments(
      "How well retrievers find the notes of a set of edits, on all questions and on paraphrased ones.");
  settings s;
  arguments.option("--set", &s.set, terminal::edit_set_help());
  arguments.required("--data", &s.data, "file of the set");
  arguments.option("--edits", &s.n_edit, "only the notes of the first edits, and their questions; 0: all");
  arguments.option("--encoder", &s.encoder,
                   "folder of a sentence encoder such as all-MiniLM-L6-v2; without it there are no dense rows");
  arguments.option("--report", &s.report, "beginning of the names of reports (.md, .json)");
  arguments.option("--threads", &s.n_thread, "of the encoder; 0 for all processors");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] { return run(s); });
}
