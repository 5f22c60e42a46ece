// A chat whose model can be edited: notes change its answers, erasing them brings the old ones back.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/study/self_calibration.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/bert_encoder.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/default_retriever.hpp>
#include <quipu/notes/dense_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "adapters.hpp"
#include "arguments.hpp"
#include "commands.hpp"
#include "conversation.hpp"
#include "line_input.hpp"
#include "terminal.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, notes = "notes.db", gate, import_file, encoder, readers{q::eren::readers_of_library};
  std::vector<std::string> adapters;
  std::size_t n_thread = 0, n_note = 0, max_tokens = 128;
  bool memory = false;
};

/// The user's line without blanks around it; umlauts and all else as they were typed.
std::string trimmed(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

/// Words and n-grams, and what an encoder makes of the meaning.
using semantic_retriever = q::notes::hybrid_retriever<q::notes::bm25_retriever, q::notes::char_ngram_retriever<>,
                                                      q::notes::dense_retriever<q::notes::bert_encoder>>;

/// The chat, line by line, until its end.
template <class Model, class Retriever>
int talk(const Model& model, Retriever retriever, const settings& s) {
  conversation chat;
  chat.remembers = s.memory;
  const terminal::interrupt_guard* ctrl_c = nullptr;
  const q::eren::prompt_form form = q::eren::prompt_form::of(model.tokenizer());
  const std::size_t n_ctx = model.config().n_ctx;
  q::eren::editor_options options{.n_note = s.n_note, .form = form, .team = q::thread_team(s.n_thread)};
  options.generate = {.max_tokens = s.max_tokens, .on_text = [&](std::string_view piece) {
                        return (std::cout << piece << std::flush) && !(ctrl_c != nullptr && ctrl_c->interrupted());
                      }};
  options.prompt = [&](std::string_view question) {
    return chat.prompt(model.tokenizer(), form, question, n_ctx - std::min(n_ctx / 2, s.max_tokens));
  };
  q::eren::editor editor{model, q::notes::sqlite_store{s.notes}, std::move(retriever),
                         q::eren::default_reader::made_for(model, s.readers), std::move(options)};
  terminal::show_warnings(editor.notebook().store().warnings());
  if (!s.gate.empty()) editor.load_gate(s.gate);
  if (!s.import_file.empty()) static_cast<void>(editor.add_notes(note_files::read(s.import_file)));
  terminal::line_input input("> ");
  if (input.is_terminal())
    std::cout << editor.size() << " notes in " << terminal::visible(s.notes) << ". /help lists the commands.\n";
  q::eren::answer last;
  for (std::string line; std::cout && input.next(line);) {
    line = trimmed(line);
    if (line.empty()) continue;
    const terminal::interrupt_guard guard;
    ctrl_c = &guard;
    try {
      if (!commands::obey(editor, chat, line, last)) break;
    } catch (const std::exception& problem) {  // whatever it was, the chat goes on
      std::cout << "error: " << problem.what() << '\n';
    }
    ctrl_c = nullptr;
    std::cout << std::flush;
  }
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments("A chat with a LLaMA that notes can edit.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.repeated("--adapter", &s.adapters, terminal::adapter_help);
  arguments.option("--notes", &s.notes, "database of the notes; made where it is not there");
  arguments.option("--import", &s.import_file, "notes to add first: JSON lines, or .csv with a column text");
  arguments.option("--readers", &s.readers, "folder of taught readers; where none fits the model, the extractive one reads");
  arguments.option("--encoder", &s.encoder, "folder of a sentence encoder (BERT): notes are found by their meaning too");
  arguments.option("--gate", &s.gate, "fitted gate (eren_bench fit); else the reader's or the built-in one");
  arguments.option("--read", &s.n_note, "notes to look at for a question; 0: as many as the reader wants");
  arguments.flag("--memory", &s.memory, "remember the conversation: the model's own answers go on from it");
  arguments.option("--max-tokens", &s.max_tokens, "tokens of the model's own answers at most");
  arguments.option("--threads", &s.n_thread, "threads; 0 for all processors");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    const auto model = terminal::with_adapters(
        q::llama::load<q::ffn::dense<q::activation::as_stated>>(
            s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()}),
        s.adapters);
    terminal::show_warnings(model.tokenizer().warnings());
    if (s.encoder.empty()) return talk(model, q::notes::default_retriever(), s);
    q::notes::bert_encoder encoder(s.encoder, 256, q::thread_team(s.n_thread));
    return talk(model, semantic_retriever(q::notes::bm25_retriever(), q::notes::char_ngram_retriever(), q::notes::dense_retriever(std::move(encoder))), s);
  });
}
