/// @file A session whose every pass runs with hooks: what generates and scores with a module attached.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <quipu/core/token.hpp>
#include <quipu/llama/next_logits.hpp>
#include <quipu/llama/sequence_input.hpp>

namespace quipu::llama {

/// Models `language_session` on a session and hooks, both of which it refers to; passes that go to the session itself
/// run without. A sequence that begins with a module's virtual tokens comes from `create_with`.
/// Example: examples/03_finetune/main.cpp
template <class Session, class Hooks>
class hooked_session {
 public:
  using scalar_type = typename Session::scalar_type;
  using input = sequence_input<scalar_type>;

  hooked_session(Session& session, Hooks& hooks) noexcept : session_(&session), hooks_(&hooks) {}

  [[nodiscard]] sequence_id create() { return session_->create(); }
  [[nodiscard]] sequence_id fork(sequence_id from, std::size_t n) { return session_->fork(from, n); }
  void truncate(sequence_id sequence, std::size_t n) { session_->truncate(sequence, n); }
  void erase(sequence_id sequence) { session_->erase(sequence); }
  [[nodiscard]] std::size_t length(sequence_id sequence) const { return session_->length(sequence); }
  [[nodiscard]] std::size_t n_ctx() const noexcept { return session_->n_ctx(); }
  [[nodiscard]] std::size_t n_vocab() const noexcept { return session_->n_vocab(); }

  /// @throws config_error  as `session::run`
  template <class Visit>
  void run(std::span<const input> inputs, Visit&& visit) {
    session_->run(inputs, std::forward<Visit>(visit), *hooks_);
  }
  /// Logits after the last token; valid until the next call.
  /// @throws config_error  as `session::next_logits`
  [[nodiscard]] std::span<const scalar_type> next_logits(sequence_id sequence, std::span<const token_id> tokens,
                                                         token_role role = token_role::prompt) {
    return run_for_logits(*this, sequence, tokens, role);
  }

 private:
  Session* session_;
  Hooks* hooks_;
};

}  // namespace quipu::llama
