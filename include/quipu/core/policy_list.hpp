/// @file Policies by role: how a host sorts what a user picks, and fills in the rest.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// A type that says by `using policy_role = ...` in which place of a host it wants to stand. A role is any class, so
/// that new ones break nobody.
template <class P>
concept policy = std::copyable<P> && requires { typename P::policy_role; };

namespace detail {

template <class P>
struct role_of_policy {
  using type = void;
};
template <class P>
  requires requires { typename P::policy_role; }
struct role_of_policy<P> {
  using type = typename P::policy_role;
};

// The first of some policies that has a role; `Default` if none has.
template <class Role, class Default, class... Policies>
struct policy_for {
  using type = Default;
};
template <class Role, class Default, class First, class... Rest>
struct policy_for<Role, Default, First, Rest...> {
  using type = typename std::conditional_t<std::is_same_v<typename role_of_policy<First>::type, Role>,
                                           std::type_identity<First>, policy_for<Role, Default, Rest...>>::type;
};

template <class Role, class... Policies>
inline constexpr std::size_t n_policy_for =
    (std::size_t{0} + ... + std::size_t{std::is_same_v<typename role_of_policy<Policies>::type, Role>});

}  // namespace detail

/// The role that a policy says it has; void for types that say none.
template <class P>
using role_of = typename detail::role_of_policy<P>::type;

/// Values of several policies, one a role. A value itself.
template <class... Policies>
class policy_list {
 public:
  policy_list() = default;
  explicit policy_list(std::tuple<Policies...> values) : values_(std::move(values)) {}

  /// A list of the given values if they are of its types, and of default ones elsewhere.
  template <class... Values>
  [[nodiscard]] static policy_list of(const Values&... values) {
    return policy_list(std::tuple<Policies...>(value_among<Policies>(values...)...));
  }

  template <class Role>
  static constexpr bool has = (std::is_same_v<role_of<Policies>, Role> || ...);
  /// The type of the policy that has a role.
  template <class Role>
  using type_of = typename detail::policy_for<Role, void, Policies...>::type;

  template <class Role>
  [[nodiscard]] const type_of<Role>& get() const noexcept {
    return std::get<type_of<Role>>(values_);
  }
  /// The same list with `changed` in place of the policy of its role.
  template <policy Changed>
  [[nodiscard]] auto replace(Changed changed) const {
    static_assert(has<role_of<Changed>>, "policy_list: no policy of this list has the role of the new one");
    const auto pick = [&]<class P>(const P& own) {
      if constexpr (std::is_same_v<role_of<P>, role_of<Changed>>) {
        return changed;
      } else {
        return own;
      }
    };
    return std::apply(
        [&](const Policies&... own) {
          using list = policy_list<decltype(pick(own))...>;
          return list(std::tuple<decltype(pick(own))...>(pick(own)...));
        },
        values_);
  }
  /// The list type that `replace` returns.
  template <policy Changed>
  using replaced = policy_list<
      std::conditional_t<std::is_same_v<role_of<Policies>, role_of<Changed>>, Changed, Policies>...>;

 private:
  template <class P>
  static P value_among() {
    return P();
  }
  template <class P, class First, class... Rest>
  static P value_among(const First& first, const Rest&... rest) {
    if constexpr (std::is_same_v<P, First>) {
      return first;
    } else {
      return value_among<P>(rest...);
    }
  }

  std::tuple<Policies...> values_;
};

namespace detail {

template <class Defaults, class... Given>
struct sorted_policies;
template <class... Defaults, class... Given>
struct sorted_policies<policy_list<Defaults...>, Given...> {
  using type = policy_list<typename policy_for<role_of<Defaults>, Defaults, Given...>::type...>;
};

// At the first fault the others are left unsaid: one mistake, one message.
template <class Defaults, class... Given>
struct explain_policies;
template <class... Defaults, class... Given>
struct explain_policies<policy_list<Defaults...>, Given...> {
  template <class P>
  static constexpr bool is_known = (std::is_same_v<role_of<P>, role_of<Defaults>> || ...);

  static consteval void run() {
    if constexpr (!(policy<Given> && ...)) {
      static_assert((policy<Given> && ...),
                    "policies: one of the types is no policy (a policy is copyable and has 'using policy_role = ...')");
    } else if constexpr (!(is_known<Given> && ...)) {
      static_assert((is_known<Given> && ...), "policies: one of the policies has a role that has no place here");
    } else {
      static_assert(((n_policy_for<role_of<Defaults>, Given...> <= 1) && ...), "policies: two policies for one role");
    }
  }
};

}  // namespace detail

/// Sorts the types `Given` by role, in the order of `Defaults`, which stand if none was given.
/// @tparam Defaults  a `policy_list` with one policy for each role of the host
template <class Defaults, class... Given>
struct sort_policies {
  static_assert((detail::explain_policies<Defaults, Given...>::run(), true));
  using type = typename detail::sorted_policies<Defaults, Given...>::type;
};

}  // namespace quipu
