/// @file Values as JSON: the filter tojson, which is Python's json.dumps here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/python_text.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

struct json_form {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool in_lines = false;  ///< an indent is given, be it empty
  std::string indent;
  std::string item_end = ", ";
  std::string key_end = ": ";
};

inline void append_json_string(evaluation& run, std::string& out, std::string_view text, bool ensure_ascii) {
  run.look(4 * text.size());
  const auto append_unit = [&](std::uint32_t unit) {
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u";
    for (int i = 3; i >= 0; --i) out += digits[unit >> 4 * i & 15];
  };
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80) {
      const utf8_step step = character_at(text, at);
      const auto code = static_cast<std::uint32_t>(step.code_point);
      if (!ensure_ascii) {
        out.append(text.substr(at, step.length));
      } else if (code < 0x10000) {
        append_unit(code);
      } else {
        append_unit(0xD800 + ((code - 0x10000) >> 10));
        append_unit(0xDC00 + ((code - 0x10000) & 0x3FF));
      }
      at += step.length;
      continue;
    }
    ++at;
    switch (byte) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\f': out += "\\f"; break;
      case '\b': out += "\\b"; break;
      default:
        if (byte < 0x20 || (byte == 0x7F && ensure_ascii)) {
          append_unit(byte);
        } else {
          out += static_cast<char>(byte);
        }
    }
  }
  out += '"';
}

[[nodiscard]] inline std::string json_number(const value& v) {
  if (v.is(kind::real)) {
    if (std::isnan(v.real())) return "NaN";
    if (std::isinf(v.real())) return v.real() < 0 ? "-Infinity" : "Infinity";
    return real_text(v.real());
  }
  return v.is(kind::big) ? v.as<big_object>().number.text() : std::to_string(v.integer());
}

/// Appends `v`; lines inside begin with `level` indents.
/// @throws template_error  a value that JSON has no form for
inline void append_json(evaluation& run, std::string& out, const value& v, const json_form& form,
                        std::size_t level = 0) {
  const evaluation::deeper guard(run);
  run.step();
  const std::size_t before = out.size();
  const auto begin_line = [&](std::size_t indents) {
    if (!form.in_lines) return;
    run.make(indents, form.indent.size());
    out += '\n';
    for (std::size_t i = 0; i < indents; ++i) out += form.indent;
  };
  switch (v.what()) {
    case kind::none: out += "null"; break;
    case kind::boolean: out += v.truth() ? "true" : "false"; break;
    case kind::integer:
    case kind::real:
    case kind::big:
      if (v.is(kind::big)) run.step(v.as<big_object>().number.bits() * v.as<big_object>().number.bits() / 4096);
      out += json_number(v);
      break;
    case kind::text: append_json_string(run, out, chars_of(v), form.ensure_ascii); break;
    case kind::list:
    case kind::tuple: {
      const auto& items = items_of(v);
      out += '[';
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (i != 0) out += form.item_end;
        begin_line(level + 1);
        append_json(run, out, items[i], form, level + 1);
      }
      if (!items.empty()) begin_line(level);
      out += ']';
      return run.make(2 + items.size() * form.item_end.size());
    }
    case kind::dict: {
      std::vector<const dict_object::entry*> entries;
      for (const auto& entry : dict_of(v).entries) entries.push_back(&entry);
      if (form.sort_keys) {
        stable_sort_items(entries, false,
                          [&](const auto* a, const auto* b) { return compare(run, a->first, b->first) == -1; });
      }
      out += '{';
      bool first = true;
      for (const auto* entry : entries) {
        if (!first) out += form.item_end;
        first = false;
        begin_line(level + 1);
        const value& key = entry->first;
        if (key.is_text()) {
          append_json_string(run, out, chars_of(key), form.ensure_ascii);
        } else if (key.is(kind::none)) {
          out += "\"null\"";
        } else if (key.is(kind::boolean)) {
          out += key.truth() ? "\"true\"" : "\"false\"";
        } else if (is_number(key)) {
          out.append("\"").append(json_number(key)).append("\"");
        } else {
          run.fail("keys that are text, numbers, true, false or none for JSON", type_name(key));
        }
        out += form.key_end;
        run.make((key.is_text() ? chars_of(key).size() : 8) + 8 + form.item_end.size() + form.key_end.size());
        append_json(run, out, entry->second, form, level + 1);
      }
      if (!entries.empty()) begin_line(level);
      out += '}';
      return run.make(2);
    }
    default: run.fail("a value that JSON has", type_name(v));
  }
  run.make(out.size() - before);
}

}  // namespace quipu::text::jinja
