// Evaluates an editor on a set of edits: edit success, preservation and quality, with bootstrap intervals.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <iostream>
#include <string>
#include <type_traits>
#include <vector>

#include <quipu/data/open_set.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_report.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/memory_store.hpp>

#include "arguments.hpp"
#include "edit_sets.hpp"
#include "terminal.hpp"

namespace q = quipu;

int main(int argc, char** argv) {
  terminal::arguments arguments("Evaluates an editor on a set of edits.");
  std::string path, set = "cfh", data, gate, resume;
  std::size_t n_edit = 0, n_thread = 0;
  arguments.required("--model", &path, "checkpoint");
  arguments.option("--set", &set, terminal::edit_set_help());
  arguments.required("--data", &data, "file of the set");
  arguments.option("--edits", &n_edit, "edits of the test part whose questions are asked; 0: all. All notes are live");
  arguments.option("--gate", &gate, "fitted gate (eren_bench fit); else the built-in one");
  arguments.option("--resume", &resume, "file of finished questions to go on from");
  arguments.option("--threads", &n_thread, "threads; 0 for all processors");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    const auto model = q::llama::load<q::ffn::dense<q::activation::as_stated>, q::activations::f32, q::kv::exact>(path);
    q::eren::editor editor(
        model, q::notes::memory_store(),
        {.team = q::thread_team(n_thread), .on_conflict = q::notes::conflict_policy::keep_both});
    if (!gate.empty()) editor.load_gate(gate);

    const auto cases = terminal::open_edits(set, data);
    const auto ids = q::eren::add_all_notes(editor, cases);
    const auto questions = q::eren::evaluation_questions(cases, {.part = q::data::data_part::test, .n_edit = n_edit});
    const auto records =
        q::eren::evaluate(editor, questions, ids, {.resume = resume, .progress = terminal::progress_bar()});

    const q::eren::evaluated_editor row{"EREN", questions, records};
    std::cout << q::eren::evaluation_table({&row, 1}).markdown();
    return 0;
  });
}
