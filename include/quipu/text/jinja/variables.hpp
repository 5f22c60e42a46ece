/// @file Makes values of the template language by hand: lists, dicts, variables.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// @throws config_error  nested deeper than `deepest_value`
[[nodiscard]] value make_list(values items);

/// Sets a key of a dict that no other value shares yet.
/// @throws config_error  nested deeper than `deepest_value`
void set_key(value& dict, std::string_view key, value item);

[[nodiscard]] value make_dict(std::initializer_list<std::pair<std::string_view, value>> entries = {});

}  // namespace quipu::text::jinja

#if !defined(QUIPU_COMPILED)
#include <quipu/text/jinja/variables.ipp>
#endif
