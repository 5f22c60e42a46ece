/// @file SQLite connections and statements that close themselves and throw the library's errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include <quipu/core/error.hpp>

namespace quipu::notes {

/// Throws what an SQLite result code means.
/// @throws format_error  the file is damaged or no database
/// @throws io_error      disk full, read-only, locked by others for too long, or another refusal
[[noreturn]] inline void throw_sqlite(int code, const std::string& path, std::string_view what) {
  const int primary = code & 0xff;
  if (primary == SQLITE_NOMEM) throw std::bad_alloc();
  const std::string message = concat(path, ": ", what, ": ", sqlite3_errstr(code));
  switch (primary) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_RANGE: throw format_error(message);
    default: throw io_error(message);
  }
}

/// A connection to one database file. One thread at a time.
class sqlite_connection {
 public:
  sqlite_connection() = default;
  /// @param flags  SQLITE_OPEN_...
  sqlite_connection(const std::string& path, int flags) : path_(path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    handle_.reset(opened);
    if (code != SQLITE_OK) throw_sqlite(code, path, "cannot open");
    sqlite3_extended_result_codes(opened, 1);
  }

  [[nodiscard]] sqlite3* get() const noexcept { return handle_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  void check(int code, std::string_view what) const {
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) throw_sqlite(code, path_, what);
  }
  /// Runs statements that return nothing.
  void run(const char* sql) const { check(sqlite3_exec(get(), sql, nullptr, nullptr, nullptr), sql); }
  /// First column of the first row. @throws format_error  if there is no row
  [[nodiscard]] std::int64_t number(const char* sql) const;

 private:
  struct closer {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, closer> handle_;
};

/// A prepared statement. Bind values, step through rows; `reset` happens by itself at the end of the rows and
/// on the next bind, but a statement left in the middle keeps its view of the file: see `statement_end`.
class sqlite_statement {
 public:
  sqlite_statement() = default;
  sqlite_statement(const sqlite_connection& connection, std::string_view sql) : connection_(&connection) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    handle_.reset(prepared);
    connection.check(code, sql);
  }

  /// Binds the arguments to ?1, ?2, ...: integers, optionals of them and texts. Texts must stay alive
  /// until the last step.
  template <class... Values>
  sqlite_statement& bind(const Values&... values) {
    sqlite3_reset(handle_.get());
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  /// @return true if there is a row to read
  bool step() {
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return true;
    sqlite3_reset(handle_.get());
    if (code != SQLITE_DONE) connection_->check(code, sqlite3_sql(handle_.get()));
    return false;
  }
  /// Runs to the end, passing over rows.
  void run() {
    while (step()) {
    }
  }
  /// Ends reading early, so that the statement holds no lock.
  void reset() noexcept { sqlite3_reset(handle_.get()); }

  [[nodiscard]] std::int64_t integer(int column) const noexcept {
    return sqlite3_column_int64(handle_.get(), column);
  }
  [[nodiscard]] double real(int column) const noexcept { return sqlite3_column_double(handle_.get(), column); }
  [[nodiscard]] bool is_null(int column) const noexcept {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const noexcept {
    return is_null(column) ? std::nullopt : std::optional<std::int64_t>(integer(column));
  }
  /// Valid until the next step.
  [[nodiscard]] std::string_view text(int column) const noexcept {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<std::size_t>(size));
  }

 private:
  void bind_one(int place, std::int64_t value) { checked(sqlite3_bind_int64(handle_.get(), place, value)); }
  void bind_one(int place, const std::optional<std::int64_t>& value) {
    value ? bind_one(place, *value) : checked(sqlite3_bind_null(handle_.get(), place));
  }
  void bind_one(int place, std::string_view value) {
    if (value.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      fail<format_error>(connection_->path(), "a text below 2 GiB", value.size());
    }
    const char* bytes = value.data() == nullptr ? "" : value.data();  // a null pointer would bind NULL
    checked(sqlite3_bind_text(handle_.get(), place, bytes, static_cast<int>(value.size()), SQLITE_STATIC));
  }
  void checked(int code) const { connection_->check(code, "bind"); }

  struct finaliser {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  const sqlite_connection* connection_ = nullptr;
  std::unique_ptr<sqlite3_stmt, finaliser> handle_;
};

/// Resets a statement when the scope ends, whatever happens.
class statement_end {
 public:
  explicit statement_end(sqlite_statement& statement) noexcept : statement_(statement) {}
  statement_end(const statement_end&) = delete;
  statement_end& operator=(const statement_end&) = delete;
  ~statement_end() { statement_.reset(); }

 private:
  sqlite_statement& statement_;
};

inline std::int64_t sqlite_connection::number(const char* sql) const {
  sqlite_statement statement(*this, sql);
  if (!statement.step()) fail<format_error>(path_, concat("a row from ", sql), "none");
  return statement.integer(0);
}

}  // namespace quipu::notes
