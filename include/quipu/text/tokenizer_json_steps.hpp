/// @file Reads how a tokenizer.json prepares text: normalizer, pre-tokenizer and decoder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>  // concat
#include <quipu/core/printable.hpp>
#include <quipu/text/compiled_pattern.hpp>
#include <quipu/text/pattern_dialect.hpp>
#include <quipu/text/pre_tokenizer_names.hpp>  // GPT-2's pattern
#include <quipu/text/sentencepiece_pieces.hpp>
#include <quipu/text/text_rules.hpp>
#include <quipu/text/tokenizer_json_fields.hpp>

namespace quipu::text {

/// What `normalizer` and `pre_tokenizer` of a file come to.
struct tokenizer_json_rules {
  std::vector<normalizer_step> normalizers;
  std::vector<split_step> splits;
  bool byte_level = false;         ///< the last step spells words in bytes
  bool blanks_spelled = false;     ///< blanks become U+2581
  bool prefix = false;             ///< and one is put in front
  std::string normalizer_types{};  ///< for errors and for `form`
  std::string pre_tokenizer_types{};
  std::string form{};  ///< what the pre-tokenizer is made of, to compare with known ones
};

/// Reads these parts. Types as Hugging Face's tokenizers serialises them (normalizers/mod.rs, pre_tokenizers/mod.rs,
/// decoders/mod.rs). Applied are, of the normalizers, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend,
/// Replace and Sequence; of the pre-tokenizers ByteLevel, Split, Digits, Metaspace, Punctuation, Whitespace,
/// WhitespaceSplit, CharDelimiterSplit, BertPreTokenizer and Sequence. Others are refused by name.
class tokenizer_json_steps {
 public:
  using json = nlohmann::json;

  explicit tokenizer_json_steps(const tokenizer_json_fields& fields) : fields_(fields) {}

  /// @throws format_error  a part that the library does not have, by its name
  [[nodiscard]] tokenizer_json_rules read(const json& root) {
    if (tokenizer_json_fields::present(root, "normalizer"))
      read_normalizer(fields_.object(root, "normalizer", "normalizer"), "normalizer", 0);
    if (tokenizer_json_fields::present(root, "pre_tokenizer"))
      read_split(fields_.object(root, "pre_tokenizer", "pre_tokenizer"), "pre_tokenizer", 0);
    check_first();
    return std::move(rules_);
  }

  /// Does decoding leave out a blank in front? Refuses what decodes in another way than token by token.
  /// @throws format_error  such a decoder, by its name
  [[nodiscard]] bool drops_first_space(const json& root, const tokenizer_json_rules& rules) const {
    if (!tokenizer_json_fields::present(root, "decoder")) return rules.prefix;
    bool drops = false;
    read_decoder(fields_.object(root, "decoder", "decoder"), "decoder", rules.byte_level, 0, drops);
    return drops;
  }

 private:
  static constexpr int deepest = 16;  // sequences in sequences

  // To tokenizers several words begin where the text does if one was put in front before: not worth following.
  void check_first() const {
    bool prepends = false;
    for (const normalizer_step& step : rules_.normalizers) prepends = prepends || step.kind == normalizer_kind::prepend;
    for (std::size_t i = 1; prepends && i < rules_.splits.size(); ++i) {
      if (rules_.splits[i].scheme == prefix_scheme::first)
        fields_.refuse("pre_tokenizer.prepend_scheme", "always, never, or no Prepend before it", "'first'");
    }
  }

  static void append_type(std::string& types, const std::string& type) {
    types += concat(types.empty() ? "" : " + ", type);
  }

  void read_normalizer(const json& step, const std::string& key, int depth) {
    const std::string type = fields_.string(step, "type", key + ".type");
    using kind = normalizer_kind;
    const auto plain = [&](kind which) {
      fields_.only(step, key, {"type"});
      add(normalizer_step{.kind = which});
    };
    if (type != "Sequence") append_type(rules_.normalizer_types, type);
    if (type == "Sequence") {
      if (depth == deepest) fields_.refuse(key, "sequences at most 16 deep", "deeper ones");
      for (const json& one : fields_.array(step, "normalizers", key + ".normalizers")) {
        if (!one.is_object()) fail<format_error>(fields_.at(key), "objects", one.type_name());
        read_normalizer(one, key, depth + 1);
      }
    } else if (type == "NFC") {
      plain(kind::nfc);
    } else if (type == "NFD") {
      plain(kind::nfd);
    } else if (type == "NFKC") {
      plain(kind::nfkc);
    } else if (type == "NFKD") {
      plain(kind::nfkd);
    } else if (type == "Lowercase") {
      plain(kind::lowercase);
    } else if (type == "StripAccents") {
      plain(kind::strip_accents);
    } else if (type == "Strip") {
      fields_.only(step, key, {"type", "strip_left", "strip_right"});
      add(normalizer_step{.kind = kind::strip,
                          .left = fields_.flag(step, "strip_left", key + ".strip_left"),
                          .right = fields_.flag(step, "strip_right", key + ".strip_right")});
    } else if (type == "Prepend") {
      fields_.only(step, key, {"type", "prepend"});
      add(normalizer_step{.kind = kind::prepend, .content = fields_.string(step, "prepend", key + ".prepend")});
      if (rules_.normalizers.back().content == sentencepiece_space) rules_.prefix = true;
    } else if (type == "Replace") {
      read_replace(step, key);
    } else {
      fields_.refuse(key, "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace or Sequence",
                     printable(type));
    }
  }

  void read_replace(const json& step, const std::string& key) {
    fields_.only(step, key, {"type", "pattern", "content"});
    normalizer_step made{.kind = normalizer_kind::replace,
                         .content = fields_.string(step, "content", key + ".content")};
    const json& pattern = fields_.object(step, "pattern", key + ".pattern");
    fields_.only(pattern, key + ".pattern", {"String", "Regex"});
    if (pattern.contains("Regex")) {
      made.is_expression = true;
      made.pattern = expression(pattern, key);
      if (compiled_pattern(made.pattern, match_place::anywhere, fields_.at(key)).may_be_empty())
        fields_.refuse(key + ".pattern.Regex", "an expression that matches at least a character",
                       printable(pattern.dump(-1, ' ', true)));
    } else {
      made.pattern = fields_.string(pattern, "String", key + ".pattern.String");
      if (made.pattern.empty()) fields_.refuse(key + ".pattern.String", "at least a character", "none");
      if (made.pattern == " " && made.content == sentencepiece_space) rules_.blanks_spelled = true;
    }
    add(std::move(made));
  }

  // The expression of a pattern in PCRE2's syntax.
  [[nodiscard]] std::string expression(const json& pattern, const std::string& key) const {
    const std::string theirs = fields_.string(pattern, "Regex", key + ".pattern.Regex");
    std::string ours;
    std::string why;
    if (!pattern_dialect::to_pcre2(theirs, ours, why))
      fields_.refuse(key + ".pattern.Regex", concat("an expression without ", why), printable(theirs));
    try {
      (void)compiled_pattern(ours, match_place::anywhere, key);
    } catch (const config_error&) {
      fields_.refuse(key + ".pattern.Regex", "an expression that PCRE2 takes", printable(theirs));
    }
    return ours;
  }

  // Every text goes through all steps.
  static constexpr std::size_t most_steps = 256;

  void add(split_step step) {
    if (rules_.splits.size() == most_steps)
      fields_.refuse("pre_tokenizer", concat("at most ", most_steps, " steps"), "more");
    rules_.splits.push_back(std::move(step));
  }
  void add(normalizer_step step) {
    if (rules_.normalizers.size() == most_steps)
      fields_.refuse("normalizer", concat("at most ", most_steps, " steps"), "more");
    rules_.normalizers.push_back(std::move(step));
  }

  [[nodiscard]] split_behavior behavior(const json& step, const std::string& key, const char* otherwise) const {
    constexpr std::array<std::pair<std::string_view, split_behavior>, 5> names = {
        {{"Isolated", split_behavior::isolated},
         {"Removed", split_behavior::removed},
         {"MergedWithPrevious", split_behavior::merged_with_previous},
         {"MergedWithNext", split_behavior::merged_with_next},
         {"Contiguous", split_behavior::contiguous}}};
    const std::string name = fields_.string(step, "behavior", key + ".behavior", otherwise);
    for (const auto& [known, value] : names) {
      if (known == name) return value;
    }
    fields_.refuse(key + ".behavior", "Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous",
                   printable(name));
  }

  void read_split(const json& step, const std::string& key, int depth) {
    const std::string type = fields_.string(step, "type", key + ".type");
    if (rules_.byte_level) fields_.refuse(key, "nothing after ByteLevel", printable(type));
    const std::string blank = concat("[", white_space_class, "]");
    if (type == "Sequence") {
      if (depth == deepest) fields_.refuse(key, "sequences at most 16 deep", "deeper ones");
      for (const json& one : fields_.array(step, "pretokenizers", key + ".pretokenizers")) {
        if (!one.is_object()) fail<format_error>(fields_.at(key), "objects", one.type_name());
        read_split(one, key, depth + 1);
      }
      return;
    }
    append_type(rules_.pre_tokenizer_types, type);
    append_type(rules_.form, type);
    if (type == "ByteLevel") {
      fields_.only(step, key, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
      const bool prefix = fields_.flag(step, "add_prefix_space", key + ".add_prefix_space", true);
      const bool cuts = fields_.flag(step, "use_regex", key + ".use_regex", true);
      (void)fields_.flag(step, "trim_offsets", key + ".trim_offsets");  // says nothing about ids
      rules_.byte_level = true;
      rules_.form += concat(prefix ? "(prefix)" : "", cuts ? "(regex)" : "");
      if (!prefix && !cuts && !rules_.splits.empty()) return;
      add(split_step{.pattern = cuts ? pre_tokenizer_patterns(pre_tokenizer_kind::gpt2).front() : "",
                     .prefix = prefix ? " " : "",
                     .scheme = prefix ? prefix_scheme::always : prefix_scheme::never});
    } else if (type == "Split") {
      fields_.only(step, key, {"type", "pattern", "behavior", "invert"});
      const json& pattern = fields_.object(step, "pattern", key + ".pattern");
      fields_.only(pattern, key + ".pattern", {"String", "Regex"});
      const bool text = !pattern.contains("Regex");
      split_step made{.pattern = text ? quoted_pattern(fields_.string(pattern, "String", key + ".pattern.String"))
                                      : expression(pattern, key),
                      .behavior = behavior(step, key, ""),
                      .invert = fields_.flag(step, "invert", key + ".invert")};
      if (made.pattern.empty()) fields_.refuse(key + ".pattern", "at least a character", "none");
      const bool isolated = made.behavior == split_behavior::isolated && !made.invert && !text;
      rules_.form += isolated ? concat("(", fields_.string(pattern, "Regex", key), ")") : "(not isolated)";
      add(std::move(made));
    } else if (type == "Digits") {
      fields_.only(step, key, {"type", "individual_digits"});
      const bool single = fields_.flag(step, "individual_digits", key + ".individual_digits");
      if (!single) rules_.form += "(whole numbers)";
      add(split_step{.pattern = R"(\p{N})",
                     .behavior = single ? split_behavior::isolated : split_behavior::contiguous});
    } else if (type == "Metaspace") {
      read_metaspace(step, key);
    } else if (type == "Punctuation") {
      fields_.only(step, key, {"type", "behavior"});
      add(split_step{.pattern = R"([\p{P}$+<=>^`|~])", .behavior = behavior(step, key, "Isolated")});
    } else if (type == "Whitespace") {
      fields_.only(step, key, {"type"});
      const std::string word = R"(\p{L}\p{M}\p{Nl}\p{Nd}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149})"
                               R"(\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";
      add(split_step{.pattern = concat("[", word, "]+|[^", word, white_space_class, "]+"),
                     .behavior = split_behavior::removed,
                     .invert = true});
    } else if (type == "WhitespaceSplit") {
      fields_.only(step, key, {"type"});
      add(split_step{.pattern = blank, .behavior = split_behavior::removed});
    } else if (type == "BertPreTokenizer") {
      fields_.only(step, key, {"type"});
      add(split_step{.pattern = blank, .behavior = split_behavior::removed});
      add(split_step{.pattern = R"([\p{P}$+<=>^`|~])"});
    } else if (type == "CharDelimiterSplit") {
      fields_.only(step, key, {"type", "delimiter"});
      const std::string delimiter = fields_.string(step, "delimiter", key + ".delimiter");
      if (delimiter.empty()) fields_.refuse(key + ".delimiter", "a character", "none");
      add(split_step{.pattern = quoted_pattern(delimiter), .behavior = split_behavior::removed});
    } else {
      fields_.refuse(key,
                     "ByteLevel, Split, Digits, Metaspace, Punctuation, Whitespace, WhitespaceSplit, "
                     "CharDelimiterSplit, BertPreTokenizer or Sequence",
                     printable(type));
    }
  }

  [[nodiscard]] prefix_scheme scheme(const json& step, const std::string& key) const {
    const std::string name = fields_.string(step, "prepend_scheme", key + ".prepend_scheme", "always");
    const bool prefix = fields_.flag(step, "add_prefix_space", key + ".add_prefix_space", true);
    if (!prefix && step.contains("prepend_scheme") && name != "never")
      fields_.refuse(key + ".add_prefix_space", concat("true, as prepend_scheme is '", name, "'"), "false");
    if (!prefix || name == "never") return prefix_scheme::never;
    if (name == "first") return prefix_scheme::first;
    if (name != "always") fields_.refuse(key + ".prepend_scheme", "always, first or never", printable(name));
    return prefix_scheme::always;
  }

  void read_metaspace(const json& step, const std::string& key) {
    fields_.only(step, key, {"type", "replacement", "prepend_scheme", "add_prefix_space", "split", "str_rep"});
    const std::string mark = fields_.string(step, "replacement", key + ".replacement", "\xE2\x96\x81");
    if (mark != sentencepiece_space) fields_.refuse(key + ".replacement", "U+2581", printable(mark));
    const prefix_scheme where = scheme(step, key);
    rules_.blanks_spelled = true;
    rules_.prefix = rules_.prefix || where != prefix_scheme::never;
    const bool cuts = fields_.flag(step, "split", key + ".split", true);
    add(split_step{.pattern = cuts ? std::string(sentencepiece_space) : "",
                   .behavior = split_behavior::merged_with_next,
                   .blank = mark,
                   .prefix = mark,
                   .scheme = where});
  }

  void read_decoder(const json& step, const std::string& key, bool byte_level, int depth, bool& drops) const {
    const std::string type = fields_.string(step, "type", key + ".type");
    if (type == "Sequence") {
      if (depth == deepest) fields_.refuse(key, "sequences at most 16 deep", "deeper ones");
      for (const json& one : fields_.array(step, "decoders", key + ".decoders")) {
        if (!one.is_object()) fail<format_error>(fields_.at(key), "objects", one.type_name());
        read_decoder(one, key, byte_level, depth + 1, drops);
      }
      return;
    }
    if (type == "Fuse") return;
    if (byte_level) {
      if (type != "ByteLevel") fields_.refuse(key, "ByteLevel, as the pre-tokenizer", printable(type));
      return;
    }
    if (type == "ByteFallback") return;
    if (type == "Replace") {
      const json& pattern = fields_.object(step, "pattern", key + ".pattern");
      if (fields_.string(pattern, "String", key + ".pattern.String") == sentencepiece_space &&
          fields_.string(step, "content", key + ".content") == " ")
        return;
      fields_.refuse(key + ".pattern", "U+2581 replaced by a blank", printable(step.dump(-1, ' ', true)));
    }
    if (type == "Strip") {
      const bool one = fields_.count(step, "start", key + ".start") <= 1;
      if (fields_.string(step, "content", key + ".content") != " " || !one ||
          fields_.count(step, "stop", key + ".stop") != 0)
        fields_.refuse(key, "one blank in front stripped", printable(step.dump(-1, ' ', true)));
      drops = drops || fields_.count(step, "start", key + ".start") == 1;
      return;
    }
    if (type == "Metaspace") {
      if (fields_.string(step, "replacement", key + ".replacement", "\xE2\x96\x81") != sentencepiece_space)
        fields_.refuse(key + ".replacement", "U+2581", printable(step.dump(-1, ' ', true)));
      drops = drops || scheme(step, key) != prefix_scheme::never;
      return;
    }
    fields_.refuse(key, "Replace, ByteFallback, Fuse, Strip, Metaspace or Sequence", printable(type));
  }

  const tokenizer_json_fields& fields_;
  tokenizer_json_rules rules_;
};

}  // namespace quipu::text
