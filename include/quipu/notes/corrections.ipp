// What corrections.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include <quipu/notes/corrections.hpp>
#include <quipu/notes/corrections/compare.ipp>
#include <quipu/notes/corrections/parse.ipp>

namespace quipu::notes {

QUIPU_INLINE statement_of_note::statement_of_note(std::string_view text)
    : parsed_(std::make_shared<corrections_detail::parsed>(
          corrections_detail::parsed{corrections_detail::statements_of(text)})) {}

QUIPU_INLINE bool statement_of_note::understood() const noexcept { return !parsed_->all.empty(); }

QUIPU_INLINE revision statement_of_note::revises(const statement_of_note& older) const {
  return corrections_detail::compare_notes(*parsed_, *older.parsed_).kind;
}

QUIPU_INLINE bool statement_of_note::answers_instead(const statement_of_note& older, std::string_view question) const {
  namespace cd = corrections_detail;
  const cd::comparison c = cd::compare_notes(*parsed_, *older.parsed_);
  if (c.kind != revision::rival && c.kind != revision::correction) return false;
  const cd::words asked = cd::cut(question);
  return std::none_of(c.was.begin(), c.was.end(), [&](const cd::word& w) {
    const auto same = [&](const cd::word& other) { return other.text == w.text; };
    return std::any_of(asked.begin(), asked.end(), same) && std::none_of(c.is.begin(), c.is.end(), same);
  });
}

}  // namespace quipu::notes
