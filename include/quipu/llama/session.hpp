/// @file A session: sequences with their caches, buffers and threads, on one model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/available_memory.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/llama/forward.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/kv_cache.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/memory_needed.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/next_logits.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/llama/training_hooks.hpp>  // kv_prefix

namespace quipu::llama {

/// What finds the token of the largest logit without working out all of them, for `session::next_token`.
template <class H>
concept best_token_head = requires(const H& h, linear::workspace& ws, matrix_view<const float> x) {
  { h.n_vocab() } -> std::convertible_to<std::size_t>;
  { h.d_model() } -> std::convertible_to<std::size_t>;
  { h.best(ws, x) } -> std::same_as<token_id>;
};

/// Mutable state of running one model: any number of sequences that can be forked, cut and dropped. Not for
/// use by two threads at once; several sessions may share a model and a thread team.
///
/// @tparam Model  a `basic_model`
template <class Model>
class session {
 public:
  using model_type = Model;
  using scalar_type = typename Model::scalar_type;
  using kv_type = typename Model::kv_type;
  using input = sequence_input<scalar_type>;

  /// @throws config_error  a context longer than the model's, or for which there is too little memory; an instruction set that is
  ///                       not there
  explicit session(Model m, thread_team team = thread_team(), session_options options = {})
      : model_(std::move(m)),
        n_ctx_(options.n_ctx == 0 ? model_.config().n_ctx : options.n_ctx),
        n_batch_(options.n_batch == 0 ? 1 : options.n_batch),
        ws_(std::move(team), kernels_of(model_)),
        projector_(ws_, policy_of<typename Model::policies, role::activations>::rounding),
        rope_(model_.config()),
        progress_(std::move(options.progress)) {
    if (n_ctx_ > model_.config().n_ctx) {
      fail<config_error>("session: n_ctx", concat("at most the model's ", model_.config().n_ctx), n_ctx_);
    }
    if (options.n_ctx != 0) check_memory(options.memory);  // most never fill a context that they did not ask for
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  [[nodiscard]] const Model& model() const noexcept { return model_; }
  [[nodiscard]] std::size_t n_ctx() const noexcept { return n_ctx_; }
  [[nodiscard]] linear::workspace& workspace() noexcept { return ws_; }

  /// A new empty sequence.
  [[nodiscard]] sequence_id create() {
    const auto& c = model_.config();
    return insert(kv_cache<kv_type>({c.n_layer, c.n_kv_head, c.d_head}));
  }
  /// A new sequence that begins with learned keys and values.
  /// @throws config_error  more of them than n_ctx
  [[nodiscard]] sequence_id create(const kv_prefix<scalar_type>& prefix) {
    if (prefix.n_row > n_ctx_)
      fail<config_error>("session::create: prefix", concat("at most n_ctx = ", n_ctx_, " rows"), prefix.n_row);
    const sequence_id id = create();
    kv_cache<kv_type>* own = &cache(id);
    own->prepare(prefix.n_row);
    cached_context<kv_type> context({&own, 1});
    const auto& c = model_.config();
    const row_segment all{0, 0, prefix.n_row, 0};
    const std::size_t stride = c.n_layer * 2 * c.d_kv();
    for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
      const scalar_type* k = prefix.values + layer * 2 * c.d_kv();
      context.template store<scalar_type>(ws_, layer, {&all, 1}, {k, prefix.n_row, c.d_kv(), stride},
                                          {k + c.d_kv(), prefix.n_row, c.d_kv(), stride});
    }
    own->commit(prefix.n_row);
    return id;
  }
  /// A new sequence that begins with the first `n` positions of another. They are shared, not copied.
  /// @throws config_error  the sequence is unknown or shorter than `n`
  [[nodiscard]] sequence_id fork(sequence_id from, std::size_t n) {
    kv_cache<kv_type> copy = cache(from);
    cut(copy, n);
    return insert(std::move(copy));
  }
  [[nodiscard]] sequence_id fork(sequence_id from) { return fork(from, length(from)); }
  /// Forgets positions from `n` on.
  void truncate(sequence_id sequence, std::size_t n) { cut(cache(sequence), n); }
  void erase(sequence_id sequence) {
    static_cast<void>(cache(sequence));  // throws if there is none
    sequences_.erase(sequence);
  }
  /// Positions that the sequence has.
  [[nodiscard]] std::size_t length(sequence_id sequence) const { return cache(sequence).length(); }
  [[nodiscard]] std::size_t n_sequence() const noexcept { return sequences_.size(); }

  /// Continues sequences, all in one batch, and hands out the logits that were asked for.
  ///
  /// @param inputs  no sequence twice
  /// @param visit   called as visit(input index, row of the input, std::span<const scalar> logits (n_vocab)),
  ///                in order, those with `token_role::decode` first, on this thread; may throw
  /// @param hooks   modules and taps, see `no_hooks`
  /// @throws config_error  unknown or repeated sequences, token ids outside the vocabulary, modules of another
  ///                       model's sizes, a sequence that would pass n_ctx. Nothing has changed then; if `visit`
  ///                       throws, the sequences are continued up to the pass that it was called for.
  /// @throws cancelled     `session_options::progress` said so; the sequences are continued up to there
  template <class Visit, class Hooks = no_hooks>
  void run(std::span<const input> inputs, Visit&& visit, Hooks&& hooks = {}) {
    check(inputs);
    if (!hooks.fits(model_.config()))
      fail<config_error>("session::run: hooks", "modules made for this model", "modules of other sizes");
    run_passes(inputs, hooks, [&](matrix_view<const scalar_type> x) { give_logits(inputs, x, visit); });
  }

  /// Continues one sequence and returns the token of the largest logit after its last one, without working out the others.
  /// @tparam Head  models `best_token_head`, as `certified_head` does
  /// @param  head  of this model
  /// @throws config_error  as `run`; no tokens; a head of another model's size
  template <best_token_head Head>
  [[nodiscard]] token_id next_token(sequence_id sequence, std::span<const token_id> tokens, const Head& head,
                                    token_role role = token_role::decode) {
    const auto& c = model_.config();
    if (tokens.empty()) fail<config_error>("session::next_token", "at least one token", "none");
    if (head.n_vocab() != c.n_vocab || head.d_model() != c.d_model)
      fail<config_error>("session::next_token: head", concat(c.n_vocab, " x ", c.d_model, ", as the model's"),
                         concat(head.n_vocab(), " x ", head.d_model()));
    input in{sequence, tokens};
    in.role = role;
    in.want = logits_of::none;
    check({&in, 1});
    token_id best = 0;
    run_passes({&in, 1}, no_hooks(), [&](matrix_view<const scalar_type> x) {
      if (pass_.back().first + pass_.back().n_row < tokens.size()) return;
      normed_.reserve_discarding(c.d_model);
      const auto normed = normed_.matrix(1, c.d_model);  // (1, d_model)
      rms_norm_rows<scalar_type>(ws_, x.middle_rows(x.rows() - 1, 1), model_.weights().final_norm, c.rms_norm_eps, normed);
      best = head.best(ws_, normed);
    });
    return best;
  }

  /// Continues one sequence and returns the logits after its last token; valid until the next call.
  /// @throws config_error  as `run`; no tokens
  [[nodiscard]] std::span<const scalar_type> next_logits(sequence_id sequence, std::span<const token_id> tokens,
                                                         token_role role = token_role::prompt) {
    return run_for_logits(*this, sequence, tokens, role);
  }

  /// Token ids must be below this.
  [[nodiscard]] std::size_t n_vocab() const noexcept { return model_.config().n_vocab; }

 private:
  struct part {  // rows of one input in one pass
    std::size_t input;
    std::size_t first;
    std::size_t n_row;
  };

  void check_memory(std::size_t given) const {
    const std::size_t needed = detail::cache_bytes<kv_type>(model_.config(), n_ctx_), room = given == 0 ? available_memory() : given;
    if (needed > room) {
      fail<config_error>(concat("session: keys and values of ", n_ctx_, " tokens"),
                         concat("at most ", mebibytes(room), ", which are available"), mebibytes(needed));
    }
  }

  sequence_id insert(kv_cache<kv_type> cache) {
    const auto id = static_cast<sequence_id>(next_id_++);
    sequences_.emplace(id, std::move(cache));
    return id;
  }
  [[nodiscard]] const kv_cache<kv_type>& cache(sequence_id sequence) const {
    const auto found = sequences_.find(sequence);
    if (found == sequences_.end()) {
      fail<config_error>("session", "a sequence of this session",
                         concat("sequence ", static_cast<std::uint32_t>(sequence)));
    }
    return found->second;
  }
  [[nodiscard]] kv_cache<kv_type>& cache(sequence_id sequence) {
    return const_cast<kv_cache<kv_type>&>(std::as_const(*this).cache(sequence));
  }
  static void cut(kv_cache<kv_type>& cache, std::size_t n) {
    if (n > cache.length()) fail<config_error>("session: length to keep", concat("at most ", cache.length()), n);
    cache.truncate(n);
  }

  void check(std::span<const input> inputs) const {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const input& in = inputs[i];
      const std::size_t after = cache(in.sequence).length() + in.n_row();
      if (after > n_ctx_) {
        fail<config_error>("session::run: sequence length", concat("at most n_ctx = ", n_ctx_, " tokens"), after);
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (inputs[j].sequence == in.sequence) fail<config_error>("session::run", "each sequence once", "one twice");
      }
      for (const token_id token : in.tokens) {
        if (token < 0 || static_cast<std::size_t>(token) >= n_vocab()) {
          fail<config_error>("session::run: token id", concat("0 .. ", n_vocab() - 1), token);
        }
      }
      if (in.tokens.empty() && in.n_row() > 0 && in.embeddings.cols() != model_.config().d_model) {
        fail<shape_error>("session::run: embeddings", concat("d_model = ", model_.config().d_model, " columns"),
                          in.embeddings.cols());
      }
    }
  }

  // Fills `pass_` with up to n_batch rows that are still to be done, those of chosen tokens first.
  void plan_pass(std::span<const input> inputs) {
    pass_.clear();
    std::size_t room = n_batch_;
    for (const token_role role : {token_role::decode, token_role::prompt}) {
      for (std::size_t i = 0; i < inputs.size() && room > 0; ++i) {
        if (inputs[i].role != role) continue;
        const std::size_t n = std::min(room, inputs[i].n_row() - done_[i]);
        if (n > 0) pass_.push_back({i, done_[i], n});
        room -= n;
      }
    }
  }

  void tell_progress(std::span<const input> inputs) const {
    std::size_t n_done = 0, n_row = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      n_done += done_[i];
      n_row += inputs[i].n_row();
    }
    if (n_done < n_row && !progress_({"reading", n_done, n_row}))
      throw cancelled(concat("reading was cancelled after ", n_done, " of ", n_row, " tokens"));
  }

  // Calls give(residual stream after the last block, (n_row, d_model)) after every pass.
  template <class Hooks, class Give>
  void run_passes(std::span<const input> inputs, Hooks&& hooks, Give&& give) {
    done_.assign(inputs.size(), 0);
    for (;;) {
      plan_pass(inputs);
      if (pass_.empty()) return;
      give(run_pass(inputs, hooks));
      for (const part& p : pass_) done_[p.input] += p.n_row;
      if (progress_) tell_progress(inputs);
    }
  }

  template <class Hooks>
  [[nodiscard]] matrix_view<const scalar_type> run_pass(std::span<const input> inputs, Hooks& hooks) {
    const auto& c = model_.config();
    segments_.clear();
    caches_.clear();
    std::size_t n_row = 0, n_decode = 0, n_position = 0;
    for (const part& p : pass_) {
      kv_cache<kv_type>& own = cache(inputs[p.input].sequence);
      own.prepare(own.length() + p.n_row);
      segments_.push_back({caches_.size(), n_row, p.n_row, own.length(), p.input});
      caches_.push_back(&own);
      n_row += p.n_row;
      if (inputs[p.input].role == token_role::decode) n_decode = n_row;
      n_position = std::max(n_position, own.length() + p.n_row);
    }
    rope_.extend(n_position);
    x_.reserve_discarding(n_row * c.d_model);
    const matrix_view<scalar_type> x = x_.matrix(n_row, c.d_model);  // (n_row, d_model)
    for (std::size_t i = 0; i < pass_.size(); ++i) {
      const part& p = pass_[i];
      const input& in = inputs[p.input];
      const auto rows = x.middle_rows(segments_[i].first_row, p.n_row);  // (n, d_model) of this input
      if (!in.tokens.empty()) {
        embed<scalar_type>(model_.weights().embedding, in.tokens.subspan(p.first, p.n_row), rows);
      } else {
        for (std::size_t t = 0; t < p.n_row; ++t) std::copy_n(in.embeddings.row(p.first + t), c.d_model, rows.row(t));
      }
    }
    cached_context<kv_type> context(caches_);
    projector_.set_decode_rows(n_decode);
    // (n_row, d_model)
    const auto out = forward_blocks(model_, {ws_, projector_, rope_, plan_}, segments_, x, recorder_, context, hooks);
    for (std::size_t i = 0; i < pass_.size(); ++i) caches_[i]->commit(caches_[i]->length() + pass_[i].n_row);
    return out;
  }

  // The head runs only on rows whose logits are wanted, in bounded portions.
  template <class Visit>
  void give_logits(std::span<const input> inputs, matrix_view<const scalar_type> x, Visit& visit) {
    wanted_.clear();
    std::size_t n_decode = 0;
    for (std::size_t i = 0; i < pass_.size(); ++i) {
      const part& p = pass_[i];
      const input& in = inputs[p.input];
      if (in.want == logits_of::every_row) {
        for (std::size_t t = 0; t < p.n_row; ++t) wanted_.push_back({segments_[i].first_row + t, p.input, p.first + t});
      } else if (in.want == logits_of::last_row && p.first + p.n_row == in.n_row()) {
        wanted_.push_back({segments_[i].first_row + p.n_row - 1, p.input, in.n_row() - 1});
      }
      if (in.role == token_role::decode) n_decode = wanted_.size();
    }
    const auto& c = model_.config();
    const auto& w = model_.weights();
    constexpr std::size_t portion = 64;  // 64 rows of 49,152 logits are 12 MB
    for (std::size_t first = 0; first < wanted_.size(); first += portion) {
      const std::size_t n = std::min(portion, wanted_.size() - first);
      normed_.reserve_discarding(n * c.d_model);
      logits_.reserve_discarding(n * c.n_vocab);
      const auto normed = normed_.matrix(n, c.d_model);  // (n, d_model)
      const auto logits = logits_.matrix(n, c.n_vocab);  // (n, n_vocab)
      for (std::size_t i = 0; i < n; ++i) {
        rms_norm_rows<scalar_type>(ws_, x.middle_rows(wanted_[first + i].row, 1), w.final_norm, c.rms_norm_eps,
                                   normed.middle_rows(i, 1));
      }
      const linear::projection<scalar_type> head{&w.head, nullptr, logits};
      projector_.set_decode_rows(n_decode - std::min(n_decode, first));
      projector_.run(normed, {&head, 1});
      for (std::size_t i = 0; i < n; ++i) {
        const std::span<const scalar_type> row = logits.row_span(i);  // (n_vocab)
        visit(wanted_[first + i].input, wanted_[first + i].input_row, row);
      }
    }
  }

  struct wanted_row {
    std::size_t row;        // of the pass
    std::size_t input;
    std::size_t input_row;
  };

  Model model_;
  std::size_t n_ctx_;
  std::size_t n_batch_;
  linear::workspace ws_;
  linear::projector<scalar_type> projector_;
  rope_table<scalar_type> rope_;
  progress_callback progress_;
  no_record<scalar_type> recorder_;
  std::map<sequence_id, kv_cache<kv_type>> sequences_;
  std::uint32_t next_id_ = 0;
  // Lists of one call or pass, in memory that the next one fills again.
  std::vector<std::size_t> done_;  // rows of each input
  std::vector<part> pass_;
  std::vector<row_segment> segments_;
  std::vector<kv_cache<kv_type>*> caches_;
  std::vector<wanted_row> wanted_;
  attention_plan plan_;
  buffer<scalar_type> x_, normed_, logits_;  // (n_row, d_model), (n, d_model), (n, n_vocab)
};

template <class Model>
session(Model, thread_team, session_options) -> session<Model>;

/// A session of a LLaMA: with it a model is a `language_model`.
template <class Policies>
[[nodiscard]] session<basic_model<Policies>> open_session(const basic_model<Policies>& m,
                                                          thread_team team = thread_team(),
                                                          session_options options = {}) {
  return session<basic_model<Policies>>(m, std::move(team), options);
}

static_assert(language_session<session<model<>>>);
static_assert(language_model<model<>>);

}  // namespace quipu::llama
