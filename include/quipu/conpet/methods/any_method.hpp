/// @file Any of the library's methods against forgetting, chosen at run time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <quipu/conpet/methods/crl.hpp>
#include <quipu/conpet/methods/der_plus_plus.hpp>
#include <quipu/conpet/methods/ea_emr.hpp>
#include <quipu/conpet/methods/emar.hpp>
#include <quipu/conpet/methods/emr.hpp>
#include <quipu/conpet/methods/ewc.hpp>
#include <quipu/conpet/methods/gem.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/lwf.hpp>
#include <quipu/conpet/methods/o_lora.hpp>

namespace quipu::conpet {

struct any_method {
  using policy_role = role::learning_method;
  using held_type = std::variant<plain, emr, ea_emr, emar, crl, ewc, lwf, der_plus_plus, gem, a_gem, o_lora>;
  held_type held{};

  /// That of the method; of `plain` before the first task.
  struct state {
    using held_type = std::variant<plain::state, emr::state, ea_emr::state, emar::state, crl::state, ewc::state, lwf::state, der_plus_plus::state,
                                   gem::state, a_gem::state, o_lora::state>;
    held_type held{};

    [[nodiscard]] kept_arrays arrays() const {
      return std::visit(
          []<class S>(const S& s) -> kept_arrays {
            if constexpr (has_kept_arrays<S>) {
              return s.arrays();
            } else {
              return {};
            }
          },
          held);
    }
  };

  [[nodiscard]] std::string identity() const {
    return std::visit([](const auto& m) { return std::string(m.identity()); }, held);
  }
  template <class Task>
  void learn(state& s, Task& task) const {
    std::visit(
        [&]<class M>(const M& m) {
          if (!std::holds_alternative<typename M::state>(s.held)) s.held = typename M::state();
          m.learn(std::get<typename M::state>(s.held), task);
        },
        held);
  }
  [[nodiscard]] std::optional<std::vector<float>> scores(const state& s, const pet::linear_head<float>& head, matrix_view<const float> h) const {
    return std::visit(
        [&]<class M>(const M& m) -> std::optional<std::vector<float>> {
          if constexpr (scores_answers<M>) {
            if (const auto* own = std::get_if<typename M::state>(&s.held)) return m.scores(*own, head, h);
          }
          return std::nullopt;
        },
        held);
  }
  /// A state from files.
  [[nodiscard]] state restored(const kept_arrays& saved) const {
    return std::visit(
        [&]<class M>(const M&) {
          typename M::state own;
          if constexpr (has_kept_arrays<typename M::state>) own.restore(saved);
          return state{std::move(own)};
        },
        held);
  }
};

static_assert(learning_method<any_method> && scores_answers<any_method>);

}  // namespace quipu::conpet
