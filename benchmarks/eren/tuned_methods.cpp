// What editing by notes is compared with and has no notes: fine-tuning on the edits.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <iostream>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/eren/teach/edit_tuning.hpp>
#include <quipu/llama/generate_together.hpp>
#include <quipu/llama/hooked_session.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "methods.hpp"

namespace {

// The model with an adapter, asked as an editor is: it answers everything itself, so every answer counts as applied.
// The unedited model's answers are written together in the same way.
class tuned_model {
 public:
  tuned_model(const model_t& m, q::eren::module_adapter<q::pet::any_module<float>> adapter, std::size_t n_token,
              q::thread_team team)
      : model_(m),
        session_(open_session(m, std::move(team))),
        adapter_(std::move(adapter)),
        prompt_(short_answers(m)),
        n_token_(n_token) {}

  std::vector<q::eren::consideration> consider(std::span<const std::string> questions) {
    std::vector<std::vector<q::token_id>> prompts;
    for (const std::string& question : questions) prompts.push_back(prompt_(question));
    const auto write = [&](auto& session) {
      auto texts =
          q::llama::generate_together(session, model_.tokenizer(), std::span<const std::vector<q::token_id>>(prompts),
                                      {.max_tokens = n_token_, .stop = {"\n"}});
      for (std::string& text : texts) text = q::eren::tidy_answer(text);
      return texts;
    };
    auto hooks = adapter_.hooks(session_);
    q::llama::hooked_session with_adapter(session_, hooks);
    const double begin = q::steady_seconds();
    const auto tuned = write(with_adapter);
    const double seconds = (q::steady_seconds() - begin) / static_cast<double>(questions.size());
    const auto own = write(session_);
    std::vector<q::eren::consideration> all(questions.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].question = questions[i];
      all[i].apply = true;
      all[i].text = tuned[i];
      all[i].timings.read = seconds;
      unedited_[questions[i]] = own[i];
    }
    return all;
  }
  q::llama::generation direct(const std::string& question) const {
    return {.text = unedited_.at(question), .tokens = {}};
  }
  q::eren::answer answer(q::eren::consideration c) const {
    q::eren::answer a;
    a.text = c.text;
    a.trace = std::move(c);
    return a;
  }

 private:
  model_t model_;
  decltype(open_session(std::declval<const model_t&>(), q::thread_team())) session_;
  q::eren::module_adapter<q::pet::any_module<float>> adapter_;
  q::eren::application_prompt prompt_;
  std::size_t n_token_;
  std::map<std::string, std::string> unedited_;
};

/// LoRA on the own questions of the edits that are asked, then all questions; what it says of unrelated ones must be
/// what the unedited model says. With `--resume NAME` the adapter stays in NAME.fine-tuned.
records_t run_fine_tuned(const model_t& m, settings s, const study_set& set, const std::string& name) {
  s.fallback = true;
  const std::string folder = s.resume.empty() ? std::string() : q::concat(s.resume, ".", name, ".", s.n_edit, "edits");
  const q::thread_team team(s.n_thread);
  const auto adapter = [&]() -> q::eren::module_adapter<q::pet::any_module<float>> {
    if (!folder.empty() && std::filesystem::exists(folder)) return q::eren::load_adapter(folder, m);
    const auto prompt = short_answers(m);
    std::vector<q::eren::taught_answer> edits;
    for (const auto& question : set.questions) {
      if (question.kind == q::eren::question_kind::in_scope && question.own)
        edits.push_back({prompt(question.question), question.accepted.front()});
    }
    q::llama::training_pass pass(m, team, q::llama::tape_depth::everything,
                                 s.bf16 ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none);
    const double begin = q::steady_seconds();
    auto tuned = q::eren::tune_edits(pass, edits,
                                     {.max_tokens = s.n_token,
                                      .folder = folder.empty() ? folder : folder + ".run",
                                      .progress = [&](std::size_t n_pass, std::size_t n_right) {
                                        std::cerr << "pass " << n_pass << ": " << n_right << " of " << edits.size()
                                                  << " edits are answered right, " << q::steady_seconds() - begin
                                                  << " s\n";
                                      }});
    std::cout << name << ": " << tuned.n_right << " of " << edits.size() << " edits are answered right behind "
              << tuned.n_pass << " passes, " << q::steady_seconds() - begin << " s\n";
    if (!folder.empty()) q::pet::save_peft(folder, tuned.module, m.config());
    return {q::pet::any_module<float>(std::move(tuned.module)), m};
  }();
  tuned_model tuned(m, adapter, s.n_token, team);
  return q::eren::evaluate(tuned, set.questions, std::vector<std::vector<q::notes::note_id>>(set.cases.size()),
                           options_of(s, name));
}

}  // namespace

std::optional<records_t> tuned_methods(const model_t& m, const settings& s, const study_set& set,
                                       const std::string& name) {
  if (name == "unedited") return records_t(set.questions.size());
  if (name == "fine-tuned") return run_fine_tuned(m, s, set, name);
  return {};
}
