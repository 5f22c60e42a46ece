// What a note database may be called, what it must hold, and what happens when somebody takes it away.
#include <quipu/notes/sqlite_file.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include <sqlite3.h>

#include <catch2/catch.hpp>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/note_stores.hpp"
#include "support/temp_folder.hpp"

namespace sqlite_file_test {  // names of its own: several tests are compiled as one

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;
using quipu::test::temp_folder;

namespace {

/// Runs SQL as somebody who may do anything, also what the library forbids its own connections.
void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message);
  INFO(sql << ": " << (message != nullptr ? message : ""));
  REQUIRE(code == SQLITE_OK);
  sqlite3_close(db);
}

std::string sound_notebook(const temp_folder& folder, const char* name = "n.db") {
  const std::string path = folder.file(name);
  sqlite_store store(path, quick);
  store.add(of_text("Oslo is in Norway"));
  store.add(of_text("Lima is in Peru"));
  store.update([] {
    note n = of_text("Lima lies in Peru");
    n.id = 2;
    return n;
  }());
  store.add(of_text("Rome is in Italy"));
  return path;
}

/// A file of which a user changed something is opened neither for writing nor for reading.
void check_refused_after(const std::string& path, const char* change) {
  INFO(change);
  run_sql(path, change);
  CHECK_THROWS_AS(sqlite_store(path, quick), quipu::format_error);
  CHECK_THROWS_AS(sqlite_store(path, {.access = store_access::read_only}), quipu::format_error);
}

}  // namespace

TEST_CASE("names that SQLite keeps nowhere, and what is no file, are refused", "[notes][sqlite_file]") {
  const temp_folder folder;
  CHECK_THROWS_AS(sqlite_store(""), quipu::config_error);
  CHECK_THROWS_AS(sqlite_store(":memory:"), quipu::config_error);
  CHECK_THROWS_AS(sqlite_store("/dev/null"), quipu::io_error);
  CHECK_THROWS_AS(sqlite_store("/dev/zero", {.access = store_access::read_only}), quipu::io_error);
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(sqlite_store(folder.file("pipe")), Catch::Contains("pipe"));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  sqlite_store("file:x.db?mode=memory", quick).add(of_text("kept"));
  std::filesystem::current_path(before);
  CHECK(std::filesystem::exists(folder.file("file:x.db?mode=memory")));
}

TEST_CASE("a notebook or its log taken away while it is open: no note is acknowledged", "[notes][sqlite_file]") {
  const temp_folder folder;
  const std::string path = sound_notebook(folder), other = sound_notebook(folder, "other.db");
  notebook<sqlite_store, bm25_retriever> book{sqlite_store(path, quick)};
  book.add(of_text("Bern is in Switzerland"));
  SECTION("removed") { std::filesystem::remove(path); }
  SECTION("replaced") { std::filesystem::rename(other, path); }
  SECTION("moved") { std::filesystem::rename(path, folder.file("elsewhere.db")); }
  SECTION("its log removed") { std::filesystem::remove(path + "-wal"); }
  CHECK_THROWS_WITH(book.add(of_text("lost")), Catch::Contains("removed or replaced"));
  CHECK_THROWS_AS(book.add_batch(std::vector<note>{of_text("lost")}), quipu::io_error);
  CHECK_THROWS_AS(book.erase(1), quipu::io_error);
  CHECK_THROWS_AS(book.undo(), quipu::io_error);
  CHECK_THROWS_AS(book.retrieve("Norway", 3), quipu::io_error);
  CHECK_THROWS_AS(book.size(), quipu::io_error);
}

TEST_CASE("what is no table of a notebook is refused on opening, whatever it would do", "[notes][sqlite_file]") {
  const temp_folder folder;
  const std::string path = sound_notebook(folder);
  const char* change = GENERATE(
      "create trigger t after insert on notes begin delete from notes; end", "create view v as select 1",
      "create table more(x)", "create index more on notes(source)",
      "create table kept as select * from notes; drop table notes; create view notes as select * from kept",
      "drop table state; create view state as with recursive r(n) as (select 1 union all select n + 1 from r) "
      "select max(n) as last_id, 0 as version, 0 as n_live, 0 as chain from r",
      "drop table edits", "drop index changes_note",
      "drop table notes_words; create view notes_words_docsize as select * from notes",
      "drop table notes_words; create table notes_words(text)", "alter table notes add column more integer default 0",
      "drop table notes_words; create virtual table notes_words using fts5(text)");
  check_refused_after(path, change);
}

TEST_CASE("statistics that a user had SQLite gather are no reason to refuse a file", "[notes][sqlite_file]") {
  const temp_folder folder;
  const std::string path = sound_notebook(folder);
  run_sql(path, "analyze; vacuum");
  CHECK(sqlite_store(path, quick).size() == 3);
}

TEST_CASE("counters that the tables contradict, or out of any sense, are refused on opening", "[notes][sqlite_file]") {
  const temp_folder folder;
  const std::string path = sound_notebook(folder);
  const char* change = GENERATE(
      "update state set n_live = 1000000000", "update state set n_live = -1", "update state set n_live = 2",
      "update state set last_id = 9223372036854775807", "update state set last_id = 0", "update state set last_id = 1",
      "update state set version = 9223372036854775807", "update state set version = 1", "update state set chain = 1",
      "update state set version = 9223372036854775806; update edits set version = 9223372036854775806 where version = "
      "4",
      "update state set last_id = 9223372036854775806; update changes set note = 9223372036854775806 where number = 4",
      "delete from edits where version = 4", "delete from state");
  check_refused_after(path, change);
}

TEST_CASE("a damaged full-text index is made anew with a word, and no note is lost", "[notes][sqlite_file]") {
  const temp_folder folder;
  const std::string path = sound_notebook(folder);
  const char* change = GENERATE(
      "drop table notes_words", "delete from notes_words_data", "delete from notes_words_docsize",
      "update notes_words_data set block = x'ffffffffffffffffff'",
      "update notes_words_data set block = x'0000000001ffffffff0f01010101' where id = 10",
      "update notes_words_data set block = zeroblob(40)", "update notes_words_data set block = randomblob(100)",
      "delete from notes_words_config", "update notes_words_config set v = 99", "drop table notes_words_config",
      "drop table notes_words_data", "drop table notes_words_docsize; drop table notes_words_idx",
      "pragma writable_schema = on; delete from sqlite_master where name = 'notes_words'");
  INFO(change);
  run_sql(path, change);
  {
    const sqlite_store reader(path, {.access = store_access::read_only});
    CHECK(reader.size() == 3);
  }
  sqlite_store store(path, quick);
  CHECK(store.size() == 3);
  CHECK(store.add(of_text("Bern is in Switzerland")).id == 4);
  CHECK(store.erase(1));
  REQUIRE(store.warnings().size() == 1);
  CHECK_THAT(store.warnings().front(), Catch::Contains("full-text index"));
  CHECK(store.find(2)->text == "Lima lies in Peru");
  CHECK(store.check_integrity().empty());
  CHECK(sqlite_store(path, quick).warnings().empty());
}

TEST_CASE("an index damaged where opening does not look is made anew by the edit that meets it",
          "[notes][sqlite_file]") {
  const temp_folder folder;
  const std::string path = folder.file("n.db");
  {
    sqlite_store store(path, quick);
    for (int i = 0; i < 300; ++i) store.add(of_text("note " + std::to_string(i)));
  }
  sqlite_store store(path, quick);
  CHECK(store.warnings().empty());
  run_sql(path,
          "update notes_words_data set block = x'ffffffff' where id > 10; update notes_words_data set block = x'ff' "
          "where id = 10");
  store.add(of_text("one more"));
  for (note_id id = 1; id < 100; ++id) store.erase(id);
  CHECK(store.warnings().size() == 1);
  CHECK(store.size() == 202);
  CHECK(store.check_integrity().empty());
}

TEST_CASE("fields with their checksum are still not trusted", "[notes][sqlite_file]") {
  // A store of ours wrote these rows; what they hold it would never have accepted.
  const temp_folder folder;
  const std::string path = sound_notebook(folder);
  run_sql(path, "update changes set kind = 99 where number = 1");
  const sqlite_store store(path, quick);
  CHECK_THROWS_AS(store.history(1), quipu::format_error);
}

}  // namespace sqlite_file_test
