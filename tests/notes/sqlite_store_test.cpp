#include <quipu/notes/sqlite_store.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <sqlite3.h>

#include <catch2/catch.hpp>

#include "support/note_stores.hpp"
#include "support/store_model.hpp"
#include "support/temp_folder.hpp"

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;
using quipu::test::temp_folder;

namespace {

void run_sql(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, &message);
  INFO((message != nullptr ? message : ""));
  REQUIRE(code == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace

TEST_CASE("sqlite_store does what the simple model does", "[notes][sqlite_store]") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const temp_folder folder;
    sqlite_store store(folder.file("notes.db"), quick);
    quipu::test::compare_with_model(store, seed, 120);
    CHECK(store.check_integrity().empty());
  }
}

TEST_CASE("a store reopened holds what it held", "[notes][sqlite_store]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  quipu::test::store_model::table before;
  store_version version = 0;
  {
    sqlite_store store(path);
    std::mt19937 random(8);
    for (int i = 0; i < 100; ++i) store.add(quipu::test::random_note(random));
    before = quipu::test::live_notes(store);
    version = store.version();
  }
  sqlite_store again(path);
  CHECK(quipu::test::live_notes(again) == before);
  CHECK(again.version() == version);
  CHECK(again.check_integrity().empty());
  sqlite_store reader(path, {.access = store_access::read_only});
  CHECK(quipu::test::live_notes(reader) == before);
  CHECK_THROWS_AS(reader.add(of_text("x y")), quipu::io_error);
  CHECK(reader.check_integrity().empty());
}

TEST_CASE("two connections see each other's notes and are told about them", "[notes][sqlite_store]") {
  const temp_folder folder;
  sqlite_store one(folder.file("notes.db"), quick);
  sqlite_store two(folder.file("notes.db"), quick);
  CHECK_FALSE(two.others_wrote());
  CHECK(one.add(of_text("Oslo is in Norway")).id == 1);
  CHECK_FALSE(one.others_wrote());
  CHECK(two.others_wrote());
  CHECK_FALSE(two.others_wrote());
  CHECK(two.find(1)->text == "Oslo is in Norway");
  CHECK(two.add(of_text("Oslo is in norway.")).outcome == add_outcome::duplicate);
  CHECK(two.add(of_text("Lima is in Peru")).id == 2);
  const change_set changes = one.changed_since(1);
  REQUIRE(changes.entries.size() == 1);
  CHECK(changes.entries[0].id == 2);
  CHECK(changes.entries[0].now->text == "Lima is in Peru");
  CHECK(changes.version == 2);
}

TEST_CASE("files of others, newer files and files that are none are refused untouched", "[notes][sqlite_store]") {
  const temp_folder folder;
  const std::string path = folder.file("x.db");
  const auto bytes = [&] {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  SECTION("another program's database") {
    run_sql(path, "create table cats(name); insert into cats values('Tom')");
    const std::string before = bytes();
    CHECK_THROWS_WITH(sqlite_store(path), Catch::Contains("another program"));
    CHECK_THROWS_AS(sqlite_store(path), quipu::format_error);
    CHECK(bytes() == before);
  }
  SECTION("a newer schema") {
    { sqlite_store store(path); }
    run_sql(path, "pragma user_version = 77");
    CHECK_THROWS_WITH(sqlite_store(path), Catch::Contains("77"));
  }
  SECTION("a text") {
    std::ofstream(path) << "The capital of Norway is Oslo.\n";
    CHECK_THROWS_AS(sqlite_store(path), quipu::format_error);
    CHECK(bytes() == "The capital of Norway is Oslo.\n");
  }
  SECTION("a folder") {
    CHECK_THROWS_AS(sqlite_store(folder.path().string()), quipu::io_error);
    CHECK_THROWS_AS(sqlite_store(folder.file("no/such/folder/x.db")), quipu::io_error);
  }
  SECTION("an empty file, for reading") {
    std::ofstream(path).close();
    CHECK_THROWS_AS(sqlite_store(path, {.access = store_access::read_only}), quipu::format_error);
  }
}

TEST_CASE("a store of schema 1 is migrated with everything in it", "[notes][sqlite_store]") {
  const temp_folder folder;
  const std::string path = folder.file("old.db");
  quipu::test::store_model::table before;
  {
    sqlite_store store(path, quick);
    std::mt19937 random(9);
    for (int i = 0; i < 50; ++i) store.add(quipu::test::random_note(random));
    before = quipu::test::live_notes(store);
  }
  // Back to schema 1, which had no full-text index.
  run_sql(path, "drop table notes_words; pragma user_version = 1");
  CHECK_THROWS_WITH(sqlite_store(path, {.access = store_access::read_only}), Catch::Contains("newest schema"));
  sqlite_store store(path, quick);
  CHECK(quipu::test::live_notes(store) == before);
  CHECK(store.check_integrity().empty());
  store.undo_to(3);
  CHECK(store.check_integrity().empty());
}

TEST_CASE("the integrity check names what was changed behind the store's back", "[notes][sqlite_store]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  {
    sqlite_store store(path, quick);
    store.add(of_text("Oslo is in Norway"));
    store.add(of_text("Lima is in Peru"));
    store.update([] { note n = of_text("Lima lies in Peru"); n.id = 2; return n; }());
  }
  const char* change =
      GENERATE("update notes set text = 'Oslo is in Sweden' where id = 1", "delete from notes where id = 1",
               "update notes set text_key = 5 where id = 2", "update state set n_live = 7",
               "update changes set before = null where number = 3", "delete from edits where version = 3");
  INFO(change);
  run_sql(path, change);
  // Counters that the tables contradict are refused on opening already.
  const auto sound = [&] {
    try {
      return sqlite_store(path, quick).check_integrity().empty();
    } catch (const quipu::format_error&) {
      return false;
    }
  };
  CHECK_FALSE(sound());
}
