/// @file Regular expressions of tokenizer.json, which are Oniguruma's, in PCRE2's syntax.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <quipu/core/error.hpp>                // concat
#include <quipu/text/pre_tokenizer_names.hpp>  // white_space_class
#include <string>
#include <string_view>

namespace quipu::text {

/// Writes `pattern` anew, as far as both libraries mean the same by it; otherwise says in `why` what it is that they
/// do not.
///
/// Taken over are characters, classes without classes in them, `\s`, `\d`, `\p{...}` with a general category or one of
/// a few scripts, groups, look-ahead, alternatives and simple repetition. `\w`, `\b`, look-behind, references and
/// `(?i)` around letters that fold to several are not.
/// Source: Oniguruma's doc/RE (Ruby syntax, as the `onig` crate uses it), pcre2pattern(3).
class pattern_dialect {
 public:
  /// @return is `out` the pattern?
  [[nodiscard]] static bool to_pcre2(std::string_view pattern, std::string& out, std::string& why) {
    pattern_dialect one(pattern);
    if (!one.translate()) {
      why = one.why_;
      return false;
    }
    out = std::move(one.out_);
    return true;
  }

 private:
  explicit pattern_dialect(std::string_view pattern) : in_(pattern) {}

  bool refuse(std::string_view what) {
    why_ = std::string(what);
    return false;
  }
  [[nodiscard]] bool next_is(std::string_view text) const { return in_.substr(at_).starts_with(text); }

  bool translate() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      bool good = true;
      switch (c) {
        case '\\': good = escape(false); break;
        case '[': good = character_class(); break;
        case '(': good = group(); break;
        case ')':
          if (depth_ == 0) return refuse("a closing parenthesis");
          if (depth_ == folded_at_) folded_at_ = 0;
          --depth_;
          out_.push_back(c);
          ++at_;
          repeatable_ = true;
          break;
        case '^':
        case '$':
          out_ += c == '^' ? "(?m:^)" : "(?m:$)";
          ++at_;
          repeatable_ = false;
          break;
        case '*':
        case '+':
        case '?': good = repeat(); break;
        case '{': good = interval(); break;
        case '|':
          out_.push_back(c);
          ++at_;
          repeatable_ = false;
          break;
        case '#':  // PCRE2 takes it as it is; escaped in case of an extended pattern
          out_ += "\\#";
          ++at_;
          repeatable_ = true;
          break;
        default:
          if (folded_at_ != 0 && !folds_alone()) return refuse("(?i) around these letters");
          out_.push_back(c);
          ++at_;
          repeatable_ = true;
      }
      if (!good) return false;
    }
    return depth_ == 0 || refuse("an open group");
  }

  // Case folding may join or part letters; alone and in ASCII only the pairs below do.
  [[nodiscard]] bool folds_alone() const {
    if ((static_cast<unsigned char>(in_[at_]) & 0x80) != 0) return false;
    for (const char* pair : {"ss", "ff", "fi", "fl", "st"}) {
      bool same = true;
      for (std::size_t i = 0; i < 2; ++i) {
        const char c = at_ + i < in_.size() ? in_[at_ + i] : '\0';
        same = same && (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == pair[i];
      }
      if (same) return false;
    }
    return true;
  }

  bool escape(bool in_class) {
    if (at_ + 1 >= in_.size()) return refuse("a backslash at the end");
    const char c = in_[at_ + 1];
    if (c == 'p' || c == 'P') return property();
    at_ += 2;
    repeatable_ = true;
    switch (c) {
      case 'n': out_ += "\\n"; return true;
      case 'r': out_ += "\\r"; return true;
      case 't': out_ += "\\t"; return true;
      case 'f': out_ += "\\f"; return true;
      case 'v': out_ += "\\x{b}"; return true;
      case 's': out_ += in_class ? std::string(white_space_class) : concat("[", white_space_class, "]"); return true;
      case 'd': out_ += "\\p{Nd}"; return true;
      case 'D': out_ += "\\P{Nd}"; return true;
      case 'S':
        if (in_class) return refuse("\\S in a class");
        out_ += concat("[^", white_space_class, "]");
        return true;
      default: break;
    }
    const bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    if (letter || (static_cast<unsigned char>(c) & 0x80) != 0) return refuse(concat("\\", c));
    out_.push_back('\\');
    out_.push_back(c);
    return true;
  }

  bool property() {
    const std::size_t end = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || end == std::string_view::npos) return refuse("\\p");
    const std::string_view name = in_.substr(at_ + 3, end - at_ - 3);
    constexpr std::string_view categories =
        " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk "
        "So Z Zs Zl Zp ";
    constexpr std::string_view scripts = " Han Hiragana Katakana Hangul Latin Greek Cyrillic Arabic Hebrew Thai ";
    const std::string key = concat(" ", name, " ");
    const bool category = categories.find(key) != std::string_view::npos;
    if (name.find(' ') != std::string_view::npos || (!category && scripts.find(key) == std::string_view::npos))
      return refuse(in_.substr(at_, end + 1 - at_));
    out_ += concat("\\", in_[at_ + 1], "{", category ? "" : "sc:", name, "}");
    at_ = end + 1;
    repeatable_ = true;
    return true;
  }

  bool character_class() {
    out_.push_back('[');
    ++at_;
    if (next_is("^")) {
      out_.push_back('^');
      ++at_;
    }
    if (folded_at_ != 0) return refuse("a class inside (?i)");
    if (next_is("]")) return refuse("an empty class");
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == ']') {
        out_.push_back(c);
        ++at_;
        repeatable_ = true;
        return true;
      }
      if (c == '[') return refuse("a class in a class");
      if (next_is("&&")) return refuse("&& in a class");
      if (c == '\\') {
        if (!escape(true)) return false;
        continue;
      }
      out_.push_back(c);
      ++at_;
    }
    return refuse("an open class");
  }

  bool group() {
    ++depth_;
    repeatable_ = false;
    for (const std::string_view start : {"(?:", "(?i:", "(?=", "(?!", "(?>"}) {
      if (!next_is(start)) continue;
      if (start == "(?i:" && folded_at_ == 0) folded_at_ = depth_;
      out_ += start;
      at_ += start.size();
      return true;
    }
    if (next_is("(?")) return refuse(in_.substr(at_, 4));
    if (next_is("(*")) return refuse("(*");
    out_ += "(?:";  // nothing refers to groups
    ++at_;
    return true;
  }

  bool repeat() {
    if (!repeatable_) return refuse("repetition of nothing");
    out_.push_back(in_[at_++]);
    if (at_ < in_.size() && (in_[at_] == '?' || in_[at_] == '+')) out_.push_back(in_[at_++]);  // lazy, possessive
    repeatable_ = false;
    return true;
  }

  bool interval() {
    const std::size_t end = in_.find('}', at_);
    if (!repeatable_ || end == std::string_view::npos) return refuse("{");
    const std::string_view inside = in_.substr(at_ + 1, end - at_ - 1);
    std::size_t digits = 0;
    std::size_t commas = 0;
    for (const char c : inside) {
      if (c >= '0' && c <= '9')
        ++digits;
      else if (c == ',' && digits > 0)
        ++commas;
      else
        return refuse("{");
    }
    if (digits == 0 || digits > 6 || commas > 1) return refuse("{");
    out_ += in_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    if (at_ < in_.size() && (in_[at_] == '?' || in_[at_] == '+')) return refuse("}? or }+");
    repeatable_ = false;
    return true;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::string why_;
  std::size_t depth_ = 0;
  std::size_t folded_at_ = 0;  // depth of the outermost (?i: group, 0 outside
  bool repeatable_ = false;
};

}  // namespace quipu::text
