/// @file The commands of the chat.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

#include <quipu/eren/answer.hpp>
#include <quipu/notes/note_store.hpp>

namespace commands {

namespace q = quipu;

inline constexpr std::string_view help =
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

inline void explain(const q::eren::answer& a) {
  std::cout << (a.source == q::eren::read_note ? "from notes" : "own knowledge")
            << ", probability that a note answers it " << a.probability << '\n';
  for (const auto& n : a.trace.candidates) {
    std::cout << "  note " << n.id << " \"" << n.text << "\": BM25 " << n.evidence.bm25 << ", n-grams "
              << n.evidence.ngram;
    if (!n.worth_reading) {
      std::cout << "; not worth reading\n";
    } else if (n.read.done) {
      std::cout << "; read \"" << n.read.answer << "\", log p " << n.read.log_p_answer << ", of abstaining "
                << n.read.log_p_abstain << ", " << n.read.n_computed << " of " << n.read.n_prompt
                << " tokens computed; score " << n.decision.score
                << (n.decision.apply ? ", applied\n" : ", not applied\n");
    }
  }
  const auto& t = a.trace.timings;
  std::cout << std::fixed << std::setprecision(1) << "  ms: retrieve " << 1e3 * t.retrieve << ", screen "
            << 1e3 * t.screen << ", read " << 1e3 * t.read << ", gate " << 1e3 * t.gate << ", own answer "
            << 1e3 * t.fallback << std::defaultfloat << std::setprecision(6) << '\n';
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
    std::cout << (added.outcome == q::notes::add_outcome::duplicate ? "already noted as " : "noted as ") << added.id
              << '\n';
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
    for (const auto& change : editor.history(number()))
      std::cout << "  version " << change.version << ": " << (change.after ? change.after->text : "(erased)") << '\n';
  } else if (command == "/why") {
    explain(last);
  } else if (line.front() == '/') {
    std::cout << help;
  } else {
    last = editor.answer(line);
    std::cout << last.text;
    if (last.source == q::eren::read_note) {
      std::cout << "   [note";
      for (const auto id : last.notes) std::cout << ' ' << id;
      std::cout << ']';
    }
    std::cout << '\n';
  }
  return true;
}

}  // namespace commands
