/// @file Examples that teach a reader, from any of the sets of edits: single notes, and several where questions need them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/data/cloze_probes.hpp>
#include <quipu/eren/teach/joint_examples.hpp>
#include <quipu/eren/teach/packed_examples.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/two_hop.hpp>

#include "edit_sets.hpp"

namespace q = quipu;

/// A set that is learned from.
struct example_set {
  std::string name, data;
  double share = 1;        ///< of its examples in a pass; above 1 some come twice
  std::size_t n_note = 0;  ///< for a question that needs several; 0: three of HotpotQA, one of FEVER, else two
  std::size_t near_miss = 0;  ///< see `reader_examples`
  bool cloze = false;         ///< also asked with the notes' own beginnings, see `add_cloze_probes`
};

inline std::vector<q::data::edit_case> open_edits(const example_set& set,
                                                  q::data::edited_half half = q::data::edited_half::first) {
  auto cases = terminal::open_edits(set.name, set.data, half);
  if (set.cloze) q::data::add_cloze_probes(cases);
  return cases;
}

/// Examples of the development part without the edits that are held back for thresholds, as an editor on all notes of the set meets
/// them. Questions that need several notes come with as many, and besides with the best of them alone.
template <class Retriever>
std::vector<q::eren::reader_example> examples_of_half(const example_set& set, q::data::edited_half half) {
  const auto cases = open_edits(set, half);
  q::notes::notebook<q::notes::memory_store, Retriever> notebook{q::notes::memory_store()};
  const auto ids = q::eren::add_all_notes(notebook, cases);
  q::eren::question_choice choice;
  choice.part = q::data::data_part::development;
  auto questions = q::eren::questions_of(cases, q::eren::evaluation_questions(cases, choice), q::eren::learned_from);
  const bool whole = set.name == "fever" || set.name == "hotpot";  // their readers see as many notes for every question
  std::vector<q::eren::reader_example> all;
  if (!whole) {
    all = q::eren::reader_examples(notebook, questions, ids, "unanswerable", set.near_miss);
    // A set of single notes teaches nothing about two.
    if (std::none_of(ids.begin(), ids.end(), [](const auto& own) { return own.size() > 1; })) return all;
    // Two notes together: for questions that need them, and some that even both of them leave open.
    std::erase_if(questions, [&](const auto& question) {
      const bool open = question.kind == q::eren::question_kind::unrelated;
      return !(open ? question.group == "one_hop_missing" || q::crc32(question.question) % 8 == 0
                    : ids[question.edit].size() > 1);
    });
  }
  const std::size_t usual = set.name == "hotpot" ? 3 : set.name == "fever" ? 1 : 2;
  auto joint = q::eren::joint_examples(notebook, questions, ids, {.n_note = set.n_note == 0 ? usual : set.n_note, .passages = !whole});
  std::move(joint.begin(), joint.end(), std::back_inserter(all));
  return all;
}

inline std::vector<q::eren::reader_example> examples_of(const example_set& set) {
  using q::data::edited_half;
  using one_hop = q::notes::bm25_retriever;
  using two_hops = q::notes::two_hop_retriever<q::notes::bm25_retriever>;
  if (set.name != "fever" && set.name != "hotpot") return examples_of_half<one_hop>(set, edited_half::first);
  const auto half = [&](edited_half which) {
    return set.name == "fever" ? examples_of_half<one_hop>(set, which) : examples_of_half<two_hops>(set, which);
  };
  auto all = half(edited_half::first), other = half(edited_half::second);
  std::move(other.begin(), other.end(), std::back_inserter(all));
  return all;
}

/// Of a share below 1 the examples whose questions have the smallest checksums, in the order that they have.
inline void take_share(std::vector<q::eren::reader_example>& examples, double share) {
  const auto n =
      std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(share * static_cast<double>(examples.size()))));
  if (n >= examples.size()) return;
  std::vector<std::uint32_t> sums;
  for (const auto& e : examples) sums.push_back(q::crc32(e.question));
  std::nth_element(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(n - 1), sums.end());
  std::erase_if(examples, [last = sums[n - 1]](const auto& e) { return q::crc32(e.question) > last; });
}

/// Examples of one pass and, if they are packed, how.
struct pass_options {
  std::size_t n_longest = 0;    ///< examples of more tokens are left out; 0: none
  std::size_t n_pack = 0;       ///< questions on the same notes in a sequence of its own; 0: each by itself
  std::size_t n_pack_token = 320;
};

/// One pass over all sets, each with its share. Packed, examples that come again come in other company.
template <class Tokenizer>
q::train::example_list one_pass(const Tokenizer& tokenizer, const std::vector<example_set>& sets, const pass_options& options) {
  const auto form = q::eren::prompt_form::of(tokenizer);
  q::train::example_list all;
  for (const example_set& set : sets) {
    const auto found = examples_of(set);
    const bool packed = options.n_pack > 0 && set.name != "fever";
    std::size_t n_taken = 0, n_token = 0;
    std::uint32_t round = 0;
    for (double left = set.share; left > 1e-9; left -= 1, ++round) {
      auto examples = found;
      take_share(examples, std::min(left, 1.0));
      const auto encoded =
          packed ? q::eren::pack_examples(tokenizer, examples, {options.n_pack, options.n_pack_token, options.n_longest, round})
          : set.name == "fever"
              ? q::eren::encode_examples(tokenizer, examples, form, q::eren::plain_claim_prompt(), options.n_longest)
              : q::eren::encode_examples(tokenizer, examples, form, q::eren::plain_note_prompt(), options.n_longest);
      for (std::size_t i = 0; i < encoded.size(); ++i) {
        n_token += encoded[i].tokens.size();
        all.push_back(encoded[i]);
      }
      n_taken += encoded.size();
    }
    std::cout << set.name << ": " << n_taken << " sequences of " << n_token << " tokens, from " << found.size() << " questions"
              << std::endl;
  }
  return all;
}
