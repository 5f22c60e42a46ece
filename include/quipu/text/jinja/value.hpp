/// @file Values of the template language: what variables hold and expressions give.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::text::jinja {

/// Deepest nesting of lists, tuples and dicts. Bounds every walk over a value, its destruction too.
inline constexpr std::uint32_t deepest_value = 1000;

/// What a value is. Those from `undefined` on live in a counted object.
enum class kind : std::uint8_t {
  missing,  ///< no value at all: a variable that nobody has set
  none,
  boolean,
  integer,
  real,
  builtin,  ///< a function of the language, such as range
  undefined,
  big,  ///< an integer beyond 64 bits
  text,
  list,
  tuple,
  dict,
  space,  ///< namespace()
  range,
  method,  ///< a function with its subject, such as 'a'.upper
  macro,
  loop,
  stream,  ///< items that are made when asked for, once: what map() and select() give
  view,    ///< keys(), values() or items() of a dict
  cycler,
  joiner,
  frame  ///< variables of a running function; never seen by a template
};

/// Head of everything that is counted. An object is destroyed through `destroy`, as its own type.
struct object {
  static constexpr std::uint32_t immortal = 0x80000000u;  ///< belongs to a template, which several threads may read

  object(kind k, void (*d)(object*)) noexcept : what(k), destroy(d) {}
  object(const object&) = delete;
  object& operator=(const object&) = delete;

  std::uint32_t refs = 0;
  kind what;
  std::uint32_t depth = 1;  ///< one more than the deepest value inside
  void (*destroy)(object*);
};

template <class Object>
void destroy_as(object* one) {
  delete static_cast<Object*>(one);
}

struct builtin_function;

/// A value of the template language: 16 bytes, cheap to copy, shared and never changed once it is made (but for
/// namespaces, loops and the like, which belong to one rendering).
///
/// Values may move between threads, but copies of one value count without locks: use them in one thread at a time.
class value {
 public:
  value() noexcept : kind_(kind::missing), number_(0) {}
  value(bool truth) noexcept : kind_(kind::boolean), number_(truth ? 1 : 0) {}                     // NOLINT
  value(int number) noexcept : kind_(kind::integer), number_(number) {}                            // NOLINT
  value(std::int64_t number) noexcept : kind_(kind::integer), number_(number) {}                   // NOLINT
  value(double number) noexcept : kind_(kind::real), real_(number) {}                              // NOLINT
  value(const builtin_function& function) noexcept : kind_(kind::builtin), builtin_(&function) {}  // NOLINT
  value(object* made) noexcept : kind_(made->what), object_(made) { retain(); }                    // NOLINT
  value(const void*) = delete;  // a pointer is not a truth
  value(const value& other) noexcept : kind_(other.kind_), number_(other.number_) {
    if (kind_ >= kind::undefined) {
      object_ = other.object_;
      retain();
    }
  }
  value(value&& other) noexcept : kind_(other.kind_), number_(other.number_) {
    if (kind_ >= kind::undefined) object_ = other.object_;
    other.kind_ = kind::missing;
  }
  value& operator=(const value& other) noexcept {
    value copy(other);
    swap(copy);
    return *this;
  }
  value& operator=(value&& other) noexcept {
    value taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~value() {
    if (kind_ >= kind::undefined) release();
  }

  [[nodiscard]] static value none() noexcept {
    value v;
    v.kind_ = kind::none;
    return v;
  }

  void swap(value& other) noexcept {
    unsigned char mine[sizeof(value)];
    __builtin_memcpy(mine, this, sizeof(value));
    __builtin_memcpy(static_cast<void*>(this), &other, sizeof(value));
    __builtin_memcpy(static_cast<void*>(&other), mine, sizeof(value));
  }

  [[nodiscard]] kind what() const noexcept { return kind_; }
  [[nodiscard]] bool is(kind k) const noexcept { return kind_ == k; }
  [[nodiscard]] bool truth() const noexcept { return number_ != 0; }       ///< @pre is(kind::boolean)
  [[nodiscard]] std::int64_t integer() const noexcept { return number_; }  ///< @pre is(kind::integer) or boolean
  [[nodiscard]] double real() const noexcept { return real_; }             ///< @pre is(kind::real)
  [[nodiscard]] const builtin_function& builtin() const noexcept { return *builtin_; }  ///< @pre is(kind::builtin)
  /// @pre the value is of a counted kind
  [[nodiscard]] object* pointer() const noexcept { return object_; }
  /// The object behind the value.
  /// @pre the value is of a kind that `Object` stands for
  template <class Object>
  [[nodiscard]] Object& as() const noexcept {
    return *static_cast<Object*>(object_);
  }
  /// Is it text, or a whole number in 64 bits, ... : shorthands that the evaluator uses everywhere.
  [[nodiscard]] bool is_text() const noexcept { return kind_ == kind::text; }
  [[nodiscard]] bool is_sequence() const noexcept { return kind_ == kind::list || kind_ == kind::tuple; }
  [[nodiscard]] bool is_undefined() const noexcept { return kind_ == kind::undefined || kind_ == kind::missing; }
  [[nodiscard]] bool is_integral() const noexcept { return kind_ == kind::integer || kind_ == kind::boolean; }
  [[nodiscard]] std::uint32_t depth() const noexcept {
    return kind_ < kind::undefined || kind_ == kind::space || kind_ == kind::loop ? 0 : object_->depth;
  }
  /// The same thing, as Python's `is` has it.
  [[nodiscard]] bool same(const value& other) const noexcept {
    if (kind_ != other.kind_) return false;
    return kind_ >= kind::undefined ? object_ == other.object_ : number_ == other.number_;
  }

 private:
  void retain() const noexcept {
    if ((object_->refs & object::immortal) == 0) ++object_->refs;
  }
  void release() noexcept {
    if ((object_->refs & object::immortal) == 0 && --object_->refs == 0) object_->destroy(object_);
  }

  kind kind_;
  union {
    std::int64_t number_;
    double real_;
    const builtin_function* builtin_;
    object* object_;
  };
};

using values = std::vector<value>;

/// Text with its origin: which bytes the template wrote itself ("trusted"), and which it was given.
struct text_object : object {
  text_object() noexcept : object(kind::text, destroy_as<text_object>) {}

  std::string chars;               ///< UTF-8
  std::vector<std::size_t> flips;  ///< offsets where the origin changes, ascending, all inside `chars`
  bool trusted = false;            ///< origin of the first byte
  bool safe = false;               ///< marked by |safe, Python's Markup
};

/// A list or a tuple.
struct sequence_object : object {
  explicit sequence_object(kind k) noexcept : object(k, destroy_as<sequence_object>) {}
  values items;
  bool is_group = false;  ///< a tuple of groupby: its parts have the names grouper and list
};

/// What an expression gives that has no value: the reason is told when somebody needs one.
struct undefined_object : object {
  undefined_object() noexcept : object(kind::undefined, destroy_as<undefined_object>) {}
  std::string hint;             ///< the whole reason; else it is made of the other two
  const char* owner = nullptr;  ///< kind of the thing that lacks the name; null for a variable
  value name;
  bool security = false;  ///< there is such a thing, but templates may not have it
};

struct range_object : object {
  range_object() noexcept : object(kind::range, destroy_as<range_object>) {}
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
  std::int64_t length = 0;
};

/// A dict's keys, values or pairs.
struct view_object : object {
  enum class part : std::uint8_t { keys, contents, items };
  view_object(value d, part p) noexcept : object(kind::view, destroy_as<view_object>), dict(std::move(d)), of(p) {}
  value dict;
  part of;
};

/// Text of one origin. `trusted` text may hold control tokens: bos_token and its like, names of roles that
/// the caller has compared with a list; never what a user wrote.
[[nodiscard]] inline value make_text(std::string_view chars, bool trusted = false) {
  auto* made = new text_object;
  value result(made);
  made->chars = chars;
  made->trusted = trusted;
  return result;
}
[[nodiscard]] inline value trusted_text(std::string_view chars) { return make_text(chars, true); }

[[nodiscard]] inline const text_object& text_of(const value& v) noexcept { return v.as<text_object>(); }
[[nodiscard]] inline std::string_view chars_of(const value& v) noexcept { return text_of(v).chars; }
[[nodiscard]] inline const values& items_of(const value& v) noexcept { return v.as<sequence_object>().items; }

[[nodiscard]] inline std::uint32_t depth_of(const values& items) noexcept {
  std::uint32_t deepest = 0;
  for (const value& item : items) deepest = item.depth() > deepest ? item.depth() : deepest;
  return deepest;
}

/// A list, or a tuple, of `items`. Callers see to `deepest_value`: the evaluator does, and `variables` below.
[[nodiscard]] inline value make_sequence(kind k, values items) {
  auto* made = new sequence_object(k);
  value result(made);
  made->depth = depth_of(items) + 1;
  made->items = std::move(items);
  return result;
}

}  // namespace quipu::text::jinja
