/// @file Cuts a template's source into tokens, white space control included.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>      // concat
#include <quipu/core/printable.hpp>  // source in messages
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/unicode.hpp>

namespace quipu::text::jinja {

enum class token_kind : std::uint8_t {
  end,             ///< of the template
  data,            ///< text outside of all marks
  variable_begin,  ///< {{
  variable_end,
  block_begin,  ///< {%
  block_end,
  name,
  string,  ///< with its quotes
  integer,
  real,
  sign  ///< an operator or a bracket: its text says which
};

struct token {
  token_kind kind = token_kind::end;
  std::uint32_t line = 1;
  std::string_view text;
};

/// The source as the lexer wants it: every end of line is \n, and the last one is gone.
[[nodiscard]] inline std::string normal_source(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      out += '\n';
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

/// Follows jinja2 3.1's lexer with trim_blocks and lstrip_blocks on.
class lexer {
 public:
  /// @param source  from `normal_source`, UTF-8; outlives the tokens
  lexer(std::string_view source, std::string_view place) : source_(source), place_(place) {}

  /// @throws template_error  syntax
  [[nodiscard]] std::vector<token> tokens() {
    while (at_ < source_.size()) outside();
    add(token_kind::end, {});
    return std::move(tokens_);
  }

 private:
  [[noreturn, gnu::cold]] void fail(std::string_view expected, std::string_view found) const {
    throw template_error(error_kind::syntax, place_, line_, concat("expected ", expected, ", found ", found));
  }
  [[nodiscard]] bool at(std::string_view what) const noexcept { return source_.substr(at_).starts_with(what); }
  void add(token_kind kind, std::string_view text) { tokens_.push_back({kind, line_, text}); }
  /// Goes on by `n` bytes.
  void pass(std::size_t n) {
    line_ += static_cast<std::uint32_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                   source_.begin() + static_cast<std::ptrdiff_t>(at_ + n), '\n'));
    at_ += n;
    line_starts_ = n != 0 && source_[at_ - 1] == '\n';
  }
  /// Blanks that begin at `from`, in bytes.
  [[nodiscard]] std::size_t blanks(std::size_t from) const noexcept {
    std::size_t end = from;
    while (end < source_.size()) {
      const utf8_step step = character_at(source_, end);
      if (!is_blank(step.code_point)) break;
      end += step.length;
    }
    return end - from;
  }
  /// Text before a mark with `sign` ('-', '+' or 0), blanks taken off where the marks say so.
  [[nodiscard]] std::string_view stripped(std::string_view text, char sign, bool is_variable) const noexcept {
    if (sign == '-') {
      while (!text.empty()) {
        const std::size_t last = step_back(text, text.size());
        if (!is_blank(character_at(text, last).code_point)) break;
        text = text.substr(0, last);
      }
    } else if (sign != '+' && !is_variable) {
      const std::size_t begin = text.rfind('\n') + 1;  // 0 if there is none
      if (begin > 0 || line_starts_) {
        const auto from = static_cast<std::size_t>(text.data() - source_.data()) + begin;
        if (blanks(from) >= text.size() - begin) text = text.substr(0, begin);
      }
    }
    return text;
  }
  [[nodiscard]] char sign_at(std::size_t i) const noexcept {
    return i < source_.size() && (source_[i] == '-' || source_[i] == '+') ? source_[i] : '\0';
  }
  /// The end of a tag at `i`: "%}", "-%}" with the blanks behind, "+%}"; a newline behind the plain form. 0 if none.
  [[nodiscard]] std::size_t end_of_tag(std::size_t i, std::string_view mark) const noexcept {
    const std::string_view rest = source_.substr(i);
    if (rest.starts_with(mark))
      return mark.size() + (mark != "}}" && rest.substr(mark.size()).starts_with("\n") ? 1 : 0);
    if (!rest.empty() && rest[0] == '-' && rest.substr(1).starts_with(mark)) {
      return 1 + mark.size() + blanks(i + 1 + mark.size());
    }
    return mark != "}}" && !rest.empty() && rest[0] == '+' && rest.substr(1).starts_with(mark) ? 1 + mark.size() : 0;
  }

  void outside() {
    std::size_t begin = at_;
    while ((begin = source_.find('{', begin)) != source_.npos) {
      const char next = begin + 1 < source_.size() ? source_[begin + 1] : '\0';
      if (next == '%' || next == '{' || next == '#') break;
      ++begin;
    }
    if (begin == source_.npos) {
      add(token_kind::data, source_.substr(at_));
      pass(source_.size() - at_);
      return;
    }
    const char mark = source_[begin + 1];
    const char sign = sign_at(begin + 2);
    const std::string_view text = stripped(source_.substr(at_, begin - at_), sign, mark == '{');
    if (!text.empty()) add(token_kind::data, text);
    pass(begin - at_);
    const std::size_t head = sign == '\0' ? 2 : 3;
    if (mark == '%') {
      if (const std::size_t raw = raw_head(begin + head); raw != 0) {
        pass(head + raw);
        return inside_raw();
      }
    }
    if (mark != '#') add(mark == '%' ? token_kind::block_begin : token_kind::variable_begin, source_.substr(begin, 2));
    pass(head);
    mark == '#' ? inside_comment() : inside_tag(mark == '%');
  }
  /// " raw %}" at `i`: its length, else 0. The newline behind it stays.
  [[nodiscard]] std::size_t raw_head(std::size_t i) const noexcept {
    std::size_t at = i + blanks(i);
    if (!source_.substr(at).starts_with("raw")) return 0;
    at += 3;
    at += blanks(at);
    if (source_.substr(at).starts_with("%}")) return at + 2 - i;
    if (!source_.substr(at).starts_with("-%}")) return 0;
    return at + 3 + blanks(at + 3) - i;
  }
  void inside_raw() {
    const std::uint32_t opened = line_;
    for (std::size_t i = at_; (i = source_.find("{%", i)) != source_.npos; i += 2) {
      const char sign = sign_at(i + 2);
      std::size_t at = i + (sign == '\0' ? 2 : 3);
      at += blanks(at);
      if (!source_.substr(at).starts_with("endraw")) continue;
      at += 6;
      at += blanks(at);
      const std::size_t end = end_of_tag(at, "%}");
      if (end == 0) continue;
      const std::string_view text = stripped(source_.substr(at_, i - at_), sign, false);
      if (!text.empty()) add(token_kind::data, text);
      return pass(at + end - at_);
    }
    if (at_ >= source_.size()) return;  // jinja2 lets it pass
    line_ = opened;
    fail("{% endraw %}", "the end of the template");
  }
  void inside_comment() {
    for (std::size_t i = at_; i < source_.size(); ++i) {
      if (source_[i] != '#' && source_[i] != '-' && source_[i] != '+') continue;
      if (const std::size_t end = end_of_tag(i, "#}"); end != 0) return pass(i + end - at_);
    }
    if (at_ >= source_.size()) return;  // jinja2 lets it pass
    fail("the end of a comment, #}", "the end of the template");
  }

  void inside_tag(bool is_block) {
    std::vector<char> open;
    const std::string_view end_mark = is_block ? "%}" : "}}";
    while (true) {
      if (const std::size_t n = blanks(at_); n != 0) pass(n);
      if (at_ >= source_.size()) return;  // the parser says what is missing
      if (open.empty()) {
        if (const std::size_t end = end_of_tag(at_, end_mark); end != 0) {
          add(is_block ? token_kind::block_end : token_kind::variable_end, source_.substr(at_, end));
          return pass(end);
        }
      }
      const char c = source_[at_];
      if (c >= '0' && c <= '9') {
        number();
      } else if (c == '\'' || c == '"') {
        string(c);
      } else if (is_word(character_at(source_, at_).code_point)) {
        name();
      } else {
        sign(open);
      }
    }
  }
  /// Digits with single underscores between them; their length from `i`.
  [[nodiscard]] std::size_t digits(std::size_t i, std::string_view allowed = "0123456789") const noexcept {
    std::size_t n = 0;
    while (i + n < source_.size()) {
      const std::size_t skip = n != 0 && source_[i + n] == '_' ? 1 : 0;
      if (i + n + skip >= source_.size() || allowed.find(source_[i + n + skip]) == allowed.npos) break;
      n += skip + 1;
    }
    return n;
  }
  void number() {
    const auto char_at = [&](std::size_t i) { return i < source_.size() ? source_[i] : '\0'; };
    std::size_t n = digits(at_);
    bool is_real = false;
    if (at_ == 0 || source_[at_ - 1] != '.') {
      std::size_t end = at_ + n;
      if (char_at(end) == '.' && digits(end + 1) != 0) {
        end += 1 + digits(end + 1);
        is_real = true;
      }
      if ((char_at(end) | 0x20) == 'e') {
        const std::size_t from = end + 1 + (char_at(end + 1) == '+' || char_at(end + 1) == '-' ? 1 : 0);
        if (digits(from) != 0) {
          end = from + digits(from);
          is_real = true;
        }
      }
      if (is_real) n = end - at_;
    }
    if (!is_real && source_[at_] == '0') {
      const char base = static_cast<char>(char_at(at_ + 1) | 0x20);
      const std::string_view allowed = base == 'b'   ? "01"
                                       : base == 'o' ? "01234567"
                                       : base == 'x' ? "0123456789abcdefABCDEF"
                                                     : "";
      std::size_t more = 0;
      if (!allowed.empty()) {
        const std::size_t skip = char_at(at_ + 2) == '_' ? 1 : 0;
        more = digits(at_ + 2 + skip, allowed);
        if (more != 0) more += skip + 2;
      }
      n = more != 0 ? more : digits(at_, "0");
    }
    add(is_real ? token_kind::real : token_kind::integer, source_.substr(at_, n));
    pass(n);
  }
  void string(char quote) {
    std::size_t i = at_ + 1;
    while (i < source_.size() && source_[i] != quote) i += source_[i] == '\\' ? 2 : 1;
    if (i >= source_.size()) fail("the end of a text in quotes", "the end of the template");
    add(token_kind::string, source_.substr(at_, i + 1 - at_));
    pass(i + 1 - at_);
  }
  void name() {
    std::size_t end = at_;
    while (end < source_.size()) {
      const utf8_step step = character_at(source_, end);
      const char32_t c = step.code_point;
      if (!is_word(c)) break;
      const bool begins_names = c == '_' || is_letter(c) || category_of(c) == UTF8PROC_CATEGORY_NL;
      if (!begins_names && (end == at_ || !is_decimal(c))) fail("a name", printable(source_.substr(at_, 20)));
      end += step.length;
    }
    add(token_kind::name, source_.substr(at_, end - at_));
    pass(end - at_);
  }
  void sign(std::vector<char>& open) {
    static constexpr std::string_view pairs[] = {"//", "**", "==", "!=", ">=", "<="};
    std::size_t n = 0;
    for (const std::string_view pair : pairs) {
      if (at(pair)) n = 2;
    }
    const char c = source_[at_];
    if (n == 0 && std::string_view("+-/*%~[](){}><=.:|,;").find(c) != std::string_view::npos) n = 1;
    if (n == 0) fail("an expression or the end of the tag", printable(source_.substr(at_, step_at(source_, at_))));
    if (c == '(' || c == '[' || c == '{') open.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) fail("no closing bracket here", printable(source_.substr(at_, 1)));
      if (open.back() != c) fail(concat("'", std::string(1, open.back()), "'"), printable(source_.substr(at_, 1)));
      open.pop_back();
    }
    add(token_kind::sign, source_.substr(at_, n));
    pass(n);
  }

  std::string_view source_;
  std::string_view place_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  bool line_starts_ = true;
  std::vector<token> tokens_;
};

}  // namespace quipu::text::jinja
