// What chat_template.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iterator>
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

namespace detail {

QUIPU_INLINE bool is_mark(std::string_view token) {
  const bool angled = token.starts_with('<') && token.ends_with('>');
  const bool square = token.starts_with('[') && token.ends_with(']');
  if (token.size() < 3 || !(angled || square)) return false;
  if (square || token[1] == '|') return true;
  std::string_view name = token.substr(1, token.size() - 2);
  if (name.starts_with('/')) name.remove_prefix(1);
  constexpr std::string_view elements[] = {
      "a",  "b",  "blockquote", "br", "caption", "code",   "div", "em",    "h1",    "h2", "h3", "h4",   "h5", "h6", "hr",
      "i",  "li", "ol",         "p",  "pre",     "span",   "s",   "strong", "sub",  "sup", "table", "tbody", "td", "tfoot", "th",
      "thead", "tr", "u", "ul"};
  return std::find(std::begin(elements), std::end(elements), name) == std::end(elements);
}

}  // namespace detail

QUIPU_INLINE chat_template make_chat_template(std::string_view jinja, std::string bos, std::string eos,
                                              std::optional<chat_family> forced) {
  chat_template result;
  if (!bos.empty()) result.special_tokens.emplace_back("bos_token", bos);
  if (!eos.empty()) result.special_tokens.emplace_back("eos_token", eos);
  result.bos = std::move(bos);
  result.eos = std::move(eos);
  // Marks that formats write as plain text.
  const auto take_marks = [&](const auto& is_written) {
    for (const std::string_view mark : {"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<|system|>", "<|user|>", "<|assistant|>"}) {
      if (is_written(mark)) result.marks.emplace_back(mark);
    }
  };
  if (forced) {
    result.family = *forced;
    take_marks([&](std::string_view mark) {
      return *forced == (mark.starts_with("<|") ? chat_family::zephyr : chat_family::llama2);
    });
    return result;
  }
  constexpr std::string_view way_out = "name one of llama-2, llama-3, chatml, zephyr (programs: --chat)";
  if (jinja.empty()) fail<config_error>("chat template", "one in the checkpoint", concat("none; ", way_out));
  try {
    result.own = std::make_shared<const jinja::compiled_template>(jinja);
  } catch (const jinja::template_error& problem) {
    throw config_error(concat(problem.what(), "; ", way_out));
  }
  take_marks([&](std::string_view mark) {  // a template may put "<|" + role + "|>" together
    return jinja.find(mark) != std::string_view::npos || (mark.starts_with("<|") && jinja.find("'<|'") != std::string_view::npos);
  });
  return result;
}

}  // namespace quipu::text
