// What task_stream.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/text/unicode_normal.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::data {

namespace detail {

inline bool is_space_byte(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
// Bytes of characters beyond ASCII count as parts of words.
inline bool is_word_byte(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

/// A text in lower case without white space, and where its bytes come from.
struct compact_text {
  std::string text;
  std::vector<std::size_t> begin, end;  // of the character that a byte belongs to
};

inline compact_text compact(std::string_view text) {
  compact_text out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = quipu::text::decode_utf8(text, at).length;
    const std::string_view character = text.substr(at, length);
    const bool blank = (length == 1 && is_space_byte(text[at])) || character == "\xC2\xA0";
    if (!blank) {
      out.text += quipu::text::to_lower_case(character);
      out.begin.resize(out.text.size(), at);
      out.end.resize(out.text.size(), at + length);
    }
    at += length;
  }
  return out;
}

inline void check_mention(const std::optional<mention>& m, const std::string& text, const std::string& place) {
  if (!m) return;
  if (m->begin >= m->end || m->end > text.size()) {
    fail<format_error>(place, concat("the entity ", printable(m->name), " within the text's ", text.size(), " bytes"),
                       concat("bytes ", m->begin, " to ", m->end));
  }
  if (!quipu::text::is_valid_utf8(std::string_view(text).substr(m->begin, m->end - m->begin)))
    fail<format_error>(place, "an entity of whole characters", "a part of one");
}

inline void check_texts(const std::vector<labelled_text>& texts, const stream_task& task, const std::string& place) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const labelled_text& t = texts[i];
    const auto at = [&] { return concat(place, ", text ", i + 1); };
    if (t.label >= task.classes.size())
      fail<format_error>(at(), concat("a label below ", task.classes.size()), t.label);
    if (std::all_of(t.text.begin(), t.text.end(), is_space_byte)) fail<format_error>(at(), "a text", "nothing but white space");
    if (!quipu::text::is_valid_utf8(t.text)) fail<format_error>(at(), "UTF-8", printable(t.text));
    check_mention(t.head, t.text, at());
    check_mention(t.tail, t.text, at());
  }
}

}  // namespace detail

QUIPU_INLINE std::size_t task_stream::n_class() const noexcept {
  std::size_t n = 0;
  for (const stream_task& t : tasks) n += t.classes.size();
  return n;
}

QUIPU_INLINE void check_task(const stream_task& task, std::string_view place) {
  const std::string here = concat(place, ": task ", printable(task.name));
  if (task.name.empty()) fail<format_error>(place, "a name for every task", "none");
  if (task.classes.empty()) fail<format_error>(here, "at least one class", "none");
  std::set<std::string_view> seen;
  for (const std::string& name : task.classes) {
    if (name.empty() || !quipu::text::is_valid_utf8(name)) fail<format_error>(here, "names of classes in UTF-8", printable(name));
    if (!seen.insert(name).second) fail<format_error>(here, "each class once", concat(printable(name), " twice"));
  }
  if (task.train.empty()) fail<format_error>(here, "at least one text to learn", "none");
  detail::check_texts(task.train, task, here + ", training");
  detail::check_texts(task.validation, task, here + ", validation");
  detail::check_texts(task.test, task, here + ", test");
  std::vector<bool> learned(task.classes.size());
  for (const labelled_text& t : task.train) learned[t.label] = true;
  for (std::size_t c = 0; c < learned.size(); ++c) {
    if (!learned[c]) fail<format_error>(here, "a training text of every class", concat("none of ", printable(task.classes[c])));
  }
}

QUIPU_INLINE void check_task_stream(const task_stream& stream, std::string_view place) {
  if (stream.tasks.empty()) fail<format_error>(place, "at least one task", "none");
  std::map<std::string_view, std::string_view> owners;
  std::set<std::string_view> names;
  for (const stream_task& task : stream.tasks) {
    check_task(task, place);
    if (!names.insert(task.name).second)
      fail<format_error>(place, "tasks of different names", concat(printable(task.name), " twice"));
    for (const std::string& name : task.classes) {
      const auto [owner, is_new] = owners.emplace(name, task.name);
      if (!is_new) {
        fail<format_error>(place, "each class in one task",
                           concat(printable(name), " in ", printable(owner->second), " and in ", printable(task.name)));
      }
    }
  }
}

QUIPU_INLINE void hold_out_last_tenth(stream_task& task, std::size_t least, std::string_view place) {
  std::vector<std::size_t> left(task.classes.size(), 0);
  for (const labelled_text& t : task.train) ++left.at(t.label);
  std::vector<std::size_t> keep = left;
  for (std::size_t c = 0; c < left.size(); ++c) {
    const std::size_t held = std::max(least, left[c] / 10);
    if (held >= left[c]) {
      fail<format_error>(concat(place, ": class ", printable(task.classes[c])),
                         concat("more than ", held, " training texts, since ", held, " are held out for validation"), left[c]);
    }
    keep[c] = left[c] - held;
  }
  std::vector<labelled_text> train;
  for (labelled_text& t : task.train) {
    if (keep[t.label] > 0) {
      --keep[t.label];
      train.push_back(std::move(t));
    } else {
      task.validation.push_back(std::move(t));
    }
  }
  task.train = std::move(train);
}

QUIPU_INLINE std::optional<mention> find_mention(std::string_view text, std::string_view name) {
  const detail::compact_text whole = detail::compact(text), wanted = detail::compact(name);
  if (wanted.text.empty()) return std::nullopt;
  std::optional<mention> first;
  for (std::size_t at = whole.text.find(wanted.text); at != std::string::npos; at = whole.text.find(wanted.text, at + 1)) {
    const std::size_t last = at + wanted.text.size() - 1;
    const std::size_t begin = whole.begin[at], end = whole.end[last];
    const bool whole_characters = (at == 0 || whole.begin[at - 1] != begin) &&
                                  (last + 1 == whole.text.size() || whole.begin[last + 1] != whole.begin[last]);
    if (!whole_characters) continue;
    if (!first) first = mention{std::string(name), begin, end};
    const bool inside = (begin > 0 && detail::is_word_byte(text[begin - 1]) && detail::is_word_byte(text[begin])) ||
                        (end < text.size() && detail::is_word_byte(text[end]) && detail::is_word_byte(text[end - 1]));
    if (!inside) return mention{std::string(name), begin, end};
  }
  return first;
}

QUIPU_INLINE repeated_texts count_repeated(const task_stream& stream) {
  std::set<std::string_view> exact;
  std::map<std::string, std::set<std::string_view>, std::less<>> alike;
  for (const stream_task& task : stream.tasks) {
    for (const labelled_text& t : task.train) {
      exact.insert(t.text);
      alike[detail::compact(t.text).text].insert(task.classes[t.label]);
    }
  }
  repeated_texts n;
  for (const stream_task& task : stream.tasks) {
    for (const labelled_text& t : task.test) {
      ++n.n_test;
      n.n_identical += exact.count(t.text);
      const auto found = alike.find(detail::compact(t.text).text);
      if (found == alike.end()) continue;
      ++n.n_alike;
      n.n_other_label += found->second.count(task.classes[t.label]) == 0 ? 1 : 0;
    }
  }
  return n;
}

}  // namespace quipu::data
