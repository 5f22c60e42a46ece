/// @file Going over the items of a value, and items that are made on the way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/text_builder.hpp>  // trusted_at
#include <quipu/text/jinja/unicode.hpp>       // step_at
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

inline bool next_of_stream(evaluation& run, const value& stream, value& out);

/// A place among the items of a value.
class cursor {
 public:
  cursor() = default;
  /// @throws template_error  nothing that has items
  cursor(evaluation& run, value source) : source_(std::move(source)) {
    switch (source_.what()) {
      case kind::missing:
      case kind::undefined:
      case kind::text:
      case kind::list:
      case kind::tuple:
      case kind::dict:
      case kind::range:
      case kind::view:
      case kind::stream: return;
      default: run.fail("something with items", type_name(source_));
    }
  }

  /// Gives the next item.
  /// @return false if there is none
  [[nodiscard]] bool next(evaluation& run, value& out) {
    run.step();
    switch (source_.what()) {
      case kind::text: {
        const text_object& text = text_of(source_);
        if (at_ >= text.chars.size()) return false;
        const std::size_t length = step_at(text.chars, at_);
        out = run.text(std::string_view(text.chars).substr(at_, length), trusted_at(text, at_));
        at_ += length;
        return true;
      }
      case kind::list:
      case kind::tuple:
        if (at_ >= items_of(source_).size()) return false;
        out = items_of(source_)[at_++];
        return true;
      case kind::dict:
        if (at_ >= dict_of(source_).entries.size()) return false;
        out = dict_of(source_).entries[at_++].first;
        return true;
      case kind::range: {
        const auto& range = source_.as<range_object>();
        if (static_cast<std::int64_t>(at_) >= range.length) return false;
        out = value(range.start + static_cast<std::int64_t>(at_++) * range.step);
        return true;
      }
      case kind::view: {
        const auto& view = source_.as<view_object>();
        const auto& entries = dict_of(view.dict).entries;
        if (at_ >= entries.size()) return false;
        const auto& [key, item] = entries[at_++];
        out = view.of == view_object::part::keys     ? key
              : view.of == view_object::part::contents ? item
                                                     : run.tuple({key, item});
        return true;
      }
      case kind::stream: return next_of_stream(run, source_, out);
      default: return false;
    }
  }

  [[nodiscard]] const value& source() const noexcept { return source_; }

 private:
  value source_;
  std::size_t at_ = 0;
};

/// Number of items, as len() has it; -1 if the value has none.
[[nodiscard]] inline std::int64_t length_of(const value& v) noexcept {
  switch (v.what()) {
    case kind::missing:
    case kind::undefined: return 0;
    case kind::text: return static_cast<std::int64_t>(count_characters(chars_of(v)));
    case kind::list:
    case kind::tuple: return static_cast<std::int64_t>(items_of(v).size());
    case kind::dict: return static_cast<std::int64_t>(dict_of(v).entries.size());
    case kind::range: return v.as<range_object>().length;
    case kind::view: return static_cast<std::int64_t>(dict_of(v.as<view_object>().dict).entries.size());
    default: return -1;
  }
}

/// Items that are made when they are asked for, as Python's generators: those of map(), select() and their like.
struct stream_object : object {
  using step_function = bool (*)(evaluation&, stream_object&, value& out);
  stream_object() noexcept : object(kind::stream, destroy_as<stream_object>) {}

  cursor in;
  step_function step = nullptr;
  arguments given;             ///< of the filter or test
  const void* what = nullptr;  ///< the filter or test
  values parts;                ///< state of the stream
  std::size_t count = 0;
  bool flag = false;
  bool running = false;  ///< a stream that asks itself for items
};

inline bool next_of_stream(evaluation& run, const value& stream, value& out) {
  const evaluation::deeper guard(run);
  auto& one = stream.as<stream_object>();
  if (one.running) run.fail("items of another stream", "those of the same");
  one.running = true;
  struct at_rest {
    bool& flag;
    ~at_rest() { flag = false; }
  } const rest{one.running};
  return one.step(run, one, out);
}

/// All items.
[[nodiscard]] inline values items_from(evaluation& run, const value& source) {
  values items;
  if (source.is_sequence()) {
    run.make(items_of(source).size(), sizeof(value));
    items = items_of(source);
    return items;
  }
  cursor from(run, source);
  value one;
  while (from.next(run, one)) {
    run.make(sizeof(value));
    items.push_back(std::move(one));
  }
  return items;
}

}  // namespace quipu::text::jinja
