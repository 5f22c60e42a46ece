// Several processes, and several threads, at random on one notebook: nobody loses a note, nobody's undo reaches
// another's edits, and no search index lacks a note, also if processes are killed. QUIPU_SHARED_SECONDS says how long,
// QUIPU_FULL a minute.
#include <quipu/notes/notebook.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/note_stores.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"
#include "support/two_threads.hpp"

namespace shared_notebook_test {  // names of its own: several tests are compiled as one

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;

namespace {

using book_type = notebook<sqlite_store, bm25_retriever>;
/// The notes of one writer by their number among its own: what they say; gone ones are not there.
using own_notes = std::map<int, std::string>;

int seconds() {
  if (!quipu::test::setting("QUIPU_FULL").empty()) return 60;
  const std::string wanted = quipu::test::setting("QUIPU_SHARED_SECONDS");
  return wanted.empty() ? 3 : std::max(1, std::atoi(wanted.c_str()));
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// Every note that the store holds is found by its own words, and the index holds no other.
void check_index(const book_type& book, std::mt19937& random) {
  // Only while nobody writes: the notes move on between the calls.
  const store_version at = book.store().version();
  std::vector<note> all;
  book.store().for_each([&](const note& n) { all.push_back(n); });
  for (int i = 0; i < 5 && !all.empty(); ++i) {
    const note& n = all[random() % all.size()];
    const auto found = book.retrieve(n.text, 3);
    if (book.store().version() != at) return;
    bool there = false;
    for (const scored_note& hit : found) there = there || hit.id == n.id;
    require(there, "a live note is not found: " + n.text);
  }
}

/// What a writer's notes are in the file.
own_notes stored(const book_type& book, const std::string& who) {
  own_notes found;
  book.store().for_each([&](const note& n) {
    if (n.subject == who) found[std::stoi(n.object)] = n.text;
  });
  return found;
}

/// One writer: edits its own notes at random, takes its edits back, and holds the file against what it knows.
/// @param tell  is told the writer's notes after every acknowledged edit
void write_at_random(const std::string& path, const std::string& cache, const std::string& who, unsigned seed,
                     own_notes known, const std::function<bool()>& goes_on,
                     const std::function<void(const own_notes& before, const own_notes& after)>& tell) {
  std::mt19937 random(seed);
  int next = known.empty() ? 0 : known.rbegin()->first + 1;
  while (goes_on()) {
    book_type book(sqlite_store(path, quick), bm25_retriever(), cache);
    require(stored(book, who) == known, who + ": notes lost before opening");
    std::vector<own_notes> pile;  // what an undo leads to
    const int n_step = 20 + static_cast<int>(random() % 60);
    for (int step = 0; step < n_step && goes_on(); ++step) {
      own_notes after = known;
      const unsigned what = random() % 8;
      const auto some =
          known.empty() ? known.end() : std::next(known.begin(), static_cast<int>(random() % known.size()));
      const std::string words = who + " says " + std::to_string(next) + " and " + std::to_string(random());
      const auto id_of = [&](int number) {
        note_id id = no_note;
        book.store().for_each([&](const note& n) {
          if (n.subject == who && n.object == std::to_string(number)) id = n.id;
        });
        require(id != no_note, who + ": a note is gone");
        return id;
      };
      note n = of_text(words);
      n.subject = who;
      if (what <= 2 || (what <= 4 && some == known.end())) {
        n.object = std::to_string(next);
        after[next++] = words;
        tell(known, after);
        require(book.add(n).outcome == add_outcome::added, "not added");
        pile.push_back(known);
      } else if (what == 3) {
        n.id = id_of(some->first);
        n.object = std::to_string(some->first);
        after[some->first] = words;
        tell(known, after);
        require(book.update(n), "not updated");
        pile.push_back(known);
      } else if (what == 4) {
        const note_id id = id_of(some->first);
        after.erase(some->first);
        tell(known, after);
        require(book.erase(id), "not erased");
        pile.push_back(known);
      } else if (what == 5 && !pile.empty()) {
        after = pile.back();
        pile.pop_back();
        tell(known, after);
        const auto done = book.undo();
        require(done.size() == 1 && done.front().own && done.front().kept.empty(), who + ": a foreign undo");
      } else if (what == 6) {
        check_index(book, random);
      } else if (what == 7) {
        book.save_search(cache);
      }
      known = after;
      tell(known, known);
      require(stored(book, who) == known, who + ": a note lost or an edit taken back by another");
    }
    if (random() % 2 == 0) book.save_search(cache);
  }
}

/// The pipe's side of `tell`: the state before and after, one line each.
std::string line_of(const own_notes& notes) {
  std::string line;
  for (const auto& [number, text] : notes) line += std::to_string(number) + '=' + text + ';';
  return line;
}
own_notes of_line(const std::string& line) {
  own_notes notes;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t equals = line.find('=', at), end = line.find(';', at);
    notes[std::stoi(line.substr(at, equals - at))] = line.substr(equals + 1, end - equals - 1);
    at = end + 1;
  }
  return notes;
}

}  // namespace

TEST_CASE("two processes at random on one notebook, killed at random", "[notes][shared_notebook]") {
  const quipu::test::temp_folder folder;
  const std::string path = folder.file("n.db"), cache = folder.file("n.words");
  { sqlite_store store(path, quick); }
  std::mt19937 random(static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count()));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds());
  own_notes known[2];
  int n_kill = 0;
  while (std::chrono::steady_clock::now() < end) {
    struct {
      pid_t id;
      std::string told;
    } children[2];
    for (int i = 0; i < 2; ++i) {
      const std::string who = i == 0 ? "Anna" : "Otto";
      children[i].told = folder.file(who);
      const unsigned seed = static_cast<unsigned>(random());
      std::FILE* const out = std::fopen(children[i].told.c_str(), "w");
      REQUIRE(out != nullptr);
      children[i].id = ::fork();
      REQUIRE(children[i].id >= 0);
      if (children[i].id == 0) {
        int code = 0;
        try {
          write_at_random(
              path, cache, who, seed, known[i], [] { return true; },
              [&](const own_notes& before, const own_notes& after) {
                const std::string line = line_of(before) + '|' + line_of(after) + '\n';
                if (::write(::fileno(out), line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
              });
        } catch (const std::exception& problem) {
          std::fprintf(stderr, "%s: %s\n", who.c_str(), problem.what());
          code = 1;
        }
        ::_exit(code);
      }
      std::fclose(out);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 400));
    for (int i : {0, 1}) {
      ::kill(children[i].id, SIGKILL);
      if (i == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    }
    const auto own_of = [&](const book_type& book, int i) { return stored(book, i == 0 ? "Anna" : "Otto"); };
    for (auto& child : children) {
      int status = 0;
      ::waitpid(child.id, &status, 0);
      REQUIRE(WIFSIGNALED(status));
      ++n_kill;
    }
    const book_type book(sqlite_store(path, quick), bm25_retriever(), cache);
    const book_type fresh(sqlite_store(path, quick), bm25_retriever());
    CHECK(book.size() == fresh.size());
    std::vector<std::string> all;
    book.store().for_each([&](const note& n) { all.push_back(n.text); });
    for (const std::string& text : all) {  // equal scores: the index from the cache is the one that is made anew
      if (book.retrieve(text, 3) != fresh.retrieve(text, 3)) FAIL_CHECK("the cache lacks " << text);
    }
    for (int i : {0, 1}) {
      std::string last, line;
      std::ifstream in(children[i].told);
      while (std::getline(in, line)) {
        if (!in.eof()) last = line;
      }
      const own_notes found = own_of(book, i);
      if (!last.empty()) {
        const std::size_t bar = last.find('|');
        const own_notes before = of_line(last.substr(0, bar)), after = of_line(last.substr(bar + 1));
        INFO(last);
        REQUIRE((found == before || found == after));
      } else {
        REQUIRE(found == known[i]);
      }
      known[i] = found;
    }
  }
  INFO(n_kill << " kills, " << known[0].size() + known[1].size() << " notes");
  CHECK(n_kill > 0);
  CHECK(sqlite_store(path, quick).check_integrity().empty());
}

TEST_CASE("two threads at random on one file, a notebook each", "[notes][shared_notebook]") {
  const quipu::test::temp_folder folder;
  const std::string path = folder.file("n.db"), cache = folder.file("n.words");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds((seconds() + 2) / 3);
  CHECK(quipu::test::in_two_threads([&](int i) {
          write_at_random(
              path, cache, i == 0 ? "Anna" : "Otto", 7u + static_cast<unsigned>(i), {},
              [&] { return std::chrono::steady_clock::now() < end; }, [](const auto&, const auto&) {});
        }) == "");
  CHECK(sqlite_store(path, quick).check_integrity().empty());
}

TEST_CASE("two threads on one notebook: searches and edits of both", "[notes][shared_notebook]") {
  const quipu::test::temp_folder folder;
  book_type book{sqlite_store(folder.file("n.db"), quick)};
  sqlite_store other(folder.file("n.db"), quick);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds((seconds() + 2) / 3);
  CHECK(quipu::test::in_two_threads([&](int i) {
          std::mt19937 random(static_cast<unsigned>(i));
          for (int step = 0; std::chrono::steady_clock::now() < end; ++step) {
            const std::string text = "thread" + std::to_string(i) + "step" + std::to_string(step) + " was here";
            // What a second connection acknowledged is found at once, by whichever thread.
            const note_id id = step % 2 == 0 ? book.add(of_text(text)).id : other.add(of_text(text)).id;
            const auto found = book.retrieve(text, 2);
            require(!found.empty() && found.front().id == id, "not found: " + text);
            if (random() % 3 == 0) require(book.erase(id), "not erased");
          }
        }) == "");
  CHECK(book.size() == book.store().size());
}

}  // namespace shared_notebook_test
