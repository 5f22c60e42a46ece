/// @file Settings of an editor besides its types.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/notes/note_store.hpp>  // conflict_policy

namespace quipu::eren {

/// The folder of taught readers that comes with the library: the exported targets define it.
#if defined(QUIPU_READERS)
inline constexpr std::string_view readers_of_library = QUIPU_READERS;
#else
inline constexpr std::string_view readers_of_library = "";
#endif

/// Ids of the prompt that the application asks the unedited model with.
using application_prompt = std::function<std::vector<token_id>(std::string_view question)>;

/// What happens to a live note that a new one corrects by its words, see `notes::revision_of`.
enum class correction_policy : std::uint8_t {
  replace,  ///< the new one takes its place; the result says so, and one undo brings the old one back
  keep,     ///< both stay; the result lists it among the related ones
};

struct editor_options {
  std::size_t n_note = 0;                     ///< notes to look at for a question; 0: as many as the reader wants
  llama::generate_options generate = {};      ///< of the unedited model's answers
  application_prompt prompt = {};             ///< empty: the question as a user's message in the model's chat form
  std::optional<prompt_form> form = {};       ///< of the readers' prompts; empty: the model's own
  thread_team team = thread_team();
  notes::conflict_policy on_conflict = notes::conflict_policy::supersede;
  /// Of `add_note`, if `on_conflict` is supersede; `add_notes` keeps all.
  correction_policy on_correction = correction_policy::replace;
  std::function<double()> clock = steady_seconds;       ///< for the timings
  std::function<time_ms()> wall_clock = wall_time_ms;   ///< for edits, and for notes that hold for a time
  /// Folder of taught readers, see `default_reader`; empty: none, the extractive one reads
  std::string readers = std::string(readers_of_library);
  std::string search_cache = {};              ///< file of the notebook's search index, see `notebook`
};

}  // namespace quipu::eren
