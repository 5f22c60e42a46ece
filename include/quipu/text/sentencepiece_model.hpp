/// @file Reads SentencePiece's tokenizer.model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // format_error, io_error
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

/// Parses the bytes of a tokenizer.model (sentencepiece_model.proto of google/sentencepiece).
///
/// Accepted is model type BPE with spaces escaped. The normalisation rule, `remove_extra_whitespaces` and user-defined
/// symbols hold as in SentencePiece itself. `add_bos` is set if there is a bos, as LLaMA models expect it. Refused by
/// name are other model types, white space as a suffix, spaces that are not escaped and a rule that is named but not
/// stored.
/// @param place  name of the file, for the errors
/// @throws format_error  not a model of this form, or one of another kind
[[nodiscard]] vocabulary parse_sentencepiece_model(std::string_view bytes, const std::string& place);

/// Reads a tokenizer.model.
/// @throws io_error      the file cannot be read
/// @throws format_error  see `parse_sentencepiece_model`
[[nodiscard]] vocabulary read_sentencepiece_model(const std::string& path);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/sentencepiece_model.ipp>
#endif
