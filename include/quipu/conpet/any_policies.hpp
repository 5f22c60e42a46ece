/// @file Policies of a learner that a program chooses at run time, one variant a role.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <quipu/conpet/cloze_template.hpp>
#include <quipu/conpet/composition.hpp>
#include <quipu/conpet/row_choice.hpp>
#include <quipu/conpet/selector.hpp>
#include <quipu/conpet/text_template.hpp>
#include <quipu/replay/balanced_sampling.hpp>
#include <quipu/replay/random_sampling.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::conpet {

/// Any of the library's selectors.
struct any_selector {
  using policy_role = role::selector;
  using held_type = std::variant<discriminant_selector, means_selector, fourier_selector, trained_selector, arrow_selector, oracle_selector>;
  held_type held{};

  /// Calls f with the one that is held. @throws config_error  it is not one in closed form
  template <class F>
  auto closed(F&& f) const {
    using result = std::invoke_result_t<F&, const discriminant_selector&>;
    return std::visit(
        [&]<class S>(const S& s) -> result {
          if constexpr (S::kind == selector_kind::closed_form) {
            return f(s);
          } else {
            fail<config_error>("selector", "one in closed form", s.identity());
          }
        },
        held);
  }

  [[nodiscard]] selector_kind kind_now() const {
    return std::visit([]<class S>(const S&) { return S::kind; }, held);
  }
  [[nodiscard]] std::string identity() const {
    return std::visit([](const auto& s) { return std::string(s.identity()); }, held);
  }
  [[nodiscard]] const trained_selector& trained() const { return std::get<trained_selector>(held); }
  [[nodiscard]] double sharpness() const { return std::get<arrow_selector>(held).sharpness(); }
  [[nodiscard]] statistics::linear_scores classifier(const statistics::class_moments& m) const {
    return closed([&](const auto& s) { return s.classifier(m); });
  }
  [[nodiscard]] std::vector<float> features(matrix_view<const float> states) const {
    return closed([&](const auto& s) { return s.features(states); });
  }
  [[nodiscard]] std::size_t n_feature(std::size_t d_model) const {
    return closed([&](const auto& s) { return s.n_feature(d_model); });
  }
  [[nodiscard]] std::size_t block(std::size_t n_layer) const {
    return closed([&](const auto& s) { return s.block(n_layer); });
  }
};

/// Any of the library's compositions.
struct any_composition {
  using policy_role = role::composition;
  std::variant<calibrated, selector_weighted, hard_route, raw_logits> held{};

  [[nodiscard]] std::string identity() const {
    return std::visit([](const auto& c) { return std::string(c.identity()); }, held);
  }
  [[nodiscard]] std::vector<std::vector<double>> operator()(std::span<const task_opinion> opinions, std::size_t n_other) const {
    return std::visit([&](const auto& c) { return c(opinions, n_other); }, held);
  }
};

/// Any of the library's templates.
struct any_template {
  using policy_role = role::text_template;
  std::variant<label_prompt, plain_text, cloze> held{};

  [[nodiscard]] std::string identity() const {
    return std::visit([](const auto& t) { return std::string(t.identity()); }, held);
  }
  template <class Tokenizer>
  [[nodiscard]] encoded_text encode(const Tokenizer& tokenizer, const data::labelled_text& text, std::size_t n_longest) const {
    return std::visit([&](const auto& t) { return t.encode(tokenizer, text, n_longest); }, held);
  }
};

/// Any choice of rows.
struct any_rows {
  using policy_role = role::row_choice;
  std::variant<mean_row, last_row, marked_row> held{};

  [[nodiscard]] std::string identity() const {
    return std::visit([](const auto& r) { return std::string(r.identity()); }, held);
  }
  [[nodiscard]] llama::row_range operator()(const encoded_text& e) const {
    return std::visit([&](const auto& r) { return r(e); }, held);
  }
};

/// Any of the library's replay strategies that read no features.
struct any_replay {
  static constexpr std::string_view name = "chosen at run time";
  std::variant<replay::uniform_task_sampling, replay::none, replay::class_balanced, replay::experience_balanced, replay::reservoir,
               replay::random_sampling, replay::loss_aware>
      held{};

  [[nodiscard]] std::string identity() const {
    return std::visit([]<class S>(const S&) { return std::string(S::name); }, held);
  }
  /// Whether it makes no sense without a storage budget.
  [[nodiscard]] bool wants_budget() const {
    return std::visit([]<class S>(const S&) { return replay::budgeted_strategy<S>; }, held);
  }
  [[nodiscard]] std::vector<std::size_t> rank(std::span<const replay::candidate> all, std::size_t n_place, std::uint64_t seed) const {
    return std::visit([&](const auto& s) { return s.rank(all, n_place, seed); }, held);
  }
  [[nodiscard]] replay::group_sampler sampler(std::span<const replay::candidate> kept) const {
    return std::visit([&](const auto& s) { return s.sampler(kept); }, held);
  }
};

/// Chooses what has a name among names: `choose(name, {{"a", A{}}, ...})`.
/// @throws config_error  another name; it lists those that there are
template <class Held>
[[nodiscard]] Held choose(const char* option, const std::string& name, const std::vector<std::pair<std::string, Held>>& choices) {
  std::string names;
  for (const auto& [known, held] : choices) {
    if (known == name) return held;
    names += concat(names.empty() ? "" : ", ", known);
  }
  fail<config_error>(option, concat("one of ", names), printable(name));
}

static_assert(chosen_at_run_time<any_selector> && selector<any_selector> && composition<any_composition> && row_choice<any_rows> &&
              replay::replay_strategy<any_replay>);

}  // namespace quipu::conpet
