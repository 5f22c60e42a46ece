/// @file The tables of a note database, how a file is recognised, and how older ones are brought up to date.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <quipu/core/error.hpp>
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

/// What a file is, before anything is changed in it.
enum class file_kind : std::uint8_t { empty, ours };

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
    if (schema == 1) connection.run(to_second);
    connection.run(concat("pragma user_version = ", newest).c_str());
    connection.run("commit");
  } catch (...) {
    sqlite3_exec(connection.get(), "rollback", nullptr, nullptr, nullptr);
    throw;
  }
}

}  // namespace quipu::notes::sqlite_schema
