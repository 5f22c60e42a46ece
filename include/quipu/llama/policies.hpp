/// @file The policies of a model, sorted by role, with their defaults.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include <quipu/activation/activation.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/core/policy_list.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/linear/project.hpp>  // activation_rounding

namespace quipu {

namespace role {
struct storage {};
struct activations {};
struct kv {};
struct scalar {};
struct isa {};
}  // namespace role

/// Role `storage`: the form that a model's matrices have in memory.
namespace storage {

/// As the checkpoint stores them, without a copy if the bytes can be used in place.
struct as_stored {
  using policy_role = role::storage;
  static constexpr std::optional<tensor_type> type{};
  static constexpr bool repacks = false;
};
/// As the checkpoint stores them and also in tiles, which products read faster (quantised matrices only if activations are
/// rounded): see `linear::packed_form`. Pages of a mapped file that were only read for that are given back.
struct repacked {
  using policy_role = role::storage;
  static constexpr std::optional<tensor_type> type{};
  static constexpr bool repacks = true;
};
/// Converted to one type at load.
template <tensor_type Type>
struct converted {
  using policy_role = role::storage;
  static constexpr std::optional<tensor_type> type{Type};
  static constexpr bool repacks = true;
};
using f64 = converted<tensor_type::f64>;
using f32 = converted<tensor_type::f32>;
using f16 = converted<tensor_type::f16>;
using bf16 = converted<tensor_type::bf16>;
using q8_0 = converted<tensor_type::q8_0>;
using q4_0 = converted<tensor_type::q4_0>;
using q4_1 = converted<tensor_type::q4_1>;

}  // namespace storage

/// Role `activations`: how activations meet quantised weights. All roles of a token (prompt, decode, head) are alike.
namespace activations {

/// Rounded to 8 bits in blocks of 32, as llama.cpp does: up to 0.4 % of a block's largest value. Where the processor has
/// products of bf16, activations that meet repacked BF16 weights are rounded to bf16.
struct int8 {
  using policy_role = role::activations;
  static constexpr linear::activation_rounding rounding = linear::activation_rounding::int8;
};
/// Rounded to 16 bits in blocks of 32 where weights are repacked: up to 2^-16 of a block's largest value.
struct int16 {
  using policy_role = role::activations;
  static constexpr linear::activation_rounding rounding = linear::activation_rounding::int16;
};
/// Not rounded.
struct f32 {
  using policy_role = role::activations;
  static constexpr linear::activation_rounding rounding = linear::activation_rounding::none;
};

}  // namespace activations

/// Role `kv`: the type of cached keys and values.
namespace kv {

struct f16 {
  using policy_role = role::kv;
  template <class Scalar>
  using value_type = quipu::f16;
};
/// The range of a float, and 8 significant bits.
struct bf16 {
  using policy_role = role::kv;
  template <class Scalar>
  using value_type = quipu::bf16;
};
/// 8 bits under one scale for each row of a head: half of what f16 takes.
struct int8 {
  using policy_role = role::kv;
  template <class Scalar>
  using value_type = std::int8_t;
};
/// The model's own scalar: float, or double in a double model.
struct exact {
  using policy_role = role::kv;
  template <class Scalar>
  using value_type = Scalar;
};
using f32 = exact;

}  // namespace kv

/// Role `scalar`: the type that activations are computed in.
namespace scalar {

template <class Value>
struct of {
  using policy_role = role::scalar;
  using value_type = Value;
};
using f32 = of<float>;
using f64 = of<double>;

}  // namespace scalar

/// Role `isa`: the instruction set of the kernels.
namespace isa {

/// The best that the processor has, found when a session starts.
struct automatic {
  using policy_role = role::isa;
  static constexpr std::optional<instruction_set> set{};
};
template <instruction_set Set>
struct fixed {
  using policy_role = role::isa;
  static constexpr std::optional<instruction_set> set{Set};
};
using portable = fixed<instruction_set::portable>;
using avx2 = fixed<instruction_set::avx2>;
using avx_vnni = fixed<instruction_set::avx_vnni>;
using avx512_vnni = fixed<instruction_set::avx512_vnni>;
using avx512_bf16 = fixed<instruction_set::avx512_bf16>;
using amx = fixed<instruction_set::amx>;

}  // namespace isa

namespace llama {

/// What roles other than ffn ask of a policy; see docs/concepts.md.
template <class P>
concept storage_policy = requires {
  { P::type } -> std::convertible_to<std::optional<tensor_type>>;
  { P::repacks } -> std::convertible_to<bool>;
};
/// Optional: storage that chooses a type for each tensor, by its name in Hugging Face folders and the type that the checkpoint
/// has. It is asked for all matrices, the embedding among them, and comes before `type`.
template <class P>
concept type_choosing_storage = requires(const P& p, std::string_view name, tensor_type stored) {
  { p.type_for(name, stored) } -> std::convertible_to<tensor_type>;
};
template <class P>
concept activations_policy = requires {
  { P::rounding } -> std::convertible_to<linear::activation_rounding>;
};
template <class P>
concept kv_policy = requires { typename P::template value_type<float>; };
template <class P>
concept scalar_policy = std::same_as<typename P::value_type, float> || std::same_as<typename P::value_type, double>;
template <class P>
concept isa_policy = requires {
  { P::set } -> std::convertible_to<std::optional<instruction_set>>;
};

/// The policies that a model has if a user names none.
using default_policies = policy_list<quipu::ffn::dense<activation::silu>, quipu::storage::repacked,
                                     quipu::activations::int16, quipu::kv::f16, quipu::scalar::f32,
                                     quipu::isa::automatic>;

/// Says in one sentence which policy of a sorted list lacks what.
template <class Policies>
consteval void explain_policies() {
  using storage = typename Policies::template type_of<role::storage>;
  using activations = typename Policies::template type_of<role::activations>;
  using kv = typename Policies::template type_of<role::kv>;
  using scalar = typename Policies::template type_of<role::scalar>;
  using isa = typename Policies::template type_of<role::isa>;
  ffn::explain<typename Policies::template type_of<role::ffn>>();
  static_assert(storage_policy<storage>,
                "storage: declare 'static constexpr std::optional<tensor_type> type', empty for as stored, and "
                "'static constexpr bool repacks'");
  static_assert(activations_policy<activations>,
                "activations: declare 'static constexpr linear::activation_rounding rounding'");
  static_assert(kv_policy<kv>, "kv: declare 'template <class Scalar> using value_type = ...'");
  static_assert(scalar_policy<scalar>, "scalar: declare 'using value_type = float' or double");
  static_assert(isa_policy<isa>,
                "isa: declare 'static constexpr std::optional<instruction_set> set', empty for the best");
}

/// The policies of a model, sorted by role, from those that a user gives in any order.
template <class... Given>
using model_policies = typename sort_policies<default_policies, Given...>::type;

template <class Policies, class Role>
using policy_of = typename Policies::template type_of<Role>;
/// The type that a model of these policies computes in.
template <class Policies>
using scalar_of = typename policy_of<Policies, role::scalar>::value_type;

}  // namespace llama
}  // namespace quipu
