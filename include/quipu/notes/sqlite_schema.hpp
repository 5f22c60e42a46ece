/// @file The tables of a note database, how a file is recognised, and how older ones are brought up to date.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <sqlite3.h>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/notes/sqlite_connection.hpp>

namespace quipu::notes::sqlite_schema {

inline constexpr std::int64_t application_id = 0x51554950;  // "QUIP", in the file's header
inline constexpr std::int64_t newest = 2;                   // in the header's user_version

// Version 1. `state` has one row. A change without `before` brought its note into being; what a change
// led to is the `before` of the next change of that note, or the note as it is. `crc` covers the other
// columns of its row (see sqlite_rows), because SQLite itself does not notice a changed byte in a text.
// `chain` hashes an edit together with the chain before it: equal chains, equal notes.
inline constexpr const char* create_first = R"(
create table state(one integer primary key check(one = 1), last_id integer not null,
                   version integer not null, n_live integer not null, chain integer not null) strict;
insert into state values(1, 0, 0, 0, 0);
create table notes(id integer primary key, text text not null, subject text not null,
                   relation text not null, object text not null, source text not null,
                   created integer not null, valid_from integer, valid_until integer, tags text not null,
                   status integer not null, supersedes integer not null, superseded_by integer not null,
                   text_key integer not null, slot_key integer, crc integer not null) strict;
create index notes_text on notes(text_key) where status = 0;
create index notes_slot on notes(slot_key) where status = 0 and slot_key is not null;
create table edits(version integer primary key, time integer not null, first_change integer not null,
                   chain integer not null) strict;
create table changes(number integer primary key, version integer not null, note integer not null,
                     kind integer not null, before text, crc integer not null) strict;
create index changes_note on changes(note);
)";

// Version 2: full-text search over the live notes.
inline constexpr const char* to_second = R"(
create virtual table notes_words using fts5(text, content='notes', content_rowid='id',
                                            tokenize='unicode61 remove_diacritics 0');
insert into notes_words(rowid, text) select id, text from notes where status = 0;
)";

// What the file may hold besides; `words` and the tables that SQLite makes for it are derived from the notes.
inline constexpr const char* words = "notes_words";

/// What a file is, before anything is changed in it.
enum class file_kind : std::uint8_t { empty, ours };

/// Steps that looking at a file as large as this one may take.
[[nodiscard]] inline std::int64_t allowed_steps(const sqlite_connection& connection) {
  return 10'000'000 + connection.number("pragma page_count") * connection.number("pragma page_size");
}

/// @throws format_error  another program's database, a newer schema, or no database at all
[[nodiscard]] inline file_kind recognise(const sqlite_connection& connection) {
  const std::int64_t tables = connection.number("select count(*) from sqlite_master");
  const std::int64_t id = connection.number("pragma application_id");
  const std::int64_t schema = connection.number("pragma user_version");
  if (tables == 0 && id == 0 && schema == 0) return file_kind::empty;
  if (id != application_id) {
    fail<format_error>(connection.path(), concat("a note database (application id ", application_id, ")"),
                       concat("the database of another program (", id, ")"));
  }
  if (schema < 1 || schema > newest) {
    fail<format_error>(connection.path(), concat("schema 1 to ", newest), concat("schema ", schema));
  }
  return file_kind::ours;
}

/// Creates the tables or migrates them to the newest schema, inside one transaction.
inline void bring_up_to_date(const sqlite_connection& connection) {
  connection.run("begin immediate");
  try {
    const file_kind kind = recognise(connection);  // again: another process may have been faster
    std::int64_t schema = kind == file_kind::empty ? 0 : connection.number("pragma user_version");
    if (schema == 0) {
      connection.run(concat("pragma application_id = ", application_id).c_str());
      connection.run(create_first);
      schema = 1;
    }
    if (schema == 1) connection.run(to_second);  // the file of a schema 1 has been checked by `check_objects`
    connection.run(concat("pragma user_version = ", newest).c_str());
    connection.run("commit");
  } catch (...) {
    sqlite3_exec(connection.get(), "rollback", nullptr, nullptr, nullptr);
    throw;
  }
}

/// A schema object: its type and how it was made, without regard to blanks and case.
struct schema_object {
  std::string type, made;
  friend bool operator==(const schema_object&, const schema_object&) = default;
};

/// The objects of a file by name. @throws format_error  far more of them than a notebook has
[[nodiscard]] inline std::map<std::string, schema_object> objects_of(const sqlite_connection& connection) {
  std::map<std::string, schema_object> objects;
  sqlite_statement all(connection, "select name, type, sql from sqlite_master limit 100");
  while (all.step()) {
    std::string made;
    for (const char c : all.text(2)) {
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r') made += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    objects[std::string(all.text(0))] = {std::string(all.text(1)), std::move(made)};
  }
  if (objects.size() >= 100) fail<format_error>(connection.path(), "the tables of a notebook", "100 objects or more");
  return objects;
}

/// Compares the objects of a file with those that we make: tables of one's own making, views and triggers in their
/// places could do anything.
/// @throws format_error  an object that notebooks do not have, or have otherwise; one is missing
inline void check_objects(const sqlite_connection& connection) {
  static const std::map<std::string, schema_object> ours = [] {
    const sqlite_connection made(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    made.run(create_first);
    made.run(to_second);
    return objects_of(made);
  }();
  const std::map<std::string, schema_object> found = objects_of(connection);
  const auto derived = [](const std::string& name) { return name.starts_with(words); };
  for (const auto& [name, object] : found) {
    const auto same = ours.find(name);
    const bool statistics = name.starts_with("sqlite_stat") && object.type == "table";  // of "analyze"
    // The shadow tables of a full-text index are written differently by other versions of SQLite.
    const bool shadow = derived(name) && name != words && same != ours.end() && object.type == "table";
    if (statistics || shadow || (same != ours.end() && same->second == object)) continue;
    fail<format_error>(concat(connection.path(), ": ", printable(object.type), " ", printable(name)),
                       same == ours.end() ? "no such object in a notebook" : "the one that a notebook has", "another");
  }
  for (const auto& [name, object] : ours) {  // a full-text index that is not all there is made anew
    if (found.count(name) == 0 && !derived(name)) {
      fail<format_error>(connection.path(), concat("the ", object.type, " ", name), "none");
    }
  }
}

/// Makes the full-text index anew from the notes, inside one transaction. @pre no statement of it is prepared
inline void rebuild_words(const sqlite_connection& connection) {
  const auto in_transaction = [&](auto&& change) {
    connection.run("begin immediate");
    try {
      change();
      connection.run(to_second);
      connection.run("commit");
    } catch (...) {
      sqlite3_exec(connection.get(), "rollback", nullptr, nullptr, nullptr);
      throw;
    }
  };
  try {
    in_transaction([&] { connection.run("drop table if exists notes_words"); });
    return;
  } catch (const format_error&) {  // SQLite cannot even open what it should drop
  }
  // So its parts go one by one, and its line in the schema after them.
  const auto defensive = [&](int on) { sqlite3_db_config(connection.get(), SQLITE_DBCONFIG_DEFENSIVE, on, nullptr); };
  defensive(0);
  try {
    in_transaction([&] {
      connection.run(
          "pragma writable_schema = on; delete from sqlite_master where name = 'notes_words';"
          "pragma writable_schema = reset");
      connection.run(
          "drop table if exists notes_words_data; drop table if exists notes_words_idx;"
          "drop table if exists notes_words_docsize; drop table if exists notes_words_config");
    });
  } catch (...) {
    sqlite3_exec(connection.get(), "pragma writable_schema = reset", nullptr, nullptr, nullptr);
    defensive(1);
    throw;
  }
  defensive(1);
}

/// Looks into the full-text index of a file with n live notes. @return false if it is damaged or lacks notes
[[nodiscard]] inline bool words_work(const sqlite_connection& connection, std::int64_t n_live) {
  try {
    if (connection.number("select count(*) from notes_words_docsize") != n_live) return false;
    (void)connection.number("select count(*) from (select 1 from notes_words where notes_words match 'quipu' limit 1)");
    return true;
  } catch (const format_error&) {
    return false;
  }
}

}  // namespace quipu::notes::sqlite_schema
