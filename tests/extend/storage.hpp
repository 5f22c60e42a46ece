// A user's own storage: feed-forward weights in 8 bits, all else as the checkpoint has it.
#pragma once

#include <quipu/llama/policies.hpp>

#include <optional>
#include <string_view>

namespace extend {

struct light_ffn {
  using policy_role = quipu::role::storage;
  static constexpr std::optional<quipu::tensor_type> type{};
  static constexpr bool repacks = true;
  quipu::tensor_type wanted = quipu::tensor_type::q8_0;

  quipu::tensor_type type_for(std::string_view name, quipu::tensor_type stored) const {
    return name.find(".mlp.") != std::string_view::npos ? wanted : stored;
  }
};

static_assert(quipu::llama::storage_policy<light_ffn>);
static_assert(quipu::llama::type_choosing_storage<light_ffn>);

}  // namespace extend
