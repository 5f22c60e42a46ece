/// @file Sorting notes by the relation that they state, to hold whole relations out of training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>

namespace quipu::eren {

/// Finds the relation of a statement among seventeen groups of CounterFact's relations by key words, the
/// first that fits; "other" where none does. Immutable; share it between threads.
class relation_groups {
 public:
  relation_groups() {
    constexpr std::array<std::pair<const char*, const char*>, 17> groups = {{
        {"language", "language|tongue|speak|spoke|spoken|written in"},
        {"religion", "religion|follower|islam|christ|buddh|judaism"},
        {"network", "debut|premier|air(ed|s|ing)?\\b|network|broadcast"},
        {"twin", "twin|sister"},
        {"maker", "produc|manufactur|makes|made|design|develop|\\bcreated? (?!in\\b)|built"},
        {"owner", "\\bown|belongs to|part of"},
        {"death", "died|death|pass|expired|killed"},
        {"birth", "\\bborn\\b|native to|originat|birth|\\bfrom\\b"},
        {"work", "work|employ|job"},
        {"citizen", "citizen|nationality|national of"},
        {"music", "jazz|music|guitar|piano|violin|opera|\\brock\\b|\\bpop\\b|perform|genre|label|instrument|record"},
        {"profession", "profession|occupation|\\bis an? \\w+$|position|specializ|expert|field|domain|area"},
        {"sport", "\\bplay"},
        {"named", "named|called after"},
        {"head", "headquart|based in|founded|formed|started|created in|established"},
        {"capital", "capital"},
        {"located", "located|found in|continent|lies|situated|\\bin\\b"},
    }};
    for (const auto& [name, pattern] : groups) {
      groups_.emplace_back(name, std::regex(pattern, std::regex::ECMAScript | std::regex::icase | std::regex::optimize));
    }
  }

  /// @param note  without its final period; what lies beyond the first 2,000 bytes does not count
  [[nodiscard]] std::string_view operator()(std::string_view note) const {
    const std::string head(note.substr(0, 2000));  // the matcher recurses
    for (const auto& [name, pattern] : groups_) {
      if (std::regex_search(head, pattern)) return name;
    }
    return "other";
  }
  /// Which of two halves a relation belongs to: CRC-32 of its name mod 2.
  [[nodiscard]] static constexpr int half_of(std::string_view relation) noexcept { return static_cast<int>(crc32(relation) % 2); }

 private:
  std::vector<std::pair<std::string, std::regex>> groups_;
};

}  // namespace quipu::eren
