/// @file Examples of FEVER (claims) and of HotpotQA (several notes): both halves of the records have their turn as edits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/teach/joint_examples.hpp>
#include <quipu/eren/teach/reader_examples.hpp>  // held_back
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/two_hop.hpp>

#include "edit_sets.hpp"

namespace q = quipu;

/// Examples of the development part, without the edits that are held back, as an editor on the notes of one half meets
/// them.
template <class Retriever>
std::vector<q::eren::reader_example> examples_of_half(const std::string& set, const std::string& data,
                                                      q::data::edited_half half, std::size_t n_note) {
  const auto cases = terminal::open_edits(set, data, half);
  q::notes::notebook<q::notes::memory_store, Retriever> notebook{q::notes::memory_store()};
  const auto ids = q::eren::add_all_notes(notebook, cases);
  q::eren::question_choice choice;
  choice.part = q::data::data_part::development;
  const auto questions =
      q::eren::questions_of(cases, q::eren::evaluation_questions(cases, choice), q::eren::learned_from);
  return q::eren::joint_examples(notebook, questions, ids, {.n_note = n_note});
}

template <class Retriever>
std::vector<q::eren::reader_example> examples_of_halves(const std::string& set, const std::string& data,
                                                        std::size_t n_note) {
  using q::data::edited_half;
  auto all = examples_of_half<Retriever>(set, data, edited_half::first, n_note);
  auto other = examples_of_half<Retriever>(set, data, edited_half::second, n_note);
  all.insert(all.end(), std::make_move_iterator(other.begin()), std::make_move_iterator(other.end()));
  return all;
}

/// @param with    file of CounterFact-Hard whose questions on single notes are learned besides; empty: none
/// @param n_note  notes for a question; 0: one for a claim, three for a question that needs two
/// @param n_most  examples of more tokens are left out; 0: none
template <class Tokenizer>
q::train::example_list set_examples(const Tokenizer& tokenizer, const std::string& set, const std::string& data,
                                    const std::string& with, std::size_t n_note, std::size_t n_most) {
  const auto form = q::eren::prompt_form::of(tokenizer);
  if (set == "fever") {
    const auto claims = examples_of_halves<q::notes::bm25_retriever>(set, data, n_note == 0 ? 1 : n_note);
    return q::eren::encode_examples<q::eren::plain_claim_prompt>(tokenizer, claims, form, q::eren::plain_claim_prompt(),
                                                                 n_most);
  }
  auto all = examples_of_halves<q::notes::two_hop_retriever<q::notes::bm25_retriever>>(set, data,
                                                                                       n_note == 0 ? 3 : n_note);
  if (!with.empty()) {
    auto single = examples_of_half<q::notes::bm25_retriever>("cfh", with, q::data::edited_half::first, 1);
    all.insert(all.end(), std::make_move_iterator(single.begin()), std::make_move_iterator(single.end()));
  }
  return q::eren::encode_examples(tokenizer, all, form, q::eren::plain_note_prompt(), n_most);
}
