// A chat whose model can be edited: notes change its answers, erasing them brings the old ones back.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

#include <quipu/eren/editor.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "line_input.hpp"
#include "terminal.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, notes = "notes.db", gate;
  std::size_t n_thread = 0, n_note = 1, max_tokens = 128;
};

constexpr std::string_view help =
    "Ask anything. Commands:\n"
    "  /add SENTENCE      note a fact, for example: /add The capital of Norway is Bergen.\n"
    "  /edit N SENTENCE   change note N\n"
    "  /del N             erase note N\n"
    "  /undo [N]          take back the last edit, or the last N\n"
    "  /notes [WORDS]     list the notes, or those that fit some words best\n"
    "  /history N         what happened to note N\n"
    "  /why               how the last answer came about\n"
    "  /help, /quit\n";

template <class Editor>
void list_notes(const Editor& editor, const std::string& words) {
  const auto show = [](const q::notes::note& n) {
    if (n.status == q::notes::note_status::live) std::cout << std::setw(5) << n.id << "  " << n.text << '\n';
  };
  if (words.empty()) {
    editor.notebook().store().for_each(show);
  } else {
    for (const auto& hit : editor.notebook().retrieve(words, 10)) show(*editor.notebook().find(hit.id));
  }
  std::cout << editor.size() << " notes\n";
}

void explain(const q::eren::answer& a) {
  std::cout << (a.source == q::eren::read_note ? "from notes" : "own knowledge") << ", probability that a note answers it " << a.probability << '\n';
  for (const auto& n : a.trace.candidates) {
    std::cout << "  note " << n.id << " \"" << n.text << "\": BM25 " << n.evidence.bm25 << ", n-grams " << n.evidence.ngram;
    if (!n.worth_reading) {
      std::cout << "; not worth reading\n";
    } else if (n.read.done) {
      std::cout << "; read \"" << n.read.answer << "\", log p " << n.read.log_p_answer << ", of abstaining " << n.read.log_p_abstain << ", "
                << n.read.n_computed << " of " << n.read.n_prompt << " tokens computed; score " << n.decision.score
                << (n.decision.apply ? ", applied\n" : ", not applied\n");
    }
  }
  const auto& t = a.trace.timings;
  std::cout << std::fixed << std::setprecision(1) << "  ms: retrieve " << 1e3 * t.retrieve << ", screen " << 1e3 * t.screen << ", read " << 1e3 * t.read
            << ", gate " << 1e3 * t.gate << ", own answer " << 1e3 * t.fallback << std::defaultfloat << std::setprecision(6) << '\n';
}

/// One command or question. @return false to leave
template <class Editor>
bool obey(Editor& editor, const std::string& line, q::eren::answer& last) {
  const std::size_t blank = line.find(' ');
  const std::string command = line.substr(0, blank);
  std::string rest = blank == std::string::npos ? "" : line.substr(line.find_first_not_of(' ', blank));
  const auto number = [&] {
    std::size_t used = 0;
    const long long n = rest.empty() || rest[0] < '0' || rest[0] > '9' ? 0 : std::stoll(rest, &used);
    rest = used < rest.size() ? rest.substr(std::min(rest.find_first_not_of(' ', used), rest.size())) : "";
    return n;
  };
  if (command == "/quit" || command == "/exit") return false;
  if (command == "/add") {
    const auto added = editor.add_note(rest);
    std::cout << (added.outcome == q::notes::add_outcome::duplicate ? "already noted as " : "noted as ") << added.id << '\n';
  } else if (command == "/edit") {
    const auto id = number();
    std::cout << (editor.update(id, rest) ? "changed\n" : "there is no such note\n");
  } else if (command == "/del") {
    std::cout << (editor.erase(number()) ? "erased; /undo brings it back\n" : "there is no such note\n");
  } else if (command == "/undo") {
    editor.undo(rest.empty() ? 1 : static_cast<std::size_t>(number()));
    std::cout << editor.size() << " notes\n";
  } else if (command == "/notes") {
    list_notes(editor, rest);
  } else if (command == "/history") {
    for (const auto& change : editor.history(number())) std::cout << "  version " << change.version << ": " << (change.after ? change.after->text : "(erased)") << '\n';
  } else if (command == "/why") {
    explain(last);
  } else if (line.front() == '/') {
    std::cout << help;
  } else {
    // [answer]
    last = editor.answer(line);
    std::cout << last.text;
    if (last.source == q::eren::read_note) {
      std::cout << "   [note";
      for (const auto id : last.notes) std::cout << ' ' << id;
      std::cout << ']';
    }
    // [answer]
    std::cout << '\n';
  }
  return true;
}

int main(int argc, char** argv) {
  CLI::App app{"A chat with a LLaMA that notes can edit."};
  settings s;
  app.add_option("--model", s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file")->required();
  app.add_option("--tokenizer", s.tokenizer, "vocabulary, where the checkpoint has none");
  app.add_option("--notes", s.notes, "database of the notes; made where it is not there")->capture_default_str();
  app.add_option("--gate", s.gate, "fitted gate (08_eren_evaluate --fit); else the built-in one");
  app.add_option("--read", s.n_note, "notes to look at for a question")->capture_default_str();
  app.add_option("--max-tokens", s.max_tokens, "tokens of the model's own answers at most")->capture_default_str();
  app.add_option("--threads", s.n_thread, "threads; 0 for all processors")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return terminal::run([&] {
    // [editor]
    auto model = q::llama::load<q::ffn::dense<q::activation::silu>>(s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
    using editor_t = q::eren::editor<decltype(model), q::notes::sqlite_store, q::notes::bm25_retriever>;
    editor_t editor{model, q::notes::sqlite_store{s.notes}, {.n_note = s.n_note, .generate = {.max_tokens = s.max_tokens}, .team = q::thread_team(s.n_thread)}};
    // [editor]
    if (!s.gate.empty()) editor.load_gate(s.gate);
    terminal::line_input input("> ");
    if (input.is_terminal()) std::cout << editor.size() << " notes in " << s.notes << ". /help lists the commands.\n";
    q::eren::answer last;
    for (std::string line; input.next(line);) {
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      try {
        if (!obey(editor, line.substr(line.find_first_not_of(" \t")), last)) break;
      } catch (const q::error& problem) {
        std::cout << "error: " << problem.what() << '\n';
      }
      std::cout << std::flush;
    }
    return 0;
  });
}
