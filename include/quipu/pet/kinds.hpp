/// @file The library's kinds of modules, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include <quipu/io/model_config.hpp>
#include <quipu/pet/bitfit.hpp>
#include <quipu/pet/bottleneck.hpp>
#include <quipu/pet/dora.hpp>
#include <quipu/pet/ia3.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/prefix.hpp>
#include <quipu/pet/prompt.hpp>

namespace quipu::pet {

/// Role `peft_policy`: a module's settings that have a place in PEFT's `adapter_config.json`.
///   peft_type                    PEFT's name of the kind
///   read_peft(fields, config)    the settings; @throws format_error
///   write_peft(json, config)     the keys of its own
///   is_peft(fields)              optional: which folders of a `peft_type` that several kinds share are its own
template <class P>
concept peft_policy = std::copyable<P> &&
    requires(const P& p, peft_fields& fields, nlohmann::ordered_json& json, const io::model_config& c) {
  { P::peft_type } -> std::convertible_to<std::string_view>;
  { P::read_peft(fields, c) } -> std::same_as<P>;
  p.write_peft(json, c);
};
template <class P>
concept shares_peft_type = requires(peft_fields& fields) {
  { P::is_peft(fields) } -> std::same_as<bool>;
};

/// Says in one sentence what settings lack to be read from and written to PEFT's folders.
template <class P>
consteval void explain_peft_policy() {
  static_assert(
      peft_policy<P>,
      "peft_policy: declare 'peft_type', 'static Policy read_peft(peft_fields&, const io::model_config&)' and "
      "'void write_peft(nlohmann::ordered_json&, const io::model_config&) const'");
}

/// A list of kinds by their policies: what `any_module` may hold and what folders are read as.
template <class... Policies>
struct kind_list {
  static_assert((peft_policy<Policies> && ...));
  static_assert((pet_module<typename Policies::template module<float>> && ...));

  template <class Scalar>
  using variant = std::variant<typename Policies::template module<Scalar>...>;

  /// Calls `f.operator()<Policy>()` for each until one gives true. @return whether one did
  template <class F>
  static bool any_of(F&& f) {
    return (f.template operator()<Policies>() || ...);
  }
};

using kinds =
    kind_list<lora, dora, ia3, bitfit, prompt, prefix, bottleneck<activation::silu>, bottleneck<activation::relu>>;

}  // namespace quipu::pet
