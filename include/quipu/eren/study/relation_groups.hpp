/// @file Sorting notes by the relation that they state, to hold whole relations out of training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <quipu/core/crc32.hpp>

namespace quipu::eren {

/// Finds the relation of a statement among seventeen groups of CounterFact's relations by key words, the
/// first that fits; "other" if none does. Immutable; share it between threads.
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
      int problem = 0;
      PCRE2_SIZE place = 0;
      pcre2_code_8* compiled = pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern), PCRE2_ZERO_TERMINATED,
                                               PCRE2_CASELESS | PCRE2_UTF | PCRE2_UCP, &problem, &place, nullptr);
      if (compiled == nullptr) throw std::bad_alloc();  // the patterns are right, so only memory can be missing
      groups_.emplace_back(name, std::unique_ptr<pcre2_code_8, code_deleter>(compiled));
    }
  }

  /// @param note  without its final period; what is not UTF-8 belongs to "other"
  [[nodiscard]] std::string_view operator()(std::string_view note) const {
    const std::unique_ptr<pcre2_match_data_8, match_deleter> match(pcre2_match_data_create_8(1, nullptr));
    if (match == nullptr) throw std::bad_alloc();
    for (const auto& [name, pattern] : groups_) {
      if (pcre2_match_8(pattern.get(), reinterpret_cast<PCRE2_SPTR8>(note.data()), note.size(), 0, 0, match.get(),
                        nullptr) >= 0)
        return name;
    }
    return "other";
  }
  /// Which of two halves a relation belongs to: CRC-32 of its name mod 2.
  [[nodiscard]] static constexpr int half_of(std::string_view relation) noexcept {
    return static_cast<int>(crc32(relation) % 2);
  }

 private:
  struct code_deleter {
    void operator()(pcre2_code_8* code) const noexcept { pcre2_code_free_8(code); }
  };
  struct match_deleter {
    void operator()(pcre2_match_data_8* match) const noexcept { pcre2_match_data_free_8(match); }
  };
  std::vector<std::pair<std::string, std::unique_ptr<pcre2_code_8, code_deleter>>> groups_;
};

}  // namespace quipu::eren
