// All sets in one run that stops when its minutes are over and goes on the next time.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/open_set.hpp>
#include <quipu/io/atomic_file.hpp>

#include "set_rows.hpp"
#include "stack_fit.hpp"

namespace {

struct named_file {
  std::string title, set, path;
  bool declarative = false;
};

/// The files of a folder laid out like QUIPU_SHARED, and the everyday notes that stand beside this program's source.
std::vector<named_file> files_of_folder(const std::string& folder) {
  const std::string edit = folder + "/data/edit/", more = edit + "more/", reading = folder + "/data/reading/";
  std::vector<named_file> all = {{"CounterFact-Hard", "cfh", edit + "eren/cfh_filtered.json"},
                                 {"zsRE, declarative", "knowedit", more + "knowedit_zsre.json", true},
                                 {"KnowEdit zsRE", "knowedit", more + "knowedit_zsre.json"},
                                 {"KnowEdit wiki_counterfact", "knowedit", more + "knowedit_wiki_counterfact.json"},
                                 {"KnowEdit WikiBio", "knowedit", more + "knowedit_wikibio.json"},
                                 {"zsRE, MEND", "mend", more + "zsre_mend_1k.json"},
                                 {"zsRE, two hops", "portability", more + "zsre_portability.json"},
                                 {"XQuAD en", "xquad", reading + "xquad_en_half.json"},
                                 {"XQuAD de", "xquad", reading + "xquad_de_half.json"},
                                 {"XQuAD es", "xquad", reading + "xquad_es_half.json"},
                                 {"XQuAD zh", "xquad", reading + "xquad_zh_half.json"},
                                 {"everyday notes", "everyday", QUIPU_EVERYDAY}};
  std::erase_if(all, [](const named_file& f) {
    const bool missing = !std::filesystem::exists(f.path);
    if (missing) std::cerr << f.title << ": left out, there is no " << f.path << '\n';
    return missing;
  });
  return all;
}

std::vector<named_file> all_files(const settings& s) {
  std::vector<named_file> all;
  if (!s.shared.empty()) all = files_of_folder(s.shared);
  for (const std::string& given : s.files) {
    const std::size_t sign = given.find('=');
    if (sign == std::string::npos) q::fail<q::config_error>("--file", "NAME=FILE", given);
    const std::string set = given.substr(0, sign), path = given.substr(sign + 1);
    all.push_back({q::concat(set, " ", std::filesystem::path(path).stem().string()), set, path});
  }
  if (all.empty()) q::fail<q::config_error>("tables", "--shared or --file with sets", "none");
  return all;
}

set_job job_of(const settings& s, const named_file& f) {
  set_job job{.title = f.title, .set = f.set, .data = f.path, .methods = s.methods};
  job.declarative = f.declarative;
  job.n_untouched = s.n_untouched;
  const bool whole = std::find(s.whole.begin(), s.whole.end(), f.set) != s.whole.end();
  for (const std::string& method : s.methods) job.n_edit[method] = whole ? 0 : s.n_edit;
  // Paragraphs have five questions each and are long: so many that the same time is spent.
  job.n_edit["plain"] = f.set == "everyday" ? 0
                        : f.set == "xquad"  ? std::max<std::size_t>(1, s.n_plain / 6)
                                            : s.n_plain;
  return job;
}

/// German, Spanish and Chinese are judged by their mean.
void add_means(std::vector<set_rows>& all, const std::vector<std::string>& methods) {
  set_rows means;
  for (const std::string& method : methods) {
    std::vector<q::eren::measured_editor> same;
    for (const set_rows& rows : all) {
      for (const auto& e : rows.eren) {
        const bool foreign = e.set == "XQuAD de" || e.set == "XQuAD es" || e.set == "XQuAD zh";
        if (foreign && e.method == method) same.push_back(e);
      }
    }
    if (same.size() == 3) means.eren.push_back(q::eren::mean_of("XQuAD, mean of de, es, zh", same));
  }
  if (!means.eren.empty()) all.push_back(std::move(means));
}

/// What a gate fitted on one set does on others that it has not seen.
struct fit_plan {
  std::string on;
  std::vector<std::string> judged;
};
const std::vector<fit_plan> fit_plans = {
    {"KnowEdit zsRE", {"KnowEdit wiki_counterfact", "XQuAD en", "XQuAD de", "XQuAD es", "XQuAD zh"}},
    {"KnowEdit wiki_counterfact", {"KnowEdit zsRE"}}};

/// @return what was not done
std::string run_fits(const model_t& m, const settings& s, const std::vector<named_file>& files,
                     const std::vector<set_rows>& shipped, std::vector<set_rows>& out) {
  const auto file = [&](const std::string& title) {
    const auto found = std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.title == title; });
    return found == files.end() ? nullptr : &*found;
  };
  for (const fit_plan& plan : fit_plans) {
    if (file(plan.on) == nullptr) continue;
    const std::string name = "gate fitted on " + plan.on;
    const std::string path = q::concat(s.resume, ".", file_part(name), ".", s.n_fit, ".json");
    set_job fit = job_of(s, *file(plan.on));
    fit.title = name;
    fit.n_edit["fit"] = s.n_fit;
    if (!std::filesystem::exists(path)) {
      if (std::string stopped = fit_stack(m, s, fit, path); !stopped.empty()) return stopped;
    }
    for (const std::string& title : plan.judged) {
      if (file(title) == nullptr) continue;
      settings one = s;
      one.gates = {path};
      one.resume = q::concat(s.resume, ".", file_part(name));
      set_job job = job_of(one, *file(title));
      job.methods = {"stack"};
      job.n_untouched = 0;
      set_rows rows = measure_set(m, one, job);
      if (!rows.stopped.empty()) return q::concat(name, ", ", rows.stopped);
      set_rows kept;  // beside the shipped gate on the same questions
      for (const set_rows& first : shipped) {
        for (const auto& e : first.eren) {
          if (e.set == title && e.method == "stack") kept.eren.push_back(e);
        }
      }
      for (auto& e : rows.eren) {
        e.method = name;
        std::erase_if(e.measures, [](const auto& measure) { return measure.name.ends_with("(number)"); });
        kept.eren.push_back(std::move(e));
      }
      out.push_back(std::move(kept));
    }
  }
  return {};
}

}  // namespace

int tables(const settings& given) {
  settings s = given;
  if (s.resume.empty())
    q::fail<q::config_error>("--resume", "the beginning of the names of files to go on from", "none");
  if (s.minutes > 0) s.deadline = q::steady_seconds() + 60 * s.minutes;
  const std::vector<named_file> files = all_files(s);
  const model_t m = open_model(s);
  const auto stop = [](const std::string& where) {
    std::cout << "not finished: " << where << "; the same command goes on\n";
    return not_finished;
  };
  std::vector<set_rows> all;
  for (const named_file& f : files) {
    const double begin = q::steady_seconds();
    all.push_back(measure_set(m, s, job_of(s, f)));
    if (!all.back().stopped.empty()) return stop(all.back().stopped);
    std::cout << f.title << ": done, " << static_cast<std::size_t>(q::steady_seconds() - begin) << " s" << std::endl;
  }
  std::vector<set_rows> fits;
  if (s.n_fit > 0) {
    if (const std::string where = run_fits(m, s, files, all, fits); !where.empty()) return stop(where);
  }
  add_means(all, s.methods);
  row_page page = page_of(all);
  if (!fits.empty()) {
    row_page second = page_of(fits);
    page.markdown +=
        "## What a fit on one foreign set adds for another\n\nThe stack's gate as it is shipped, and fitted again "
        "on a set; the reader stays.\n\n" +
        second.markdown;
    page.json["fits"] = std::move(second.json["measures"]);
  }
  const std::string name = s.report.empty() ? s.resume + ".tables" : s.report;
  q::io::write_text(name + ".md", page.markdown);
  q::io::write_text(name + ".json", page.json.dump(1));
  std::cout << page.markdown << "written to " << name << ".md and .json\n";
  return 0;
}
