/// @file The tests of the template language: what stands behind `is`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include <quipu/text/jinja/arithmetic.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/text_checks.hpp>  // is_in_case
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

struct test_entry {
  std::string_view name;
  bool (*holds)(evaluation&, const value& subject, arguments&);
  unsigned char n_argument;
};

namespace tests {

template <kind Kind>
bool is_kind(evaluation&, const value& v, arguments&) {
  return v.is(Kind);
}
template <bool Truth>
bool is_truth(evaluation&, const value& v, arguments&) {
  return v.is(kind::boolean) && v.truth() == Truth;
}
template <bool Defined>
bool is_defined(evaluation&, const value& v, arguments&) {
  return v.is_undefined() != Defined;
}
template <bool Odd>
bool has_parity(evaluation& run, const value& v, arguments&) {
  return equal(run, arithmetic(run, sign::modulo, v, value(2)), value(Odd ? 1 : 0));
}
inline bool divisible_by(evaluation& run, const value& v, arguments& given) {
  return equal(run, arithmetic(run, sign::modulo, v, given.positional[0]), value(0));
}
inline bool is_integer(evaluation&, const value& v, arguments&) { return v.is(kind::integer) || v.is(kind::big); }
inline bool is_any_number(evaluation&, const value& v, arguments&) { return is_number(v); }
template <bool Upper>
bool in_case(evaluation& run, const value& v, arguments&) {
  return text_methods::is_in_case(run, chars_of(to_text(run, v)), Upper);
}
inline bool is_sequence(evaluation&, const value& v, arguments&) {
  return v.is_text() || v.is_sequence() || v.is(kind::dict) || v.is(kind::range) || v.is_undefined();
}
inline bool is_iterable(evaluation& run, const value& v, arguments& given) {
  return is_sequence(run, v, given) || v.is(kind::stream) || v.is(kind::view) || v.is(kind::loop);
}
inline bool is_callable(evaluation&, const value& v, arguments&) {
  return v.is(kind::builtin) || v.is(kind::method) || v.is(kind::macro) || v.is(kind::loop) || v.is(kind::joiner) ||
         v.is_undefined();
}
inline bool same_as(evaluation&, const value& v, arguments& given) {
  const value& other = given.positional[0];
  // Python keeps equal short literals once.
  const bool literals = v.is_text() && other.is_text() && all_trusted(text_of(v)) && all_trusted(text_of(other));
  return v.same(other) || (literals && chars_of(v) == chars_of(other));
}
inline bool is_escaped(evaluation&, const value& v, arguments&) { return v.is_text() && text_of(v).safe; }
inline bool is_in(evaluation& run, const value& v, arguments& given) { return contains(run, given.positional[0], v); }
inline bool is_filter(evaluation& run, const value& v, arguments&) {
  need_hashable(run, v);
  return v.is_text() && run.find_filter(chars_of(v)) != nullptr;
}
inline bool is_test(evaluation& run, const value& v, arguments&);
template <bool Equal>
bool equals(evaluation& run, const value& v, arguments& given) {
  return equal(run, v, given.positional[0]) == Equal;
}
template <int Wanted, bool OrEqual>
bool is_ordered(evaluation& run, const value& v, arguments& given) {
  const int order = compare(run, v, given.positional[0]);
  return order == Wanted || (OrEqual && order == 0);
}

inline constexpr test_entry entries[] = {{"defined", is_defined<true>, 0},
                                         {"undefined", is_defined<false>, 0},
                                         {"none", is_kind<kind::none>, 0},
                                         {"string", is_kind<kind::text>, 0},
                                         {"mapping", is_kind<kind::dict>, 0},
                                         {"iterable", is_iterable, 0},
                                         {"sequence", is_sequence, 0},
                                         {"boolean", is_kind<kind::boolean>, 0},
                                         {"true", is_truth<true>, 0},
                                         {"false", is_truth<false>, 0},
                                         {"integer", is_integer, 0},
                                         {"float", is_kind<kind::real>, 0},
                                         {"number", is_any_number, 0},
                                         {"callable", is_callable, 0},
                                         {"odd", has_parity<true>, 0},
                                         {"even", has_parity<false>, 0},
                                         {"divisibleby", divisible_by, 1},
                                         {"lower", in_case<false>, 0},
                                         {"upper", in_case<true>, 0},
                                         {"sameas", same_as, 1},
                                         {"escaped", is_escaped, 0},
                                         {"in", is_in, 1},
                                         {"filter", is_filter, 0},
                                         {"test", is_test, 0},
                                         {"==", equals<true>, 1},
                                         {"eq", equals<true>, 1},
                                         {"equalto", equals<true>, 1},
                                         {"!=", equals<false>, 1},
                                         {"ne", equals<false>, 1},
                                         {">", is_ordered<1, false>, 1},
                                         {"gt", is_ordered<1, false>, 1},
                                         {"greaterthan", is_ordered<1, false>, 1},
                                         {">=", is_ordered<1, true>, 1},
                                         {"ge", is_ordered<1, true>, 1},
                                         {"<", is_ordered<-1, false>, 1},
                                         {"lt", is_ordered<-1, false>, 1},
                                         {"lessthan", is_ordered<-1, false>, 1},
                                         {"<=", is_ordered<-1, true>, 1},
                                         {"le", is_ordered<-1, true>, 1}};

}  // namespace tests

/// The entry of a test, or null.
[[nodiscard]] inline const void* find_test(std::string_view name) noexcept {
  for (const test_entry& one : tests::entries) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

namespace tests {
inline bool is_test(evaluation& run, const value& v, arguments&) {
  need_hashable(run, v);
  return v.is_text() && find_test(chars_of(v)) != nullptr;
}
}  // namespace tests

/// Does the test hold?
[[nodiscard]] inline bool test_holds(evaluation& run, const test_entry& test, const value& subject, arguments& given) {
  for (const auto& [name, item] : given.named) {
    // The only parameters that have names in jinja2 and no leading underscore.
    const bool known = (test.name == "divisibleby" && chars_of(name) == "num") ||
                       (test.name == "sameas" && chars_of(name) == "other") ||
                       (test.name == "in" && chars_of(name) == "seq");
    if (!known) run.fail(concat("an argument that the test ", test.name, " knows"), printable(chars_of(name)));
    given.positional.push_back(item);
  }
  if (given.positional.size() != test.n_argument) {
    run.fail(concat(std::to_string(test.n_argument), " arguments of the test ", test.name),
             std::to_string(given.positional.size()));
  }
  return test.holds(run, subject, given);
}

}  // namespace quipu::text::jinja
