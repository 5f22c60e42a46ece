/// @file The commands of the chat.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/eren/answer.hpp>
#include <quipu/eren/study/self_calibration.hpp>
#include <quipu/notes/note_store.hpp>

#include "conversation.hpp"
#include "note_files.hpp"
#include "terminal.hpp"

namespace commands {

namespace q = quipu;

inline constexpr std::string_view help =
    "Ask anything. Ctrl-C stops an answer, /quit or Ctrl-D leaves. Commands:\n"
    "  /add SENTENCE      note a fact, for example: /add The capital of Norway is Bergen.\n"
    "  /edit N SENTENCE   change note N\n"
    "  /del N             erase note N\n"
    "  /undo [N]          take back this chat's last edit, or its last N; if it has none, the notebook's last one\n"
    "  /notes [WORDS]     list the notes, or those that fit some words best\n"
    "  /history N         what happened to note N\n"
    "  /import FILE       add the notes of a file: JSON lines, or .csv with a column text\n"
    "  /export FILE       write all notes as JSON lines, or as .csv\n"
    "  /memory [on|off]   remember this conversation, or forget it\n"
    "  /threshold [P]     how likely a note must answer a question to be used, 0 to 1\n"
    "  /calibrate         choose that by questions that the model writes for the notes (30 or more; takes minutes)\n"
    "  /why               how the last answer came about\n"
    "  /help, /quit\n";

/// A line cut at its first blank.
struct command_line {
  std::string name, rest;

  explicit command_line(std::string_view line) {
    const auto trim = [](std::string_view s) {
      const std::size_t first = s.find_first_not_of(" \t\r");
      return first == std::string_view::npos ? std::string_view() : s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
    };
    line = trim(line);
    const std::size_t blank = line.find_first_of(" \t");
    name = line.substr(0, blank);
    if (blank != std::string_view::npos) rest = trim(line.substr(blank));
  }

  /// The whole number that `rest` begins with, taken from it.
  /// @throws config_error  there is none, or it goes on with letters
  std::int64_t number() {
    const std::string word = rest.substr(0, rest.find(' '));
    std::int64_t n = 0;
    const auto read = std::from_chars(word.data(), word.data() + word.size(), n);
    if (word.empty() || read.ec != std::errc() || read.ptr != word.data() + word.size() || n < 1) {
      q::fail<q::config_error>(name, "the number of a note", word.empty() ? "nothing" : q::printable(word));
    }
    rest = command_line(rest).rest;
    return n;
  }
};

inline std::string date_of(q::time_ms when) {
  const auto seconds = static_cast<std::time_t>(when / 1000);
  std::tm local{};
  char text[32] = "";
  if (::localtime_r(&seconds, &local) != nullptr) std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

inline const char* name_of(q::notes::edit_kind kind) {
  switch (kind) {
    case q::notes::edit_kind::add: return "added";
    case q::notes::edit_kind::update: return "changed";
    case q::notes::edit_kind::erase: return "erased";
    case q::notes::edit_kind::supersede: return "superseded";
    case q::notes::edit_kind::undo: return "taken back";
  }
  return "?";
}

/// What happened to a note in a few words.
inline std::string summary(const q::notes::note_change& change) {
  const auto& n = change.after ? change.after : change.before;
  if (!n) return "nothing";
  const std::string text = terminal::visible(n->text.substr(0, 100));
  return q::concat("note ", n->id, ' ', name_of(change.kind), " \"", text, n->text.size() > 100 ? "...\"" : "\"");
}

/// An edit in a few words, on one line.
inline std::string summary(const q::notes::standing_edit& edit) {
  std::string said;
  if (!edit.changes.empty()) said = summary(edit.changes.front());
  if (edit.changes.size() > 1) said += q::concat(" and ", edit.changes.size() - 1, " more");
  if (!edit.kept.empty()) {
    said += q::concat(said.empty() ? "" : "; ", "note ", edit.kept.front());
    if (edit.kept.size() > 1) said += q::concat(" and ", edit.kept.size() - 1, " more");
    said += ", changed by others since, stays";
  }
  return said;
}

/// Takes edits back one after the other, each named before it goes.
template <class Editor>
void take_back(Editor& editor, std::size_t n_edit) {
  for (std::size_t i = 0; i < n_edit; ++i) {
    const auto next = editor.last_edit();
    if (!next) {
      throw q::config_error(i == 0 ? "there is no edit to take back; what others noted since this chat began stays"
                                   : q::concat("there were only ", i, " edits to take back"));
    }
    std::cout << (next->own ? "takes back: "
                            : q::concat("not of this chat, the notebook's last edit, of ", date_of(next->when), ": "))
              << summary(*next) << std::flush;
    const auto done = editor.undo();
    if (!done.empty() && done.front().version != next->version) std::cout << "; instead: " << summary(done.front());
    std::cout << "; " << editor.size() << " notes\n";
  }
}

template <class Editor>
void list_notes(const Editor& editor, const std::string& words) {
  const auto show = [](const q::notes::note& n) {
    if (n.status == q::notes::note_status::live) std::cout << std::setw(5) << n.id << "  " << terminal::visible(n.text) << '\n';
  };
  if (words.empty()) {
    editor.notebook().store().for_each(show);
  } else {
    for (const auto& hit : editor.notebook().retrieve(words, 10)) {
      if (const auto n = editor.notebook().find(hit.id)) show(*n);
    }
  }
  std::cout << editor.size() << " notes\n";
}

/// The probability at which the gate of an editor applies notes.
template <class Editor>
double threshold_of(const Editor& editor) {
  const auto& model = editor.gate().model();
  return model.probability(model.threshold);
}

/// @throws config_error  no probability, or one that the gate never gives
template <class Editor>
void set_threshold(Editor& editor, const std::string& word) {
  double wanted = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), wanted);
  if (read.ec != std::errc() || read.ptr != word.data() + word.size() || !(wanted > 0 && wanted < 1)) {
    q::fail<q::config_error>("/threshold", "a probability between 0 and 1", q::printable(word));
  }
  auto model = editor.gate().model();
  double low = -1e6, high = 1e6;  // the probability grows with the score
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (model.probability(middle) < wanted ? low : high) = middle;
  }
  model.threshold = high;
  editor.gate().set_model(std::move(model));
}

template <class Editor>
void explain(const Editor& editor, const q::eren::answer& a) {
  std::cout << (a.source == q::eren::read_note ? "from notes" : "own knowledge")
            << ", probability that a note answers it " << a.probability << ", needed " << threshold_of(editor)
            << " (/threshold)\n";
  if (!a.trace.read_by.empty())
    std::cout << "  read by " << terminal::visible(a.trace.read_by) << "; judged by " << terminal::visible(a.trace.judged_by) << '\n';
  for (const auto& n : a.trace.candidates) {
    std::cout << "  note " << n.id << " \"" << terminal::visible(n.text) << "\": BM25 " << n.evidence.bm25 << ", n-grams "
              << n.evidence.ngram;
    if (!n.worth_reading) {
      std::cout << "; not worth reading\n";
    } else if (n.read.done) {
      std::cout << "; read \"" << terminal::visible(n.read.answer) << "\", log p " << n.read.log_p_answer << ", of abstaining "
                << n.read.log_p_abstain << ", " << n.read.n_computed << " of " << n.read.n_prompt
                << " tokens computed; score " << n.decision.score << ", probability " << n.decision.probability
                << (n.denied ? ", not applied: the note denies or doubts it\n" : n.decision.apply ? ", applied\n" : ", not applied\n");
    } else {
      std::cout << "; too long to be read\n";
    }
  }
  const auto& t = a.trace.timings;
  std::cout << std::fixed << std::setprecision(1) << "  ms: retrieve " << 1e3 * t.retrieve << ", screen "
            << 1e3 * t.screen << ", read " << 1e3 * t.read << ", gate " << 1e3 * t.gate << ", own answer "
            << 1e3 * t.fallback << std::defaultfloat << std::setprecision(6) << '\n';
}

/// One command or question. @return false to leave
template <class Editor>
bool obey(Editor& editor, conversation& chat, const std::string& line, q::eren::answer& last) {
  command_line command(line);
  std::string& rest = command.rest;
  if (command.name == "/quit" || command.name == "/exit") return false;
  if (command.name == "/help") {
    std::cout << help;
  } else if (command.name == "/add") {
    const auto added = editor.add_note(rest);
    std::cout << (added.outcome == q::notes::add_outcome::duplicate ? "already noted as " : "noted as ") << added.id;
    if (added.corrected != q::notes::no_note) {
      const auto old = editor.notebook().find(added.corrected);
      std::cout << ", replaces note " << added.corrected << ": " << (old ? terminal::visible(old->text) : "")
                << " (/undo brings it back)";
    }
    for (const auto id : added.related) std::cout << (id == added.related.front() ? "; see also note " : ", ") << id;
    std::cout << '\n';
  } else if (command.name == "/edit") {
    const auto id = command.number();
    std::cout << (editor.update(id, rest) ? "changed\n" : "there is no such note\n");
  } else if (command.name == "/del") {
    const auto id = command.number();
    if (!rest.empty()) q::fail<q::config_error>("/del", "the number of one note", q::printable(rest));
    std::cout << (editor.erase(id) ? "erased; /undo brings it back\n" : "there is no such note\n");
  } else if (command.name == "/undo") {
    take_back(editor, rest.empty() ? 1 : static_cast<std::size_t>(command.number()));
  } else if (command.name == "/notes") {
    list_notes(editor, rest);
  } else if (command.name == "/history") {
    for (const auto& change : editor.history(command.number())) {
      std::cout << "  " << date_of(change.when) << "  " << name_of(change.kind);
      if (change.after) std::cout << ": " << terminal::visible(change.after->text);
      std::cout << '\n';
    }
  } else if (command.name == "/import") {
    const auto added = editor.add_notes(note_files::read(rest));
    std::size_t fresh = 0;
    for (const auto& each : added) fresh += each.outcome == q::notes::add_outcome::added ? 1 : 0;
    std::cout << fresh << " notes added, " << added.size() - fresh << " were there\n";
  } else if (command.name == "/export") {
    if (rest.empty()) q::fail<q::config_error>("/export", "a file to write", "nothing");
    std::cout << note_files::write(editor.notebook().store(), rest) << " notes written\n";
  } else if (command.name == "/memory") {
    if (!rest.empty() && rest != "on" && rest != "off") q::fail<q::config_error>("/memory", "on or off", q::printable(rest));
    if (!rest.empty()) chat.remembers = rest == "on";
    if (!chat.remembers) chat.forget();
    std::cout << (chat.remembers ? q::concat("on: ", chat.size(), " turns\n") : std::string("off\n"));
  } else if (command.name == "/threshold") {
    if (!rest.empty()) set_threshold(editor, rest);
    std::cout << "a note is used where it answers the question with probability " << threshold_of(editor)
              << " or more\n";
  } else if (command.name == "/calibrate") {
    const auto done = q::eren::calibrate_from_notes(editor);
    std::cout << done.n_made << " questions written for " << done.n_note << " notes, " << done.n_asked
              << " read; a note is now used at probability " << threshold_of(editor) << " or more\n";
  } else if (command.name == "/why") {
    explain(editor, last);
  } else if (command.name.starts_with('/')) {
    std::cout << "there is no command " << terminal::visible(command.name) << "; /help lists them\n";
  } else {
    last = editor.answer(line);  // own answers are streamed while they come
    if (last.source == q::eren::read_note) {
      std::cout << terminal::visible(last.text) << "   [note";
      for (const auto id : last.notes) std::cout << ' ' << id;
      std::cout << ']';
    }
    std::cout << '\n';
    chat.add(line, last.text);
  }
  return true;
}

}  // namespace commands
