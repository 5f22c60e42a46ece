/// @file The token id that tokenizers, models and samplers exchange.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Index into a vocabulary; negative values never name a token.
using token_id = std::int32_t;

/// "No such token", for example a checkpoint without an end-of-text token.
inline constexpr token_id no_token = -1;

}  // namespace quipu
