// A chat whose model can be edited: notes change its answers, erasing them brings the old ones back.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "line_input.hpp"
#include "terminal.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, notes = "notes.db", gate;
  std::size_t n_thread = 0, n_note = 1, max_tokens = 128;
};

int main(int argc, char** argv) {
  terminal::arguments arguments("A chat with a LLaMA that notes can edit.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.option("--notes", &s.notes, "database of the notes; made where it is not there");
  arguments.option("--gate", &s.gate, "fitted gate (eren_bench fit); else the built-in one");
  arguments.option("--read", &s.n_note, "notes to look at for a question");
  arguments.option("--max-tokens", &s.max_tokens, "tokens of the model's own answers at most");
  arguments.option("--threads", &s.n_thread, "threads; 0 for all processors");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    auto model = q::llama::load<q::ffn::dense<q::activation::as_stated>>(
        s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
    terminal::show_warnings(model.tokenizer().warnings());
    using editor_t = q::eren::editor<decltype(model), q::notes::sqlite_store, q::notes::bm25_retriever>;
    editor_t editor{model,
                    q::notes::sqlite_store{s.notes},
                    {.n_note = s.n_note, .generate = {.max_tokens = s.max_tokens}, .team = q::thread_team(s.n_thread)}};
    if (!s.gate.empty()) editor.load_gate(s.gate);
    terminal::line_input input("> ");
    if (input.is_terminal()) std::cout << editor.size() << " notes in " << s.notes << ". /help lists the commands.\n";
    q::eren::answer last;
    for (std::string line; input.next(line);) {
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      try {
        if (!commands::obey(editor, line.substr(line.find_first_not_of(" \t")), last)) break;
      } catch (const q::error& problem) {
        std::cout << "error: " << problem.what() << '\n';
      }
      std::cout << std::flush;
    }
    return 0;
  });
}
