/// @file SQLite's own full-text search as a retriever.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include <quipu/core/error.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/sqlite_connection.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>  // is_stop_word
#include <quipu/text/character_class.hpp>  // is_mark
#include <quipu/text/utf8.hpp>

namespace quipu::notes {

/// A query for FTS5: any of the question's words, each once; empty if there is no word. Words stand as they are written,
/// since FTS5 folds them as it folds its notes; it knows no words of scripts without blanks but whole runs.
[[nodiscard]] inline std::string fts5_any_word(std::string_view question) {
  std::vector<std::string> words, content;
  bool inside = false;
  for (std::size_t at = 0; at < question.size();) {
    const quipu::text::utf8_step step = quipu::text::decode_utf8(question, at);
    const bool mark = quipu::text::is_mark(step.code_point);
    if (is_word_character(step.code_point) || (mark && inside)) {
      if (!inside) words.emplace_back();
      quipu::text::append_utf8(words.back(), to_lower(step.code_point));
      inside = true;
    } else {
      inside = false;
    }
    at += step.length;
  }
  std::copy_if(words.begin(), words.end(), std::back_inserter(content), [](const std::string& word) { return !is_stop_word(word); });
  std::set<std::string_view> seen;
  std::string query;
  for (const std::string& word : content.empty() ? words : content) {
    if (!seen.insert(word).second) continue;
    if (!query.empty()) query += " OR ";
    (query += '"').append(word) += '"';  // words hold letters, marks and digits only
  }
  return query;
}

/// An FTS5 table, in memory or in a file of its own. Slower than `bm25_retriever` by far, but its memory is
/// the page cache; scores are FTS5's bm25 with the sign turned.
///
/// Threads: any, one at a time.
class fts5_retriever {
 public:
  /// @param path  file to create or reuse; the default lives in memory
  /// @throws io_error, format_error
  explicit fts5_retriever(const std::string& path = ":memory:")
      : state_(std::make_unique<state>(sqlite_connection(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE))) {}

  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::string_view text) {
    const std::lock_guard lock(state_->mutex);
    if (id <= no_note) fail<config_error>("fts5: note id", "a positive number", id);
    if (holds(id)) fail<config_error>("fts5: note id", "one that is not there yet", id);
    state_->insert.bind(id, text).run();
  }
  bool erase(note_id id) {
    const std::lock_guard lock(state_->mutex);
    if (!holds(id)) return false;
    state_->remove.bind(id).run();
    return true;
  }
  void update(note_id id, std::string_view text) {
    erase(id);
    add(id, text);
  }
  void clear() {
    const std::lock_guard lock(state_->mutex);
    state_->connection.run("delete from words");
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(state_->mutex);
    return static_cast<std::size_t>(state_->connection.number("select count(*) from words_docsize"));
  }
  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view question, std::size_t k) const {
    std::vector<scored_note> found;
    const std::string query = fts5_any_word(question);
    if (query.empty() || k == 0) return found;
    const std::lock_guard lock(state_->mutex);
    const statement_end end(state_->search);
    for (state_->search.bind(query, static_cast<std::int64_t>(k)); state_->search.step();) {
      found.push_back({state_->search.integer(0), -state_->search.real(1)});
    }
    return found;
  }

 private:
  struct state {
    explicit state(sqlite_connection opened)
        : connection(create_table(std::move(opened))),
          insert(connection, "insert into words(rowid, text) values(?1, ?2)"),
          remove(connection, "delete from words where rowid = ?1"),
          present(connection, "select 1 from words_docsize where id = ?1"),
          search(connection, "select rowid, rank from words where words match ?1 order by rank, rowid limit ?2") {}
    static sqlite_connection create_table(sqlite_connection opened) {
      opened.run("create virtual table if not exists words using fts5(text, tokenize='unicode61 remove_diacritics 0')");
      return opened;
    }
    std::mutex mutex;
    sqlite_connection connection;
    sqlite_statement insert, remove, present, search;
  };
  [[nodiscard]] bool holds(note_id id) const {
    const statement_end end(state_->present);
    return state_->present.bind(id).step();
  }

  std::unique_ptr<state> state_;
};

static_assert(note_retriever<fts5_retriever>);

}  // namespace quipu::notes
