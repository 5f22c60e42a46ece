// What json_lines.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>

namespace quipu::notes {

QUIPU_INLINE std::string to_json(const note& n) {
  nlohmann::ordered_json out;
  if (n.id != no_note) out["id"] = n.id;
  out["text"] = n.text;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("subject", n.subject);
  put("relation", n.relation);
  put("object", n.object);
  put("source", n.source);
  if (n.created != 0) out["created"] = n.created;
  if (n.valid_from) out["valid_from"] = *n.valid_from;
  if (n.valid_until) out["valid_until"] = *n.valid_until;
  if (!n.tags.empty()) out["tags"] = n.tags;
  if (n.status == note_status::superseded) out["status"] = "superseded";
  if (n.supersedes != no_note) out["supersedes"] = n.supersedes;
  if (n.superseded_by != no_note) out["superseded_by"] = n.superseded_by;
  return out.dump();
}

QUIPU_INLINE note note_from_json(std::string_view line, std::string_view place) {
  const nlohmann::json in = parse_json(line, std::string(place));
  if (!in.is_object()) fail<format_error>(place, "a JSON object", in.type_name());
  const auto text = [&](const char* name) -> std::string {
    const auto value = in.find(name);
    if (value == in.end() || value->is_null()) return {};
    if (!value->is_string()) fail<format_error>(concat(place, ": ", name), "a string", value->type_name());
    return value->get<std::string>();
  };
  const auto number = [&](const char* name) -> std::optional<std::int64_t> {
    const auto value = in.find(name);
    if (value == in.end() || value->is_null()) return std::nullopt;
    const bool fits = value->is_number_integer() &&
                      (!value->is_number_unsigned() || value->get<std::uint64_t>() <= INT64_MAX);
    if (!fits) fail<format_error>(concat(place, ": ", name), "a whole number of 64 bits", printable(value->dump()));
    return value->get<std::int64_t>();
  };
  note n;
  n.id = number("id").value_or(no_note);
  n.text = text("text");
  n.subject = text("subject");
  n.relation = text("relation");
  n.object = text("object");
  n.source = text("source");
  n.created = number("created").value_or(0);
  n.valid_from = number("valid_from");
  n.valid_until = number("valid_until");
  if (const auto tags = in.find("tags"); tags != in.end() && !tags->is_null()) {
    if (!tags->is_array()) fail<format_error>(concat(place, ": tags"), "an array", tags->type_name());
    for (const auto& tag : *tags) {
      if (!tag.is_string()) fail<format_error>(concat(place, ": tags"), "strings", tag.type_name());
      n.tags.push_back(tag.get<std::string>());
    }
  }
  const std::string status = text("status");
  if (!status.empty() && status != "live" && status != "superseded") {
    fail<format_error>(concat(place, ": status"), "live or superseded", printable(status));
  }
  n.status = status == "superseded" ? note_status::superseded : note_status::live;
  n.supersedes = number("supersedes").value_or(no_note);
  n.superseded_by = number("superseded_by").value_or(no_note);
  check_note(n, place);
  return n;
}

}  // namespace quipu::notes
