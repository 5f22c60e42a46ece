/// @file Fine-tuning on the edits, what editing by notes is compared with: LoRA that learns to say each new answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/eren/reading/abstention.hpp>  // tidy_answer
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/llama/generate_together.hpp>
#include <quipu/llama/hooked_session.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/module_training.hpp>
#include <quipu/train/trainer.hpp>  // step_report

namespace quipu::eren {

/// An edit as weights learn it.
struct taught_answer {
  std::vector<token_id> prompt;  ///< of the application, with the question
  std::string answer;            ///< said after it, a blank in front
};

struct edit_tuning_options {
  pet::lora lora = {.rank = 8,
                    .alpha = 16,
                    .targets = optim::name_pattern::suffixes(
                        {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})};
  double learning_rate = 1e-3;
  std::size_t n_pass = 20;     ///< over the edits, at most
  std::size_t batch_size = 16;
  std::uint64_t seed = 0;
  std::size_t max_tokens = 16;  ///< of the answers looked at
  /// For checkpoints, one a pass, and log; empty: none. A run that was stopped goes on from there
  std::string folder{};
  std::function<void(std::size_t n_pass, std::size_t n_right)> progress{};  ///< after every pass
};

template <class Scalar>
struct tuned_edits {
  pet::lora::module<Scalar> module;
  std::size_t n_pass = 0, n_right = 0;  ///< passes done, and edits that are answered right after the last of them
};

/// Trains LoRA on the edits until the model, generating greedily, gives every edit's answer, or `n_pass` passes are
/// over. The model stays as it is; with the module on, all its answers may change, which is what locality measures.
/// @throws config_error  no edits; else as `train::trainer::run`
template <class Model>
[[nodiscard]] tuned_edits<typename Model::scalar_type> tune_edits(llama::training_pass<Model>& pass,
                                                                  std::span<const taught_answer> edits,
                                                                  const edit_tuning_options& options = {}) {
  using scalar = typename Model::scalar_type;
  const auto& tokenizer = pass.model().tokenizer();
  train::example_list examples;
  std::vector<std::vector<token_id>> prompts;
  for (const taught_answer& edit : edits) {
    std::vector<token_id> answer = continuation_ids(tokenizer, ":", " " + edit.answer);
    if (tokenizer.eos() != no_token) answer.push_back(tokenizer.eos());
    train::example one = train::prompt_and_answer(edit.prompt, answer);
    one.weight = 1 / static_cast<double>(answer.size());
    examples.push_back(std::move(one));
    prompts.push_back(edit.prompt);
  }
  tuned_edits<scalar> made{{options.lora, pass.model().config(), options.seed}};
  auto session = open_session(pass.model(), pass.workspace().team());
  llama::module_hooks writing_hooks(made.module, session.workspace());
  llama::hooked_session writer(session, writing_hooks);
  const std::size_t batch = train::batch_of(options.batch_size, examples.size());
  const std::size_t n_step = (examples.size() + batch - 1) / batch;  // in a pass
  const auto go_on = [&](const train::step_report& r) {
    if (r.step % n_step != 0) return true;
    const std::vector<std::string> said =
        llama::generate_together(writer, tokenizer, std::span<const std::vector<token_id>>(prompts),
                                 {.max_tokens = options.max_tokens, .stop = {"\n"}});
    made.n_pass = r.step / n_step;
    made.n_right = 0;
    for (std::size_t i = 0; i < edits.size(); ++i)
      made.n_right += report::answers_match(tidy_answer(said[i]), edits[i].answer) ? 1 : 0;
    if (options.progress) options.progress(made.n_pass, made.n_right);
    return made.n_right < edits.size();
  };
  static_cast<void>(train::train_module(pass, made.module, examples,
                                        {.learning_rate = options.learning_rate,
                                         .n_step = n_step * options.n_pass,
                                         .n_warm_up = std::min<std::size_t>(10, n_step * options.n_pass / 10),
                                         .batch_size = batch,
                                         .seed = options.seed,
                                         .save_every = n_step,
                                         .folder = options.folder,
                                         .resume = true,
                                         .progress = go_on}));
  return made;
}

}  // namespace quipu::eren
