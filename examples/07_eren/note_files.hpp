/// @file Notes from and to files: JSON lines, or CSV with the names of the fields in its first line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/notes/note.hpp>

namespace note_files {

namespace q = quipu;

/// The fields of the next record, quoted ones with their line breaks. Source: RFC 4180.
/// @throws format_error  a quotation mark that nothing closes
inline std::optional<std::vector<std::string>> next_record(std::istream& in, std::size_t& line, const std::string& path) {
  if (in.peek() == std::istream::traits_type::eof()) return std::nullopt;
  const std::size_t first = ++line;
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (char c; in.get(c);) {
    if (quoted) {
      if (c != '"') {
        line += c == '\n' ? 1 : 0;
        fields.back() += c;
      } else if (in.peek() == '"') {
        fields.back() += static_cast<char>(in.get());
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r' || in.peek() != '\n') {
      fields.back() += c;
    }
  }
  if (quoted) q::fail<q::format_error>(q::concat(path, ", line ", first), "a closing quotation mark", "the end");
  return fields;
}

/// The field of a note that a column of this name holds, or null.
inline std::string* field_of(q::notes::note& n, std::string_view name) {
  return name == "text"       ? &n.text
         : name == "subject"  ? &n.subject
         : name == "relation" ? &n.relation
         : name == "object"   ? &n.object
         : name == "source"   ? &n.source
                              : nullptr;
}

/// @throws format_error  no column "text", a column that notes do not have, or a record of another length
inline std::vector<q::notes::note> read_csv(std::istream& in, const std::string& path) {
  std::size_t line = 0;
  const auto names = next_record(in, line, path);
  q::notes::note probe;
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    if (field_of(probe, name) == nullptr) {
      q::fail<q::format_error>(q::concat(path, ", line 1"), "columns text, subject, relation, object, source",
                               q::printable(name));
    }
  }
  if (!names || std::find(names->begin(), names->end(), "text") == names->end()) {
    q::fail<q::format_error>(q::concat(path, ", line 1"), "a column named text", "none");
  }
  std::vector<q::notes::note> all;
  while (const auto fields = next_record(in, line, path)) {
    if (fields->size() == 1 && fields->front().empty()) continue;
    if (fields->size() != names->size()) {
      q::fail<q::format_error>(q::concat(path, ", line ", line), q::concat(names->size(), " fields"), fields->size());
    }
    q::notes::note n;
    for (std::size_t i = 0; i < names->size(); ++i) *field_of(n, (*names)[i]) = (*fields)[i];
    all.push_back(std::move(n));
  }
  return all;
}

inline std::string csv_field(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

/// The live notes of a file; they get new ids where they are added.
/// @throws io_error, format_error
inline std::vector<q::notes::note> read(const std::string& path) {
  // Pipes and devices have no end that can be relied on, folders no lines.
  std::istringstream in{std::string(q::mapped_file(path, q::file_access::read).text())};
  if (path.ends_with(".csv")) return read_csv(in, path);
  std::vector<q::notes::note> all;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    q::notes::note n = q::notes::note_from_json(line, q::concat(q::printable(path), ", line ", number));
    if (n.status == q::notes::note_status::live) all.push_back(std::move(n));
  }
  return all;
}

/// Writes the live notes of a store, in place of what the file was. @return how many
/// @throws io_error
template <class Store>
std::size_t write(const Store& store, const std::string& path) {
  q::io::atomic_file file(path);
  const bool csv = path.ends_with(".csv");
  if (csv) file.write("text,subject,relation,object,source\n");
  std::size_t n_note = 0;
  store.for_each([&](const q::notes::note& n) {
    if (n.status != q::notes::note_status::live) return;
    ++n_note;
    file.write(!csv ? q::notes::to_json(n) + "\n"
                    : csv_field(n.text) + ',' + csv_field(n.subject) + ',' + csv_field(n.relation) + ',' +
                          csv_field(n.object) + ',' + csv_field(n.source) + '\n');
  });
  file.commit();
  return n_note;
}

}  // namespace note_files
