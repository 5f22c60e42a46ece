// What wordpiece.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <utf8proc.h>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/utf8.hpp>
#include <quipu/text/wordpiece.hpp>

namespace quipu::text {

inline token_id wordpiece::special(const char* name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end()) fail<format_error>("wordpiece: vocabulary", concat("a token ", name), "none");
  return found->second;
}

QUIPU_INLINE wordpiece::wordpiece(const std::vector<std::string>& tokens, wordpiece_options options)
    : options_(std::move(options)), n_vocab_(tokens.size()) {
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (id > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
      throw format_error("wordpiece: too many tokens");
    if (!tokens[id].empty() && !ids_.emplace(tokens[id], static_cast<token_id>(id)).second) {
      fail<format_error>("wordpiece: vocabulary", "every token once", concat(printable(tokens[id]), " twice"));
    }
  }
  cls_ = special("[CLS]");
  sep_ = special("[SEP]");
  unknown_ = special("[UNK]");
}

QUIPU_INLINE wordpiece wordpiece::from_tokenizer_json(const std::string& path) {
  const mapped_file bytes(path);
  const nlohmann::json file = parse_json(bytes.text(), path);
  const auto object = [&](const nlohmann::json& parent, const char* name) -> const nlohmann::json& {
    static const nlohmann::json none = nlohmann::json::object();
    if (!parent.is_object()) return none;
    const auto found = parent.find(name);
    return found == parent.end() || !found->is_object() ? none : *found;
  };
  const nlohmann::json& model = object(file, "model");
  const nlohmann::json& vocabulary = object(model, "vocab");
  if (model.value("type", nlohmann::json("WordPiece")) != "WordPiece" || vocabulary.empty()) {
    fail<format_error>(concat(path, ": model"), "WordPiece with a vocabulary", "something else");
  }
  std::vector<std::string> tokens(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= tokens.size()) {
      fail<format_error>(concat(path, ": vocab"), concat("ids below ", tokens.size()),
                         printable(id.dump(-1, ' ', true)));
    }
    std::string& place = tokens[static_cast<std::size_t>(id.get<std::uint64_t>())];
    if (!place.empty()) fail<format_error>(concat(path, ": vocab"), "every id once", printable(id.dump(-1, ' ', true)));
    place = token;
  }
  wordpiece_options options;
  const nlohmann::json& normalizer = object(file, "normalizer");
  const auto flag = [&](const char* name, bool otherwise) {
    const auto found = normalizer.find(name);
    return found != normalizer.end() && found->is_boolean() ? found->get<bool>() : otherwise;
  };
  options.lower_case = flag("lowercase", true);
  options.part_ideographs = flag("handle_chinese_chars", true);
  if (flag("strip_accents", options.lower_case) != options.lower_case) {
    fail<format_error>(concat(path, ": normalizer"), "strip_accents as lowercase", "another setting");
  }
  return wordpiece(tokens, options);
}

inline bool wordpiece::is_blank(std::int32_t code) noexcept {
  const utf8proc_category_t category = utf8proc_category(code);
  return (code >= '\t' && code <= '\r') || code == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

inline bool wordpiece::is_control(std::int32_t code) noexcept {
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CN ||
         category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_CS;
}

inline bool wordpiece::is_punctuation(std::int32_t code) noexcept {
  if (code < 0x80)
    return code > ' ' && code < 0x7f && !((code | 32) >= 'a' && (code | 32) <= 'z') && !(code >= '0' && code <= '9');
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return true;
    default: return false;
  }
}

inline bool wordpiece::is_ideograph(char32_t code) noexcept {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf) ||
         (code >= 0x20000 && code <= 0x2a6df) || (code >= 0x2a700 && code <= 0x2ceaf) ||
         (code >= 0xf900 && code <= 0xfaff) || (code >= 0x2f800 && code <= 0x2fa1f);
}

template <class End>
void wordpiece::add_characters(std::int32_t code, std::u32string& word, End&& end) const {
  utf8proc_int32_t parts[32];
  utf8proc_ssize_t n = 1;
  parts[0] = code;
  if (options_.lower_case) {
    int last_boundary = 0;
    n = utf8proc_decompose_char(code, parts, 32, UTF8PROC_DECOMPOSE, &last_boundary);
    if (n < 0 || n > 32) {
      n = 1;
      parts[0] = code;
    }
  }
  for (utf8proc_ssize_t i = 0; i < n; ++i) {
    if (options_.lower_case) {
      if (utf8proc_category(parts[i]) == UTF8PROC_CATEGORY_MN) continue;
      parts[i] = utf8proc_tolower(parts[i]);
    }
    if (is_punctuation(parts[i])) {
      end();
      word.push_back(static_cast<char32_t>(parts[i]));
      end();
    } else {
      word.push_back(static_cast<char32_t>(parts[i]));
    }
  }
}

inline void wordpiece::add_word(const std::u32string& word, std::vector<token_id>& ids) const {
  if (word.size() > options_.longest_word) {
    ids.push_back(unknown_);
    return;
  }
  const std::size_t before = ids.size();
  for (std::size_t begin = 0; begin < word.size();) {
    std::string piece = begin == 0 ? std::string() : options_.continuation;
    std::vector<std::size_t> ends;  // bytes of the piece after each character
    for (std::size_t i = begin; i < word.size(); ++i) {
      append_utf8(piece, word[i]);
      ends.push_back(piece.size());
    }
    std::size_t length = ends.size();
    auto found = ids_.end();
    for (; length > 0; --length) {
      piece.resize(ends[length - 1]);
      if ((found = ids_.find(piece)) != ids_.end()) break;
    }
    if (length == 0) {
      ids.resize(before);
      ids.push_back(unknown_);
      return;
    }
    ids.push_back(found->second);
    begin += length;
  }
}

QUIPU_INLINE std::vector<token_id> wordpiece::encode(std::string_view text, std::size_t longest) const {
  if (longest < 2) fail<config_error>("wordpiece: longest", "at least 2", longest);
  std::vector<token_id> ids = {cls_};
  std::u32string word;
  const auto end = [&] {
    if (!word.empty() && ids.size() < longest) add_word(word, ids);
    word.clear();
  };
  for (std::size_t at = 0; at < text.size() && ids.size() < longest;) {
    const utf8_step step = decode_utf8(text, at);
    at += step.length;
    const auto code = static_cast<utf8proc_int32_t>(step.code_point);
    if (is_blank(code)) {
      end();
    } else if (code == 0 || step.code_point == replacement_character || is_control(code)) {
      // left out, as if it were not there
    } else if (options_.part_ideographs && is_ideograph(step.code_point)) {
      end();
      word.push_back(step.code_point);
      end();
    } else {
      add_characters(code, word, end);
    }
  }
  end();
  if (ids.size() > longest - 1) ids.resize(longest - 1);
  ids.push_back(sep_);
  return ids;
}

}  // namespace quipu::text
