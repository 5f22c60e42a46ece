// Taking back single edits: whose they are, which ones stand, what others wrote meanwhile.
#include <quipu/notes/undo_rules.hpp>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/note_stores.hpp"
#include "support/store_model.hpp"
#include "support/temp_folder.hpp"

namespace undo_rules_test {  // names of its own: several tests are compiled as one

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;

namespace {

note with_id(note_id id, std::string text) {
  note n = of_text(std::move(text));
  n.id = id;
  return n;
}
note in_slot(std::string object) {
  note n = of_text("The capital of Norway is " + object);
  n.subject = "Norway", n.relation = "capital", n.object = std::move(object);
  return n;
}
template <class Store>
std::vector<std::string> texts(const Store& store) {
  std::vector<std::string> all;
  store.for_each([&](const note& n) { all.push_back(n.text); });
  return all;
}
using strings = std::vector<std::string>;

/// Random edits of a store that nobody else writes to, and undos: each undo gives the state before the last edit that
/// stands, as a pile of whole tables has it.
template <class Store>
void undo_like_a_pile(Store& store, unsigned seed, int n_step) {
  using table = std::map<note_id, note>;
  const auto now = [&] {
    table all;
    for (note_id id = 1; id < 200; ++id) {
      if (const auto n = store.find(id)) all[id] = *n;
    }
    return all;
  };
  std::mt19937 random(seed);
  std::vector<table> pile{now()};
  for (int step = 0; step < n_step; ++step) {
    const auto id = static_cast<note_id>(random() % 40);
    note n = quipu::test::random_note(random);
    const edit_options options{static_cast<conflict_policy>(random() % 3), 1000 + step};
    const store_version before = store.version();
    switch (random() % 7) {
      case 0: store.add(n, options); break;
      case 1: store.add_batch(std::vector<note>{n, quipu::test::random_note(random)}, options); break;
      case 2:
        n.id = id;
        store.update(n, 5);
        break;
      case 3: store.erase(id, 5); break;
      case 4: store.supersede(id, n, 5); break;
      default: {
        const std::size_t n_edit = 1 + random() % 2;
        if (n_edit >= pile.size()) {
          CHECK_THROWS_AS(store.undo(pile.size(), 5), quipu::config_error);
          CHECK(store.version() == before);
          continue;
        }
        const auto last = store.last_edit();
        REQUIRE(last);
        const auto done = store.undo(n_edit, 5);
        REQUIRE(done.size() == n_edit);
        CHECK(done.front().version == last->version);
        CHECK(last->own);
        CHECK(last->kept.empty());
        pile.resize(pile.size() - n_edit);
        REQUIRE(now() == pile.back());
        continue;
      }
    }
    if (store.version() != before) pile.push_back(now());
  }
  while (pile.size() > 1) {
    store.undo(1, 5);
    pile.pop_back();
    REQUIRE(now() == pile.back());
  }
  CHECK_FALSE(store.last_edit());
}

}  // namespace

TEST_CASE("undo goes back step by step through any edits, and never forth", "[notes][undo]") {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    memory_store memory;
    undo_like_a_pile(memory, seed, 150);
    const quipu::test::temp_folder folder;
    sqlite_store file(folder.file("n.db"), quick);
    undo_like_a_pile(file, seed, 100);
    CHECK(file.check_integrity().empty());
  }
}

TEST_CASE("undo takes back this store's edits; those of others stay", "[notes][undo]") {
  const quipu::test::temp_folder folder;
  sqlite_store one(folder.file("n.db"), quick), two(folder.file("n.db"), quick);
  one.add(of_text("one's first"));
  two.add(of_text("two's first"));
  one.add(of_text("one's second"));
  two.add(of_text("two's second"));
  CHECK(one.last_edit()->version == 3);
  one.undo();
  CHECK(texts(one) == strings{"one's first", "two's first", "two's second"});
  one.undo();
  CHECK(texts(one) == strings{"two's first", "two's second"});
  CHECK_FALSE(one.last_edit());
  CHECK_THROWS_AS(one.undo(), quipu::config_error);  // what others wrote since the opening is not one's to take back
  CHECK_THROWS_AS(two.undo(3), quipu::config_error);
  CHECK(texts(one) == strings{"two's first", "two's second"});
  two.undo(2);
  CHECK(texts(one).empty());
}

TEST_CASE("a store opened later takes back the last edit that stands", "[notes][undo]") {
  const quipu::test::temp_folder folder;
  {
    sqlite_store first(folder.file("n.db"), quick);
    first.add(of_text("a"));
    first.add(of_text("b"));
    first.add(of_text("c"));
    first.undo();
  }
  sqlite_store second(folder.file("n.db"), quick);
  const auto last = second.last_edit();
  REQUIRE(last);
  CHECK_FALSE(last->own);
  CHECK(last->version == 2);
  REQUIRE(last->changes.size() == 1);
  CHECK(last->changes[0].after->text == "b");
  second.undo();
  CHECK(texts(second) == strings{"a"});
  second.add(of_text("d"));
  CHECK(second.last_edit()->own);
  second.undo();
  CHECK(texts(second) == strings{"a"});
  second.undo();
  CHECK(texts(second).empty());
  CHECK_FALSE(second.last_edit());
}

TEST_CASE("what others changed since is kept, and what hangs on it", "[notes][undo]") {
  const quipu::test::temp_folder folder;
  sqlite_store one(folder.file("n.db"), quick), two(folder.file("n.db"), quick);
  SECTION("a note of a batch") {
    one.add_batch(std::vector<note>{of_text("a"), of_text("b")});
    two.update(with_id(1, "a of two"));
    CHECK(one.last_edit()->kept == std::vector<note_id>{1});
    one.undo();
    CHECK(texts(one) == strings{"a of two"});
    CHECK_FALSE(one.last_edit());
    two.undo();  // one's undo of the batch left this note alone
    CHECK(texts(one) == strings{"a"});
  }
  SECTION("a replacement: what it replaced stays replaced") {
    one.add(in_slot("Oslo"));
    one.add(in_slot("Bergen"));
    two.update(with_id(2, "The capital of Norway is Bergen, since 2030"));
    const auto done = one.undo();
    CHECK(done.front().changes.empty());
    CHECK(done.front().kept == std::vector<note_id>{1, 2});
    CHECK(texts(one) == strings{"The capital of Norway is Bergen, since 2030"});
    CHECK(one.version() == 3);  // nothing was written
  }
  SECTION("a replacement that another erased: the older note comes back") {
    one.add(in_slot("Oslo"));
    one.add(in_slot("Bergen"));
    two.erase(2);
    one.undo();
    CHECK(texts(one) == strings{"The capital of Norway is Oslo"});
  }
  SECTION("an edit that another has taken back already is passed over") {
    one.add(of_text("a"));
    one.add(of_text("b"));
    two.undo_to(1);
    one.undo();
    CHECK(texts(one).empty());
  }
  CHECK(one.check_integrity().empty());
}

TEST_CASE("an undo_to that brings edits back can itself be taken back", "[notes][undo]") {
  memory_store store;
  store.add(of_text("a"));
  store.add(of_text("b"));
  store.undo();
  store.undo_to(2);
  CHECK(texts(store) == strings{"a", "b"});
  store.undo();
  CHECK(texts(store) == strings{"a"});
  store.undo();
  CHECK(texts(store).empty());
}

namespace {
/// A store of somebody else that knows nothing of single edits.
struct plain_store {
  add_result add(const note& n, const edit_options& o) { return inner.add(n, o); }
  std::vector<add_result> add_batch(std::span<const note> n, const edit_options& o) { return inner.add_batch(n, o); }
  bool update(const note& n, quipu::time_ms w) { return inner.update(n, w); }
  bool erase(note_id id, quipu::time_ms w) { return inner.erase(id, w); }
  note_id supersede(note_id id, const note& n, quipu::time_ms w) { return inner.supersede(id, n, w); }
  std::optional<note> find(note_id id) const { return inner.find(id); }
  std::size_t size() const { return inner.size(); }
  void for_each(auto&& visit) const { inner.for_each(visit); }
  store_version version() const { return inner.version(); }
  std::vector<note_change> history(note_id id) const { return inner.history(id); }
  change_set changed_since(store_version v) const { return inner.changed_since(v); }
  void undo_to(store_version v, quipu::time_ms w) { inner.undo_to(v, w); }
  memory_store inner;
};
static_assert(note_store<plain_store> && !undoing_note_store<plain_store>);
}  // namespace

TEST_CASE("a notebook goes back step by step on any store", "[notes][undo][notebook]") {
  plain_store old;
  old.inner.add(of_text("from before"));
  notebook<plain_store, bm25_retriever> book(std::move(old));
  book.add(of_text("b"));
  book.update(with_id(2, "b changed"));
  book.undo();
  CHECK(texts(book.store()) == strings{"from before", "b"});
  book.add_batch(std::vector<note>{of_text("c"), of_text("d")});
  CHECK_THROWS_AS(book.undo(4), quipu::config_error);
  book.undo(2);
  CHECK(texts(book.store()) == strings{"from before"});
  CHECK_FALSE(book.last_edit()->own);
  book.undo();
  CHECK(book.size() == 0);
  CHECK_FALSE(book.last_edit());
  CHECK_THROWS_AS(book.undo(), quipu::config_error);
}

}  // namespace undo_rules_test
