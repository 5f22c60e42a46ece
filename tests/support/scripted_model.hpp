/// @file A language model that follows a script: what the pipelines' logic is tested with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/language_model.hpp>

#include "support/tokenizer_archetype.hpp"

namespace quipu::test {

/// What the model says after a prompt that contains all of `needles`.
struct script_rule {
  std::vector<std::string> needles;
  std::string reply;
};

/// What was computed, shared by all copies of a model and its sessions.
struct script_log {
  std::vector<std::string> asked;  ///< texts after which logits were wanted
  std::size_t n_token = 0;
};

/// One token a byte. After a text whose prompt fits a rule (the first that does) the next byte of its reply
/// is far the likeliest token; other bytes have logits that depend on the byte alone.
class scripted_model {
 public:
  explicit scripted_model(std::vector<script_rule> rules, std::string otherwise = "no idea", std::size_t n_ctx = 4096)
      : rules_(std::make_shared<std::vector<script_rule>>(std::move(rules))), n_ctx_(n_ctx) {
    rules_->push_back({{}, std::move(otherwise)});
  }
  [[nodiscard]] tokenizer_archetype tokenizer() const { return {}; }
  [[nodiscard]] script_log& log() const { return *log_; }
  [[nodiscard]] std::size_t n_ctx() const { return n_ctx_; }

  [[nodiscard]] std::vector<float> logits(const std::string& text) const {
    std::vector<float> out(258);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>((i * 2654435761u >> 7) % 100) * 0.01f;
    out[static_cast<std::size_t>(next(text))] = 12;
    return out;
  }

 private:
  // The longest part of a reply that the text ends with was already said.
  [[nodiscard]] token_id next(const std::string& text) const {
    for (std::size_t said = std::min<std::size_t>(text.size(), 200) + 1; said-- > 0;) {
      const std::string_view prompt = std::string_view(text).substr(0, text.size() - said);
      const script_rule& rule = rule_for(prompt);
      if (said <= rule.reply.size() &&
          std::string_view(text).substr(prompt.size()) == std::string_view(rule.reply).substr(0, said)) {
        return said == rule.reply.size() ? 257 : static_cast<unsigned char>(rule.reply[said]);
      }
    }
    return 257;
  }
  [[nodiscard]] const script_rule& rule_for(std::string_view prompt) const {
    return *std::find_if(rules_->begin(), rules_->end(), [&](const script_rule& r) {
      return std::all_of(r.needles.begin(), r.needles.end(),
                         [&](const std::string& n) { return prompt.find(n) != std::string_view::npos; });
    });
  }

  std::shared_ptr<std::vector<script_rule>> rules_;
  std::shared_ptr<script_log> log_ = std::make_shared<script_log>();
  std::size_t n_ctx_;
};

/// Sequences are texts.
class scripted_session {
 public:
  using scalar_type = float;

  explicit scripted_session(scripted_model m) : model_(std::move(m)) {}

  llama::sequence_id create() {
    const auto id = static_cast<llama::sequence_id>(next_++);
    texts_[id];
    return id;
  }
  llama::sequence_id fork(llama::sequence_id from, std::size_t n) {
    std::string text = at(from);
    if (n > text.size()) throw config_error("scripted session: too long a fork");
    const llama::sequence_id id = create();
    texts_[id] = text.substr(0, n);
    return id;
  }
  void truncate(llama::sequence_id id, std::size_t n) { at(id).resize(n); }
  void erase(llama::sequence_id id) {
    static_cast<void>(at(id));
    texts_.erase(id);
  }
  [[nodiscard]] std::size_t length(llama::sequence_id id) const { return texts_.at(id).size(); }
  [[nodiscard]] std::size_t n_ctx() const { return model_.n_ctx(); }
  [[nodiscard]] std::size_t n_vocab() const { return 258; }
  [[nodiscard]] std::size_t n_sequence() const { return texts_.size(); }

  std::span<const float> next_logits(llama::sequence_id id, std::span<const token_id> tokens) {
    const llama::sequence_input<float> one{id, tokens};
    run(std::span<const llama::sequence_input<float>>(&one, 1),
        [&](std::size_t, std::size_t, std::span<const float> logits) { last_.assign(logits.begin(), logits.end()); });
    return last_;
  }
  template <class Visit>
  void run(std::span<const llama::sequence_input<float>> inputs, Visit&& visit) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::string& text = at(inputs[i].sequence);
      if (text.size() + inputs[i].tokens.size() > n_ctx()) throw config_error("scripted session: context full");
      for (std::size_t row = 0; row < inputs[i].tokens.size(); ++row) {
        const token_id token = inputs[i].tokens[row];
        text += token < 256 ? static_cast<char>(token) : '\1';
        ++model_.log().n_token;
        const bool wanted = inputs[i].want == llama::logits_of::every_row ||
                            (inputs[i].want == llama::logits_of::last_row && row + 1 == inputs[i].tokens.size());
        if (!wanted) continue;
        model_.log().asked.push_back(text);
        const std::vector<float> logits = model_.logits(text);
        visit(i, row, std::span<const float>(logits));
      }
    }
  }

 private:
  std::string& at(llama::sequence_id id) {
    const auto found = texts_.find(id);
    if (found == texts_.end()) throw config_error("scripted session: unknown sequence");
    return found->second;
  }
  scripted_model model_;
  std::map<llama::sequence_id, std::string> texts_;
  std::vector<float> last_;
  std::uint32_t next_ = 0;
};

[[nodiscard]] inline scripted_session open_session(const scripted_model& m, thread_team = thread_team()) {
  return scripted_session(m);
}

static_assert(llama::language_session<scripted_session>);
static_assert(llama::language_model<scripted_model>);

}  // namespace quipu::test
