/// @file Reads tokenizer.json, the format of Hugging Face's tokenizers library, if it holds a
/// BPE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <quipu/core/error.hpp>      // format_error
#include <quipu/core/json_text.hpp>  // parse_json
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/sentencepiece_bpe.hpp>  // byte_of_piece, sentencepiece_space
#include <quipu/text/utf8.hpp>
#include <quipu/text/vocabulary.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quipu::text {

/// Parses the text of a tokenizer.json.
///
/// Byte-level models give `byte_level_bpe` with the name of their pre-tokenizer; models with byte
/// fallback (Llama 2) give `sentencepiece`, a piece's score being minus the rank of the merge that
/// makes it. bos and eos are known as far as the post-processor adds them; tokenizer_config.json
/// says the rest. Unicode normal form C, which Qwen2 asks for, is the caller's to apply.
/// @param place  name of the file, for the errors
/// @throws format_error  no such file, or parts that the library does not have, each named
[[nodiscard]] vocabulary parse_tokenizer_json(std::string_view text, const std::string& place);

/// Reads a tokenizer.json.
/// @throws io_error      the file cannot be read
/// @throws format_error  see `parse_tokenizer_json`
[[nodiscard]] inline vocabulary read_tokenizer_json(const std::string& path) {
  const mapped_file file(path);
  return parse_tokenizer_json(file.text(), path);
}

namespace detail {

/// Reads one tokenizer.json; the members are its parts, in the order in which they are read.
class tokenizer_json_reader {
 public:
  tokenizer_json_reader(const nlohmann::json& root, std::string place)
      : root_(root), place_(std::move(place)) {}

  vocabulary read() {
    const nlohmann::json& model = object(root_, "model");
    const std::string type = string(model, "type", "BPE");  // the first versions wrote no type
    if (type != "BPE") fail<format_error>(at("model.type"), "'BPE'", concat("'", type, "'"));
    read_tokens(model);
    read_merges(model);
    result_.ignore_merges = flag(model, "ignore_merges");
    if (flag(model, "byte_fallback")) {
      result_.kind = tokenizer_kind::sentencepiece;
      read_spaces();
      score_pieces();
    } else {
      result_.kind = tokenizer_kind::byte_level_bpe;
      check_byte_level_normalizer();
      result_.pre_tokenizer = pre_tokenizer_name();
    }
    if (root_.contains("post_processor")) read_post_processor(root_["post_processor"]);
    return std::move(result_);
  }

 private:
  using json = nlohmann::json;

  [[nodiscard]] std::string at(std::string_view field) const { return concat(place_, ": ", field); }

  [[nodiscard]] const json& object(const json& parent, const char* name) const {
    const auto found = parent.find(name);
    if (found == parent.end() || !found->is_object())
      fail<format_error>(at(name), "an object", "none");
    return *found;
  }
  [[nodiscard]] const json& array(const json& parent, const char* name) const {
    const auto found = parent.find(name);
    if (found == parent.end() || !found->is_array())
      fail<format_error>(at(name), "an array", "none");
    return *found;
  }
  [[nodiscard]] std::string string(const json& parent, const char* name,
                                   const char* otherwise) const {
    const auto found = parent.find(name);
    if (found == parent.end() || found->is_null()) return otherwise;
    if (!found->is_string()) fail<format_error>(at(name), "a string", found->type_name());
    return found->get<std::string>();
  }
  [[nodiscard]] bool flag(const json& parent, const char* name) const {
    const auto found = parent.find(name);
    if (found == parent.end() || found->is_null()) return false;
    if (!found->is_boolean()) fail<format_error>(at(name), "true or false", found->type_name());
    return found->get<bool>();
  }
  [[nodiscard]] std::size_t id(const json& value, std::string_view field) const {
    if (!value.is_number_unsigned()) fail<format_error>(at(field), "an id", value.type_name());
    const auto number = value.get<std::uint64_t>();
    if (number > 0x7FFFFFFF) fail<format_error>(at(field), "an id below 2^31", number);
    return static_cast<std::size_t>(number);
  }
  [[nodiscard]] token_id find(const std::string& text) const {
    const auto found = std::find(result_.tokens.begin(), result_.tokens.end(), text);
    return found == result_.tokens.end() ? no_token
                                         : static_cast<token_id>(found - result_.tokens.begin());
  }

  void read_tokens(const json& model) {
    const json& vocab = object(model, "vocab");
    const bool has_added = root_.contains("added_tokens") && !root_["added_tokens"].is_null();
    const json none = json::array();
    const json& added = has_added ? array(root_, "added_tokens") : none;
    std::size_t n_vocab = 0;
    for (const auto& [text, value] : vocab.items())
      n_vocab = std::max(n_vocab, id(value, "model.vocab") + 1);
    for (const json& token : added) {
      if (!token.is_object() || !token.contains("id"))
        fail<format_error>(at("added_tokens"), "objects with an id", token.type_name());
      n_vocab = std::max(n_vocab, id(token["id"], "added_tokens.id") + 1);
    }
    const std::size_t named = vocab.size() + added.size();
    if (n_vocab > 2 * named + 1024) {
      fail<format_error>(at("ids"), concat("mostly consecutive numbers for ", named, " tokens"),
                         n_vocab - 1);
    }
    result_.tokens.resize(n_vocab);
    result_.kinds.assign(n_vocab, token_kind::unused);  // ids that nothing names stay so
    const auto name = [&](std::size_t token, const std::string& text, token_kind kind) {
      std::string& place = result_.tokens[token];
      if (result_.kinds[token] != token_kind::unused && place != text) {
        fail<format_error>(at(concat("token ", token)), "one text", "two");
      }
      place = text;
      result_.kinds[token] = kind;
    };
    const bool byte_fallback = flag(model, "byte_fallback");
    for (const auto& [text, value] : vocab.items()) {
      const bool is_byte = byte_fallback && byte_of_piece(text) >= 0;
      name(id(value, "model.vocab"), text, is_byte ? token_kind::byte : token_kind::normal);
    }
    for (const json& token : added) {
      name(id(token["id"], "added_tokens.id"), string(token, "content", ""),
           flag(token, "special") ? token_kind::control : token_kind::user_defined);
    }
    const std::string unk = string(model, "unk_token", "");
    if (!unk.empty()) {
      result_.unk = find(unk);
      if (result_.unk == no_token)
        fail<format_error>(at("model.unk_token"), "a token", "a text that is none");
      if (byte_fallback) result_.kinds[result_.unk] = token_kind::unknown;
    }
  }

  void read_merges(const json& model) {
    for (const json& merge : array(model, "merges")) {
      std::pair<std::string, std::string> pair;
      if (merge.is_string()) {
        const auto& both = merge.get_ref<const std::string&>();
        const std::size_t gap = both.find(' ');
        if (gap != std::string::npos) pair = {both.substr(0, gap), both.substr(gap + 1)};
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                 merge[1].is_string()) {
        pair = {merge[0].get<std::string>(), merge[1].get<std::string>()};
      }
      if (pair.first.empty() || pair.second.empty()) {
        fail<format_error>(at(concat("model.merges ", result_.merges.size())), "two symbols",
                           merge.type_name());
      }
      result_.merges.push_back(std::move(pair));
    }
  }

  // A normalizer or pre-tokenizer and, if it is a Sequence, its members.
  [[nodiscard]] std::vector<json> steps(const char* part, const char* members) const {
    const auto found = root_.find(part);
    if (found == root_.end() || found->is_null()) return {};
    if (!found->is_object()) fail<format_error>(at(part), "an object", found->type_name());
    if (string(*found, "type", "") != "Sequence") return {*found};
    std::vector<json> all;
    for (const json& step : array(*found, members)) {
      if (!step.is_object()) fail<format_error>(at(part), "objects", step.type_name());
      all.push_back(step);
    }
    return all;
  }

  void check_byte_level_normalizer() const {
    for (const json& step : steps("normalizer", "normalizers")) {
      const std::string type = string(step, "type", "");
      if (type != "NFC")
        fail<format_error>(at("normalizer"), "none or 'NFC'", concat("'", type, "'"));
    }
  }

  [[nodiscard]] std::string pre_tokenizer_name() const {
    const std::vector<json> parts = steps("pre_tokenizer", "pretokenizers");
    std::string found;
    for (const json& step : parts) {
      const std::string type = string(step, "type", "");
      found += concat(found.empty() ? "" : " + ", type);
      if (type == "Split") found += concat("(", split_pattern(step), ")");
      if (type == "ByteLevel" && flag(step, "add_prefix_space")) found += "(add_prefix_space)";
      if (type == "Digits" && !flag(step, "individual_digits")) found += "(whole numbers)";
      if (type == "ByteLevel" && uses_regex(step)) found += "(regex)";
    }
    for (const auto& [form, name] : known_forms) {
      if (form == found) return std::string(name);
    }
    fail<format_error>(at("pre_tokenizer"), "that of gpt-2, llama-bpe, qwen2 or smollm",
                       found.empty() ? "none" : replace_invalid_utf8(found.substr(0, 300)));
  }

  [[nodiscard]] std::string split_pattern(const json& step) const {
    const json& pattern = object(step, "pattern");
    if (string(step, "behavior", "") != "Isolated" || flag(step, "invert")) return "not isolated";
    return string(pattern, "Regex", "no regex");
  }
  [[nodiscard]] bool uses_regex(const json& step) const {
    return !step.contains("use_regex") || flag(step, "use_regex");
  }

  // Spaces of a SentencePiece model: how the text is prepared, as a normalizer or as a
  // pre-tokenizer.
  void read_spaces() {
    bool escaped = false;
    for (const json& step : steps("normalizer", "normalizers")) {
      const std::string type = string(step, "type", "");
      if (type == "Prepend" && string(step, "prepend", "") == sentencepiece_space) {
        result_.add_space_prefix = true;
      } else if (type == "Replace" && string(step, "content", "") == sentencepiece_space &&
                 string(object(step, "pattern"), "String", "") == " ") {
        escaped = true;
      } else {
        fail<format_error>(at("normalizer"), "U+2581 prepended and for spaces",
                           concat("'", type, "'"));
      }
    }
    for (const json& step : steps("pre_tokenizer", "pretokenizers")) {
      const std::string type = string(step, "type", "");
      if (type != "Metaspace" || string(step, "replacement", "") != sentencepiece_space) {
        fail<format_error>(at("pre_tokenizer"), "none or 'Metaspace' with U+2581",
                           concat("'", type, "'"));
      }
      escaped = true;
      const std::string scheme =
          string(step, "prepend_scheme", flag(step, "add_prefix_space") ? "always" : "never");
      result_.add_space_prefix = result_.add_space_prefix || scheme != "never";
    }
    if (!escaped) fail<format_error>(at("normalizer"), "spaces replaced by U+2581", "none of that");
  }

  void score_pieces() {
    std::unordered_map<std::string, std::size_t> rank_of;
    for (std::size_t rank = 0; rank < result_.merges.size(); ++rank) {
      rank_of.emplace(result_.merges[rank].first + result_.merges[rank].second, rank);
    }
    result_.scores.assign(result_.tokens.size(), 0);
    for (std::size_t i = 0; i < result_.tokens.size(); ++i) {
      if (result_.kinds[i] != token_kind::normal) continue;
      const std::string& text = result_.tokens[i];
      const auto found = rank_of.find(text);
      if (found != rank_of.end()) {
        result_.scores[i] = -static_cast<float>(found->second);
      } else if (text.empty() || decode_utf8(text, 0).length < text.size()) {
        result_.kinds[i] = token_kind::unused;  // several characters that no merge joins
        result_.scores[i] = -static_cast<float>(result_.merges.size());
      }
    }
    result_.merges.clear();
  }

  // TemplateProcessing names the special tokens before and after the text.
  void read_post_processor(const json& processor) {
    if (processor.is_null()) return;
    if (!processor.is_object())
      fail<format_error>(at("post_processor"), "an object", processor.type_name());
    const std::string type = string(processor, "type", "");
    if (type == "Sequence") {
      for (const json& step : array(processor, "processors")) {
        if (string(step, "type", "") != "Sequence") read_post_processor(step);
      }
      return;
    }
    if (type != "TemplateProcessing") return;
    bool after = false;
    for (const json& item : array(processor, "single")) {
      if (item.contains("Sequence")) after = true;
      if (!item.contains("SpecialToken")) continue;
      const token_id token = find(string(object(item, "SpecialToken"), "id", ""));
      if (token == no_token)
        fail<format_error>(at("post_processor"), "special tokens of the vocabulary", "another");
      (after ? result_.eos : result_.bos) = token;
      (after ? result_.add_eos : result_.add_bos) = true;
    }
  }

  // What `pre_tokenizer_name` makes of the files of the models that each name stands for.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> known_forms = {{
      {"ByteLevel(regex)", "gpt-2"},
      {"Digits + ByteLevel(regex)", "smollm"},
      {R"(Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+) + ByteLevel)",
       "llama-bpe"},
      {R"(Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+) + ByteLevel)",
       "qwen2"},
  }};

  const json& root_;
  std::string place_;
  vocabulary result_;
};

}  // namespace detail

inline vocabulary parse_tokenizer_json(std::string_view text, const std::string& place) {
  const nlohmann::json root = parse_json(text, place);
  if (!root.is_object()) fail<format_error>(place, "an object", root.type_name());
  return detail::tokenizer_json_reader(root, place).read();
}

}  // namespace quipu::text
