// What variables.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/jinja/dict.hpp>
#include <quipu/text/jinja/value.hpp>
#include <quipu/text/jinja/variables.hpp>

namespace quipu::text::jinja {

QUIPU_INLINE value make_list(values items) {
  value made = make_sequence(kind::list, std::move(items));
  if (made.depth() > deepest_value)
    fail<config_error>("template variables", concat("values nested at most ", deepest_value, " deep"), "deeper ones");
  return made;
}

QUIPU_INLINE void set_key(value& dict, std::string_view key, value item) {
  if (item.depth() >= deepest_value)
    fail<config_error>("template variables", concat("values nested at most ", deepest_value, " deep"), "deeper ones");
  dict.as<dict_object>().set(make_text(key), std::move(item));
}

QUIPU_INLINE value make_dict(std::initializer_list<std::pair<std::string_view, value>> entries) {
  value made(new dict_object);
  for (const auto& [key, item] : entries) set_key(made, key, item);
  return made;
}

}  // namespace quipu::text::jinja
