// What editing by notes is compared with and reads notes too: SCR, IKE, MeLLo.
// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <algorithm>
#include <iostream>
#include <span>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/eren/reading/baseline_readers.hpp>

namespace {

// MeLLo asked as an editor is.
struct mello_editor {
  using editor_t = bench<q::eren::extractive_reader, q::eren::open_gate>::editor_t;
  editor_t& editor;

  std::vector<q::eren::consideration> consider(std::span<const std::string> questions) {
    std::vector<q::eren::consideration> all;
    for (const std::string& question : questions) {
      const double begin = q::steady_seconds();
      const auto result = q::eren::ask_mello(editor.session(), editor.notebook(), question);
      q::eren::consideration& c = all.emplace_back();
      c.question = question;
      c.apply = !result.answer.empty();
      c.text = result.answer;
      c.notes = result.notes;
      c.probability = c.apply ? 1 : 0;
      c.timings.read = q::steady_seconds() - begin;
    }
    return all;
  }
  q::llama::generation direct(std::string_view question) { return editor.direct(question); }
  q::eren::answer answer(q::eren::consideration c) { return editor.answer(std::move(c)); }
};

records_t run_mello(const model_t& m, const settings& s, const study_set& set, const std::string& name) {
  bench<q::eren::extractive_reader, q::eren::open_gate> b(m, s, set, {}, {});
  mello_editor mello{b.editor};
  const records_t records = q::eren::evaluate(mello, set.questions, b.ids, options_of(s, name));
  const auto n_final = std::count_if(records.begin(), records.end(), [](const auto& r) { return r.applied; });
  std::cout << name << ": came to a final answer for " << n_final << " of " << records.size() << " questions\n";
  return records;
}

}  // namespace

std::optional<records_t> other_methods(const model_t& m, const settings& s, const study_set& set,
                                       const std::string& name) {
  if (name == "scr") return measure(m, s, set, name, q::eren::scr_reader(), q::eren::abstention_gate());
  if (name == "ike") return measure(m, s, set, name, q::eren::ike_reader(), q::eren::open_gate());
  if (name == "mello") return run_mello(m, s, set, name);
  return {};
}
