/// @file Adapters from PEFT's folders, and the readers that are taught with them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>

#include <quipu/eren/reading/adapter_of_module.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/reading/option_reader.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/span_reader.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::eren {

/// The module of a PEFT folder as an adapter.
/// @throws io_error, format_error  the folder is damaged, of a kind that is not known, or for a model of other sizes
template <class Model>
[[nodiscard]] module_adapter<pet::any_module<typename Model::scalar_type>> load_adapter(
    const std::filesystem::path& folder, const Model& model) {
  return {pet::load_any_peft<typename Model::scalar_type>(folder, model.config()), model};
}

/// A reader that was taught to read with a module (see `train_reader`): short prompt, spans of the note, and a margin
/// over abstaining that needs no fitting.
template <class Module = pet::any_module<float>>
using taught_reader = basic_span_reader<plain_note_prompt, module_adapter<Module>>;

/// The same with one word or name of the note.
template <class Module = pet::any_module<float>>
using taught_word_reader = basic_extractive_reader<plain_note_prompt, module_adapter<Module>>;

/// The same, writing freely: says "unanswerable" by itself if the note does not tell.
template <class Module = pet::any_module<float>>
using taught_generating_reader = basic_generating_reader<plain_note_prompt, abstention_gate, 1, module_adapter<Module>>;

/// Several notes in one prompt, for questions that need more than one; `margin_gate` wants `whole_abstention`, and
/// `must_answer` if its threshold is below 0.
template <class Module = pet::any_module<float>, std::size_t NNote = 3>
using taught_joint_reader = basic_generating_reader<plain_note_prompt, margin_gate, NNote, module_adapter<Module>>;

/// Holds claims against notes, one by one: yes, no, or that the note does not tell.
template <class Module = pet::any_module<float>>
using taught_claim_reader = basic_option_reader<plain_claim_prompt, module_adapter<Module>, note_grouping::one_by_one>;

}  // namespace quipu::eren
