/// @file One rendering: what it may use, what it has used, and how it fails.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>      // concat
#include <quipu/core/printable.hpp>  // text of templates in messages
#include <quipu/text/jinja/dict.hpp>
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/limits.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

struct arguments {
  values positional;
  std::vector<std::pair<value, value>> named;  ///< name (text), value
};

class evaluation;

/// A function of the language: range, raise_exception ...
struct builtin_function {
  std::string_view name;
  value (*call)(evaluation&, arguments&);
};

/// A mutable thing (namespace, loop, running function): kept to the end of the rendering, since such things may hold
/// each other in a circle.
struct kept_object : object {
  using object::object;
  kept_object* previous = nullptr;
  kept_object* next = nullptr;
  void (*clear)(kept_object*) = nullptr;  ///< lets go of everything that it holds
};

class evaluation {
 public:
  evaluation(const limits& allowed, wall_clock clock, std::string_view place)
      : allowed_(allowed), clock_(clock), place_(place), stack_(static_cast<char*>(__builtin_frame_address(0))) {}
  evaluation(const evaluation&) = delete;
  evaluation& operator=(const evaluation&) = delete;
  ~evaluation() {
    for (kept_object* one = kept_; one != nullptr; one = one->next) one->clear(one);
    while (kept_ != nullptr) drop(*kept_);
  }

  std::size_t line = 1;  ///< of what is evaluated now

  [[nodiscard]] wall_clock clock() const noexcept { return clock_; }
  [[nodiscard]] const limits& allowed() const noexcept { return allowed_; }

  [[noreturn, gnu::cold, gnu::noinline]] void fail(error_kind kind, std::string_view sentence,
                                                   std::string raised = {}) const {
    throw template_error(kind, place_, line, sentence, std::move(raised));
  }
  /// "expected ..., found ..."
  [[noreturn, gnu::cold, gnu::noinline]] void fail(std::string_view expected, std::string_view found) const {
    fail(error_kind::runtime, concat("expected ", expected, ", found ", found));
  }

  /// One more step, or `n`.
  void step(std::size_t n = 1) {
    steps_ += n;
    if (steps_ > allowed_.steps) exceeded("steps", allowed_.steps);
  }
  /// Steps for looking at `bytes` of text.
  void look(std::size_t bytes) { step(1 + bytes / 32); }
  /// Bytes that are about to be made.
  void make(std::size_t bytes) {
    made_ += bytes;
    if (bytes > allowed_.made_bytes || made_ > allowed_.made_bytes) exceeded("bytes of values", allowed_.made_bytes);
    step(1 + bytes / 256);
  }
  /// `count` things of `each` bytes.
  void make(std::size_t count, std::size_t each) {
    if (each != 0 && count > allowed_.made_bytes / each) exceeded("bytes of values", allowed_.made_bytes);
    make(count * each);
  }
  void write(std::size_t bytes) {
    written_ += bytes;
    if (written_ > allowed_.output_bytes) exceeded("bytes of output", allowed_.output_bytes);
  }
  void check_depth(std::uint32_t depth) const {
    if (depth > deepest_value) exceeded("levels of nested values", deepest_value);
  }

  /// One level deeper for the life of the guard.
  class deeper {
   public:
    explicit deeper(evaluation& of) : of_(of) {
      auto* here = static_cast<char*>(__builtin_frame_address(0));
      const auto used = static_cast<std::size_t>(here < of.stack_ ? of.stack_ - here : here - of.stack_);
      if (++of.depth_ > of.allowed_.depth || used > of.allowed_.stack_bytes) {
        --of.depth_;
        of.exceeded("levels of nesting", of.allowed_.depth);
      }
    }
    ~deeper() { --of_.depth_; }
    deeper(const deeper&) = delete;
    deeper& operator=(const deeper&) = delete;

   private:
    evaluation& of_;
  };

  [[nodiscard]] value list(values items) { return sequence(kind::list, std::move(items)); }
  [[nodiscard]] value tuple(values items) { return sequence(kind::tuple, std::move(items)); }
  [[nodiscard]] value sequence(kind k, values items) {
    make(64 + items.capacity() * sizeof(value));
    value made = make_sequence(k, std::move(items));
    check_depth(made.depth());
    return made;
  }
  /// Text that is all of one origin: given, unless told.
  [[nodiscard]] value text(std::string_view chars, bool trusted = false) {
    make(96 + chars.size());
    return make_text(chars, trusted);
  }
  [[nodiscard]] value undefined(std::string hint) {
    make(128);
    auto* made = new undefined_object;
    value result(made);
    made->hint = std::move(hint);
    return result;
  }
  /// `name` of a thing of the kind `owner`; of a variable if that is null.
  [[nodiscard]] value undefined(const char* owner, const value& name) {
    make(128);
    auto* made = new undefined_object;
    value result(made);
    made->owner = owner;
    if (name.depth() < deepest_value) made->name = name;
    made->depth = made->name.depth() + 1;
    return result;
  }

  /// Takes charge of a new mutable thing.
  void keep(kept_object& one) noexcept {
    ++one.refs;
    one.previous = nullptr;
    one.next = kept_;
    if (kept_ != nullptr) kept_->previous = &one;
    kept_ = &one;
  }
  /// Ends the charge.
  void drop(kept_object& one) noexcept {
    (one.previous == nullptr ? kept_ : one.previous->next) = one.next;
    if (one.next != nullptr) one.next->previous = one.previous;
    if (--one.refs == 0) one.destroy(&one);
  }

  /// What only the evaluator can do, for those below it: calls, and attributes as the sandbox allows them.
  value (*call)(evaluation&, const value& callee, arguments&) = nullptr;
  value (*attribute)(evaluation&, const value& of, const value& name) = nullptr;
  value (*item)(evaluation&, const value& of, const value& key) = nullptr;
  const void* (*find_filter)(std::string_view name) noexcept = nullptr;

 private:
  [[noreturn, gnu::cold, gnu::noinline]] void exceeded(const char* what, std::size_t limit) const {
    fail(error_kind::limits, concat("expected at most ", std::to_string(limit), " ", what, ", found more"));
  }

  limits allowed_;
  wall_clock clock_;
  std::string_view place_;
  char* stack_;
  std::size_t steps_ = 0;
  std::size_t made_ = 0;
  std::size_t written_ = 0;
  std::size_t depth_ = 0;
  kept_object* kept_ = nullptr;
};

/// Python's name of the kind, for messages.
[[nodiscard]] inline const char* type_name(const value& v) noexcept {
  constexpr const char* names[] = {"Undefined", "NoneType", "bool",   "int",   "float",       "function",
                                   "Undefined", "int",      "str",    "list",  "tuple",       "dict",
                                   "Namespace", "range",    "method", "Macro", "LoopContext", "generator",
                                   "dict_view", "Cycler",   "Joiner", "frame"};
  if (v.is_text() && text_of(v).safe) return "Markup";
  return names[static_cast<std::size_t>(v.what())];
}

/// Why the value is undefined.
[[nodiscard]] inline std::string undefined_reason(const undefined_object& one) {
  if (!one.hint.empty()) return one.hint;
  const std::string name = one.name.is_text()       ? printable(chars_of(one.name))
                           : one.name.is_integral() ? std::to_string(one.name.integer())
                                                    : std::string(type_name(one.name));
  if (one.owner == nullptr) return concat(name, " is undefined");
  return concat("'", one.owner, " object' has no ", one.name.is_text() ? "attribute " : "element ", name);
}

/// Fails as everything does that needs the value of an undefined one.
[[noreturn, gnu::cold]] inline void fail_undefined(const evaluation& run, const value& v) {
  if (!v.is(kind::undefined)) run.fail(error_kind::undefined, "expected a value, found an undefined one");
  const auto& one = v.as<undefined_object>();
  run.fail(one.security ? error_kind::security : error_kind::undefined,
           concat("expected a value, found none: ", undefined_reason(one)));
}

/// Arguments of a call by the names of the parameters.
template <std::size_t N>
class parameters {
 public:
  /// @param required  how many of the first parameters must be given
  parameters(const evaluation& run, std::string_view function, const arguments& given,
             const std::string_view (&names)[N], std::size_t required) {
    bind(run, function, given, names, N, required, found_);
  }
  [[nodiscard]] const value* operator[](std::size_t i) const noexcept { return found_[i]; }
  [[nodiscard]] bool has(std::size_t i) const noexcept { return found_[i] != nullptr; }

 private:
  static void bind(const evaluation& run, std::string_view function, const arguments& given,
                                     const std::string_view* names, std::size_t n, std::size_t required,
                                     const value** found) {
    if (given.positional.size() > n) {
      run.fail(concat("at most ", std::to_string(n), " arguments of ", function),
               std::to_string(given.positional.size()));
    }
    for (std::size_t i = 0; i < n; ++i) found[i] = i < given.positional.size() ? &given.positional[i] : nullptr;
    for (const auto& [name, item] : given.named) {
      std::size_t at = 0;
      while (at < n && names[at] != chars_of(name)) ++at;
      if (at == n) run.fail(concat("an argument that ", function, " knows"), printable(chars_of(name)));
      if (found[at] != nullptr) run.fail(concat("argument ", names[at], " of ", function, " once"), "it twice");
      found[at] = &item;
    }
    for (std::size_t i = 0; i < required; ++i) {
      if (found[i] == nullptr) run.fail(concat("argument ", names[i], " of ", function), "none");
    }
  }
  const value* found_[N];
};

}  // namespace quipu::text::jinja
