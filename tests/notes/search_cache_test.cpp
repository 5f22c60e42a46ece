// Indexes kept in a file: the same answers before and after, whatever is edited then; damaged files are refused.
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/default_retriever.hpp>
#include <quipu/notes/fts5_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/search_cache.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "notes/retrieval_reference.hpp"
#include "support/note_stores.hpp"
#include "support/temp_folder.hpp"

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;
using quipu::test::random_sentence;

namespace {

template <class Retriever>
std::string saved(const quipu::test::temp_folder& folder, const Retriever& index) {
  const std::string path = folder.file("index");
  quipu::io::atomic_file out(path);
  index.save(out);
  out.commit();
  return quipu::test::read_bytes(path);
}
template <class Retriever>
void restore(Retriever& index, const std::string& bytes) {
  quipu::io::byte_reader in(quipu::test::as_bytes(bytes), "test");
  index.restore(in);
  REQUIRE(in.left() == 0);
}

template <class Retriever>
void check_alike(const Retriever& a, const Retriever& b, std::mt19937& random) {
  REQUIRE(a.size() == b.size());
  for (int q = 0; q < 12; ++q) {
    const std::string query = random_sentence(random, 70, 5);
    for (const std::size_t k : {1u, 5u, 60u}) REQUIRE(a.retrieve(query, k) == b.retrieve(query, k));
  }
}

template <class Retriever>
void edit_alike(Retriever& a, Retriever& b, std::mt19937& random, int n_edit) {
  for (int i = 0; i < n_edit; ++i) {
    const note_id id = 1 + static_cast<note_id>(random() % 250);
    if (random() % 3 == 0) {
      REQUIRE(a.erase(id) == b.erase(id));
    } else {
      const std::string text = random_sentence(random, 70, 9) + (random() % 4 == 0 ? "\xc3\x85land" : "");
      a.update(id, text);
      b.update(id, text);
    }
  }
}

}  // namespace

static_assert(cacheable_retriever<bm25_retriever> && cacheable_retriever<char_ngram_retriever<>> &&
              cacheable_retriever<default_retriever>);
static_assert(!cacheable_retriever<hybrid_retriever<bm25_retriever, fts5_retriever>>);
static_assert(reserving_retriever<default_retriever> && composed_retriever<default_retriever>);

TEMPLATE_TEST_CASE("an index that was written and read answers and is edited alike", "[notes][search_cache]",
                   bm25_retriever, char_ngram_retriever<>, default_retriever) {
  const quipu::test::temp_folder folder;
  std::mt19937 random(71);
  TestType index;
  for (int round = 0; round < 6; ++round) {
    TestType kept;
    for (int i = 0; i < 150; ++i) {
      const note_id id = 1 + static_cast<note_id>(random() % 250);
      if (random() % 3 == 0) {
        index.erase(id);
      } else {
        index.update(id, random_sentence(random, 70, 9));
      }
    }
    if (round % 2 == 0) (void)index.retrieve("w1 w2", 5);  // written with and without a query before
    const std::string bytes = saved(folder, index);
    restore(kept, bytes);
    if (round % 3 != 0) check_alike(index, kept, random);
    edit_alike(index, kept, random, 40);
    check_alike(index, kept, random);
    edit_alike(index, kept, random, 200);
    check_alike(index, kept, random);
    CHECK_THROWS_AS(kept.add(-1, "text"), quipu::config_error);
    // Written once more by what was only read.
    TestType again;
    restore(again, bytes);
    TestType third;
    restore(third, saved(folder, again));
    check_alike(again, third, random);
  }
  TestType empty, other;
  other.add(1, "w1");
  restore(other, saved(folder, empty));
  CHECK(other.size() == 0);
  CHECK(other.retrieve("w1", 5).empty());
  other.add(1, "");
  other.add(2, "w1 w1 w1");
  TestType with_empty;
  restore(with_empty, saved(folder, other));
  CHECK(with_empty.size() == 2);
  CHECK(with_empty.retrieve("w1", 5) == other.retrieve("w1", 5));
}

TEMPLATE_TEST_CASE("damaged bytes of an index are refused or harmless", "[notes][search_cache]", char_ngram_retriever<>,
                   default_retriever) {
  const quipu::test::temp_folder folder;
  TestType source;
  for (int i = 1; i < 40; ++i)
    source.add(i, "capital of Norway " + std::to_string(i % 7) + (i % 5 == 0 ? " Norwegian capitals" : ""));
  const std::string whole = saved(folder, source);
  const auto use = [](TestType& index) {
    (void)index.retrieve("capital of Norway", 5);
    for (note_id id = 1; id < 9; ++id) index.erase(id);
    for (note_id id = 1; id < 9; ++id) index.add(id, "the capital of Norway");
    CHECK(index.retrieve("capital of Norway", 5).size() == 5);
    index.clear();
    CHECK(index.size() == 0);
  };
  // The checksum of the file stands before this: here every byte gets through.
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    for (const int bits : {0x01, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ bits);
      TestType index;
      try {
        quipu::io::byte_reader in(quipu::test::as_bytes(bytes), "test");
        index.restore(in);
      } catch (const quipu::format_error&) {
      }
      use(index);
    }
  }
  for (std::size_t size = 0; size < whole.size(); size += 5) {
    TestType index;
    const std::string bytes = whole.substr(0, size);
    quipu::io::byte_reader in(quipu::test::as_bytes(bytes), "test");
    CHECK_THROWS_AS(index.restore(in), quipu::format_error);
    use(index);
  }
}

TEST_CASE("parts that hold different numbers of notes are refused", "[notes][search_cache]") {
  const quipu::test::temp_folder folder;
  bm25_retriever words;
  char_ngram_retriever<> grams;
  words.add(1, "Oslo");
  words.add(2, "Lima");
  grams.add(1, "Oslo");
  const std::string bytes = saved(folder, words) + saved(folder, grams);
  default_retriever index;
  index.add(7, "Quito");
  quipu::io::byte_reader in(quipu::test::as_bytes(bytes), "test");
  CHECK_THROWS_AS(index.restore(in), quipu::format_error);
  CHECK(index.size() == 0);
}

TEST_CASE("a file of the default stack serves its own kind only, and catches up", "[notes][search_cache]") {
  using book_type = notebook<sqlite_store, default_retriever>;
  std::mt19937 random(73);
  const quipu::test::temp_folder folder;
  const std::string path = folder.file("n.db"), cache = folder.file("n.words");
  const auto open = [&](const std::string& with) {
    return book_type{sqlite_store(path, quick), default_retriever(), with};
  };
  const auto edit = [&](book_type& book) {
    for (int i = 0; i < 80; ++i)
      book.add(of_text(random_sentence(random, 70, 9)), {.on_conflict = conflict_policy::keep_both});
    for (int i = 0; i < 10; ++i) book.erase(1 + static_cast<note_id>(random() % 60));
  };
  const auto check_in_step = [&] {
    const book_type cached = open(cache), built = open({});
    REQUIRE(cached.size() == built.size());
    for (int q = 0; q < 20; ++q) {
      const std::string query = random_sentence(random, 70, 5);
      REQUIRE(cached.retrieve(query, 5) == built.retrieve(query, 5));
    }
  };
  {
    book_type book = open(cache);
    edit(book);
    book.save_search(cache);
  }
  check_in_step();
  const sqlite_store store(path, quick);
  default_retriever index;
  CHECK(search_cache::load(cache, store, index) == store.version());
  {
    book_type book = open(cache);
    edit(book);
  }
  check_in_step();  // from the older file
  // Weights do not change the index; lengths of n-grams, words and the order of the parts do.
  default_retriever weighted(bm25_retriever{}, char_ngram_retriever<>{}, {.weights = {2, 1}});
  CHECK(search_cache::load(cache, store, weighted));
  default_retriever shorter(bm25_retriever{}, char_ngram_retriever<>({.shortest = 2, .longest = 4}));
  CHECK_FALSE(search_cache::load(cache, store, shorter));
  hybrid_retriever<char_ngram_retriever<>, bm25_retriever> turned;
  CHECK_FALSE(search_cache::load(cache, store, turned));
  hybrid_retriever<bm25_retriever, char_ngram_retriever<all_words>> every_word;
  CHECK_FALSE(search_cache::load(cache, store, every_word));
  bm25_retriever words;
  CHECK_FALSE(search_cache::load(cache, store, words));
  // A byte anywhere: the checksum finds it.
  const std::string whole = quipu::test::read_bytes(cache);
  for (std::size_t at = 0; at < whole.size(); at += 211) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    folder.write("n.words", bytes);
    CHECK_FALSE(search_cache::load(cache, store, index));
    CHECK(index.size() == 0);
  }
  check_in_step();
}

TEST_CASE("n-grams of many and of long notes score as if they were added at once", "[notes][search_cache]") {
  // Few notes first, then many: idf change so much that all lengths are computed anew.
  std::mt19937 random(79);
  char_ngram_retriever<> index;
  std::vector<std::string> texts;
  for (int step = 0; step < 12; ++step) {
    for (int i = 0; i < 60; ++i) {
      std::string text = random_sentence(random, 400, step % 4 == 3 ? 90 : 8);
      if (i % 9 == 0) text += " new" + std::to_string(texts.size()) + " aaaaaaaaaaaa";
      index.add(static_cast<note_id>(texts.size() + 1), text);
      texts.push_back(text);
      if (i % 20 == 0) (void)index.retrieve(text, 3);
    }
    char_ngram_retriever<> bulk;
    for (std::size_t i = texts.size(); i-- > 0;) bulk.add(static_cast<note_id>(i + 1), texts[i]);  // in any order
    check_alike(index, bulk, random);
    const std::string newest = "new" + std::to_string(texts.size() - 6) + " aaaaa";
    REQUIRE(index.retrieve(newest, 9) == bulk.retrieve(newest, 9));
    for (const scored_note& hit : index.retrieve(newest, 3)) REQUIRE(index.score(newest, hit.id) == hit.score);
  }
}
