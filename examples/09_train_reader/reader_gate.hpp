/// @file The gate that goes with a reader: fitted on what the reader was not taught of the same sets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/eren/default_reader.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/bounded_fit.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/llama/model_family.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "edit_sets.hpp"
#include "set_examples.hpp"

/// What a gate is fitted and its threshold chosen on, of several sets.
struct gate_material {
  struct asked {
    std::size_t set = 0;
    bool in_scope = false, found = false, right = false;
  };
  std::vector<q::eren::gate_sample> samples;
  std::vector<asked> questions;  // those that were found have a sample each, in order

  /// The mean over the sets of the harmonic mean of right answers and questions left alone.
  [[nodiscard]] double quality(std::size_t n_set, double threshold, std::span<const double> scores) const {
    std::vector<double> n[2] = {std::vector<double>(n_set), std::vector<double>(n_set)}, good[2] = {n[0], n[1]};
    std::size_t next = 0;
    for (const asked& one : questions) {
      const bool applied = one.found && scores[next] >= threshold;
      next += one.found ? 1 : 0;
      n[one.in_scope][one.set] += 1;
      good[one.in_scope][one.set] += one.in_scope ? applied && one.right : !applied;
    }
    double sum = 0;
    for (std::size_t set = 0; set < n_set; ++set) {
      const double right = good[1][set] / std::max(1.0, n[1][set]), left = good[0][set] / std::max(1.0, n[0][set]);
      sum += right + left > 0 ? 2 * right * left / (right + left) : 0;
    }
    return sum / static_cast<double>(n_set);
  }
};

/// Adds what a reader makes of questions that it was not taught: of the edits held back in training; of the templates
/// of the relations that were.
/// @param n_most  questions of the set, those of the smallest checksums
template <class Model, class Reader>
void read_held_back(const Model& m, const Reader& reader, const example_set& set, std::size_t index, std::size_t n_most,
                    q::thread_team team, gate_material& into) {
  const auto cases = open_edits(set);
  q::eren::editor<Model, q::notes::memory_store, q::notes::default_retriever, Reader, q::eren::default_gate> editor(
      m, q::notes::memory_store(), {}, reader, {},
      {.team = std::move(team), .on_conflict = q::notes::conflict_policy::keep_both});
  const auto ids = q::eren::add_all_notes(editor, cases);
  q::eren::question_choice choice;
  const bool templates = set.name == "templates";
  choice.part = templates ? q::data::data_part::test : q::data::data_part::development;
  auto questions = q::eren::evaluation_questions(cases, choice);
  if (!templates) questions = q::eren::questions_of(cases, std::move(questions), q::eren::held_back);
  std::erase_if(questions, [&](const auto& one) {
    return one.contaminated || one.kind == q::eren::question_kind::portability || ids[one.edit].size() > 1;
  });
  if (questions.size() > n_most) {
    std::vector<std::uint32_t> sums;
    for (const auto& one : questions) sums.push_back(q::crc32(one.question));
    std::nth_element(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(n_most - 1), sums.end());
    std::erase_if(questions, [last = sums[n_most - 1]](const auto& one) { return q::crc32(one.question) > last; });
  }
  const auto studied = q::eren::study(editor, questions, ids);
  auto samples = q::eren::samples_of(cases, questions, studied);
  for (q::eren::gate_sample& sample : samples) sample.group.insert(0, q::concat(index, " "));
  std::move(samples.begin(), samples.end(), std::back_inserter(into.samples));
  for (std::size_t i = 0; i < questions.size(); ++i)
    into.questions.push_back({index, questions[i].kind == q::eren::question_kind::in_scope, studied[i].found, studied[i].right});
  std::cout << set.name << ": " << questions.size() << " questions for the gate" << std::endl;
}

/// Fits the gate of a reader that lies in a PEFT folder, and writes it beside it: the folder is then one of `default_reader`.
template <class Model>
void write_reader_gate(const Model& m, const std::filesystem::path& folder, const std::vector<example_set>& sets,
                       std::size_t n_most, const q::thread_team& team) {
  using reader_type = q::eren::default_reader::taught_type;
  using module_type = q::eren::default_reader::module_type;
  const reader_type reader({}, {}, q::eren::module_adapter<module_type>(
      q::pet::peft_folder(folder).module<q::pet::lora, typename Model::scalar_type>(m.config()), m));
  gate_material material;
  std::size_t n_set = 0;
  for (const example_set& set : sets) {
    if (set.name != "fever" && set.name != "hotpot") read_held_back(m, reader, set, n_set++, n_most, team, material);
  }
  q::eren::gate_fit_options options = q::eren::bounded_fit();
  options.quality = [&](double threshold, std::span<const double> scores) {
    return material.quality(n_set, threshold, scores);
  };
  const q::eren::default_gate layout;
  const q::eren::gate_fit fit = q::eren::fit_gate(material.samples, layout.names(), 0, {}, options);
  std::cout << "gate: mean EQ of the sets " << 100 * material.quality(n_set, fit.model.threshold, fit.scores)
            << " out of fold, on " << material.questions.size() << " questions" << std::endl;
  q::eren::save_gate((folder / q::eren::reader_gate_file).string(), fit.model,
                     {q::llama::model_family(m), q::eren::key_of_tokenizer(m.tokenizer()), reader.identity()});
}
