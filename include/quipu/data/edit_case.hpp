/// @file The common form of all data sets of model edits: notes, and questions that they should or should not change.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/crc32.hpp>

namespace quipu::data {

enum class data_part : std::uint8_t { development, test };

/// A question with the answers that count as right.
struct probe {
  std::string question;
  std::vector<std::string> answers;  ///< any of them; empty if the set gives none
  std::string truth;                 ///< answer before the edit; empty if the set gives none that fits
  std::vector<std::string> bridges = {};  ///< of a question in two hops: what the first one leads to, never the answer
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
  std::string level;                     ///< "easy", "medium", "hard"; a question's language; empty if the set has none
  std::optional<data_part> part = {};    ///< if the set says so itself, see `part_of`
};

/// A set in the common form, and what a user should know about how it was read.
struct edit_set {
  std::vector<edit_case> cases;
  std::vector<std::string> remarks;  ///< sentences: what was left out and why, what notes were made of
};

/// The development part is the fifth of the records whose CRC-32 of the decimal id is divisible by five:
/// everything that is chosen is chosen there.
[[nodiscard]] constexpr data_part part_of(std::string_view decimal_id) noexcept {
  return crc32(decimal_id) % 5 == 0 ? data_part::development : data_part::test;
}
[[nodiscard]] inline data_part part_of(const edit_case& one) noexcept { return one.part ? *one.part : part_of(one.id); }

}  // namespace quipu::data
