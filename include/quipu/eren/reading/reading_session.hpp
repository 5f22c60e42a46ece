/// @file What readers and gates run on: many prompts in one batch, their common beginnings computed once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/hidden_tap.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/score.hpp>  // log_probability
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/token_lookup.hpp>

namespace quipu::eren {

/// Hooks of readers that change nothing. A reader with an adapter brings another source (`module_adapter`).
///
/// | member | meaning |
/// |---|---|
/// | `hooks(session)` | on while prompts are read and answered |
/// | `begin(session)` | a new sequence, with `n_virtual()` rows before the prompt |
/// | `variant()` | keeps the caches of different computations apart; 0 for this one alone |
/// | `identity()` | joins that of the reader, for the keys of fitted gates |
struct no_adapter {
  template <class Session>
  [[nodiscard]] llama::no_hooks hooks(Session&) const noexcept {
    return {};
  }
  template <class Session>
  [[nodiscard]] llama::sequence_id begin(Session& session) const {
    return session.create();
  }
  [[nodiscard]] static constexpr std::size_t n_virtual() noexcept { return 0; }
  [[nodiscard]] static constexpr std::uint64_t variant() noexcept { return 0; }
  [[nodiscard]] static std::string identity() { return {}; }
};

namespace detail {

inline std::size_t common_prefix(std::span<const token_id> a, std::span<const token_id> b) noexcept {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

}  // namespace detail

struct reading_options {
  std::size_t n_cached = 64;     ///< prompts whose caches are kept, so that what begins like them starts there
  std::size_t smallest_shared = 8;  ///< tokens that a batch must have in common before they are computed apart
};

/// A prompt that was read: its sequence can be continued. Give it back with `release`.
template <class Scalar>
struct read_prompt_state {
  llama::sequence_id sequence{};
  std::size_t n_token = 0;      ///< of the prompt
  std::size_t n_computed = 0;   ///< of them, not taken from a cache
  std::vector<Scalar> logits;   ///< (n_vocab) after the prompt
  std::vector<float> hidden;    ///< (d_model) of the prompt's last token, if asked for
};

/// A text whose tokens are to be scored after a prompt.
struct scored_continuation {
  std::vector<token_id> prompt;        ///< at least one
  std::vector<token_id> continuation;
};

/// A text whose tokens are to be scored after a prompt that was read already.
struct continuation_of_prompt {
  std::size_t prompt = 0;  ///< its index
  std::span<const token_id> tokens;
};

/// A session with a memory of prompts. Not for two threads at once.
/// @tparam Model  models `llama::language_model`
template <class Model>
class reading_session {
 public:
  using model_type = Model;
  using session_type =
      std::remove_cvref_t<decltype(open_session(std::declval<const Model&>(), std::declval<thread_team>()))>;
  using scalar_type = typename session_type::scalar_type;
  using state = read_prompt_state<scalar_type>;

  explicit reading_session(Model m, thread_team team = thread_team(), const reading_options& options = {})
      : model_(std::move(m)),
        form_(prompt_form::of(model_.tokenizer())),
        options_(options),
        holder_(new holder{open_session(model_, std::move(team))}) {}
  reading_session(Model m, prompt_form form, thread_team team = thread_team(), const reading_options& options = {})
      : model_(std::move(m)),
        form_(std::move(form)),
        options_(options),
        holder_(new holder{open_session(model_, std::move(team))}) {}

  [[nodiscard]] const Model& model() const noexcept { return model_; }
  [[nodiscard]] decltype(auto) tokenizer() const { return model_.tokenizer(); }
  [[nodiscard]] const prompt_form& form() const noexcept { return form_; }
  [[nodiscard]] session_type& session() noexcept { return holder_->session; }
  /// Tokens by their bytes, made when it is first asked for.
  [[nodiscard]] const text::token_lookup& lookup() {
    if (!lookup_) lookup_.emplace(model_.tokenizer());
    return *lookup_;
  }
  /// Tokens computed for prompts so far.
  [[nodiscard]] std::size_t n_computed() const noexcept { return n_computed_; }

  /// Can a prompt of so many tokens be read and answered with `room` more?
  [[nodiscard]] bool fits(std::size_t n_token, std::size_t room = 32) const {
    return n_token + room <= holder_->session.n_ctx();
  }

  /// Reads prompts in one batch. What they have in common with each other, or with earlier prompts, is
  /// computed once.
  ///
  /// @param depth    blocks after which the last token's hidden state is wanted, 1 .. n_layer
  /// @param adapter  source of hooks, see `no_adapter`
  /// @throws config_error  an empty prompt, one longer than the context, a depth that the model does not have
  template <class Adapter = no_adapter>
  [[nodiscard]] std::vector<state> read(std::span<const std::vector<token_id>> prompts,
                                        std::optional<std::size_t> depth = {}, const Adapter& adapter = {}) {
    auto& cache = caches_[adapter.variant()];
    std::vector<state> states(prompts.size());
    if (prompts.empty()) return states;
    for (const auto& p : prompts) {
      if (p.empty()) fail<config_error>("reading_session: prompt", "at least one token", "none");
    }
    const undo guard{*this, states};
    if (prompts.size() > 1) read_shared(prompts, cache, adapter);
    std::vector<llama::sequence_input<scalar_type>> inputs;
    std::vector<std::size_t> last_rows;
    std::size_t n_row = 0;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const std::span<const token_id> tokens = prompts[i];
      const auto [sequence, n] = begin(cache, tokens, tokens.size() - 1, adapter);
      states[i].sequence = sequence;
      states[i].n_token = tokens.size();
      states[i].n_computed = tokens.size() - n;
      inputs.push_back({sequence, tokens.subspan(n), {}, llama::logits_of::last_row});
      n_row += tokens.size() - n;
      last_rows.push_back(n_row - 1);
    }
    const auto visit = [&](std::size_t i, std::size_t, std::span<const scalar_type> logits) {
      states[i].logits.assign(logits.begin(), logits.end());
    };
    if (depth) {
      if constexpr (llama::hookable_session<session_type>) {
        using hooks_type = decltype(adapter.hooks(holder_->session));
        llama::hidden_tap<scalar_type, hooks_type> tap(*depth - 1, std::move(last_rows), adapter.hooks(holder_->session));
        holder_->session.run(inputs, visit, tap);
        const auto rows = tap.rows();
        if (rows.rows() != states.size()) fail<config_error>("reading_session: depth", "1 .. n_layer", *depth);
        for (std::size_t i = 0; i < states.size(); ++i) states[i].hidden.assign(rows.row(i), rows.row(i) + rows.cols());
      } else {
        throw config_error("reading_session: hidden states are asked for, and this model's sessions take no hooks");
      }
    } else {
      run(inputs, visit, adapter);
    }
    n_computed_ += n_row;
    guard.done();
    return states;
  }

  /// Continues sequences; `visit` as in `session::run`.
  template <class Visit, class Adapter = no_adapter>
  void run(std::span<const llama::sequence_input<scalar_type>> inputs, Visit&& visit, const Adapter& adapter = {}) {
    if constexpr (std::is_same_v<Adapter, no_adapter>) {
      holder_->session.run(inputs, visit);
    } else {
      auto hooks = adapter.hooks(holder_->session);
      holder_->session.run(inputs, visit, hooks);
    }
  }

  /// Gives a prompt's sequence back; its cache is kept for prompts that begin alike.
  template <class Adapter = no_adapter>
  void release(const state& s, std::span<const token_id> prompt, const Adapter& adapter = {}) {
    auto& cache = caches_[adapter.variant()];
    const auto known = [&](const entry& e) {
      return e.tokens.size() >= prompt.size() && detail::common_prefix(e.tokens, prompt) == prompt.size();
    };
    if (options_.n_cached == 0 || std::any_of(cache.begin(), cache.end(), known)) {
      holder_->session.erase(s.sequence);
      return;
    }
    holder_->session.truncate(s.sequence, adapter.n_virtual() + prompt.size());
    keep(cache, s.sequence, prompt);
  }

  /// log P of every token of the continuations, in one batch.
  [[nodiscard]] std::vector<std::vector<double>> score(std::span<const scored_continuation> all) {
    std::vector<std::vector<token_id>> prompts;
    std::vector<continuation_of_prompt> texts;
    for (std::size_t i = 0; i < all.size(); ++i) {
      prompts.push_back(all[i].prompt);
      texts.push_back({i, all[i].continuation});
    }
    const std::vector<state> states = read(prompts);
    std::vector<std::vector<double>> result = score_after(states, texts);
    for (std::size_t i = 0; i < all.size(); ++i) release(states[i], prompts[i]);
    return result;
  }

  /// log P of every token of texts that follow prompts just read, in one batch; the prompts' sequences stay as they
  /// are.
  template <class Adapter = no_adapter>
  [[nodiscard]] std::vector<std::vector<double>> score_after(std::span<const state> states,
                                                             std::span<const continuation_of_prompt> texts,
                                                             const Adapter& adapter = {}) {
    std::vector<std::vector<double>> result(texts.size());
    struct forks {
      session_type& session;
      std::vector<llama::sequence_input<scalar_type>> inputs;
      ~forks() {
        for (const auto& in : inputs) session.erase(in.sequence);
      }
    } own{holder_->session, {}};
    own.inputs.reserve(texts.size());
    std::vector<std::size_t> owner;
    owner.reserve(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto [prompt, tokens] = texts[i];
      if (tokens.empty()) continue;
      const state& s = states[prompt];
      result[i].push_back(llama::log_probability(std::span<const scalar_type>(s.logits), checked(tokens[0])));
      if (tokens.size() == 1) continue;
      const auto sequence = holder_->session.fork(s.sequence, adapter.n_virtual() + s.n_token);
      own.inputs.push_back({sequence, tokens.first(tokens.size() - 1), {}, llama::logits_of::every_row});
      owner.push_back(i);
    }
    if (own.inputs.empty()) return result;
    const auto visit = [&](std::size_t input, std::size_t row, std::span<const scalar_type> logits) {
      const std::size_t i = owner[input];
      result[i].push_back(llama::log_probability(logits, checked(texts[i].tokens[row + 1])));
    };
    run(own.inputs, visit, adapter);
    return result;
  }

  /// log P of one text, its tokens together, after each of some prompts just read.
  template <class Adapter = no_adapter>
  [[nodiscard]] std::vector<double> score_after_each(std::span<const state> states, std::span<const token_id> tokens,
                                                     const Adapter& adapter = {}) {
    std::vector<continuation_of_prompt> texts;
    for (std::size_t i = 0; i < states.size(); ++i) texts.push_back({i, tokens});
    std::vector<double> sums;
    for (const std::vector<double>& each : score_after(states, texts, adapter))
      sums.push_back(std::accumulate(each.begin(), each.end(), 0.0));
    return sums;
  }

  /// Forgets all cached prompts.
  void forget() {
    for (auto& [variant, cache] : caches_) {
      for (const entry& e : cache) holder_->session.erase(e.sequence);
    }
    caches_.clear();
  }

 private:
  struct holder {
    session_type session;
  };
  struct entry {
    std::vector<token_id> tokens;
    llama::sequence_id sequence;
    std::uint64_t used;
  };
  using entries = std::vector<entry>;
  /// Drops the sequences of an unfinished batch.
  struct undo {
    reading_session& owner;
    std::vector<state>& states;
    mutable bool finished = false;
    void done() const noexcept { finished = true; }
    ~undo() {
      if (finished) return;
      for (const state& s : states) {
        if (s.n_token > 0) owner.holder_->session.erase(s.sequence);
      }
    }
  };

  [[nodiscard]] token_id checked(token_id token) const {
    const std::size_t n_vocab = holder_->session.n_vocab();
    if (token < 0 || static_cast<std::size_t>(token) >= n_vocab)
      fail<config_error>("reading_session: token id", concat("0 .. ", n_vocab - 1), token);
    return token;
  }

  /// A sequence that holds the longest known beginning of `tokens`, at most `most` of them.
  template <class Adapter>
  std::pair<llama::sequence_id, std::size_t> begin(entries& cache, std::span<const token_id> tokens, std::size_t most,
                                                   const Adapter& adapter) {
    entry* best = nullptr;
    std::size_t n_best = 0;
    for (entry& e : cache) {
      const std::size_t n = std::min(most, detail::common_prefix(e.tokens, tokens));
      if (n > n_best) {
        n_best = n;
        best = &e;
      }
    }
    if (best == nullptr) return {adapter.begin(holder_->session), 0};
    best->used = ++clock_;
    return {holder_->session.fork(best->sequence, adapter.n_virtual() + n_best), n_best};
  }
  void keep(entries& cache, llama::sequence_id sequence, std::span<const token_id> tokens) {
    if (cache.size() >= options_.n_cached) {
      const auto oldest =
          std::min_element(cache.begin(), cache.end(), [](const entry& a, const entry& b) { return a.used < b.used; });
      holder_->session.erase(oldest->sequence);
      cache.erase(oldest);
    }
    cache.push_back({{tokens.begin(), tokens.end()}, sequence, ++clock_});
  }
  template <class Adapter>
  void read_shared(std::span<const std::vector<token_id>> prompts, entries& cache, const Adapter& adapter) {
    if (options_.n_cached == 0) return;
    std::size_t shared = prompts[0].size() - 1;
    for (const auto& p : prompts) shared = std::min({shared, p.size() - 1, detail::common_prefix(prompts[0], p)});
    const std::span<const token_id> tokens = std::span(prompts[0]).first(shared);
    std::size_t known = 0;
    for (const entry& e : cache) known = std::max(known, detail::common_prefix(e.tokens, tokens));
    if (shared < known + options_.smallest_shared) return;
    const auto [sequence, n] = begin(cache, tokens, shared, adapter);
    const llama::sequence_input<scalar_type> input{sequence, tokens.subspan(n), {}, llama::logits_of::none};
    try {
      run({&input, 1}, [](std::size_t, std::size_t, std::span<const scalar_type>) {}, adapter);
    } catch (...) {
      holder_->session.erase(sequence);
      throw;
    }
    n_computed_ += shared - n;
    keep(cache, sequence, tokens);
  }

  Model model_;
  prompt_form form_;
  reading_options options_;
  std::unique_ptr<holder> holder_;
  std::map<std::uint64_t, entries> caches_;
  std::uint64_t clock_ = 0;
  std::size_t n_computed_ = 0;
  std::optional<text::token_lookup> lookup_;
};

}  // namespace quipu::eren
