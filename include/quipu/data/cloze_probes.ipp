// What cloze_probes.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/data/cloze_probes.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

namespace detail {

/// A note's beginning in two parts, before and after its subject.
using note_stem = std::pair<std::string, std::string>;

inline std::string stem_text(const note_stem& stem, const std::string& subject) {
  return stem.first + subject + stem.second;
}

inline std::optional<note_stem> stem_of(const edit_case& one) {
  if (one.notes.size() != 1 || one.in_scope.empty() || one.subject.empty()) return std::nullopt;
  std::string_view note = one.notes.front();
  while (!note.empty() && (note.back() == '.' || note.back() == ' ')) note.remove_suffix(1);
  for (const std::string& answer : one.in_scope.front().answers) {
    if (answer.empty() || !note.ends_with(" " + answer)) continue;
    const std::string_view stem = note.substr(0, note.size() - answer.size() - 1);
    const std::size_t at = stem.find(one.subject);
    if (at == std::string_view::npos) continue;
    return note_stem{stem.substr(0, at), stem.substr(at + one.subject.size())};
  }
  return std::nullopt;
}

/// Beginnings in groups that share answers.
class stem_groups {
 public:
  void add(const note_stem& stem, const std::vector<std::string>& answers) {
    std::set<note_stem> together{stem};
    std::set<std::string> theirs(answers.begin(), answers.end());
    std::vector<group> others;
    for (group& one : groups_) {
      const bool met = one.stems.count(stem) != 0 || std::any_of(theirs.begin(), theirs.end(), [&](const std::string& a) {
                         return one.answers.count(a) != 0;
                       });
      if (met) {
        together.merge(one.stems);
        theirs.merge(one.answers);
      } else {
        others.push_back(std::move(one));
      }
    }
    others.push_back({std::move(together), std::move(theirs)});
    groups_ = std::move(others);
  }

  /// All beginnings of the groups that this one is not in.
  [[nodiscard]] std::vector<note_stem> apart_from(const note_stem& stem) const {
    std::vector<note_stem> all;
    for (const group& one : groups_) {
      if (one.stems.count(stem) == 0) all.insert(all.end(), one.stems.begin(), one.stems.end());
    }
    return all;
  }

 private:
  struct group {
    std::set<note_stem> stems;
    std::set<std::string> answers;
  };
  std::vector<group> groups_;
};

}  // namespace detail

QUIPU_INLINE std::size_t add_cloze_probes(std::vector<edit_case>& cases, std::size_t n_near_miss) {
  detail::stem_groups groups;
  std::vector<std::pair<edit_case*, detail::note_stem>> found;
  for (edit_case& one : cases) {
    if (part_of(one) != data_part::development) continue;
    if (auto stem = detail::stem_of(one)) {
      groups.add(*stem, one.in_scope.front().answers);
      found.emplace_back(&one, std::move(*stem));
    }
  }
  for (const auto& [one, own] : found) {
    one->in_scope.push_back({detail::stem_text(own, one->subject), one->in_scope.front().answers, {}});
    std::vector<std::pair<std::uint32_t, std::string>> drawn;  // in the order of checksums: the same for every run
    for (const detail::note_stem& other : groups.apart_from(own)) {
      std::string text = detail::stem_text(other, one->subject);
      drawn.emplace_back(crc32(text), std::move(text));
    }
    std::sort(drawn.begin(), drawn.end());
    drawn.resize(std::min(drawn.size(), n_near_miss));
    probe_group near{"cloze", {}, {}};
    for (auto& [sum, text] : drawn) near.probes.push_back({std::move(text), {}, {}});
    if (!near.probes.empty()) one->unrelated.push_back(std::move(near));
  }
  return found.size();
}

}  // namespace quipu::data
