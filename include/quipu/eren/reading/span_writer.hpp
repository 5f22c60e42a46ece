/// @file Decoding that can only copy: at every token the model chooses how a span of the notes goes on, or ends it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/eren/reading/note_spans.hpp>
#include <quipu/eren/reading/prompt.hpp>           // continuation_ids
#include <quipu/eren/reading/reading_session.hpp>  // no_adapter
#include <quipu/llama/score.hpp>                   // log_probability
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/token_lookup.hpp>

namespace quipu::eren {

struct written_span {
  std::string text;         ///< a span of the notes; empty if they have none
  double log_p = 0;         ///< of its tokens and of the end after them, nats, among the whole vocabulary
  std::size_t n_token = 0;  ///< of the text
};

struct span_options {
  std::size_t max_tokens = 64;  ///< the span then ends where it last could
  std::size_t n_draft = 8;      ///< tokens of the notes that are computed ahead with every chosen one
};

namespace detail {

/// A span on its way, from the blank in front of it on.
class span_walk {
 public:
  explicit span_walk(const note_spans& spans) : spans_(&spans) {}

  /// Calls `take(token, n_byte)` for every token that goes on with some span; several times for the same one.
  template <class Take>
  void each_next(const text::token_lookup& tokens, Take&& take) const {
    const auto at_begin = [&](std::size_t begin) {
      tokens.beginnings(concat(" ", spans_->rest(begin).substr(0, 64)), take);
    };
    if (!begun_) {
      for (const std::size_t begin : spans_->begins()) at_begin(begin);
      return;
    }
    for (const std::size_t at : alive_) tokens.beginnings(spans_->rest(at), take);
  }
  /// @param bytes  of the token that was chosen
  void step(std::string_view bytes) {
    std::vector<std::size_t> next;
    text_ += bytes;
    if (!begun_) {
      bytes.remove_prefix(1);  // the blank
      for (const std::size_t begin : spans_->begins()) {
        if (spans_->rest(begin).starts_with(bytes)) next.push_back(begin + bytes.size());
      }
    } else {
      for (const std::size_t at : alive_) {
        if (spans_->rest(at).starts_with(bytes)) next.push_back(at + bytes.size());
      }
    }
    begun_ = true;
    alive_ = std::move(next);
  }
  [[nodiscard]] bool may_end() const {
    return text_.size() > 1 &&
           std::any_of(alive_.begin(), alive_.end(), [&](std::size_t at) { return spans_->may_end(at); });
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// What follows where the span first stands.
  [[nodiscard]] std::string_view rest() const { return alive_.empty() ? std::string_view() : spans_->rest(alive_.front()); }

 private:
  const note_spans* spans_;
  bool begun_ = false;
  std::vector<std::size_t> alive_;  // offsets behind what was written
  std::string text_;
};

}  // namespace detail

/// After every prompt that was read, writes the span of its notes that the model likes best token by token. The notes
/// themselves are the draft: tokens that follow in the note are computed together with the chosen one, and kept as far
/// as the model chooses them. All prompts advance together.
///
/// @param states   of `reading_session::read`; their sequences are continued
/// @param notes    of each of them
/// @param adapter  the one that the prompts were read with
template <class Session, class Adapter = no_adapter>
[[nodiscard]] std::vector<written_span> write_spans(Session& session, std::span<const typename Session::state> states,
                                                    std::span<const note_spans> notes, const span_options& options = {},
                                                    const Adapter& adapter = {}) {
  using scalar = typename Session::scalar_type;
  const auto& tokenizer = session.tokenizer();
  const text::token_lookup& lookup = session.lookup();
  const token_id end = tokenizer.eos();

  struct writing {
    detail::span_walk walk;
    written_span out = {};
    double log_p = 0;               // of what was written, without an end
    std::size_t n_written = 0;      // tokens chosen
    std::size_t n_kept = 0;         // of them in the sequence
    token_id chosen = no_token;     // the last one, not in the sequence yet; none: the span has ended
    std::vector<token_id> input = {};  // that one, then the draft
    std::size_t n_right = 0;        // of the input, as far as it was chosen
  };
  std::vector<writing> all;
  for (const note_spans& n : notes) all.push_back({detail::span_walk(n)});

  const auto choose = [&](writing& w, std::span<const scalar> logits) {
    const auto logit = [&](token_id token) { return logits[static_cast<std::size_t>(token)]; };
    token_id best = no_token;
    w.walk.each_next(lookup, [&](token_id token, std::size_t) {
      if (best == no_token || logit(token) > logit(best)) best = token;
    });
    if (w.walk.may_end()) {
      // A vocabulary without an end token ends a span only where nothing goes on.
      w.out = {w.walk.text().substr(1), w.log_p + (end == no_token ? 0 : llama::log_probability(logits, end)), w.n_written};
      if (w.n_written >= options.max_tokens || (best != no_token && end != no_token && logit(end) >= logit(best)))
        best = no_token;
    }
    w.chosen = w.n_written < 2 * options.max_tokens ? best : no_token;
    if (w.chosen == no_token) return;
    w.log_p += llama::log_probability(logits, best);
    ++w.n_written;
    w.walk.step(tokenizer.piece(best));
  };
  // The chosen token and what the note goes on with, as far as there is room.
  const auto draft = [&](writing& w, std::size_t n_before) {
    w.input = {w.chosen};
    w.n_right = 0;
    const std::string_view follows = w.walk.rest().substr(0, 8 * options.n_draft);
    if (!follows.empty()) {
      std::vector<token_id> next = continuation_ids(tokenizer, tokenizer.piece(w.chosen), follows);
      next.resize(std::min(next.size(), options.n_draft));
      w.input.insert(w.input.end(), next.begin(), next.end());
    }
    const std::size_t n_ctx = session.session().n_ctx();
    w.input.resize(std::min(w.input.size(), n_ctx - std::min(n_ctx, n_before + w.n_kept)));
  };

  for (std::size_t i = 0; i < all.size(); ++i) choose(all[i], std::span<const scalar>(states[i].logits));
  for (;;) {
    std::vector<llama::sequence_input<scalar>> inputs;
    std::vector<std::size_t> running;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].chosen == no_token) continue;
      draft(all[i], adapter.n_virtual() + states[i].n_token);
      if (all[i].input.empty()) continue;  // the context is full
      inputs.push_back({states[i].sequence, all[i].input, {}, llama::logits_of::every_row});
      running.push_back(i);
    }
    if (inputs.empty()) break;
    session.run(
        inputs,
        [&](std::size_t input, std::size_t row, std::span<const scalar> logits) {
          writing& w = all[running[input]];
          if (row != w.n_right || w.chosen != w.input[row]) return;  // behind a draft that went wrong
          ++w.n_right;
          choose(w, logits);
        },
        adapter);
    for (const std::size_t i : running) {
      all[i].n_kept += all[i].n_right;
      session.session().truncate(states[i].sequence, adapter.n_virtual() + states[i].n_token + all[i].n_kept);
    }
  }
  std::vector<written_span> spans;
  for (writing& w : all) spans.push_back(std::move(w.out));
  return spans;
}

}  // namespace quipu::eren
