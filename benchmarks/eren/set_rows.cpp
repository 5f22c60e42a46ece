// Methods on one set, and what belongs to the set's kind.
// SPDX-License-Identifier: Apache-2.0
#include "set_rows.hpp"

#include <algorithm>
#include <cctype>
#include <iostream>
#include <utility>

#include <quipu/data/open_set.hpp>
#include <quipu/eren/study/cost_table.hpp>
#include <quipu/eren/study/probability_table.hpp>
#include <quipu/eren/study/replaced_notes.hpp>
#include <quipu/report/metrics.hpp>

#include "methods.hpp"

namespace {

std::string usual_part(const std::string& set) {
  // All others serve nothing but judging.
  const bool ours = set == "cfh" || set == "fever" || set == "hotpot" || set == "xquad";
  return ours ? "test" : "all";
}

/// Reliability table of a method whose probabilities are more than yes and no.
std::string probabilities(const std::string& method, const study_set& set, const records_t& records) {
  const q::eren::forecasts all = q::eren::forecasts_of(set.questions, records);
  const auto error = [&](const std::vector<std::uint8_t>& happened) {
    return 100 * q::report::expected_calibration_error(all.probability, happened).value_or(0);
  };
  const bool graded = std::any_of(all.probability.begin(), all.probability.end(),
                                  [](double p) { return p > 0 && p < 1; });
  if (!graded) return {};
  return q::concat("Probability of '", method, "' and what was so, in percent (mean distance to questions in scope ",
                   error(all.in_scope), ", to those read right ", error(all.right), "):\n\n",
                   q::eren::probability_table(all).markdown(), "\n");
}

std::string untouched(const std::string& method, const records_t& records, bool one_by_one) {
  const auto [rejected, identical] = q::eren::count_untouched(records);
  std::string text = q::concat(method, ": ", identical, " of ", rejected,
                               " questions left alone have the unedited model's answer byte for byte.\n\n");
  if (one_by_one) text += q::eren::cost_table(records).markdown() + "\n";
  return text;
}

/// Counts what a person who adds the set's notes one by one would lose.
std::string replaced(const model_t& m, const settings& s, const study_set& set, q::eren::measured_editor& row) {
  auto options = editor_options_of(m, s);
  options.on_conflict = q::notes::conflict_policy::supersede;
  options.readers.clear();  // nothing is read
  q::eren::editor<model_t, q::notes::memory_store> editor(m, q::notes::memory_store(), options);
  const auto all = q::eren::add_one_by_one(editor, set.cases);
  std::size_t n_note = 0;
  for (const auto& c : set.cases) n_note += c.notes.size();
  const auto wrong = std::count_if(all.begin(), all.end(), [](const auto& one) { return one.wrongly; });
  row.measures.push_back({"notes replaced (number)", n_note, static_cast<double>(all.size()), {}, 0});
  row.measures.push_back({"answers lost by it (number)", n_note, static_cast<double>(wrong), {}, 0});
  std::string text = q::concat(all.size(), " of ", n_note, " notes take another one's place when they are added one by one, ", wrong,
                               " of them with the loss of an answer.\n\n");
  constexpr std::size_t n_shown = 40;
  for (std::size_t i = 0; i < std::min(n_shown, all.size()); ++i)
    text += q::concat("* ", all[i].wrongly ? "lost: " : "", all[i].before, " -> ", all[i].after, "\n");
  return text + (all.empty() ? "" : "\n");
}

}  // namespace

std::string file_part(const std::string& title) {
  std::string out;
  for (const char c : title) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  return out;
}

study_set open_job(const set_job& job, std::vector<std::string>& remarks) {
  q::data::edit_set read = q::data::open_edit_set(job.set, job.data);
  remarks = std::move(read.remarks);
  if (job.declarative) {
    const auto before = read.cases.size();
    std::erase_if(read.cases, [](const auto& c) {
      return std::any_of(c.notes.begin(), c.notes.end(), [](const std::string& n) { return n.find('?') != std::string::npos; });
    });
    remarks.push_back(q::concat(before - read.cases.size(), " of ", before, " records whose notes are no statements are left out"));
  }
  return {std::move(read.cases), {}};
}

settings settings_of(const settings& s, const set_job& job, const std::string& method, const std::string& run) {
  settings one = s;
  const auto n = job.n_edit.find(method);
  one.set = job.set;
  one.data = job.data;
  one.n_edit = n == job.n_edit.end() ? 0 : n->second;
  one.part = job.part.empty() ? usual_part(job.set) : job.part;
  one.n_live = 0;
  if (!s.resume.empty()) one.resume = q::concat(s.resume, ".", file_part(job.title), run.empty() ? "" : ".", run);
  return one;
}

set_rows measure_set(const model_t& m, const settings& s, const set_job& job) {
  set_rows out;
  std::vector<std::string> remarks;
  study_set set = open_job(job, remarks);
  std::size_t n_note = 0;
  for (const auto& c : set.cases) n_note += c.notes.size();
  out.details = q::concat("### ", job.title, "\n\n", n_note, " notes are live.");
  for (const std::string& remark : remarks) out.details += q::concat(" ", remark, ".");
  out.details += "\n\n";
  std::map<std::string, std::string> unedited;
  const auto run = [&](settings one, const std::string& method) {
    one.unedited = &unedited;
    choose_questions(one, set);
    records_t records = run_method(m, one, set, method);
    if (records.size() < set.questions.size())
      out.stopped = q::concat(job.title, ", ", method, ": ", records.size(), " of ", set.questions.size(), " questions");
    return records;
  };
  for (const std::string& method : job.methods) {
    const records_t records = run(settings_of(s, job, method, s.fallback ? "fallback" : ""), method);
    if (!out.stopped.empty()) return out;
    const q::eren::evaluated_editor e{method, set.questions, records,
                                      s.fallback ? q::report::preservation_rule::abstained_or_unchanged
                                                 : q::report::preservation_rule::abstained};
    out.eren.push_back({job.title, method,
                        job.set == "everyday" ? q::eren::everyday_measures(e, set.cases) : q::eren::editing_measures(e)});
    double seconds = 0;
    for (const auto& r : records) seconds += r.timings.total();
    if (!records.empty())
      out.eren.back().measures.push_back(
          {"ms a question", records.size(), 1000 * seconds / static_cast<double>(records.size()), {}});
    if (job.set != "everyday" && job.set != "portability")
      out.easyedit.push_back({job.title, method, q::eren::easyedit_measures(e)});
    if (method == "stack") out.details += q::concat("stack: ", basis_of_stack(m, s), ".\n\n");
    out.details += probabilities(method, set, records);
    if (s.fallback) out.details += untouched(method, records, s.batch == 1);
  }
  const auto stack = std::find_if(out.eren.begin(), out.eren.end(), [](const auto& e) { return e.method == "stack"; });
  if (stack != out.eren.end() && (job.set == "everyday" || job.set == "knowedit")) out.details += replaced(m, s, set, *stack);
  if (job.n_untouched > 0) {
    settings one = settings_of(s, job, "stack", "untouched");
    one.fallback = true;
    one.batch = 1;  // so that costs are of single questions
    one.n_edit = job.n_untouched;
    const records_t records = run(one, "stack");
    if (!out.stopped.empty()) return out;
    out.details += untouched("stack", records, true);
  }
  return out;
}

row_page page_of(const std::vector<set_rows>& all) {
  std::vector<q::eren::measured_editor> eren, easyedit;
  std::string details;
  for (const set_rows& rows : all) {
    eren.insert(eren.end(), rows.eren.begin(), rows.eren.end());
    easyedit.insert(easyedit.end(), rows.easyedit.begin(), rows.easyedit.end());
    details += rows.details;
  }
  row_page page;
  page.markdown = "Percent (95 % intervals over edits) where nothing else is said.\n\n" +
                  q::eren::measure_overview(eren).markdown() + "\n";
  page.json = {{"measures", q::eren::measure_table(eren).json()}};
  if (!easyedit.empty()) {
    page.markdown += "The same under EasyEdit's names:\n\n" + q::eren::measure_overview(easyedit).markdown() + "\n";
    page.json["easyedit"] = q::eren::measure_table(easyedit).json();
  }
  page.markdown += details;
  return page;
}
