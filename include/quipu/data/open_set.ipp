// What open_set.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/eren_sets.hpp>
#include <quipu/data/knowledge_sets.hpp>
#include <quipu/data/note_templates.hpp>
#include <quipu/data/open_set.hpp>
#include <quipu/data/reading_sets.hpp>

namespace quipu::data {

QUIPU_INLINE edit_set open_edit_set(std::string_view name, const std::string& path, edited_half edited) {
  const auto halved = [&](std::vector<edit_case> all) {
    const std::size_t middle = all.size() / 2;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((i < middle) == (edited == edited_half::first)) continue;
      all[i].notes.clear();
      all[i].unrelated.push_back({"out_of_scope", std::exchange(all[i].in_scope, {}), {}});
    }
    return edit_set{std::move(all), {}};
  };
  if (name == "cfh") return {read_counterfact_hard(path), {}};
  if (name == "knowedit" || name == "mend") return read_knowedit(path);
  if (name == "portability") return read_portability(path);
  if (name == "xquad") return read_xquad(path);
  if (name == "everyday") return read_everyday(path);
  if (name == "templates") return read_note_templates(path);
  if (name == "mquake") return read_mquake(path);
  if (name == "hotpot") return halved(read_hotpot(path));
  if (name == "fever") {
    fever_set set = read_fever(path);
    for (edit_case& c : set.out_of_scope) set.edits.push_back(std::move(c));
    return halved(std::move(set.edits));
  }
  std::string names;
  for (const std::string_view known : edit_set_names) (names += names.empty() ? "" : ", ") += known;
  fail<config_error>("edit set", concat("one of ", names), concat("'", name, "'"));
}

}  // namespace quipu::data
