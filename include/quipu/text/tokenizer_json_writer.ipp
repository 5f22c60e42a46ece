// What tokenizer_json_writer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/keyed_hash.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/pre_tokenizer.hpp>          // pre_tokenizer_by_name
#include <quipu/text/sentencepiece_pieces.hpp>  // sentencepiece_space, unescape_spaces
#include <quipu/text/token_table.hpp>
#include <quipu/text/tokenizer_json_writer.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

namespace detail {

/// Makes one tokenizer.json; the members are its parts.
class tokenizer_json_writer {
 public:
  using json = nlohmann::ordered_json;

  explicit tokenizer_json_writer(const vocabulary& source) : table_(source), v_(table_.source()) {}

  /// @throws config_error  rules that came with another file and that this one would have to repeat
  [[nodiscard]] json document() const {
    const bool has_rules = !v_.normalizers.empty() || !v_.splits.empty() || !v_.added.empty() || !v_.charsmap.empty() ||
                           v_.ranked_merges || v_.strict_bytes || v_.remove_extra_whitespaces;
    if (has_rules) {
      fail<config_error>("tokenizer.json", "a vocabulary of a GGUF or llama2.c file (copy the files of others)",
                         "one with rules of a tokenizer.json or tokenizer.model of its own");
    }
    const bool sentencepiece = v_.kind == tokenizer_kind::sentencepiece;
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", added_tokens()},
            {"normalizer", sentencepiece ? spaces_normalizer() : json()},
            {"pre_tokenizer", sentencepiece ? json() : byte_level_pre_tokenizer()},
            {"post_processor", post_processor()},
            {"decoder", sentencepiece ? spaces_decoder() : byte_level()},
            {"model", model(sentencepiece)}};
  }

 private:
  /// Matched in a text as a whole, before anything else happens.
  [[nodiscard]] bool is_added(std::size_t id) const {
    const token_kind kind = v_.kinds[id];
    return kind == token_kind::control || kind == token_kind::unknown || kind == token_kind::user_defined;
  }

  /// What stands for token `id` in the file. A user-defined one is looked for in the text as it is, with its spaces.
  [[nodiscard]] std::string text_of(std::size_t id) const {
    const bool plain = v_.kind == tokenizer_kind::sentencepiece && v_.kinds[id] == token_kind::user_defined;
    return plain ? unescape_spaces(v_.tokens[id]) : v_.tokens[id];
  }

  [[nodiscard]] json added_tokens() const {
    json list = json::array();
    for (std::size_t id = 0; id < v_.tokens.size(); ++id) {
      if (!is_added(id) || v_.tokens[id].empty()) continue;
      list.push_back({{"id", id},
                      {"content", text_of(id)},
                      {"single_word", false},
                      {"lstrip", false},
                      {"rstrip", false},
                      {"normalized", false},
                      {"special", v_.kinds[id] != token_kind::user_defined}});
    }
    return list;
  }

  [[nodiscard]] json spaces_normalizer() const {
    const json escape = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", sentencepiece_space}};
    if (!v_.add_space_prefix) return escape;
    return {{"type", "Sequence"},
            {"normalizers", json::array({{{"type", "Prepend"}, {"prepend", sentencepiece_space}}, escape})}};
  }

  [[nodiscard]] json spaces_decoder() const {
    json steps = json::array({{{"type", "Replace"}, {"pattern", {{"String", sentencepiece_space}}}, {"content", " "}},
                              {{"type", "ByteFallback"}},
                              {{"type", "Fuse"}}});
    if (v_.add_space_prefix) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    return {{"type", "Sequence"}, {"decoders", std::move(steps)}};
  }

  [[nodiscard]] static json byte_level(bool regex = true) {
    return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", regex}};
  }
  [[nodiscard]] static json isolated(std::string_view regex) {
    return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
  }
  [[nodiscard]] static json sequence(json first, json second) {
    return {{"type", "Sequence"}, {"pretokenizers", json::array({std::move(first), std::move(second)})}};
  }

  [[nodiscard]] json byte_level_pre_tokenizer() const {
    switch (pre_tokenizer_by_name(v_.pre_tokenizer)) {
      case pre_tokenizer_kind::gpt2: break;
      case pre_tokenizer_kind::smollm: return sequence({{"type", "Digits"}, {"individual_digits", true}}, byte_level());
      case pre_tokenizer_kind::llama_bpe:
        return sequence(isolated(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
                                 R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
                        byte_level(false));
      case pre_tokenizer_kind::qwen2:
        return sequence(isolated(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                                 R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
                        byte_level(false));
      default:
        fail<config_error>("tokenizer.json: pre-tokenizer", "one that splits as gpt-2, smollm, llama-bpe or qwen2",
                           printable(v_.pre_tokenizer));
    }
    return byte_level();
  }

  /// bos and eos around a text and around a pair of texts, if the vocabulary adds them.
  [[nodiscard]] json post_processor() const {
    const bool bos = v_.add_bos && v_.bos != no_token, eos = v_.add_eos && v_.eos != no_token;
    if (!bos && !eos) return v_.kind == tokenizer_kind::sentencepiece ? json() : byte_level();
    json tokens = json::object();
    const auto around = [&](json& list, token_id token, int sequence) {
      const std::string text = text_of(static_cast<std::size_t>(token));
      list.push_back({{"SpecialToken", {{"id", text}, {"type_id", sequence}}}});
      tokens[text] = {{"id", text}, {"ids", {token}}, {"tokens", {text}}};
    };
    const auto add = [&](json& list, const char* name, int sequence) {
      if (bos) around(list, v_.bos, sequence);
      list.push_back({{"Sequence", {{"id", name}, {"type_id", sequence}}}});
      if (eos) around(list, v_.eos, sequence);
    };
    json single = json::array(), pair = json::array();
    add(single, "A", 0);
    add(pair, "A", 0);
    add(pair, "B", 1);
    return {{"type", "TemplateProcessing"},
            {"single", std::move(single)},
            {"pair", std::move(pair)},
            {"special_tokens", std::move(tokens)}};
  }

  [[nodiscard]] json model(bool sentencepiece) const {
    json vocab = json::object();
    // Looking a key up in an ordered object takes as long as it has keys, so they are told apart here.
    auto& entries = vocab.get_ref<json::object_t&>();
    std::unordered_set<std::string, keyed_text_hash, std::equal_to<>> known;
    for (std::size_t id = 0; id < v_.tokens.size(); ++id) {
      if (v_.tokens[id].empty()) continue;  // an id that nothing names
      std::string text = text_of(id);
      if (known.insert(text).second) entries.emplace_back(std::move(text), id);
    }
    json merges = json::array();
    if (sentencepiece) {
      add_merges_of_scores(merges);
    } else {
      for (const auto& [left, right] : v_.merges) merges.push_back({left, right});
    }
    const bool has_unk = sentencepiece && v_.unk != no_token;
    return {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", has_unk ? json(v_.tokens[static_cast<std::size_t>(v_.unk)]) : json()},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", sentencepiece},
            {"byte_fallback", sentencepiece},
            {"ignore_merges", v_.ignore_merges},
            {"vocab", std::move(vocab)},
            {"merges", std::move(merges)}};
  }

  /// Every way to make a piece out of two others, the piece with the best score first: SentencePiece joins the pair
  /// whose joined piece has the best score. Source: transformers, `generate_merges`, whose order of one piece's ways
  /// this is.
  void add_merges_of_scores(json& merges) const {
    std::unordered_map<std::string_view, std::size_t, keyed_text_hash, std::equal_to<>> id_of;
    for (std::size_t id = 0; id < v_.tokens.size(); ++id) {
      const token_kind kind = v_.kinds[id];
      const bool joins =
          kind == token_kind::normal || (kind == token_kind::user_defined && text_of(id) == v_.tokens[id]);
      if (joins && !v_.tokens[id].empty()) id_of.emplace(v_.tokens[id], id);
    }
    struct way {
      float score;
      std::string_view left, right;
    };
    std::vector<way> ways;
    for (std::size_t id = 0; id < v_.tokens.size(); ++id) {
      const std::string_view text = v_.tokens[id];
      if (const auto found = id_of.find(text); found == id_of.end() || found->second != id) continue;
      for (std::size_t cut = 1; cut < text.size(); ++cut) {
        const std::string_view left = text.substr(0, cut), right = text.substr(cut);
        if (id_of.contains(left) && id_of.contains(right)) ways.push_back({v_.scores[id], left, right});
      }
    }
    std::stable_sort(ways.begin(), ways.end(), [](const way& a, const way& b) {
      return std::tuple(a.score, a.left.size(), a.right.size()) > std::tuple(b.score, b.left.size(), b.right.size());
    });
    for (const way& one : ways) merges.push_back({one.left, one.right});
  }

  token_table table_;  // checked, with the kinds that the tokenizers take
  const vocabulary& v_;
};

/// @throws config_error  the document has a text that is not UTF-8, which JSON cannot hold
[[nodiscard]] inline std::string tokenizer_text(const nlohmann::ordered_json& document) {
  try {
    return document.dump(1) + "\n";
  } catch (const nlohmann::json::exception& problem) {
    fail<config_error>("tokenizer files", "texts in UTF-8", printable(problem.what()));
  }
}

}  // namespace detail

QUIPU_INLINE std::string tokenizer_json_text(const vocabulary& source) {
  if (source.kind == tokenizer_kind::none) fail<config_error>("tokenizer.json", "a vocabulary", "none");
  return detail::tokenizer_text(detail::tokenizer_json_writer(source).document());
}

QUIPU_INLINE std::string tokenizer_config_text(const vocabulary& source) {
  if (source.kind == tokenizer_kind::none) fail<config_error>("tokenizer_config.json", "a vocabulary", "none");
  nlohmann::ordered_json document = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                     {"clean_up_tokenization_spaces", false},
                                     {"add_bos_token", source.add_bos},
                                     {"add_eos_token", source.add_eos}};
  const auto token = [&](const char* name, token_id id) {
    if (id != no_token) document[name] = source.tokens.at(static_cast<std::size_t>(id));
  };
  token("bos_token", source.bos);
  token("eos_token", source.eos);
  token("unk_token", source.unk);
  token("pad_token", source.pad);
  if (!source.chat_template.empty()) document["chat_template"] = source.chat_template;
  return detail::tokenizer_text(document);
}

}  // namespace quipu::text
