/// @file The rows of a note database: reading and writing them with their checksums.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/notes/edit_rules.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/notes/sqlite_connection.hpp>
#include <quipu/notes/undo_rules.hpp>  // logging_rows
#include <quipu/text/utf8.hpp>

namespace quipu::notes {

/// Row operations of one connection with their prepared statements; models `editable_rows`. Callers hold a
/// transaction: `begin_edit` after "begin immediate", `end_edit` before "commit".
class sqlite_rows {
 public:
  explicit sqlite_rows(const sqlite_connection& connection)
      : connection_(&connection),
        get_state_(connection, "select last_id, version, n_live, chain from state"),
        set_state_(connection, "update state set last_id = ?1, version = ?2, n_live = ?3, chain = ?4"),
        get_(connection, concat("select ", columns, " from notes where id = ?1")),
        text_(connection, "select id, text from notes where text_key = ?1 and status = 0"),
        slot_(connection, "select id, subject, relation from notes where slot_key = ?1 and status = 0"),
        // Not one "replace": that opens a savepoint in every statement, on which FTS5 writes out its buffer.
        insert_(connection, concat("insert into notes(", columns, ") values(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ",
                                   "?10, ?11, ?12, ?13, ?14, ?15, ?16)")),
        update_(connection,
                "update notes set text = ?2, subject = ?3, relation = ?4, object = ?5, source = ?6, "
                "created = ?7, valid_from = ?8, valid_until = ?9, tags = ?10, status = ?11, "
                "supersedes = ?12, superseded_by = ?13, text_key = ?14, slot_key = ?15, crc = ?16 "
                "where id = ?1"),
        remove_(connection, "delete from notes where id = ?1"),
        edit_(connection, "insert into edits values(?1, ?2, ?3, ?4)"),
        log_(connection, "insert into changes(version, note, kind, before, crc) values(?1, ?2, ?3, ?4, ?5)"),
        since_(connection,
               "select note, before, version, kind, crc from changes where number >= "
               "(select first_change from edits where version > ?1 order by version limit 1) "
               "order by number"),
        changed_by_(connection,
                    "select note from changes where number >= "
                    "(select first_change from edits where version = ?1) and number < "
                    "coalesce((select first_change from edits where version > ?1 order by version limit 1), "
                    "9223372036854775807) and version = ?1"),
        history_(connection,
                 "select c.note, c.before, c.version, c.kind, c.crc, e.time from changes c "
                 "join edits e using(version) where c.note = ?1 order by c.number") {}

  struct counters {
    note_id last_id = no_note;
    store_version version = 0;
    std::int64_t n_live = 0;
    std::int64_t chain = 0;  ///< hash of all edits so far
  };

  [[nodiscard]] counters read_counters() {
    const statement_end end(get_state_);
    if (!get_state_.bind().step()) fail<format_error>(connection_->path(), "a row in state", "none");
    return {get_state_.integer(0), get_state_.integer(1), get_state_.integer(2), get_state_.integer(3)};
  }

  void begin_edit(time_ms when) {
    const counters read = read_counters();
    if (read.version < now_.version) {  // a copy was put in its place
      fail<io_error>(connection_->path(), concat("version ", now_.version, " or a later one"), read.version);
    }
    now_ = read;
    when_ = when;
    n_logged_ = 0;
  }
  [[nodiscard]] const counters& state() const noexcept { return now_; }
  /// @return true if anything changed
  bool end_edit() {
    if (n_logged_ == 0) return false;
    link(when_);
    edit_.bind(now_.version + 1, when_, first_change_, now_.chain).run();
    set_state_.bind(now_.last_id, now_.version + 1, now_.n_live, now_.chain).run();
    return true;
  }

  note_id take_id() { return ++now_.last_id; }
  [[nodiscard]] std::optional<note> row(note_id id) {
    const statement_end end(get_);
    return get_.bind(id).step() ? std::optional<note>(read(get_)) : std::nullopt;
  }
  [[nodiscard]] std::vector<note_id> live_with_text(std::string_view key) {
    std::vector<note_id> ids;
    const statement_end end(text_);
    for (text_.bind(key_hash(key)); text_.step();) {
      if (normalised_statement(text_.text(1)) == key) ids.push_back(text_.integer(0));
    }
    return ids;  // the index keeps equal keys by rowid
  }
  [[nodiscard]] std::vector<note_id> live_with_slot(std::string_view key) {
    std::vector<note_id> ids;
    const statement_end end(slot_);
    for (slot_.bind(key_hash(key)); slot_.step();) {
      note n;
      n.subject = slot_.text(1);
      n.relation = slot_.text(2);
      if (slot_of(n) == key) ids.push_back(slot_.integer(0));
    }
    return ids;
  }

  void put(edit_kind kind, const std::optional<note>& before, const note& after) {
    log(kind, after.id, before);
    if (before) unindex(*before);
    const std::string tags = after.tags.empty() ? std::string() : nlohmann::json(after.tags).dump();
    const std::string slot = slot_of(after);
    sqlite_statement& write = before ? update_ : insert_;
    const std::int64_t crc = checksum(after, tags);
    link(crc);
    write.bind(after.id, after.text, after.subject, after.relation, after.object, after.source,
              after.created, after.valid_from, after.valid_until, tags,
              static_cast<std::int64_t>(after.status), after.supersedes, after.superseded_by,
              key_hash(normalised_statement(after.text)),
              slot.empty() ? std::nullopt : std::optional<std::int64_t>(key_hash(slot)),
              crc)
        .run();
    if (after.status == note_status::live) {
      write_words(index_, "insert into notes_words(rowid, text) values(?1, ?2)", after);
      ++now_.n_live;
    }
  }
  void remove(edit_kind kind, const note& before) {
    log(kind, before.id, before);
    unindex(before);
    remove_.bind(before.id).run();
  }
  /// What every note that changed after `version` was at `version`.
  [[nodiscard]] std::vector<std::pair<note_id, std::optional<note>>> states_at(store_version version) {
    std::map<note_id, std::optional<note>> first;
    const statement_end end(since_);
    for (since_.bind(version); since_.step();) {
      const note_id id = since_.integer(0);
      if (first.find(id) == first.end()) first[id] = before_of(since_, 1, id, since_.integer(2));
    }
    return {first.begin(), first.end()};
  }
  /// Ids of the notes that changed after `version`, ascending.
  [[nodiscard]] std::vector<note_id> changed_after(store_version version) {
    std::map<note_id, bool> ids;
    const statement_end end(since_);
    for (since_.bind(version); since_.step();) ids[since_.integer(0)] = true;
    std::vector<note_id> sorted;
    sorted.reserve(ids.size());
    for (const auto& [id, present] : ids) sorted.push_back(id);
    return sorted;
  }

  /// Ids of the notes that one edit changed, ascending.
  [[nodiscard]] std::vector<note_id> notes_changed_by(store_version version) {
    std::set<note_id> ids;
    const statement_end end(changed_by_);
    for (changed_by_.bind(version); changed_by_.step();) ids.insert(changed_by_.integer(0));
    return {ids.begin(), ids.end()};
  }
  /// The changes of one note, oldest first, each with what was before.
  [[nodiscard]] std::vector<note_change> changes_of(note_id id) {
    std::vector<note_change> changes;
    const statement_end end(history_);
    for (history_.bind(id); history_.step();) {
      const store_version version = history_.integer(2);
      changes.push_back({version, history_.integer(5), kind_of(history_.integer(3), id),
                         before_of(history_, 1, id, version), std::nullopt});
    }
    return changes;
  }
  /// Forgets the statements of the full-text index, which is about to be made anew.
  void release_words() noexcept {
    index_.reset();
    unindex_.reset();
  }

  /// The columns of a note in the order that `read` expects.
  static constexpr const char* columns =
      "id, text, subject, relation, object, source, created, valid_from, valid_until, tags, status, "
      "supersedes, superseded_by, text_key, slot_key, crc";

  /// @throws format_error  if the row does not have its checksum
  [[nodiscard]] note read(const sqlite_statement& row) const {
    note n;
    n.id = row.integer(0);
    n.text = row.text(1);
    n.subject = row.text(2);
    n.relation = row.text(3);
    n.object = row.text(4);
    n.source = row.text(5);
    n.created = row.integer(6);
    n.valid_from = row.optional_integer(7);
    n.valid_until = row.optional_integer(8);
    const std::string tags(row.text(9));
    const std::int64_t status = row.integer(10);
    n.status = status == 0 ? note_status::live : note_status::superseded;
    n.supersedes = row.integer(11);
    n.superseded_by = row.integer(12);
    if (row.integer(15) != checksum(n, tags) || status < 0 || status > 1) {
      fail<format_error>(concat(connection_->path(), ": note ", n.id), "its checksum", "damaged fields");
    }
    // A checksum says that nothing was damaged, not that we wrote it.
    const auto place = [&] { return concat(connection_->path(), ": note ", n.id); };
    for (const std::string* field : {&n.text, &n.subject, &n.relation, &n.object, &n.source}) {
      if (quipu::text::valid_utf8_prefix(*field) != field->size())
        fail<format_error>(place(), "UTF-8", printable(*field));
    }
    if (!tags.empty()) n.tags = tags_of(tags, place());
    return n;
  }

  /// The `before` in column `column` of a row of changes that has kind and checksum after the version.
  [[nodiscard]] std::optional<note> before_of(const sqlite_statement& row, int column, note_id id,
                                              store_version version) const {
    const std::string_view before = row.text(column);
    if (row.integer(4) != log_checksum(version, id, row.integer(3), before)) {
      fail<format_error>(concat(connection_->path(), ": change of note ", id), "its checksum", "damaged fields");
    }
    if (row.is_null(column)) return std::nullopt;
    return note_from_json(before, concat(connection_->path(), ": change of note ", id));
  }

 private:
  [[nodiscard]] static std::vector<std::string> tags_of(const std::string& json, const std::string& place) {
    const nlohmann::json all = parse_json(json, place);
    std::vector<std::string> tags;
    for (const nlohmann::json& tag : all) {
      if (!all.is_array() || !tag.is_string()) fail<format_error>(concat(place, ": tags"), "texts", printable(json));
      tags.push_back(tag.get<std::string>());
    }
    return tags;
  }
  [[nodiscard]] edit_kind kind_of(std::int64_t code, note_id id) const {
    if (code < 0 || code > static_cast<std::int64_t>(edit_kind::undo)) {
      fail<format_error>(concat(connection_->path(), ": change of note ", id), "a kind from 0 to 4", code);
    }
    return static_cast<edit_kind>(code);
  }

  void unindex(const note& n) {
    if (n.status != note_status::live) return;
    write_words(unindex_, "insert into notes_words(notes_words, rowid, text) values('delete', ?1, ?2)", n);
    --now_.n_live;
  }
  // The statements of the full-text index are made where they are needed first: a damaged one keeps nobody from reading.
  void write_words(std::optional<sqlite_statement>& statement, const char* sql, const note& n) {
    if (!statement) statement.emplace(*connection_, sql);
    statement->bind(n.id, n.text).run();
  }
  void log(edit_kind kind, note_id id, const std::optional<note>& before) {
    const store_version version = now_.version + 1;
    const std::string image = before ? to_json(*before) : std::string();
    const auto code = static_cast<std::int64_t>(kind);
    const std::int64_t crc = log_checksum(version, id, code, image);
    if (before) {
      log_.bind(version, id, code, image, crc).run();
    } else {
      log_.bind(version, id, code, std::optional<std::int64_t>(), crc).run();
    }
    if (n_logged_++ == 0) first_change_ = sqlite3_last_insert_rowid(connection_->get());
    link(crc);
  }
  /// Takes a number into the chain (64-bit FNV-1a over its bytes).
  void link(std::int64_t value) noexcept {
    auto chain = static_cast<std::uint64_t>(now_.chain) ^ 0xcbf29ce484222325u;
    for (int i = 0; i < 8; ++i)
      chain = (chain ^ (static_cast<std::uint64_t>(value) >> (8 * i) & 0xffu)) * 0x100000001b3u;
    now_.chain = static_cast<std::int64_t>(chain);
  }

  static std::uint32_t add_number(std::uint32_t crc, std::int64_t value) noexcept {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    return crc32({bytes, 8}, crc);
  }
  static std::uint32_t add_text(std::uint32_t crc, std::string_view value) noexcept {
    return crc32(value, add_number(crc, static_cast<std::int64_t>(value.size())));
  }
  static std::int64_t checksum(const note& n, std::string_view tags) noexcept {
    std::uint32_t crc = add_number(0, n.id);
    for (const std::string* field : {&n.text, &n.subject, &n.relation, &n.object, &n.source}) {
      crc = add_text(crc, *field);
    }
    crc = add_text(crc, tags);
    for (const std::int64_t value :
         {n.created, std::int64_t{n.valid_from.has_value()}, n.valid_from.value_or(0),
          std::int64_t{n.valid_until.has_value()}, n.valid_until.value_or(0),
          static_cast<std::int64_t>(n.status), n.supersedes, n.superseded_by}) {
      crc = add_number(crc, value);
    }
    return crc;
  }
  static std::int64_t log_checksum(store_version version, note_id id, std::int64_t kind,
                                   std::string_view before) noexcept {
    return add_text(add_number(add_number(add_number(0, version), id), kind), before);
  }

  const sqlite_connection* connection_;
  sqlite_statement get_state_, set_state_, get_, text_, slot_, insert_, update_, remove_, edit_, log_, since_,
      changed_by_, history_;
  std::optional<sqlite_statement> index_, unindex_;
  counters now_;
  time_ms when_ = 0;
  std::size_t n_logged_ = 0;
  std::int64_t first_change_ = 0;
};

static_assert(logging_rows<sqlite_rows>);

}  // namespace quipu::notes
