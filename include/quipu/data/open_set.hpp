/// @file Any of the supported sets of edits by its name, in the common form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
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

/// Which half of the records of FEVER and of HotpotQA are the edits.
enum class edited_half : std::uint8_t { first, second };

/// "cfh" (CounterFact-Hard), "fever", "hotpot", "knowedit" (EasyEdit's form too) or "mquake". What must not
/// change is always among the unrelated questions: the second half of FEVER and of HotpotQA, whose notes are
/// not live, comes as cases without notes whose questions are in the group "out_of_scope". The order is the file's.
/// @param edited  `second` turns the halves' parts around, for more to learn from; the other sets have none
/// @throws config_error  another name
/// @throws io_error, format_error
[[nodiscard]] inline std::vector<edit_case> open_edit_set(std::string_view name, const std::string& path,
                                                          edited_half edited = edited_half::first) {
  const auto halved = [&](std::vector<edit_case> all) {
    const std::size_t middle = all.size() / 2;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((i < middle) == (edited == edited_half::first)) continue;
      all[i].notes.clear();
      all[i].unrelated.push_back({"out_of_scope", std::exchange(all[i].in_scope, {}), {}});
    }
    return all;
  };
  if (name == "cfh") return read_counterfact_hard(path);
  if (name == "knowedit") return read_knowedit(path);
  if (name == "mquake") return read_mquake(path);
  if (name == "hotpot") return halved(read_hotpot(path));
  if (name == "fever") {
    fever_set set = read_fever(path);
    for (edit_case& c : set.out_of_scope) set.edits.push_back(std::move(c));
    return halved(std::move(set.edits));
  }
  fail<config_error>("edit set", "cfh, fever, hotpot, knowedit or mquake", concat("'", name, "'"));
}

}  // namespace quipu::data
