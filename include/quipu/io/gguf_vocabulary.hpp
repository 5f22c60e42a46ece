/// @file The vocabulary in a GGUF file's metadata, the keys of `tokenizer.ggml`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/gguf_metadata.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/validate.hpp>  // validate_vocabulary
#include <quipu/text/pre_tokenizer_names.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

/// Pre-tokenizers for which llama.cpp puts BOS before a text and keeps words that are tokens whole,
/// unless the file says otherwise. Source: llama.cpp, `llama-vocab.cpp`, LLAMA_VOCAB_PRE_TYPE_LLAMA3.
[[nodiscard]] inline bool is_llama3_pre_tokenizer(std::string_view name) {
  constexpr std::string_view names[] = {"llama3",    "llama-v3", "llama-bpe", "falcon3",
                                        "falcon-h1", "pixtral",  "midm-2.0",  "lfm2", "jina-v5-nano"};
  for (const std::string_view known : names) {
    if (name == known) return true;
  }
  return false;
}

/// Does llama.cpp keep words that are tokens whole with this pre-tokenizer? Source: as above, `ignore_merges`.
[[nodiscard]] inline bool keeps_words_whole(std::string_view name) {
  return is_llama3_pre_tokenizer(name) || name == "tekken" || name == "minicpm5" || name == "granite-embed-multi-97m";
}

namespace detail {

/// A token id of the metadata; `otherwise` if the key is absent and that id exists.
[[nodiscard]] inline token_id gguf_token(const gguf_metadata& metadata, std::string_view key,
                                         std::size_t n_token, token_id otherwise = no_token) {
  const bool usable = otherwise >= 0 && static_cast<std::size_t>(otherwise) < n_token;
  if (!metadata.has(key)) return usable ? otherwise : no_token;
  const std::int64_t id = metadata.integer_or(key, no_token);
  // Converters write "none" as -1, in an unsigned field.
  if (id == -1 || id == 0xffffffffLL) return no_token;
  if (id < 0 || static_cast<std::uint64_t>(id) >= n_token) {
    fail<format_error>(metadata.at(key), concat("a token id below ", n_token), id);
  }
  return static_cast<token_id>(id);
}

[[nodiscard]] inline std::vector<text::token_kind> gguf_token_kinds(const gguf_metadata& metadata,
                                                                    std::size_t n_token) {
  constexpr const char* key = "tokenizer.ggml.token_type";
  std::vector<text::token_kind> kinds;
  if (!metadata.has(key)) return std::vector<text::token_kind>(n_token, text::token_kind::normal);
  for (const std::int64_t type : metadata.integers(key)) {
    if (type < 0 || type > 6) fail<format_error>(metadata.at(key), "types from 0 to 6", type);
    kinds.push_back(type == 0 ? text::token_kind::normal : static_cast<text::token_kind>(type));
  }
  return kinds;
}

[[nodiscard]] inline std::vector<std::pair<std::string, std::string>> gguf_merges(
    const gguf_metadata& metadata) {
  constexpr const char* key = "tokenizer.ggml.merges";
  std::vector<std::pair<std::string, std::string>> merges;
  for (const std::string_view merge : metadata.texts(key)) {
    const std::size_t space = merge.find(' ', 1);  // the left part has at least one character
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      fail<format_error>(metadata.at(key), "pairs with a space between", printable(merge));
    }
    merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return merges;
}

/// The pre-tokenizer's name. A file that names none, or "default", gets llama.cpp's default and a warning, as there.
/// @throws format_error  a name that the library does not know
[[nodiscard]] inline std::string gguf_pre_tokenizer(const gguf_metadata& metadata, std::vector<std::string>& warnings) {
  constexpr const char* key = "tokenizer.ggml.pre";
  std::string name = metadata.text_or(key, "");
  if (name.empty() || name == "default") {
    warnings.push_back(concat(metadata.at(key), name.empty() ? " names no pre-tokenizer" : " is 'default'",
                              ": words are cut by llama.cpp's default rule, which may not be the model's own; the "
                              "model's own tokenizer can be given instead (--tokenizer)"));
    return "default";
  }
  if (!text::is_pre_tokenizer_name(name)) {
    fail<format_error>(metadata.at(key), concat("one of ", text::pre_tokenizer_name_list()),
                       concat("'", printable(name), "'; the model's tokenizer.json can stand in for it (--tokenizer)"));
  }
  return name;
}

/// Tokens that take white space beside them. GGUF has no key for it; llama.cpp knows the models by name.
/// Source: llama.cpp, `llama-vocab.cpp`, "Handle per token attributes".
inline void add_gguf_token_manners(const gguf_metadata& metadata, text::vocabulary& vocabulary) {
  std::string name = metadata.text_or("general.name", "");
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return;
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const std::string& text = vocabulary.tokens[i];
    const bool whole = vocabulary.kinds[i] == text::token_kind::control || text == "</s>" ||
                       vocabulary.kinds[i] == text::token_kind::user_defined;
    if (!whole || text == "<unk>" || text == "<s>" || text == "<|endoftext|>") continue;
    vocabulary.added.push_back({.token = static_cast<token_id>(i), .rstrip = true});
  }
}

}  // namespace detail

/// Reads the vocabulary. A file without one gives `tokenizer_kind::none`.
///
/// If a key is absent, llama.cpp's defaults hold: a SentencePiece vocabulary has BOS 1, EOS 2 and
/// unknown 0, puts BOS and a space before the text; a byte-level one does neither, except with a
/// pre-tokenizer of Llama 3 (`is_llama3_pre_tokenizer`).
/// What a program should tell its user stands in `warnings`. Keys of other kinds of tokenizers (`precompiled_charsmap`,
/// `remove_extra_whitespaces`, `normalizer.*`) have no effect, as in llama.cpp.
/// @throws format_error  a tokenizer of another kind, a pre-tokenizer that the library does not know, or entries
///                       that do not fit together
[[nodiscard]] inline text::vocabulary gguf_vocabulary(const gguf_metadata& metadata) {
  text::vocabulary vocabulary;
  vocabulary.place = metadata.place();
  vocabulary.chat_template = metadata.text_or("tokenizer.chat_template", "");
  const std::string model = metadata.text_or("tokenizer.ggml.model", "none");
  if (model == "none" || model == "no_vocab") return vocabulary;
  if (model != "llama" && model != "gpt2") {
    fail<format_error>(metadata.at("tokenizer.ggml.model"), "llama (SentencePiece) or gpt2 (byte-level BPE)",
                       printable(model));
  }
  const bool sentencepiece = model == "llama";
  vocabulary.kind = sentencepiece ? text::tokenizer_kind::sentencepiece : text::tokenizer_kind::byte_level_bpe;
  for (const std::string_view token : metadata.texts("tokenizer.ggml.tokens")) {
    vocabulary.tokens.emplace_back(token);
  }
  const std::size_t n_token = vocabulary.tokens.size();
  vocabulary.kinds = detail::gguf_token_kinds(metadata, n_token);
  if (sentencepiece) {
    vocabulary.scores = metadata.has("tokenizer.ggml.scores") ? metadata.floats("tokenizer.ggml.scores")
                                                              : std::vector<float>(n_token, 0.0f);
  } else {
    vocabulary.merges = detail::gguf_merges(metadata);
    vocabulary.pre_tokenizer = detail::gguf_pre_tokenizer(metadata, vocabulary.warnings);
  }
  const auto id = [&](const char* key, token_id otherwise) {
    return detail::gguf_token(metadata, key, n_token, sentencepiece ? otherwise : no_token);
  };
  vocabulary.bos = id("tokenizer.ggml.bos_token_id", 1);
  vocabulary.eos = id("tokenizer.ggml.eos_token_id", 2);
  vocabulary.unk = id("tokenizer.ggml.unknown_token_id", 0);
  vocabulary.pad = id("tokenizer.ggml.padding_token_id", no_token);
  const bool llama3 = is_llama3_pre_tokenizer(vocabulary.pre_tokenizer) || vocabulary.pre_tokenizer == "tekken";
  vocabulary.add_bos = metadata.flag_or("tokenizer.ggml.add_bos_token", sentencepiece || llama3);
  vocabulary.add_eos = metadata.flag_or("tokenizer.ggml.add_eos_token", false);
  vocabulary.add_space_prefix = metadata.flag_or("tokenizer.ggml.add_space_prefix", sentencepiece);
  vocabulary.ignore_merges = keeps_words_whole(vocabulary.pre_tokenizer);
  detail::add_gguf_token_manners(metadata, vocabulary);
  validate_vocabulary(vocabulary, concat(metadata.place(), ": vocabulary"));
  return vocabulary;
}

/// An array of all end tokens, which our writer adds if there are several; llama.cpp ignores it.
inline constexpr const char* gguf_end_tokens_key = "quipu.end_tokens";

/// The tokens that end a generated text: `eos`, and the ends of a turn and of a message if the file
/// names them.
[[nodiscard]] inline std::vector<token_id> gguf_end_tokens(const gguf_metadata& metadata, token_id eos,
                                                           std::size_t n_vocab) {
  std::vector<token_id> ends;
  std::set<token_id> known;
  const auto add = [&](token_id id) {
    if (id != no_token && known.insert(id).second) ends.push_back(id);
  };
  add(eos);
  add(detail::gguf_token(metadata, "tokenizer.ggml.eot_token_id", n_vocab));
  add(detail::gguf_token(metadata, "tokenizer.ggml.eom_token_id", n_vocab));
  for (const std::int64_t id : metadata.integers(gguf_end_tokens_key)) {
    if (id < 0 || static_cast<std::uint64_t>(id) >= n_vocab) {
      fail<format_error>(metadata.at(gguf_end_tokens_key), concat("token ids below ", n_vocab), id);
    }
    add(static_cast<token_id>(id));
  }
  return ends;
}

/// The vocabulary of a GGUF file of any architecture, with or without tensors.
/// @throws io_error, format_error  see `mapped_file`, `parse_gguf` and `gguf_vocabulary`; also a file
///                                 without a vocabulary
[[nodiscard]] inline text::vocabulary read_gguf_vocabulary(const std::string& path) {
  const mapped_file file(path);
  text::vocabulary vocabulary = gguf_vocabulary(parse_gguf(file.bytes(), path).metadata);
  if (vocabulary.kind == text::tokenizer_kind::none) fail<format_error>(path, "a vocabulary", "none");
  return vocabulary;
}

}  // namespace quipu::io
