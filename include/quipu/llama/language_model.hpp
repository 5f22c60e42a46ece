/// @file The border between models and pipelines: what anything that gives next-token logits must offer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::llama {

template <class S>
concept has_sequences = requires(S& s, const S& c, sequence_id id, std::size_t n) {
  { s.create() } -> std::same_as<sequence_id>;
  { s.fork(id, n) } -> std::same_as<sequence_id>;
  s.truncate(id, n);
  s.erase(id);
  { c.length(id) } -> std::convertible_to<std::size_t>;
  { c.n_ctx() } -> std::convertible_to<std::size_t>;
  { c.n_vocab() } -> std::convertible_to<std::size_t>;
};
template <class S>
concept has_next_logits = requires(S& s, sequence_id id, std::span<const token_id> tokens) {
  typename S::scalar_type;
  { s.next_logits(id, tokens) } -> std::same_as<std::span<const typename S::scalar_type>>;
};
struct no_hooks;
struct logits_visitor {
  template <class Scalar>
  void operator()(std::size_t, std::size_t, std::span<const Scalar>) const {}
};
template <class S>
concept has_run = requires(S& s, std::span<const sequence_input<typename S::scalar_type>> inputs,
                           logits_visitor visit) {
  s.run(inputs, visit);
};

/// State of generation: sequences that can be forked and cut, and logits after them. `session` is one.
template <class S>
concept language_session = has_sequences<S> && has_next_logits<S> && has_run<S>;

/// Optional: sessions that take hooks, so that hidden states can be seen and modules attached.
template <class S>
concept hookable_session = requires(S& s, std::span<const sequence_input<typename S::scalar_type>> inputs,
                                    logits_visitor visit, no_hooks& hooks) {
  s.run(inputs, visit, hooks);
};

/// Optional: sessions whose numbers may depend on whether a token was given or chosen.
template <class S>
concept role_taking_session = requires(S& s, sequence_id id, std::span<const token_id> tokens) {
  { s.next_logits(id, tokens, token_role::decode) } -> std::same_as<std::span<const typename S::scalar_type>>;
};

/// Role `language_model`: a copyable handle with a tokenizer that opens sessions with `open_session(model,
/// team)`, found by argument-dependent lookup. Any engine that gives next-token logits can be one.
template <class M>
concept language_model = std::copyable<M> && requires(const M& m, thread_team team) {
  requires text::tokenizer<std::remove_cvref_t<decltype(m.tokenizer())>>;
  requires language_session<std::remove_cvref_t<decltype(open_session(m, team))>>;
};

/// Optional: a language model that names its weights, for the keys of what was fitted on it.
template <class M>
concept keyed_model = requires(const M& m) {
  { m.key() } -> std::convertible_to<std::string>;
};

}  // namespace quipu::llama
