// Edited answers with all that the gate saw.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/quipu.hpp>

#include "bits.hpp"

namespace quipu::bits {

void record_editing() {
  if (smollm2().empty()) return;
  in_every_set([&]<class Isa>(std::string_view set, std::size_t n_thread) {
    if (n_thread == 3 || std::is_same_v<Isa, isa::portable>) return;
    const auto m = llama::load<Isa>(smollm2());
    const auto edit = [&](std::string_view run, auto& editor) {
      editor.add_note("The capital of Norway is Bergen.");
      editor.add_note("The Eiffel Tower is located in the city of Rome.");
      editor.add_note("Danielle Darrieux's mother tongue is English.");
      editor.add_note("Toko Yasuda is a player of the guitar.");
      hash h;
      for (const char* question :
           {"What is the capital of Norway?", "Where is the Eiffel Tower?", "Which language did Danielle Darrieux speak?",
            "What is the capital of Sweden?", "Who wrote Hamlet?"}) {
        const eren::answer a = editor.answer(question);
        h.text(a.text).value(a.source).value(a.probability);
        for (const auto& c : a.trace.candidates) {
          h.value(c.id).value(c.retrieval_score).value(c.evidence.bm25).value(c.evidence.ngram);
          h.value(c.worth_reading);
        }
      }
      record(run, set, n_thread, h);
    };
    const auto options = [&] {
      eren::editor_options o;
      o.team = thread_team(n_thread);
      o.generate.max_tokens = 12;
      return o;
    };
    using store = notes::memory_store;
    eren::editor<std::remove_const_t<decltype(m)>, store, notes::bm25_retriever, eren::extractive_reader> words(
        m, store(), {}, {}, {}, options());  // the gate of every model
    edit("answers, BM25 and built-in gate", words);
    eren::editor<std::remove_const_t<decltype(m)>, store, notes::char_ngram_retriever<>, eren::two_step_reader> paper(
        m, store(), options());
    edit("answers, the paper's reader", paper);
  });
}

}  // namespace quipu::bits
