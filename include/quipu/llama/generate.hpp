/// @file Text generation, streamed, with any sampler and stop rule.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::llama {

enum class stop_reason : std::uint8_t {
  end_token,    ///< a token that ends a text or a turn
  stop_string,  ///< one of the given strings; it is not part of the text
  max_tokens,
  context_full,
  cancelled,  ///< the callback returned false
};

/// Does generation end at the vocabulary's own end tokens?
enum class end_tokens : std::uint8_t { stop, ignore };

struct generate_options {
  std::size_t max_tokens = 256;
  llama::sampler sampler = greedy();
  std::vector<std::string> stop = {};            ///< strings to stop before; control tokens match by their spelling
  std::vector<token_id> stop_tokens = {};        ///< besides the vocabulary's own
  llama::end_tokens end_tokens = llama::end_tokens::stop;
  /// The text goes on where the prompt ends: a blank between the two is kept
  bool continues_text = false;
  std::function<bool(std::string_view)> on_text = {};  ///< whole characters as they come; false cancels
};

struct generation {
  std::string text;              ///< valid UTF-8
  std::vector<token_id> tokens;  ///< what was chosen, without the token or string that stopped it
  stop_reason reason = stop_reason::max_tokens;
};

namespace detail {

/// Holds back text that may be the beginning of a stop string. Control tokens count with their spelling, as in
/// transformers' `stop_strings`, but are never given out.
class stop_filter {
 public:
  explicit stop_filter(const std::vector<std::string>& stops) : stops_(stops) {}

  /// Adds text; what can be given out goes behind `out`. `found()` tells whether a stop string was met.
  void push(std::string_view text, std::string& out) {
    held_ += text;
    std::size_t end = std::string::npos;
    for (const std::string& stop : stops_) {
      if (!stop.empty()) end = std::min(end, held_.find(stop));
    }
    if (end != std::string::npos) {
      found_ = true;
      return take(end, out);
    }
    std::size_t keep = 0;
    for (const std::string& stop : stops_) {
      for (std::size_t n = std::min(stop.size(), held_.size()); n > keep; --n) {
        if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) keep = n;
      }
    }
    take(held_.size() - keep, out);
  }
  /// Adds what a token stands for: its text or, for a control token, its spelling.
  template <class Tokenizer>
  void push(text::stream_decoder<Tokenizer>& decoder, const Tokenizer& tokenizer, token_id token, std::string& out) {
    piece_.clear();
    decoder.push(token, piece_);
    push(piece_, out);
    const std::string_view spelling = stops_.empty() || found_ ? std::string_view() : text::control_text(tokenizer, token);
    if (spelling.empty()) return;
    hidden_.push_back({held_.size(), held_.size() + spelling.size()});
    push(spelling, out);
  }
  void flush(std::string& out) { take(held_.size(), out); }
  [[nodiscard]] bool found() const noexcept { return found_; }

 private:
  struct range {
    std::size_t begin, end;
  };

  void take(std::size_t n, std::string& out) {
    std::size_t at = 0;
    for (const range& spelling : hidden_) {
      if (spelling.begin >= n) break;
      out.append(held_, at, spelling.begin - at);
      at = std::min(spelling.end, n);
    }
    out.append(held_, at, n - at);
    held_.erase(0, n);
    std::erase_if(hidden_, [&](const range& spelling) { return spelling.end <= n; });
    for (range& spelling : hidden_) spelling = {spelling.begin - std::min(n, spelling.begin), spelling.end - n};
  }

  const std::vector<std::string>& stops_;
  std::string held_, piece_;
  std::vector<range> hidden_;  // spellings of control tokens in `held_`, in order
  bool found_ = false;
};

}  // namespace detail

/// Continues a sequence: reads `prompt`, then generates. After it the sequence holds the prompt and all
/// chosen tokens but the last, so a conversation can go on.
///
/// @param prompt  ids; at least one
/// @throws config_error   no prompt, ids outside the vocabulary, a prompt longer than the context
/// @throws numeric_error  the model gave a logit that is not finite
template <language_session Session, text::tokenizer Tokenizer>
[[nodiscard]] generation generate(Session& s, const Tokenizer& tokenizer, sequence_id sequence,
                                  std::span<const token_id> prompt, generate_options options = {}) {
  generation result;
  text::stream_decoder<Tokenizer> decoder(tokenizer);
  if (options.continues_text && !prompt.empty()) static_cast<void>(decoder.push(prompt.back()));
  detail::stop_filter filter(options.stop);
  auto logits = s.next_logits(sequence, prompt);
  // What grows with every token has its memory before the first.
  const std::size_t length = s.length(sequence), most = std::min(options.max_tokens, s.n_ctx() - std::min(s.n_ctx(), length) + 1);
  std::vector<token_id> history;
  history.reserve(prompt.size() + most);
  history.assign(prompt.begin(), prompt.end());
  result.tokens.reserve(most);
  constexpr std::size_t usual_bytes = 8;  // of a token's text; longer ones let it grow
  result.text.reserve(most * usual_bytes);
  std::size_t n_given = 0;  // bytes of the text
  const auto give = [&] {
    const std::string_view piece = std::string_view(result.text).substr(n_given);
    n_given = result.text.size();
    return piece.empty() || !options.on_text || options.on_text(piece);
  };
  result.reason = stop_reason::max_tokens;
  for (std::size_t n = 0; n < options.max_tokens; ++n) {
    const token_id token = options.sampler(logits, std::span<const token_id>(history));
    const bool stops =
        std::find(options.stop_tokens.begin(), options.stop_tokens.end(), token) != options.stop_tokens.end();
    if (stops || (options.end_tokens == end_tokens::stop && tokenizer.is_end(token))) {
      result.reason = stop_reason::end_token;
      break;
    }
    result.tokens.push_back(token);
    history.push_back(token);
    filter.push(decoder, tokenizer, token, result.text);
    const bool go_on = give();
    if (filter.found() || !go_on) {
      result.reason = filter.found() ? stop_reason::stop_string : stop_reason::cancelled;
      return result;
    }
    if (n + 1 == options.max_tokens) break;
    if (s.length(sequence) >= s.n_ctx()) {
      result.reason = stop_reason::context_full;
      break;
    }
    const std::span<const token_id> chosen(&token, 1);
    if constexpr (role_taking_session<Session>) {
      logits = s.next_logits(sequence, chosen, token_role::decode);
    } else {
      logits = s.next_logits(sequence, chosen);
    }
  }
  filter.push(decoder.flush(), result.text);
  filter.flush(result.text);
  if (!give()) result.reason = stop_reason::cancelled;
  return result;
}

/// Continues a text, in a session of its own: prompt and result put together are the text (`continues_text`).
/// Example: examples/01_generate/main.cpp
template <language_model Model>
[[nodiscard]] generation generate(const Model& m, std::string_view prompt, generate_options options = {}) {
  auto s = open_session(m, thread_team());
  const std::vector<token_id> ids = text::encode_document(m.tokenizer(), prompt);
  options.continues_text = true;
  return generate(s, m.tokenizer(), s.create(), ids, std::move(options));
}

}  // namespace quipu::llama
