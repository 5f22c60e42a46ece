/// @file The common form of all data sets of model edits: notes, and questions that they should or should not change.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/crc32.hpp>

namespace quipu::data {

/// A question with the answers that count as right.
struct probe {
  std::string question;
  std::vector<std::string> answers;  ///< any of them; empty if the set gives none
  std::string truth;                 ///< answer before the edit; empty if the set gives none that fits
};

struct probe_group {
  std::string name;
  std::vector<probe> probes;
  std::vector<std::string> unaligned_truths;  ///< answers that the file lists beside the questions, but not one for one
};

/// One edit: what is noted and what is asked.
struct edit_case {
  std::string id;
  std::vector<std::string> notes;  ///< as in the file, with their final periods
  std::string subject;
  std::vector<probe> in_scope;           ///< questions that the notes answer
  std::vector<probe_group> unrelated;    ///< questions whose answers must stay
  std::vector<probe_group> portability;  ///< questions whose answers follow from the notes
  std::string kind;                      ///< "bridge", "comparison", ...; empty if the set has none
  std::string level;                     ///< "easy", "medium", "hard"; empty if the set has none
};

enum class data_part : std::uint8_t { development, test };

/// The development part is the fifth of the records whose CRC-32 of the decimal id is divisible by five:
/// everything that is chosen is chosen there.
[[nodiscard]] constexpr data_part part_of(std::string_view decimal_id) noexcept {
  return crc32(decimal_id) % 5 == 0 ? data_part::development : data_part::test;
}

}  // namespace quipu::data
