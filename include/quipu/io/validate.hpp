/// @file The one place that decides whether an opened checkpoint is a complete, consistent LLaMA.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// Checks the sizes and constants of an architecture.
/// @throws format_error  zero or absurd sizes, heads that do not divide, an odd d_head, token ids outside
///                       the vocabulary, or constants that are not finite
void validate_config(const model_config& config, const std::string& place);

/// Checks a vocabulary by itself.
/// @throws format_error  scores, kinds or special ids that do not fit the tokens
void validate_vocabulary(const text::vocabulary& vocabulary, const std::string& place);

/// Checks that an opened checkpoint's vocabulary, if it has one, names every embedding row.
/// @throws format_error  it does not, or does not fit together
void validate_vocabulary_size(const checkpoint& opened);

/// Completes and checks what a reader has put together. Every reader ends with this.
///
/// Leaves out the head of a tied model and redundant tables, and copies tensors that lie at addresses
/// which their type does not allow; tensors of our own go to `further`. Afterwards `tensors` holds exactly the tensors
/// of the config, each of the right shape, of a weight type and aligned to its elements (blocks: to 2 bytes).
/// @throws format_error  a tensor is missing, has another shape or type, is none of a LLaMA's, or the
///                       vocabulary and the embedding disagree
void validate(checkpoint& opened);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/validate.ipp>
#endif
