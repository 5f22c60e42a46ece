/// @file The policies of a model, sorted by role, with their defaults.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>

#include <quipu/activation/activation.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/linear/project.hpp>  // activation_rounding

namespace quipu {

/// Role `storage`: the form that a model's matrices have in memory.
namespace storage {

/// As the checkpoint stores them, without a copy where the bytes can be used in place.
struct as_stored {
  static constexpr std::optional<tensor_type> type{};
};
/// Converted to one type at load.
template <tensor_type Type>
struct converted {
  static constexpr std::optional<tensor_type> type{Type};
};
using f64 = converted<tensor_type::f64>;
using f32 = converted<tensor_type::f32>;
using f16 = converted<tensor_type::f16>;
using bf16 = converted<tensor_type::bf16>;
using q8_0 = converted<tensor_type::q8_0>;
using q4_0 = converted<tensor_type::q4_0>;
using q4_1 = converted<tensor_type::q4_1>;

}  // namespace storage

/// Role `activations`: how activations meet 8- and 4-bit weights.
namespace activations {

/// Rounded to 8 bits in blocks of 32 while tokens are generated one by one, which it makes twice as fast;
/// prompts are computed with exact activations.
struct int8_decode {
  static constexpr linear::activation_rounding rounding = linear::activation_rounding::few_rows;
};
/// Rounded to 8 bits in blocks of 32 everywhere, as llama.cpp does.
struct int8_blocks {
  static constexpr linear::activation_rounding rounding = linear::activation_rounding::always;
};
/// Not rounded.
struct f32 {
  static constexpr linear::activation_rounding rounding = linear::activation_rounding::none;
};

}  // namespace activations

/// Role `kv`: the type of cached keys and values.
namespace kv {

struct f16 {
  template <class Scalar>
  using value_type = quipu::f16;
};
/// The model's own scalar: float, or double in a double model.
struct exact {
  template <class Scalar>
  using value_type = Scalar;
};
using f32 = exact;

}  // namespace kv

/// Role `scalar`: the type that activations are computed in.
namespace scalar {

template <class Value>
struct of {
  using value_type = Value;
};
using f32 = of<float>;
using f64 = of<double>;

}  // namespace scalar

/// Role `isa`: the instruction set of the kernels.
namespace isa {

/// The best that the processor has, found when a session starts.
struct automatic {
  static constexpr std::optional<instruction_set> set{};
};
template <instruction_set Set>
struct fixed {
  static constexpr std::optional<instruction_set> set{Set};
};
using portable = fixed<instruction_set::portable>;
using avx2 = fixed<instruction_set::avx2>;
using avx512 = fixed<instruction_set::avx512>;

}  // namespace isa

namespace llama {

enum class policy_role { none, ffn, storage, activations, kv, scalar, isa };

/// Role of a policy. A user's own policy is recognised by what it declares.
template <class P>
[[nodiscard]] constexpr policy_role role_of() noexcept {
  if constexpr (requires { typename P::activation_type; }) {
    return policy_role::ffn;
  } else if constexpr (requires { P::rounding; }) {
    return policy_role::activations;
  } else if constexpr (requires { typename P::template value_type<float>; }) {
    return policy_role::kv;
  } else if constexpr (requires { typename P::value_type; }) {
    return policy_role::scalar;
  } else if constexpr (requires { P::type.has_value(); }) {
    return policy_role::storage;
  } else if constexpr (requires { P::set.has_value(); }) {
    return policy_role::isa;
  } else {
    return policy_role::none;
  }
}

/// All policies of a model, one for each role.
template <class Ffn, class Storage, class Activations, class Kv, class Scalar, class Isa>
struct policy_set {
  static_assert((ffn::explain<Ffn>(), true));
  using ffn = Ffn;
  using storage = Storage;
  using activations = Activations;
  using kv = Kv;
  using scalar = Scalar;
  using isa = Isa;
};

namespace detail {

template <policy_role Role, class Default, class... Policies>
struct choose {
  using type = Default;
};
template <policy_role Role, class Default, class First, class... Rest>
struct choose<Role, Default, First, Rest...> {
  using type = typename std::conditional_t<role_of<First>() == Role, std::type_identity<First>,
                                  choose<Role, Default, Rest...>>::type;
};

template <policy_role Role, class... Policies>
inline constexpr std::size_t count = (std::size_t{0} + ... + std::size_t{role_of<Policies>() == Role});

}  // namespace detail

/// Sorts policies by role, in any order, and fills in the defaults.
template <class... Policies>
struct sort_policies {
  static_assert(
      ((role_of<Policies>() != policy_role::none) && ...),
      "policies: one of the types is no policy of a model (roles: ffn, storage, activations, kv, scalar, isa)");
  static_assert(detail::count<policy_role::ffn, Policies...> <= 1, "policies: two policies for the role ffn");
  static_assert(detail::count<policy_role::storage, Policies...> <= 1, "policies: two policies for the role storage");
  static_assert(detail::count<policy_role::activations, Policies...> <= 1,
                "policies: two policies for the role activations");
  static_assert(detail::count<policy_role::kv, Policies...> <= 1, "policies: two policies for the role kv");
  static_assert(detail::count<policy_role::scalar, Policies...> <= 1, "policies: two policies for the role scalar");
  static_assert(detail::count<policy_role::isa, Policies...> <= 1, "policies: two policies for the role isa");

  using type = policy_set<
      typename detail::choose<policy_role::ffn, quipu::ffn::dense<activation::silu>, Policies...>::type,
      typename detail::choose<policy_role::storage, quipu::storage::as_stored, Policies...>::type,
      typename detail::choose<policy_role::activations, quipu::activations::int8_decode, Policies...>::type,
      typename detail::choose<policy_role::kv, quipu::kv::f16, Policies...>::type,
      typename detail::choose<policy_role::scalar, quipu::scalar::f32, Policies...>::type,
      typename detail::choose<policy_role::isa, quipu::isa::automatic, Policies...>::type>;
};

}  // namespace llama
}  // namespace quipu
