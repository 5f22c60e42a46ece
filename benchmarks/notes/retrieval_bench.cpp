// Adding notes and asking for the best five, at 20,000 notes and, with QUIPU_BENCH_LARGE set, at a million.
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/fts5_retriever.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "note_corpus.hpp"

using namespace quipu;

namespace {

const std::vector<std::string>& corpus(std::size_t n) {
  static std::map<std::size_t, std::vector<std::string>> made;
  auto& notes = made[n];
  if (notes.empty()) notes = bench::note_corpus(n);
  return notes;
}

const std::vector<std::string>& questions(std::size_t n) {
  static std::map<std::size_t, std::vector<std::string>> made;
  auto& asked = made[n];
  if (asked.empty()) asked = bench::note_questions(corpus(n), 500);
  return asked;
}

template <class Retriever>
const Retriever& filled(std::size_t n) {
  static std::map<std::size_t, Retriever> made;
  Retriever& index = made[n];
  if (index.size() == 0) {
    for (std::size_t i = 0; i < n; ++i) index.add(static_cast<notes::note_id>(i + 1), corpus(n)[i]);
  }
  return index;
}

template <class Retriever>
void add(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  (void)corpus(n);
  for (auto _ : state) {
    Retriever index;
    for (std::size_t i = 0; i < n; ++i) index.add(static_cast<notes::note_id>(i + 1), corpus(n)[i]);
    benchmark::DoNotOptimize(index.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Retriever>
void top5(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const Retriever& index = filled<Retriever>(n);
  const auto& asked = questions(n);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.retrieve(asked[next], 5));
    next = (next + 1) % asked.size();
  }
  state.SetItemsProcessed(state.iterations());
  if constexpr (requires { index.memory_bytes(); }) {
    state.counters["bytes/note"] = static_cast<double>(index.memory_bytes()) / static_cast<double>(n);
  }
}

/// Batches of 10,000 into a database file, the search in step.
void add_to_file(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<notes::note> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i].text = corpus(n)[i];
  const auto path = std::filesystem::temp_directory_path() / "quipu_notes_bench.db";
  const auto remove = [&] {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + end);
  };
  for (auto _ : state) {
    remove();
    notes::notebook<notes::sqlite_store, notes::bm25_retriever> book{notes::sqlite_store(path.string())};
    for (std::size_t i = 0; i < n; i += 10'000) {
      book.add_batch(std::span(all).subspan(i, std::min<std::size_t>(10'000, n - i)),
                     {.on_conflict = notes::conflict_policy::keep_both});
    }
    benchmark::DoNotOptimize(book.size());
  }
  remove();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

enum class search { none, made_anew, from_cache };

/// Opening the file, alone or with a search index of all notes.
template <search How>
void open_file(benchmark::State& state) {
  using book_type = notes::notebook<notes::sqlite_store, notes::bm25_retriever>;
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::string path = (std::filesystem::temp_directory_path() / "quipu_notes_bench_open.db").string();
  const std::string cache = How == search::from_cache ? path + ".search" : "";
  const auto remove = [&] {
    for (const char* end : {"", "-wal", "-shm", ".search"}) std::filesystem::remove(path + end);
  };
  remove();
  {
    std::vector<notes::note> all(n);
    for (std::size_t i = 0; i < n; ++i) all[i].text = corpus(n)[i];
    notes::sqlite_store store(path);
    store.add_batch(all, {.on_conflict = notes::conflict_policy::keep_both});
    if constexpr (How == search::from_cache) book_type(std::move(store)).save_search(cache);
  }
  for (auto _ : state) {
    notes::sqlite_store store(path);
    if constexpr (How == search::none) {
      benchmark::DoNotOptimize(store.size());
    } else {
      const book_type book{std::move(store), notes::bm25_retriever(), cache};
      benchmark::DoNotOptimize(book.size());
    }
  }
  remove();
}

/// A million notes only if QUIPU_BENCH_LARGE is set: making them takes a minute.
void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(20'000);
  if (std::getenv("QUIPU_BENCH_LARGE") != nullptr) bench->Arg(1'000'000);
}

}  // namespace

BENCHMARK(top5<notes::bm25_retriever>)->Name("bm25 top5")->Apply(sizes)->Unit(benchmark::kMicrosecond);
BENCHMARK(top5<notes::basic_bm25_retriever<notes::all_words>>)
    ->Name("bm25 top5, stop words kept")
    ->Apply(sizes)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(top5<notes::char_ngram_retriever<>>)->Name("char n-gram top5")->Arg(20'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(top5<notes::fts5_retriever>)->Name("fts5 top5")->Arg(20'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(add<notes::bm25_retriever>)->Name("bm25 add")->Apply(sizes)->Unit(benchmark::kMillisecond);
BENCHMARK(add_to_file)
    ->Name("sqlite_store + bm25 add")
    ->Apply(sizes)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(open_file<search::none>)
    ->Name("open sqlite_store")
    ->Apply(sizes)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(open_file<search::made_anew>)
    ->Name("open sqlite_store + bm25 made anew")
    ->Apply(sizes)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(open_file<search::from_cache>)
    ->Name("open sqlite_store + bm25 from its cache")
    ->Apply(sizes)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
