/// @file Running an editor over a set of edits: which questions, what came out, and the scores of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/answer.hpp>
#include <quipu/eren/resumable_log.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/edit_scores.hpp>

namespace quipu::eren {

enum class question_kind : std::uint8_t { in_scope, unrelated, portability };

/// One question of an evaluation.
struct evaluation_question {
  std::size_t edit = 0;              ///< index of the edit case
  question_kind kind = question_kind::in_scope;
  std::string group;                 ///< of unrelated and portability questions
  std::string question;
  std::vector<std::string> accepted; ///< answers that count as right
  bool own = false;                  ///< the edit's own wording
  bool flips = true;                 ///< the edit turns the answer
  bool contaminated = false;         ///< unrelated to its edit, and yet in the scope of another one
};

/// Four neighbours of each edit of CounterFact-Hard.
[[nodiscard]] inline std::map<std::string, std::size_t> usual_group_limits() { return {{"neighbor_subj", 4}}; }

struct question_choice {
  std::optional<data::data_part> part = {};
  std::size_t n_edit = 0;            ///< at most so many of the part, the first ones in the order of crc32(id); 0: all
  /// Questions of a group of unrelated ones that are asked for each edit, those with the smallest
  /// crc32(question); groups that are not named are asked in full.
  std::map<std::string, std::size_t> per_group = usual_group_limits();
};

/// Edits of a part, ascending: "the first n" are drawn by checksum, so that a longer run contains a shorter one.
[[nodiscard]] inline std::vector<std::size_t> chosen_edits(std::span<const data::edit_case> cases,
                                                           const question_choice& choice = {}) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!choice.part || data::part_of(cases[i].id) == *choice.part) chosen.push_back(i);
  }
  if (choice.n_edit != 0 && choice.n_edit < chosen.size()) {
    std::sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
      const auto order = [&](std::size_t i) { return std::pair(crc32("n" + cases[i].id), i); };
      return order(a) < order(b);
    });
    chosen.resize(choice.n_edit);
    std::sort(chosen.begin(), chosen.end());
  }
  return chosen;
}

/// The questions of some edits; repeats inside a record are asked once.
[[nodiscard]] inline std::vector<evaluation_question> evaluation_questions(std::span<const data::edit_case> cases,
                                                                           const question_choice& choice = {}) {
  std::set<std::string> edited;  // normalised questions in the scope of any edit
  for (const data::edit_case& c : cases) {
    for (const data::probe& p : c.in_scope) edited.insert(report::normalised_answer(p.question));
  }
  std::vector<evaluation_question> all;
  for (const std::size_t i : chosen_edits(cases, choice)) {
    std::map<std::string, std::size_t> seen;  // in scope: question -> index; the last label counts
    for (std::size_t p = 0; p < cases[i].in_scope.size(); ++p) {
      const data::probe& probe = cases[i].in_scope[p];
      const bool flips = probe.truth.empty() || probe.answers.empty() || probe.truth != probe.answers.front();
      const auto [at, fresh] = seen.emplace(probe.question, all.size());
      if (fresh) {
        all.push_back({i, question_kind::in_scope, {}, probe.question, probe.answers, p == 0, flips, false});
      } else {
        all[at->second].accepted = probe.answers;
      }
    }
    const auto add_groups = [&](const std::vector<data::probe_group>& groups, question_kind kind) {
      for (const data::probe_group& group : groups) {
        std::vector<const data::probe*> unique;
        std::set<std::string> once;
        for (const data::probe& probe : group.probes) {
          if (once.insert(probe.question).second) unique.push_back(&probe);
        }
        const auto limit = choice.per_group.find(group.name);
        if (kind == question_kind::unrelated && limit != choice.per_group.end() && limit->second < unique.size()) {
          std::stable_sort(unique.begin(), unique.end(), [](const data::probe* a, const data::probe* b) {
            return crc32(a->question) < crc32(b->question);
          });
          unique.resize(limit->second);
        }
        for (const data::probe* probe : unique) {
          all.push_back(
              {i, kind, group.name, probe->question, probe->answers, false, true,
               kind == question_kind::unrelated && edited.count(report::normalised_answer(probe->question)) != 0});
        }
      }
    };
    add_groups(cases[i].unrelated, question_kind::unrelated);
    add_groups(cases[i].portability, question_kind::portability);
  }
  return all;
}

/// Adds the notes of all cases, both of a conflicting pair kept; gives each case its note ids.
/// @param editor  or a notebook
template <class Editor>
std::vector<std::vector<notes::note_id>> add_all_notes(Editor& editor, std::span<const data::edit_case> cases) {
  std::vector<notes::note> all;
  for (const data::edit_case& c : cases) {
    for (const std::string& text : c.notes) all.push_back({.text = text});
  }
  const std::vector<notes::add_result> results = [&] {
    if constexpr (requires { editor.add_notes(all); }) {
      return editor.add_notes(all);
    } else {
      return editor.add_batch(all, {.on_conflict = notes::conflict_policy::keep_both});
    }
  }();
  std::vector<std::vector<notes::note_id>> ids;
  std::size_t next = 0;
  for (const data::edit_case& c : cases) {
    ids.emplace_back();
    for (std::size_t n = 0; n < c.notes.size(); ++n) ids.back().push_back(results[next++].id);
  }
  return ids;
}

/// When questions that no note should change count as kept.
enum class evaluation_protocol : std::uint8_t {
  abstention_is_preserved,  ///< the paper's: no fallback is run, abstaining counts
  run_fallback,             ///< every answer is compared with the unedited model's
};

/// What came out for one question.
struct evaluation_record {
  bool applied = false;
  bool own_note = false;      ///< one of the edit's own notes was used
  double probability = 0;
  double score = 0;           ///< of the gate, for the best note
  std::string text;           ///< final answer; empty where abstaining and the fallback was not run
  std::string unedited;       ///< the unedited model's answer, where it was run
  answer_timings timings;
  double unedited_seconds = 0;  ///< that its answer took; 0 where it was not run, or known from an earlier question
};

struct evaluation_options {
  evaluation_protocol protocol = evaluation_protocol::abstention_is_preserved;
  std::string resume = {};             ///< file of finished questions; continued where it is there. Empty: none
  std::string fingerprint = {};        ///< names the run in that file; another one's file is refused
  std::size_t batch = 16;
  progress_callback progress = {};     ///< false stops; what is done is kept in the file
  /// Answers of the unedited model by question, shared between runs
  std::map<std::string, std::string>* unedited = nullptr;
};

/// Asks an editor all questions.
/// @return records in the order of the questions; shorter where `progress` stopped it
/// @throws format_error, config_error  the file to resume from is damaged or belongs to another run
template <class Editor>
[[nodiscard]] std::vector<evaluation_record> evaluate(Editor& editor, std::span<const evaluation_question> questions,
                                                      std::span<const std::vector<notes::note_id>> ids,
                                                      const evaluation_options& options = {}) {
  std::vector<evaluation_record> records;
  resumable_log log(options.resume, concat("evaluation ", options.fingerprint, " ", questions.size(), " questions"));
  for (const nlohmann::json& line : log.lines()) {
    const log_fields in(line, options.resume);
    evaluation_record r;
    r.applied = in.flag("applied");
    r.own_note = in.flag("own_note");
    r.probability = in.number("p");
    r.score = in.number("score");
    r.text = in.text("text");
    r.unedited = in.text("unedited");
    r.timings = {in.number("t_retrieve"), in.number("t_screen"), in.number("t_read"), in.number("t_gate"),
                 in.number("t_fallback")};
    r.unedited_seconds = in.number("t_unedited");
    records.push_back(std::move(r));
  }
  if (records.size() > questions.size())
    fail<format_error>(options.resume, concat("at most ", questions.size(), " records"), records.size());
  std::map<std::string, std::string> own_memory;
  std::map<std::string, std::string>& unedited = options.unedited != nullptr ? *options.unedited : own_memory;
  while (records.size() < questions.size()) {
    if (!report_progress(options.progress, {"evaluating", records.size(), questions.size()})) return records;
    const auto some = questions.subspan(
        records.size(), std::min(std::max<std::size_t>(1, options.batch), questions.size() - records.size()));
    std::vector<std::string> texts;
    for (const evaluation_question& q : some) texts.push_back(q.question);
    std::vector<consideration> considered = editor.consider(texts);
    for (std::size_t i = 0; i < some.size(); ++i) {
      evaluation_record r;
      r.applied = considered[i].apply;
      r.probability = considered[i].probability;
      for (const considered_note& n : considered[i].candidates)
        r.score = &n == &considered[i].candidates.front() ? n.decision.score : std::max(r.score, n.decision.score);
      for (const notes::note_id id : considered[i].notes) {
        const auto& own = ids[some[i].edit];
        r.own_note = r.own_note || std::find(own.begin(), own.end(), id) != own.end();
      }
      r.timings = considered[i].timings;
      if (options.protocol == evaluation_protocol::run_fallback) {
        if (const auto known = unedited.find(some[i].question); known != unedited.end()) {
          r.unedited = known->second;
        } else {
          const double begin = steady_seconds();
          r.unedited = unedited[some[i].question] = editor.direct(some[i].question).text;
          r.unedited_seconds = steady_seconds() - begin;
        }
        answer a = editor.answer(std::move(considered[i]));
        r.text = std::move(a.text);
        r.timings = a.trace.timings;
      } else if (r.applied) {
        r.text = considered[i].text;
      }
      log.append({{"applied", r.applied},
                  {"own_note", r.own_note},
                  {"p", r.probability},
                  {"score", r.score},
                  {"text", r.text},
                  {"unedited", r.unedited},
                  {"t_retrieve", r.timings.retrieve},
                  {"t_screen", r.timings.screen},
                  {"t_read", r.timings.read},
                  {"t_gate", r.timings.gate},
                  {"t_fallback", r.timings.fallback},
                  {"t_unedited", r.unedited_seconds}});
      records.push_back(std::move(r));
    }
    log.flush();
  }
  static_cast<void>(report_progress(options.progress, {"evaluating", records.size(), questions.size()}));
  return records;
}

/// The outcome of a record by a rule of the report.
[[nodiscard]] inline report::edit_outcome outcome_of(const evaluation_question& q, const evaluation_record& r) {
  report::edit_outcome o;
  o.applied = r.applied;
  o.own_note = r.own_note;
  o.right = !r.text.empty() && report::matches_any(r.text, q.accepted);
  o.unchanged = r.applied ? !r.unedited.empty() && report::answers_match(r.text, r.unedited) : r.text == r.unedited;
  return o;
}

/// How many questions the gate left alone, and how many of these got the unedited model's answer byte for byte.
struct untouched_answers {
  std::size_t rejected = 0;
  std::size_t identical = 0;
};

/// @param records  of `evaluation_protocol::run_fallback`
[[nodiscard]] inline untouched_answers count_untouched(std::span<const evaluation_record> records) {
  untouched_answers count;
  for (const evaluation_record& r : records) {
    count.rejected += r.applied ? 0 : 1;
    count.identical += !r.applied && r.text == r.unedited ? 1 : 0;
  }
  return count;
}

/// Scores of some questions, by edit: what bootstrap draws from.
class evaluation_scores {
 public:
  evaluation_scores(std::span<const evaluation_question> questions, std::span<const evaluation_record> records,
                    report::preservation_rule rule = report::preservation_rule::abstained)
      : rule_(rule) {
    if (records.size() > questions.size())
      fail<shape_error>("evaluation_scores: records", concat("at most ", questions.size()), records.size());
    std::map<std::size_t, std::size_t> place;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto at = place.emplace(questions[i].edit, by_edit_.size()).first->second;
      if (at == by_edit_.size()) by_edit_.emplace_back(rule_);
      const report::edit_outcome o = outcome_of(questions[i], records[i]);
      switch (questions[i].kind) {
        case question_kind::in_scope: by_edit_[at].in_scope(o, questions[i].own, questions[i].flips); break;
        case question_kind::unrelated: by_edit_[at].unrelated(questions[i].group, o); break;
        case question_kind::portability: by_edit_[at].portability(questions[i].group, o); break;
      }
    }
  }
  [[nodiscard]] report::edit_scores total() const {
    report::edit_scores sum(rule_);
    for (const report::edit_scores& s : by_edit_) sum += s;
    return sum;
  }
  [[nodiscard]] std::size_t n_edit() const noexcept { return by_edit_.size(); }
  /// Bootstrap interval over edits of `statistic(const edit_scores&)` -> optional<double>.
  template <class Statistic>
  [[nodiscard]] std::optional<report::interval> interval(Statistic&& statistic,
                                                         const report::bootstrap_options& options = {}) const {
    return report::bootstrap_interval(
        by_edit_.size(),
        [&](std::span<const std::size_t> draw) {
          report::edit_scores sum(rule_);
          for (const std::size_t i : draw) sum += by_edit_[i];
          return statistic(sum);
        },
        options);
  }

 private:
  report::preservation_rule rule_;
  std::vector<report::edit_scores> by_edit_;
};

/// The weights by which "EQ all" joins CounterFact-Hard's two groups: their sizes in the full file.
[[nodiscard]] inline std::map<std::string, double> full_set_weights() {
  return {{"neighbor_subj", 10240}, {"same_subj", 7626}};
}

}  // namespace quipu::eren
