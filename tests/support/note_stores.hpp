/// @file Small things that tests of note stores share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <quipu/notes/note.hpp>
#include <quipu/notes/sqlite_store.hpp>

namespace quipu::test {

/// A store that need not outlive the machine: quick tests.
inline constexpr notes::sqlite_store_options quick{.durability = notes::store_durability::process_kill};

inline notes::note of_text(std::string text) {
  notes::note n;
  n.text = std::move(text);
  return n;
}

}  // namespace quipu::test
