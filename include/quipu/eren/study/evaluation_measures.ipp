// What evaluation_measures.hpp declares.
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
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/evaluation_measures.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/report/answer_match.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/edit_scores.hpp>
#include <quipu/report/metrics.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

namespace detail {

/// A figure of the sums over edits, such as EQ.
template <class Statistic>
measure summed(std::string name, std::size_t n_question, const evaluation_scores& scores, Statistic&& statistic) {
  measure m{std::move(name), n_question, {}};
  if (const std::optional<double> value = statistic(scores.total())) m.value = 100 * *value;
  if (const auto spread = scores.interval(statistic)) m.spread = {100 * spread->low, 100 * spread->high};
  return m;
}

/// A share of questions.
/// @param hit  of a question's number: does it count, and is it one?
template <class Hit>
measure share(std::string name, const evaluated_editor& e, Hit&& hit) {
  std::map<std::size_t, report::tally> by_edit;
  report::tally all;
  for (std::size_t i = 0; i < e.records.size(); ++i) {
    const std::optional<bool> is = hit(i);
    report::tally& own = by_edit[e.questions[i].edit];  // edits that are not asked are drawn too
    if (!is) continue;
    own.count(*is);
    all.count(*is);
  }
  std::vector<report::tally> tallies;
  for (const auto& [edit, t] : by_edit) tallies.push_back(t);
  measure m{std::move(name), all.trials, {}};
  if (const auto rate = all.rate()) m.value = 100 * *rate;
  const auto spread = report::bootstrap_interval(tallies.size(), [&](std::span<const std::size_t> draw) {
    report::tally sum;
    for (const std::size_t i : draw) sum += tallies[i];
    return sum.rate();
  });
  if (spread) m.spread = {100 * spread->low, 100 * spread->high};
  return m;
}

inline std::optional<bool> only(bool counts, bool hit) { return counts ? std::optional(hit) : std::nullopt; }

inline bool is_kind(const evaluated_editor& e, std::size_t i, question_kind kind) { return e.questions[i].kind == kind; }

inline bool is_right(const evaluated_editor& e, std::size_t i) { return outcome_of(e.questions[i], e.records[i]).right; }

/// Answered from notes by a bridge alone.
inline bool gives_bridge(const evaluated_editor& e, std::size_t i) {
  const evaluation_record& r = e.records[i];
  return r.applied && !is_right(e, i) && report::matches_any(r.text, e.questions[i].bridges);
}

/// Groups of a kind of question, in the order of their first ones.
inline std::vector<std::string> groups_of(const evaluated_editor& e, question_kind kind) {
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < e.records.size(); ++i) {
    if (is_kind(e, i, kind) && std::find(groups.begin(), groups.end(), e.questions[i].group) == groups.end())
      groups.push_back(e.questions[i].group);
  }
  return groups;
}

inline std::size_t count_kind(const evaluated_editor& e, question_kind kind) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.records.size(); ++i) n += is_kind(e, i, kind) ? 1 : 0;
  return n;
}

inline void add_auroc(std::vector<measure>& all, const evaluated_editor& e) {
  if (const auto area = auroc_of(e.questions, e.records))
    all.push_back({"AUROC", count_kind(e, question_kind::in_scope) + count_kind(e, question_kind::unrelated), area, {}, 3});
}

inline measure kept(std::string name, const evaluated_editor& e, std::optional<std::string> group = {}) {
  return share(std::move(name), e, [&](std::size_t i) {
    const report::edit_outcome o = outcome_of(e.questions[i], e.records[i]);
    const bool stays = !o.applied || (e.rule == report::preservation_rule::abstained_or_unchanged && o.unchanged);
    return only(is_kind(e, i, question_kind::unrelated) && (!group || e.questions[i].group == *group), stays);
  });
}

inline std::string value_text(const measure& m) {
  if (!m.value) return "n/a";
  std::string text = fixed_text(*m.value, m.decimals);
  if (m.spread)
    text += concat(" (", fixed_text(m.spread->low, m.decimals), " to ", fixed_text(m.spread->high, m.decimals), ")");
  return text;
}

}  // namespace detail

QUIPU_INLINE std::vector<measure> editing_measures(const evaluated_editor& e, const std::map<std::string, double>& weights) {
  using detail::is_kind, detail::only;
  std::vector<measure> all;
  const auto in_scope = [&](std::size_t i) { return is_kind(e, i, question_kind::in_scope); };
  const auto has_bridge = [](const evaluation_question& q) { return !q.bridges.empty(); };
  const bool two_hops = std::any_of(e.questions.begin(), e.questions.end(), has_bridge);
  all.push_back(detail::share(two_hops ? "two hops right" : "ES", e,
                              [&](std::size_t i) { return only(in_scope(i), detail::is_right(e, i)); }));
  if (two_hops) {
    all.push_back(detail::share("bridge given", e, [&](std::size_t i) {
      return only(in_scope(i) && has_bridge(e.questions[i]), detail::gives_bridge(e, i));
    }));
  }
  all.push_back(detail::share("missed", e, [&](std::size_t i) { return only(in_scope(i), !e.records[i].applied); }));
  all.push_back(detail::share("wrong note", e, [&](std::size_t i) {
    return only(in_scope(i) && e.records[i].applied, !e.records[i].own_note);
  }));
  const auto groups = detail::groups_of(e, question_kind::unrelated);
  if (groups.empty()) return all;
  const evaluation_scores scores(e.questions, e.records, e.rule);
  const std::size_t n_unrelated = detail::count_kind(e, question_kind::unrelated);
  all.push_back(detail::summed("BP", n_unrelated, scores, [&](const report::edit_scores& s) { return s.preservation(weights); }));
  if (groups.size() > 1) {
    for (const std::string& g : groups) all.push_back(detail::kept("BP " + g, e, g));
  }
  all.push_back(detail::summed("EQ", e.records.size() - detail::count_kind(e, question_kind::portability), scores,
                               [&](const report::edit_scores& s) { return s.quality(weights); }));
  if (groups.size() > 1) {
    for (const std::string& g : groups) {
      all.push_back(detail::summed("EQ " + g, e.records.size() - detail::count_kind(e, question_kind::portability), scores,
                                   [&](const report::edit_scores& s) { return s.quality(g); }));
    }
  }
  detail::add_auroc(all, e);
  return all;
}

QUIPU_INLINE std::vector<measure> easyedit_measures(const evaluated_editor& e) {
  using detail::is_kind, detail::only;
  std::vector<measure> all;
  const auto scope = [&](const char* name, bool own) {
    all.push_back(detail::share(name, e, [&](std::size_t i) {
      return only(is_kind(e, i, question_kind::in_scope) && e.questions[i].own == own, detail::is_right(e, i));
    }));
  };
  scope("reliability", true);
  scope("generalisation", false);
  all.push_back(detail::kept("locality", e));
  for (const std::string& g : detail::groups_of(e, question_kind::unrelated))
    all.push_back(detail::kept("locality, " + g, e, g));
  const auto follows = [&](std::string name, std::optional<std::string> group) {
    all.push_back(detail::share(std::move(name), e, [&](std::size_t i) {
      return only(is_kind(e, i, question_kind::portability) && (!group || e.questions[i].group == *group),
                  detail::is_right(e, i));
    }));
  };
  follows("portability", {});
  for (const std::string& g : detail::groups_of(e, question_kind::portability)) follows("portability, " + g, g);
  std::erase_if(all, [](const measure& m) { return m.n_question == 0; });
  return all;
}

QUIPU_INLINE std::vector<measure> everyday_measures(const evaluated_editor& e, std::span<const data::edit_case> cases) {
  using detail::only;
  std::vector<measure> all;
  const auto of = [&](std::size_t i) -> const data::edit_case& { return cases[e.questions[i].edit]; };
  const auto answerable = [&](std::size_t i) { return detail::is_kind(e, i, question_kind::in_scope); };
  const auto add = [&](const std::string& of_what, auto&& belongs) {
    all.push_back(detail::share("answerable right" + of_what, e, [&](std::size_t i) {
      return only(answerable(i) && belongs(i), detail::is_right(e, i));
    }));
    all.push_back(detail::share("false activations" + of_what, e, [&](std::size_t i) {
      return only(!answerable(i) && belongs(i), e.records[i].applied);
    }));
  };
  std::set<std::string> kinds, languages;
  for (std::size_t i = 0; i < e.records.size(); ++i) {
    kinds.insert(of(i).kind);
    languages.insert(of(i).level);
  }
  add("", [](std::size_t) { return true; });
  for (const std::string& kind : kinds) add(", " + kind, [&](std::size_t i) { return of(i).kind == kind; });
  for (const std::string& language : languages) add(" in " + language, [&](std::size_t i) { return of(i).level == language; });
  std::erase_if(all, [](const measure& m) { return m.n_question == 0; });
  const evaluation_scores scores(e.questions, e.records, e.rule);
  all.push_back(detail::summed("EQ", e.records.size(), scores, [](const report::edit_scores& s) { return s.quality(); }));
  detail::add_auroc(all, e);
  return all;
}

QUIPU_INLINE measured_editor mean_of(std::string set, std::span<const measured_editor> editors) {
  measured_editor mean{std::move(set), editors.empty() ? std::string() : editors.front().method, {}};
  if (editors.empty()) return mean;
  const auto n = static_cast<double>(editors.size());
  for (const measure& first : editors.front().measures) {
    measure sum{first.name, 0, 0.0, report::interval{}, first.decimals};
    for (const measured_editor& e : editors) {
      const auto same = [&](const measure& m) { return m.name == first.name && m.value; };
      const auto found = std::find_if(e.measures.begin(), e.measures.end(), same);
      if (found == e.measures.end()) {
        sum.value.reset();
        break;
      }
      sum.n_question += found->n_question;
      *sum.value += *found->value / n;
      if (!found->spread) sum.spread.reset();
      if (sum.spread) sum.spread = {sum.spread->low + found->spread->low / n, sum.spread->high + found->spread->high / n};
    }
    if (sum.value) mean.measures.push_back(std::move(sum));
  }
  return mean;
}

QUIPU_INLINE report::table measure_table(std::span<const measured_editor> editors) {
  report::table out({{"set"}, {"method"}, {"measure"}, {"questions", 0}, {"value"}, {"low"}, {"high"}});
  for (const measured_editor& e : editors) {
    for (const measure& m : e.measures) {
      out.add_row({e.set, e.method, m.name, static_cast<std::int64_t>(m.n_question),
                   m.value ? report::cell(*m.value) : report::cell(), m.spread ? report::cell(m.spread->low) : report::cell(),
                   m.spread ? report::cell(m.spread->high) : report::cell()});
    }
  }
  return out;
}

QUIPU_INLINE report::table measure_overview(std::span<const measured_editor> editors) {
  std::vector<std::string> methods, sets;
  std::map<std::string, std::vector<std::string>> names;  // of a set, in order
  std::map<std::vector<std::string>, const measure*> cells;
  const auto note = [](std::vector<std::string>& list, const std::string& text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
  };
  for (const measured_editor& e : editors) {
    note(methods, e.method);
    note(sets, e.set);
    for (const measure& m : e.measures) {
      note(names[e.set], m.name);
      cells[{e.set, m.name, e.method}] = &m;
    }
  }
  std::vector<report::table::column> columns = {{"set"}, {"measure"}, {"questions"}};
  for (const std::string& method : methods) columns.push_back({method});
  report::table out(std::move(columns));
  for (const std::string& set : sets) {
    for (const std::string& name : names[set]) {
      std::vector<std::string> counts;
      std::vector<report::cell> values;
      for (const std::string& method : methods) {
        const auto found = cells.find({set, name, method});
        values.push_back(found == cells.end() ? report::cell() : report::cell(detail::value_text(*found->second)));
        if (found != cells.end()) note(counts, std::to_string(found->second->n_question));
      }
      std::string joined;
      for (const std::string& count : counts) (joined += joined.empty() ? "" : ", ") += count;
      std::vector<report::cell> row = {set, name, std::move(joined)};
      row.insert(row.end(), values.begin(), values.end());
      out.add_row(std::move(row));
    }
  }
  return out;
}

}  // namespace quipu::eren
