// Two threads with an editor each, on one model and one notebook: what one says the other reads, nobody's undo reaches
// another's edits, and the unedited model's answers stay as they are. Under tsan with scripts/test --full.
#include <quipu/eren/editor.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/byte_model.hpp"
#include "support/note_stores.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"
#include "support/two_threads.hpp"

namespace shared_editors_test {

namespace eren = quipu::eren;
namespace notes = quipu::notes;
namespace test = quipu::test;

namespace {

using model_type = decltype(test::byte_model());
using editor_type = eren::editor<model_type, notes::sqlite_store, notes::bm25_retriever, eren::extractive_reader>;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void edit_and_ask(const model_type& model, const std::string& path, const std::string& who, const std::string& plain,
                  std::chrono::steady_clock::time_point end, std::atomic<notes::note_id>& kept,
                  const std::atomic<notes::note_id>& kept_by_other, int& n_answer) {
  std::mt19937 random(static_cast<unsigned>(who.size()));
  editor_type editor(model, notes::sqlite_store(path, test::quick), {.generate = {.max_tokens = 4}, .team = quipu::thread_team(2)});
  std::map<notes::note_id, std::string> own;
  for (int step = 0; std::chrono::steady_clock::now() < end; ++step) {
    const std::string text = who + " said number " + std::to_string(step) + ".";
    const notes::note_id id = editor.add_note(text).id;
    own[id] = text;
    switch (random() % 4) {
      case 0:
        require(editor.erase(id), "not erased");
        own.erase(id);
        break;
      case 1: {
        const auto done = editor.undo();
        require(done.size() == 1 && done.front().own, "a foreign undo");
        own.erase(id);
        break;
      }
      default: kept = id;
    }
    const notes::note_id foreign = kept_by_other;
    require(foreign == notes::no_note || editor.notebook().find(foreign), "a note of the other is not there");
    if (step % 4 == 0) {
      const eren::answer about = editor.answer("What did " + who + " say?");
      require(own.empty() || !about.trace.candidates.empty(), "no note was found");
      require(editor.answer("zq?").text == plain, "the unedited model's answer changed");
      ++n_answer;
    }
    for (const auto& [number, said] : own) {
      const auto found = editor.notebook().find(number);
      require(found && found->text == said, who + ": note lost");
    }
  }
}

}  // namespace

TEST_CASE("two threads with an editor each on one model and one notebook", "[eren][shared_editors]") {
  const test::temp_folder folder;
  const std::string path = folder.file("n.db");
  const model_type model = test::byte_model({.n_ctx = 4096});
  const std::string plain = [&] {
    return editor_type(model, notes::sqlite_store(folder.file("none.db"), test::quick), {.generate = {.max_tokens = 4}}).answer("zq?").text;
  }();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(test::setting("QUIPU_FULL").empty() ? 1 : 30);
  int n_answer[2] = {};
  std::atomic<notes::note_id> kept[2] = {notes::no_note, notes::no_note};
  CHECK(test::in_two_threads([&](int i) {
          edit_and_ask(model, path, i == 0 ? "Anna" : "Benjamin", plain, end, kept[i], kept[1 - i], n_answer[i]);
        }) == "");
  CHECK(n_answer[0] > 0);
  CHECK(n_answer[1] > 0);
  CHECK(notes::sqlite_store(path, test::quick).check_integrity().empty());
}

}  // namespace shared_editors_test
