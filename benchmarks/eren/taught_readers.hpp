/// @file Readers with an adapter (09_train_reader), and the gates that go with them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/second_reading.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/notes/two_hop.hpp>

#include "bench.hpp"

using margin_only = q::eren::fitted_gate<q::eren::answer_margin>;
template <class Gate>
using joined_gate =
    q::eren::fitted_gate<q::eren::answer_margin, q::eren::second_reading<q::eren::extractive_reader, Gate>>;

inline q::eren::taught_reader<> taught_reader(const model_t& m, const settings& s) {
  if (s.reader.empty()) q::fail<q::config_error>("--reader", "a PEFT folder, see 09_train_reader", "none");
  return q::eren::taught_reader<>({}, {}, q::eren::load_adapter(s.reader, m));
}

/// A gate that asks the frozen model too, by the gate of `--second`.
template <class Gate>
joined_gate<Gate> joined(const model_t& m, const settings& s, Gate gate) {
  const q::eren::extractive_reader reader;
  const auto form = q::eren::prompt_form::of(m.tokenizer());
  gate.set_model(q::eren::load_gate(s.second, {q::eren::key_of_model(m), q::eren::key_of_tokenizer(m.tokenizer()),
                                               q::eren::key_of_prompt(m.tokenizer(), form, reader.identity())}));
  return joined_gate<Gate>(q::eren::answer_margin(), q::eren::second_reading(reader, std::move(gate)));
}

/// Readers of the sets as they were taught, see 09_train_reader.
inline q::eren::taught_claim_reader<> taught_claims(const model_t& m, const settings& s) {
  using reader = q::eren::taught_claim_reader<>;
  return reader(reader::usual_options(), {}, q::eren::load_adapter(s.reader, m));
}
inline q::eren::taught_joint_reader<> taught_joint(const model_t& m, const settings& s) {
  return q::eren::taught_joint_reader<>({.whole_abstention = true, .must_answer = true}, {},
                                        q::eren::load_adapter(s.reader, m));
}

using two_hops = q::notes::two_hop_retriever<q::notes::bm25_retriever>;
