/// @file Renders conversations as a chat template does, and encodes them safely.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/core/token.hpp>
#include <quipu/text/chat_families.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/value.hpp>
#include <quipu/text/jinja/variables.hpp>
#include <quipu/text/special_places.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::text {

/// Optional: a tokenizer that finds control tokens in some stretches of a text alone.
template <class T>
concept encodes_in_places = requires(const T& t, std::string_view text, const special_places& where) {
  { t.encode(text, where) } -> std::same_as<std::vector<token_id>>;
};

namespace detail {

/// A role names a turn and may be part of a mark, as in '<|' + message.role + '|>': a word is, anything else is not.
[[nodiscard]] bool is_role_name(std::string_view role) noexcept;

}  // namespace detail

/// What a template may be given besides messages.
struct chat_extras {
  jinja::value tools = jinja::value::none();      ///< a list of functions as transformers describes them
  jinja::value documents = jinja::value::none();  ///< a list of dicts
  jinja::value variables = jinja::make_dict();    ///< more variables by name, such as enable_thinking
  jinja::render_options options = {};
};

/// A conversation in any form that the checkpoint's own template takes: a list of dicts, with tool calls, parts and so on.
/// Pieces put together are what transformers' `apply_chat_template` renders.
/// @throws config_error  the template refuses the conversation, or the format is one of the library's families, which
///                       take `chat_message`s
[[nodiscard]] std::vector<chat_piece> render(const chat_template& form, const jinja::value& messages,
                                             generation_prompt prompt, const chat_extras& extras = {});

/// The conversation in the template's form. Pieces put together are what Jinja renders.
/// @throws config_error  the template refuses the conversation
[[nodiscard]] std::vector<chat_piece> render(const chat_template& form, std::span<const chat_message> messages,
                                             generation_prompt prompt = generation_prompt::add);

/// The rendered conversation as one string, for people to read: encoding it would make control
/// tokens of whatever looks like them in the messages.
/// @throws config_error  the template refuses the conversation
[[nodiscard]] std::string render_text(const chat_template& form, std::span<const chat_message> messages,
                                      generation_prompt prompt = generation_prompt::add);

/// Ids of a rendered conversation: what the template wrote may be control tokens, all other text stays text, whatever it
/// looks like. Tokens reach over the seams between the two as in the whole text.
template <tokenizer Tokenizer>
[[nodiscard]] std::vector<token_id> encode_pieces(const Tokenizer& tokenizer, std::span<const chat_piece> pieces) {
  std::string text;
  std::vector<text_range> trusted;
  for (const chat_piece& piece : pieces) {
    const std::size_t begin = text.size();
    text += piece.text;
    if (!piece.from_template || piece.text.empty()) continue;
    if (!trusted.empty() && trusted.back().end == begin) {
      trusted.back().end = text.size();
    } else {
      trusted.push_back({begin, text.size()});
    }
  }
  if constexpr (encodes_in_places<Tokenizer>) {
    return tokenizer.encode(text, special_places(trusted));
  } else {
    // A tokenizer that cannot be told where: the marks are sought here, the text between them is encoded as text.
    constexpr std::size_t longest_mark = 64;
    std::vector<token_id> ids;
    std::size_t done = 0;
    const auto encode_to = [&](std::size_t end) {
      if (end == done) return;
      const auto more = tokenizer.encode(std::string_view(text).substr(done, end - done), special::plain);
      ids.insert(ids.end(), more.begin(), more.end());
    };
    for (const text_range& range : trusted) {
      for (std::size_t at = std::max(range.begin, done); at < range.end;) {
        std::size_t length = std::min(longest_mark, range.end - at);
        const auto is_mark = [&] {
          const token_id id = tokenizer.find_special(std::string_view(text).substr(at, length));
          return id != no_token && tokenizer.is_control(id);
        };
        while (length > 0 && !is_mark()) --length;
        if (length == 0) {
          ++at;
          continue;
        }
        encode_to(at);
        ids.push_back(tokenizer.find_special(std::string_view(text).substr(at, length)));
        done = at += length;
      }
    }
    encode_to(text.size());
    return ids;
  }
}

/// Ids of a conversation, complete with every bos that the template writes. The same ids as those
/// of the rendered text with control tokens parsed, unless a message holds the text of a control
/// token: that stays text.
/// @throws config_error  the template refuses the conversation
template <tokenizer Tokenizer>
[[nodiscard]] std::vector<token_id> encode_chat(const Tokenizer& tokenizer, const chat_template& form,
                                                std::span<const chat_message> messages,
                                                generation_prompt prompt = generation_prompt::add) {
  return encode_pieces(tokenizer, render(form, messages, prompt));
}

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/chat_render.ipp>
#endif
