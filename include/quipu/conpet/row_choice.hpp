/// @file Which rows of a text's states stand for it: the role `row_choice`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <string>

#include <quipu/conpet/text_template.hpp>  // encoded_text
#include <quipu/core/policy_list.hpp>
#include <quipu/llama/row_pool.hpp>

namespace quipu::role {
struct row_choice {};
}  // namespace quipu::role

namespace quipu::conpet {

/// Role `row_choice`: copyable; `operator()(encoded)` gives the rows whose mean is classified; `identity()`.
template <class R>
concept row_choice = std::copyable<R> && requires(const R& r, const encoded_text& e) {
  { r(e) } -> std::same_as<llama::row_range>;
  { r.identity() } -> std::convertible_to<std::string>;
};

/// The last token's.
struct last_row {
  using policy_role = role::row_choice;
  [[nodiscard]] static std::string identity() { return "last"; }
  [[nodiscard]] llama::row_range operator()(const encoded_text& e) const noexcept { return {e.tokens.size() - 1, e.tokens.size()}; }
};
/// That of the template's mark: the mask of a cloze.
struct marked_row {
  using policy_role = role::row_choice;
  [[nodiscard]] static std::string identity() { return "marked"; }
  [[nodiscard]] llama::row_range operator()(const encoded_text& e) const noexcept { return {e.marked, e.marked + 1}; }
};
/// The mean of all.
struct mean_row {
  using policy_role = role::row_choice;
  [[nodiscard]] static std::string identity() { return "mean"; }
  [[nodiscard]] llama::row_range operator()(const encoded_text& e) const noexcept { return {0, e.tokens.size()}; }
};

/// Says in one sentence what a type lacks to choose rows.
template <class R>
consteval void explain_row_choice() {
  static_assert(row_choice<R>,
                "row_choice: it must be copyable, with 'llama::row_range operator()(const encoded_text&) const' and 'std::string identity() const'");
}

}  // namespace quipu::conpet
