/// @file Notes as JSON: one object a line, for import, export and the change log.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>


#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>

namespace quipu::notes {

/// One line without line breaks; fields with their default value are left out.
/// @pre the note passes check_note
[[nodiscard]] std::string to_json(const note& n);

/// Reads what `to_json` writes. Unknown fields are ignored.
/// @param place  named in errors, for example "notes.jsonl, line 3"
/// @throws format_error  not JSON, not an object, a field of the wrong type, or from check_note
[[nodiscard]] note note_from_json(std::string_view line, std::string_view place);

/// Writes the live notes, one a line.
/// @throws io_error  the stream fails
template <note_store Store>
void export_json_lines(const Store& store, std::ostream& out) {
  store.for_each([&](const note& n) { out << to_json(n) << '\n'; });
  out.flush();
  if (!out) throw io_error("export of notes: the stream cannot be written");
}

/// Adds the live notes of a stream in one transaction: all of them or none. They get new ids; blank
/// lines and superseded notes are skipped.
/// @param place  name of the stream in errors
/// @throws format_error  naming the line
template <note_store Store>
std::vector<add_result> import_json_lines(Store& store, std::istream& in, std::string_view place,
                                          const edit_options& options = {}) {
  std::vector<note> fresh;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    note n = note_from_json(line, concat(place, ", line ", number));
    if (n.status == note_status::live) fresh.push_back(std::move(n));
  }
  return store.add_batch(fresh, options);
}

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/json_lines.ipp>
#endif
