/// @file The stages of an editor before its fallback: retrieve notes, screen them, read, decide.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <quipu/eren/answer.hpp>
#include <quipu/eren/candidates.hpp>
#include <quipu/eren/editor_options.hpp>
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/gate/pair_evidence.hpp>
#include <quipu/eren/reading/asked_question.hpp>
#include <quipu/eren/reading/best_passages.hpp>
#include <quipu/eren/reading/guarded.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/eren/reading/reading.hpp>
#include <quipu/notes/assertion.hpp>
#include <quipu/notes/note.hpp>  // valid_at

namespace quipu::eren {

/// A question on its way through the stages.
struct open_question {
  asked_question asked = {};
  std::vector<gate_evidence> evidence = {};  ///< of each candidate, or one for all together
  std::vector<std::size_t> read_index = {};  ///< of `evidence`: worth reading
};

/// The parts of an editor, borrowed for some questions. Each stage takes up what the one before left.
///
/// @tparam Notebook  a `notes::notebook`
/// @tparam Session   a `reading_session`
/// @tparam Reader    models `reader`
/// @tparam Gate      models `gate`
template <class Notebook, class Session, class Reader, class Gate>
struct note_stages {
  const Notebook& notebook;
  Session& session;
  const Reader& reader;
  const Gate& gate;
  const editor_options& options;

  /// Finds the candidates and what is known of them without a model.
  void retrieve(consideration& c, open_question& open) const {
    if (notebook.size() == 0) return;
    open.asked = c.question;
    const note_statistics<typename Notebook::retriever_type> statistics(notebook.retriever());
    const std::size_t n_note = options.n_note == 0 ? Reader::n_note : options.n_note;
    c.candidates = find_candidates(notebook, statistics, open.asked, n_note, options.wall_clock(),
                                   Reader::grouping == note_grouping::together);
    const auto idf = [statistics](std::string_view word) { return statistics.idf(word); };
    for (const considered_note& n : c.candidates) {
      if (Reader::grouping == note_grouping::together && !open.evidence.empty()) {
        open.evidence[0].notes.push_back(n.text);
        open.evidence[0].ids.push_back(n.id);
        continue;
      }
      open.evidence.push_back({open.asked, {n.text}, {n.id}, n.retrieval_score, n.evidence, idf, {}});
    }
  }

  /// Marks the notes that the gate finds worth reading.
  void screen(consideration& c, open_question& open) const {
    for (std::size_t i = 0; i < open.evidence.size(); ++i) {
      if constexpr (screening_gate<Gate>) c.candidates[i].worth_reading = gate.worth_reading(open.evidence[i]);
      if (c.candidates[i].worth_reading) open.read_index.push_back(i);
    }
  }

  /// Reads what is marked, the notes of all questions together.
  void read(std::span<consideration> all, std::span<open_question> open) const {
    std::vector<reading_task> tasks;
    for (const open_question& o : open) {
      for (const std::size_t i : o.read_index) tasks.push_back({o.asked, o.evidence[i].notes});
    }
    if (tasks.empty()) return;
    std::vector<reading> readings = reader.read(session, std::span<const reading_task>(tasks), wishes());
    std::size_t next = 0;
    for (std::size_t q = 0; q < open.size(); ++q) {
      for (const std::size_t i : open[q].read_index) {
        open[q].evidence[i].read = readings[next];
        all[q].candidates[i].read = std::move(readings[next++]);
      }
    }
  }

  /// Asks the gate about every reading; the likeliest note that it applies gives the answer.
  void decide(consideration& c, open_question& open) const {
    std::vector<std::size_t> passed;
    for (const std::size_t i : open.read_index) {
      if (!open.evidence[i].read.done) continue;
      c.candidates[i].decision = gate.decide(session, open.evidence[i]);
      c.candidates[i].denied =
          !asserted(open.evidence[i]) && (c.candidates[i].decision.apply || holds_question(open.evidence[i]));
      if (c.candidates[i].denied) c.candidates[i].decision.apply = false;
      c.probability = std::max(c.probability, c.candidates[i].decision.probability);
      if (c.candidates[i].decision.apply) passed.push_back(i);
    }
    if (passed.empty()) return;
    c.apply = true;
    if constexpr (Reader::grouping == note_grouping::together) {
      c.text = open.evidence[0].read.answer;
      c.notes = sources_of(c.text, open.evidence[0]);
      c.joint = open.evidence[0].ids.size() > 1;
      if (c.joint) c.joint_reading = open.evidence[0].read;
    } else {
      const std::size_t best = *std::max_element(passed.begin(), passed.end(), [&](std::size_t a, std::size_t b) {
        return c.candidates[a].decision.probability < c.candidates[b].decision.probability;
      });
      c.text = open.evidence[best].read.answer;
      c.probability = c.candidates[best].decision.probability;
      c.notes = {c.candidates[best].id};
      read_jointly(c, open, best, std::move(passed));
    }
    std::sort(c.notes.begin(), c.notes.end());
  }

  /// Where no note alone answers: what the reader found in the first one, and the names in it, become part of a second
  /// search, and both notes are read together. That first answer alone is never given.
  void chain(std::span<consideration> all, std::span<open_question> open) const
    requires chaining_reader<Reader>
  {
    if constexpr (reader_that_may_chain<Reader>) {
      if (!reader.chains()) return;
    }
    struct chained {
      std::size_t question;
      gate_evidence evidence;
      std::string bridge;
    };
    std::vector<chained> chains;
    std::vector<reading_task> tasks;
    const note_statistics<typename Notebook::retriever_type> statistics(notebook.retriever());
    const time_ms now = options.wall_clock();
    for (std::size_t q = 0; q < all.size(); ++q) {
      if (all[q].apply || open[q].read_index.empty()) continue;
      const gate_evidence& first = open[q].evidence[open[q].read_index.front()];
      if (!first.read.done || first.read.answer.empty()) continue;
      const std::vector<std::string> answer = lower_words(first.read.answer);
      const std::vector<std::string> names = answer_candidates_beside(first.notes.front(), open[q].asked.stems());
      const auto leads_on = [&](const notes::note& n) {
        if (n.id == first.ids.front() || !notes::valid_at(n, now)) return false;
        const std::vector<std::string> words = lower_words(n.text);
        return std::search(words.begin(), words.end(), answer.begin(), answer.end()) != words.end() ||
               leads_to(names, n.text);
      };
      std::string query = first.read.answer;
      for (const std::string& name : names) (query += ' ') += name;
      (query += ' ') += open[q].asked.raw();
      const auto hits = notebook.retrieve_if(query, 1, leads_on);
      const std::optional<notes::note> second = hits.empty() ? std::nullopt : notebook.find(hits.front().id);
      if (!second) continue;
      const auto idf = [&](std::string_view word) { return statistics.idf(word); };
      chained one{q, first, first.read.answer};
      one.evidence.notes.push_back(guarded_note(best_passage(query, second->text, idf)));
      one.evidence.ids.push_back(second->id);
      tasks.push_back({open[q].asked, one.evidence.notes});
      chains.push_back(std::move(one));
    }
    if (tasks.empty()) return;
    std::vector<reading> readings = reader.read(session, std::span<const reading_task>(tasks), wishes());
    for (std::size_t i = 0; i < chains.size(); ++i) {
      chained& one = chains[i];
      consideration& c = all[one.question];
      one.evidence.read = std::move(readings[i]);
      if (!one.evidence.read.done) continue;
      const gate_decision decision = gate.decide(session, one.evidence);
      const bool only_bridge = lower_words(one.evidence.read.answer) == lower_words(one.bridge);
      c.bridge = std::move(one.bridge);
      c.apply = decision.apply && !only_bridge && asserted(one.evidence);
      if (c.apply) {
        c.probability = decision.probability;
        c.joint = true;
        c.text = one.evidence.read.answer;
        c.notes = std::move(one.evidence.ids);
        std::sort(c.notes.begin(), c.notes.end());
      }
      c.joint_reading = std::move(one.evidence.read);
    }
  }

 private:
  [[nodiscard]] reading_wishes wishes() const {
    if constexpr (wishing_gate<Gate>) return gate.wishes();
    return {};
  }
  // One of the notes says what was read in them, see `notes::asserts`.
  [[nodiscard]] static bool asserted(const gate_evidence& e) {
    bool stands = false;
    for (const std::string& note : e.notes) {
      if (note.find(e.read.answer) == std::string::npos) continue;
      if (notes::asserts(note, e.read.answer, e.question.text())) return true;
      stands = true;
    }
    return !stands;
  }
  // A note has all that the question names. It is about it then, also where the reader saw that it leaves it open.
  [[nodiscard]] static bool holds_question(const gate_evidence& e) {
    const std::unordered_set<std::string> wanted = stems_of(e.question.content());
    return !wanted.empty() && std::any_of(e.notes.begin(), e.notes.end(), [&](const std::string& note) {
      const std::unordered_set<std::string> there = stems_of(lower_words(note));
      return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& stem) { return there.count(stem) != 0; });
    });
  }
  // Notes that answer the question too, and notes that the best one's own words lead to, are read with it.
  void read_jointly(consideration& c, const open_question& open, std::size_t best,
                    std::vector<std::size_t> chosen) const {
    if constexpr (separate_reader<Reader>) return;
    const std::vector<std::string> bridges = answer_candidates_beside(c.candidates[best].text, open.asked.stems());
    for (std::size_t i = 0; i < c.candidates.size(); ++i) {
      const bool known = std::find(chosen.begin(), chosen.end(), i) != chosen.end();
      if (!known && leads_to(bridges, c.candidates[i].text)) chosen.push_back(i);
    }
    if (chosen.size() < 2) return;
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](std::size_t a, std::size_t b) { return (a == best) > (b == best); });
    reading_task task{open.asked, {}};
    std::vector<notes::note_id> ids;
    for (const std::size_t i : chosen) {
      task.notes.push_back(c.candidates[i].text);
      ids.push_back(c.candidates[i].id);
    }
    reading joint = reader.read(session, std::span<const reading_task>(&task, 1), reading_wishes{}).front();
    if (!joint.done || joint.abstained) return;
    c.joint = true;
    c.text = joint.answer;
    c.notes = std::move(ids);
    c.joint_reading = std::move(joint);
  }
  // The notes that contain the answer; all that were read if none does.
  [[nodiscard]] static std::vector<notes::note_id> sources_of(const std::string& text, const gate_evidence& e) {
    std::vector<notes::note_id> ids;
    for (std::size_t i = 0; i < e.notes.size(); ++i) {
      if (!text.empty() && e.notes[i].find(text) != std::string::npos) ids.push_back(e.ids[i]);
    }
    return ids.empty() ? e.ids : ids;
  }
};

/// Takes the time of the stages of some questions, each of which gets its share.
struct stage_watch {
  const std::function<double()>& clock;
  std::span<consideration> all;
  double last = clock();
  void lap(double answer_timings::*stage) {
    const double now = clock();
    for (consideration& c : all) c.timings.*stage += (now - last) / static_cast<double>(all.size());
    last = now;
  }
};

}  // namespace quipu::eren
