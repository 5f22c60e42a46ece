// What chat_template.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // concat, config_error
#include <quipu/text/chat_template.hpp>
#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/error.hpp>

namespace quipu::text {

QUIPU_INLINE chat_family chat_family_by_name(std::string_view name) {
  for (const auto& [known, family] : chat_family_names) {
    if (known == name) return family;
  }
  fail<config_error>("chat template", "llama-2, llama-3, chatml or zephyr", concat("'", name, "'"));
}

QUIPU_INLINE chat_template make_chat_template(std::string_view jinja, std::string bos, std::string eos,
                                              std::optional<chat_family> forced) {
  chat_template result;
  if (!bos.empty()) result.special_tokens.emplace_back("bos_token", bos);
  if (!eos.empty()) result.special_tokens.emplace_back("eos_token", eos);
  result.bos = std::move(bos);
  result.eos = std::move(eos);
  if (forced) {
    result.family = *forced;
    return result;
  }
  constexpr std::string_view way_out = "name one of llama-2, llama-3, chatml, zephyr (programs: --chat)";
  if (jinja.empty()) fail<config_error>("chat template", "one in the checkpoint", concat("none; ", way_out));
  try {
    result.own = std::make_shared<const jinja::compiled_template>(jinja);
  } catch (const jinja::template_error& problem) {
    throw config_error(concat(problem.what(), "; ", way_out));
  }
  return result;
}

}  // namespace quipu::text
