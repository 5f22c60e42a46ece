/// @file Finds in a PEFT folder what it changes of the model under the adapter.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/compiled.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/pet/base_changes.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

/// What the adapter of these settings and tensors changes of a model of config `c`.
/// @throws format_error  tensors of other shapes, tokens outside the vocabulary, or DoRA on the head or the embedding
[[nodiscard]] base_changes find_base_changes(peft_fields& fields, const io::safetensors_file& file,
                                             const io::model_config& c);

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/peft_base_changes.ipp>
#endif
