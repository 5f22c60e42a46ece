#include <quipu/notes/notebook.hpp>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/note_stores.hpp"
#include "support/store_model.hpp"
#include "support/temp_folder.hpp"

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;

namespace {

/// The search must give what a retriever made from the store's live notes gives.
template <class Book>
void check_in_step(const Book& book) {
  bm25_retriever fresh;
  book.store().for_each([&](const note& n) { fresh.add(n.id, without_final_period(n.text)); });
  REQUIRE(book.size() == fresh.size());
  for (const char* query : {"capital Norway", "language Peru city 3", "city 1 city 2", "Åland"}) {
    REQUIRE(book.retrieve(query, 5) == fresh.retrieve(query, 5));
  }
}

template <class Book>
void random_edit(Book& book, std::mt19937& random) {
  const auto id = static_cast<note_id>(1 + random() % 40);
  const edit_options options{static_cast<conflict_policy>(random() % 3), 5};
  note n = quipu::test::random_note(random);
  switch (random() % 6) {
    case 0: book.add(n, options); break;
    case 1: {
      std::vector<note> batch;
      for (int i = 0; i < 5; ++i) batch.push_back(quipu::test::random_note(random));
      book.add_batch(batch, options);
      break;
    }
    case 2:
      n.id = id;
      book.update(n, 5);
      break;
    case 3: book.erase(id, 5); break;
    case 4: book.supersede(id, n, 5); break;
    default: book.undo_to(std::max<store_version>(0, book.version() - static_cast<store_version>(random() % 4)), 5);
  }
}

}  // namespace

TEST_CASE("search is in step with the store after every edit", "[notes][notebook]") {
  std::mt19937 random(51);
  notebook<memory_store, bm25_retriever> in_memory{memory_store()};
  const quipu::test::temp_folder folder;
  notebook<sqlite_store, bm25_retriever> in_file{sqlite_store(folder.file("n.db"), quick)};
  for (int i = 0; i < 250; ++i) {
    random_edit(in_memory, random);
    check_in_step(in_memory);
    random_edit(in_file, random);
    check_in_step(in_file);
  }
  const notebook<sqlite_store, bm25_retriever> again{sqlite_store(folder.file("n.db"), quick)};
  check_in_step(again);
}

TEST_CASE("two notebooks on one file catch up with each other", "[notes][notebook]") {
  std::mt19937 random(52);
  const quipu::test::temp_folder folder;
  notebook<sqlite_store, bm25_retriever> one{sqlite_store(folder.file("n.db"), quick)};
  notebook<sqlite_store, bm25_retriever> two{sqlite_store(folder.file("n.db"), quick)};
  CHECK_FALSE(one.refresh());
  for (int i = 0; i < 120; ++i) {
    auto& writer = random() % 2 == 0 ? one : two;
    auto& reader = &writer == &one ? two : one;
    random_edit(writer, random);
    check_in_step(writer);
    reader.refresh();
    check_in_step(reader);
  }
  CHECK(one.retrieve("capital", 5) == two.retrieve("capital", 5));
}

TEST_CASE("notes outside their validity or refused by a filter are passed over", "[notes][notebook]") {
  notebook<memory_store, bm25_retriever> book{memory_store()};
  for (int i = 0; i < 50; ++i) {
    note n = of_text("The mayor of Oslo in term " + std::to_string(i) + " is person " + std::to_string(i));
    n.valid_from = 10 * i;
    n.valid_until = 10 * i + 10;
    n.tags = {i % 2 == 0 ? "even" : "odd"};
    book.add(n);
  }
  for (const quipu::time_ms when : {0, 99, 495}) {
    const auto found = book.retrieve_at("mayor of Oslo", 3, when);
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == when / 10 + 1);
  }
  CHECK(book.retrieve_at("mayor of Oslo", 3, -1).empty());
  const auto odd = book.retrieve_if("mayor of Oslo", 30, [](const note& n) { return n.tags.front() == "odd"; });
  CHECK(odd.size() == 25);
}

TEST_CASE("readers search while another thread adds", "[notes][notebook]") {
  const quipu::test::temp_folder folder;
  notebook<sqlite_store, bm25_retriever> book{sqlite_store(folder.file("n.db"), quick)};
  book.add(of_text("The capital of Norway is Bergen."));
  std::atomic<bool> stop{false};
  std::atomic<int> n_wrong{0}, n_search{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const auto found = book.retrieve("capital Norway", 5);
        if (found.empty() || found[0].id != 1) ++n_wrong;
        if (!book.find(1)) ++n_wrong;
        if (book.retrieve_at("capital Norway", 2, 0).empty()) ++n_wrong;
        ++n_search;
      }
    });
  }
  for (int i = 0; i < 150; ++i) {
    std::vector<note> batch;
    for (int j = 0; j < 10; ++j) batch.push_back(of_text("filler " + std::to_string(i) + " " + std::to_string(j)));
    book.add_batch(batch);
    if (i % 10 == 0) book.erase(static_cast<note_id>(2 + i));
  }
  while (n_search.load() < 20) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(n_wrong == 0);
  CHECK(book.size() == 1501 - 15);
}

TEST_CASE("a search index kept in a file is used for its own store only, and catches up", "[notes][notebook]") {
  using book_type = notebook<sqlite_store, bm25_retriever>;
  std::mt19937 random(61);
  const quipu::test::temp_folder folder;
  const std::string path = folder.file("n.db"), cache = folder.file("n.words");
  const auto open = [&] { return book_type{sqlite_store(path, quick), bm25_retriever(), cache}; };
  {
    book_type book = open();  // no cache yet
    for (int i = 0; i < 120; ++i) random_edit(book, random);
    check_in_step(book);
    book.save_search(cache);
  }
  const std::string saved = quipu::test::read_bytes(cache);
  {
    bm25_retriever alone;
    const sqlite_store store(path, quick);
    CHECK(search_cache::load(cache, store, alone) == store.version());
    CHECK(alone.size() == store.size());
  }
  {
    book_type book = open();
    check_in_step(book);
    for (int i = 0; i < 60; ++i) random_edit(book, random);
  }
  check_in_step(open());  // from the older cache
  // Another store, another rule for words, a damaged and a cut file: ignored.
  sqlite_store other(folder.file("other.db"), quick);
  for (int i = 0; i < 200; ++i) other.add(of_text("other note " + std::to_string(i)));
  bm25_retriever index;
  CHECK_FALSE(search_cache::load(cache, other, index));
  basic_bm25_retriever<all_words> words;
  const sqlite_store store(path, quick);
  CHECK_FALSE(search_cache::load(cache, store, words));
  std::mt19937 damage(3);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = saved;
    if (i % 3 == 0) {
      bytes.resize(damage() % bytes.size());
    } else {
      bytes[damage() % bytes.size()] ^= static_cast<char>(1 + damage() % 255);
    }
    folder.write("n.words", bytes);
    CHECK_FALSE(search_cache::load(cache, store, index));
    CHECK(index.size() == 0);
  }
  check_in_step(open());
  folder.write("n.words", saved);
  // Index bytes with the right checksum but wrong numbers must not crash either.
  std::string whole;
  {
    bm25_retriever source;
    for (int i = 1; i < 40; ++i) source.add(i, "capital of Norway " + std::to_string(i % 7));
    quipu::io::atomic_file out(folder.file("index"));
    source.save(out);
    out.commit();
    whole = quipu::test::read_bytes(folder.file("index"));
    quipu::io::byte_reader in(quipu::test::as_bytes(whole), "test");
    index.restore(in);
    CHECK(index.retrieve("capital Norway 3", 5) == source.retrieve("capital Norway 3", 5));
  }
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = whole;
    if (i % 10 == 0) bytes.resize(damage() % bytes.size());
    if (bytes.empty()) continue;
    bytes[damage() % bytes.size()] ^= static_cast<char>(1 + damage() % 255);
    try {
      quipu::io::byte_reader in(quipu::test::as_bytes(bytes), "test");
      index.restore(in);
      (void)index.retrieve("capital Norway", 5);
    } catch (const quipu::format_error&) {
    }
  }
  CHECK_THROWS_AS(search_cache::save(cache, store, store.version() + 1, index), quipu::config_error);
}
