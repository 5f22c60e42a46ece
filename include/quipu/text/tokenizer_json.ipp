// What tokenizer_json.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/json_text.hpp>  // parse_json
#include <quipu/core/keyed_hash.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>  // byte_of_piece
#include <quipu/text/tokenizer_json.hpp>
#include <quipu/text/tokenizer_json_fields.hpp>
#include <quipu/text/tokenizer_json_steps.hpp>
#include <quipu/text/utf8.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

namespace detail {

/// Reads one tokenizer.json; the members are its parts, in the order in which they are read.
class tokenizer_json_reader {
 public:
  tokenizer_json_reader(const nlohmann::json& root, std::string place) : root_(root), fields_(std::move(place)) {}

  vocabulary read() {
    fields_.only(root_, "",
                 {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                  "decoder", "model"});
    const json& model = fields_.object(root_, "model", "model");
    const std::string type = fields_.string(model, "type", "model.type", "BPE");  // the first versions wrote no type
    if (type != "BPE") fields_.refuse("model.type", "'BPE'", printable(type));
    fields_.only(model, "model",
                 {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                  "byte_fallback", "ignore_merges", "vocab", "merges"});
    check_model(model);
    result_.matching = token_matching::leftmost_longest;
    tokenizer_json_rules rules = tokenizer_json_steps(fields_).read(root_);
    const bool byte_fallback = fields_.flag(model, "byte_fallback", "model.byte_fallback");
    check_kind(rules, byte_fallback);
    result_.kind = rules.byte_level ? tokenizer_kind::byte_level_bpe : tokenizer_kind::sentencepiece;
    read_tokens(model, byte_fallback);
    read_merges(model);
    result_.ignore_merges = fields_.flag(model, "ignore_merges", "model.ignore_merges");
    result_.fuse_unk = fields_.flag(model, "fuse_unk", "model.fuse_unk");
    result_.drop_first_space = tokenizer_json_steps(fields_).drops_first_space(root_, rules);
    if (rules.byte_level) {
      result_.strict_bytes = true;
      result_.pre_tokenizer = known_name(rules.form);
    } else {
      result_.ranked_merges = true;
      result_.add_space_prefix = rules.prefix;
      score_pieces();
    }
    result_.normalizers = std::move(rules.normalizers);
    // Two of the known forms are one pattern by name, and mean the same.
    if (result_.pre_tokenizer != "gpt-2" && result_.pre_tokenizer != "smollm") result_.splits = std::move(rules.splits);
    if (root_.contains("post_processor")) read_post_processor(root_["post_processor"], "post_processor", 0);
    for (const char* key : {"truncation", "padding"}) {
      if (tokenizer_json_fields::present(root_, key))
        result_.warnings.push_back(concat(fields_.at(key), " is left to the caller, not applied"));
    }
    return std::move(result_);
  }

 private:
  using json = nlohmann::json;

  [[nodiscard]] token_id find(const std::string& text) const {
    const auto found = std::find(result_.tokens.begin(), result_.tokens.end(), text);
    return found == result_.tokens.end() ? no_token : static_cast<token_id>(found - result_.tokens.begin());
  }

  void check_model(const json& model) const {
    if (tokenizer_json_fields::present(model, "dropout") && model["dropout"] != 0)
      fields_.refuse("model.dropout", "none: ids would be random", printable(model["dropout"].dump(-1, ' ', true)));
    for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const std::string key = concat("model.", name);
      const std::string value = fields_.string(model, name, key);
      if (!value.empty()) fields_.refuse(key, "none", printable(value));
    }
  }

  void check_kind(const tokenizer_json_rules& rules, bool byte_fallback) const {
    if (rules.byte_level) {
      if (byte_fallback) fields_.refuse("model.byte_fallback", "false beside ByteLevel", "true");
      return;
    }
    if (rules.blanks_spelled) return;
    const std::string& before = rules.normalizer_types;
    const std::string& after = rules.pre_tokenizer_types;
    if (byte_fallback || !before.empty()) {
      fields_.refuse("normalizer", "spaces replaced by U+2581, or ByteLevel as the pre-tokenizer",
                     before.empty() ? "none of that" : printable(before));
    }
    fields_.refuse("pre_tokenizer", "ByteLevel or Metaspace", after.empty() ? "none" : printable(after));
  }

  void read_tokens(const json& model, bool byte_fallback) {
    const json& vocab = fields_.object(model, "vocab", "model.vocab");
    const json none = json::array();
    const json& added = tokenizer_json_fields::present(root_, "added_tokens")
                            ? fields_.array(root_, "added_tokens", "added_tokens")
                            : none;
    std::size_t n_vocab = 0;
    for (const auto& [text, value] : vocab.items()) n_vocab = std::max(n_vocab, fields_.id(value, "model.vocab") + 1);
    for (const json& token : added) {
      if (!token.is_object() || !token.contains("id"))
        fail<format_error>(fields_.at("added_tokens"), "objects with an id", token.type_name());
      n_vocab = std::max(n_vocab, fields_.id(token["id"], "added_tokens.id") + 1);
    }
    const std::size_t named = vocab.size() + added.size();
    if (n_vocab > 2 * named + 1024) {
      fail<format_error>(fields_.at("ids"), concat("mostly consecutive numbers for ", named, " tokens"), n_vocab - 1);
    }
    result_.tokens.resize(n_vocab);
    result_.kinds.assign(n_vocab, token_kind::unused);  // ids that nothing names stay so
    for (const auto& [text, value] : vocab.items()) {
      const bool is_byte = byte_fallback && byte_of_piece(text) >= 0;
      name(fields_.id(value, "model.vocab"), text, is_byte ? token_kind::byte : token_kind::normal);
    }
    read_added(added, vocab);
    const std::string unk = fields_.string(model, "unk_token", "model.unk_token");
    if (!unk.empty()) {
      result_.unk = find(unk);
      if (result_.unk == no_token)
        fail<format_error>(fields_.at("model.unk_token"), "a token", "a text that is none");
      if (result_.kind == tokenizer_kind::sentencepiece)
        result_.kinds[static_cast<std::size_t>(result_.unk)] = token_kind::unknown;
    }
  }

  void name(std::size_t token, const std::string& text, token_kind kind) {
    std::string& place = result_.tokens[token];
    if (result_.kinds[token] != token_kind::unused && place != text) {
      fail<format_error>(fields_.at(concat("token ", token)), "one text", "two");
    }
    place = text;
    result_.kinds[token] = kind;
  }

  void read_added(const json& added, const json& vocab) {
    std::unordered_set<std::string, keyed_text_hash, std::equal_to<>> seen;
    std::size_t next = vocab.size();  // the number that tokenizers gives a token which the model lacks
    for (const json& token : added) {
      fields_.only(token, "added_tokens",
                   {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
      const std::string text = fields_.string(token, "content", "added_tokens.content");
      const std::size_t id = fields_.id(token["id"], "added_tokens.id");
      const auto flag = [&](const char* field) { return fields_.flag(token, field, concat("added_tokens.", field)); };
      if (!seen.insert(text).second)
        fail<format_error>(fields_.at("added_tokens.content"), "every text once", concat(printable(text), " twice"));
      name(id, text, flag("special") ? token_kind::control : token_kind::user_defined);
      const added_token manners{static_cast<token_id>(id), flag("lstrip"), flag("rstrip"), flag("single_word"),
                                flag("normalized")};
      if (manners.lstrip || manners.rstrip || manners.single_word || manners.normalized)
        result_.added.push_back(manners);
      const auto in_model = vocab.find(text);
      if (in_model == vocab.end()) {
        result_.added_only.push_back(static_cast<token_id>(id));
        if (id != next && !text.empty()) {
          result_.warnings.push_back(concat(fields_.at("added_tokens.id"), " ", id,
                                            ": kept, where tokenizers would number that token ", next));
        }
        next = std::max(next, id) + 1;
      } else if (*in_model != token["id"]) {
        fail<format_error>(fields_.at("added_tokens.id"), concat("the model's id of ", printable(text)), id);
      }
    }
  }

  void read_merges(const json& model) {
    const json& vocab = model["vocab"];
    for (const json& merge : fields_.array(model, "merges", "model.merges")) {
      std::pair<std::string, std::string> pair;
      if (merge.is_string()) {
        const auto& both = merge.get_ref<const std::string&>();
        const std::size_t gap = both.find(' ');
        if (gap != std::string::npos) pair = {both.substr(0, gap), both.substr(gap + 1)};
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        pair = {merge[0].get<std::string>(), merge[1].get<std::string>()};
      }
      const std::string key = concat("model.merges ", result_.merges.size());
      if (pair.first.empty() || pair.second.empty())
        fail<format_error>(fields_.at(key), "two symbols", merge.type_name());
      if (!vocab.contains(pair.first) || !vocab.contains(pair.second) || !vocab.contains(pair.first + pair.second)) {
        fail<format_error>(fields_.at(key), "tokens of model.vocab",
                           concat(printable(pair.first), " and ", printable(pair.second)));
      }
      result_.merges.push_back(std::move(pair));
    }
  }

  // GGUF's name of a pre-tokenizer, if it has one.
  [[nodiscard]] static std::string known_name(const std::string& form) {
    for (const auto& [known, name] : known_forms) {
      if (form == known) return std::string(name);
    }
    return {};
  }

  void score_pieces() {
    std::unordered_map<std::string, std::size_t, keyed_text_hash, std::equal_to<>> rank_of;
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
  }

  void read_post_processor(const json& processor, const std::string& key, int depth) {
    if (processor.is_null()) return;
    if (!processor.is_object()) fail<format_error>(fields_.at(key), "an object", processor.type_name());
    const std::string type = fields_.string(processor, "type", key + ".type");
    if (type == "Sequence") {
      if (depth == 16) fields_.refuse(key, "sequences at most 16 deep", "deeper ones");
      for (const json& step : fields_.array(processor, "processors", key + ".processors"))
        read_post_processor(step, key, depth + 1);
    } else if (type == "TemplateProcessing") {
      read_template(processor, key);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      add_around(pair_id(processor, "cls", key), false, key);
      add_around(pair_id(processor, "sep", key), true, key);
    } else if (type != "ByteLevel") {  // which moves offsets alone
      fields_.refuse(key, "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence",
                     printable(type));
    }
  }

  [[nodiscard]] token_id pair_id(const json& processor, const char* field, const std::string& key) const {
    const json& pair = fields_.array(processor, field, concat(key, ".", field));
    if (pair.size() != 2) fail<format_error>(fields_.at(concat(key, ".", field)), "a token and its id", pair.size());
    return checked(fields_.id(pair[1], concat(key, ".", field)), key);
  }
  [[nodiscard]] token_id checked(std::size_t id, const std::string& key) const {
    if (id >= result_.tokens.size()) fail<format_error>(fields_.at(key), "ids of the vocabulary", id);
    return static_cast<token_id>(id);
  }

  void add_around(token_id token, bool after, const std::string& key) {
    bool& there = after ? result_.add_eos : result_.add_bos;
    if (there) fields_.refuse(key, "one token before the text and one after it", "more");
    there = true;
    (after ? result_.eos : result_.bos) = token;
  }

  // TemplateProcessing names the special tokens before and after the text.
  void read_template(const json& processor, const std::string& key) {
    bool after = false;
    const json& single = fields_.array(processor, "single", key + ".single");
    for (const json& item : single) {
      if (item.contains("Sequence")) {
        if (after) fields_.refuse(key + ".single", "the text once", "more often");
        after = true;
      }
      if (!item.contains("SpecialToken")) continue;
      const json& special = fields_.object(item, "SpecialToken", key + ".single");
      const std::string id = fields_.string(special, "id", key + ".single");
      add_around(template_token(processor, id, key), after, key + ".single");
    }
    if (!after && !single.empty()) fields_.refuse(key + ".single", "the text", "special tokens alone");
  }

  [[nodiscard]] token_id template_token(const json& processor, const std::string& name, const std::string& key) const {
    const auto known = processor.find("special_tokens");
    if (known != processor.end() && known->is_object() && known->contains(name)) {
      const json& ids = fields_.array((*known)[name], "ids", key + ".special_tokens.ids");
      if (ids.size() != 1) fields_.refuse(key + ".special_tokens.ids", "one id", printable(ids.dump(-1, ' ', true)));
      return checked(fields_.id(ids[0], key + ".special_tokens.ids"), key + ".special_tokens.ids");
    }
    const token_id token = find(name);
    if (token == no_token) fail<format_error>(fields_.at(key), "special tokens of the vocabulary", "another");
    return token;
  }

  // What `tokenizer_json_rules::form` is for the files of the models that each name stands for.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> known_forms = {{
      {"ByteLevel(regex)", "gpt-2"},
      {"Digits + ByteLevel(regex)", "smollm"},
      {R"(Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+) + ByteLevel)",
       "llama-bpe"},
      {R"(Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+) + ByteLevel)",
       "qwen2"},
  }};

  const json& root_;
  tokenizer_json_fields fields_;
  vocabulary result_;
};

}  // namespace detail

QUIPU_INLINE vocabulary parse_tokenizer_json(std::string_view text, const std::string& place) {
  const nlohmann::json root = parse_json(text, place);
  if (!root.is_object()) fail<format_error>(place, "an object", root.type_name());
  vocabulary read = detail::tokenizer_json_reader(root, place).read();
  read.place = place;
  return read;
}

QUIPU_INLINE vocabulary read_tokenizer_json(const std::string& path) {
  const mapped_file file(path);
  return parse_tokenizer_json(file.text(), path);
}

}  // namespace quipu::text
