/// @file Any of the supported sets of edits by its name, in the common form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/eren_sets.hpp>
#include <quipu/data/knowledge_sets.hpp>

namespace quipu::data {

/// The sets that `open_edit_set` knows.
inline constexpr std::string_view edit_set_names[] = {"cfh", "fever", "hotpot", "knowedit", "mquake"};

/// "cfh" (CounterFact-Hard), "fever", "hotpot", "knowedit" (EasyEdit's form too) or "mquake". What must not
/// change is always among the unrelated questions: the second half of FEVER and of HotpotQA, whose notes are
/// not live, comes as cases without notes whose questions are in the group "out_of_scope".
/// @throws config_error  another name
/// @throws io_error, format_error
[[nodiscard]] inline std::vector<edit_case> open_edit_set(std::string_view name, const std::string& path) {
  const auto outside = [](std::vector<edit_case> cases) {
    for (edit_case& c : cases) {
      c.notes.clear();
      c.unrelated.push_back({"out_of_scope", std::exchange(c.in_scope, {}), {}});
    }
    return cases;
  };
  if (name == "cfh") return read_counterfact_hard(path);
  if (name == "knowedit") return read_knowedit(path);
  if (name == "mquake") return read_mquake(path);
  if (name == "fever") {
    fever_set set = read_fever(path);
    for (edit_case& c : outside(std::move(set.out_of_scope))) set.edits.push_back(std::move(c));
    return std::move(set.edits);
  }
  if (name == "hotpot") {
    std::vector<edit_case> all = read_hotpot(path);
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::vector<edit_case> rest = outside({std::make_move_iterator(middle), std::make_move_iterator(all.end())});
    all.erase(middle, all.end());
    for (edit_case& c : rest) all.push_back(std::move(c));
    return all;
  }
  fail<config_error>("edit set", "cfh, fever, hotpot, knowedit or mquake", concat("'", name, "'"));
}

}  // namespace quipu::data
