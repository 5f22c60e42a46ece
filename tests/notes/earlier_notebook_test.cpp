// Opens a notebook that an earlier version wrote, see tests/earlier/editor/README.md.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/earlier_file.hpp"

using namespace quipu;

TEST_CASE("a notebook of an earlier version opens: notes, history, search, edits", "[notes][earlier_notebook]") {
  const test::temp_folder folder;
  const std::string path = test::earlier_file(folder, "editor/notes.db");
  notes::notebook<notes::sqlite_store, notes::bm25_retriever> book{notes::sqlite_store(path)};

  std::vector<std::string> live;
  book.store().for_each([&](const notes::note& n) {
    if (n.status == notes::note_status::live) live.push_back(std::to_string(n.id) + " " + n.text);
  });
  CHECK(live == std::vector<std::string>{"1 The capital of Norway is Bergen.", "2 Spiders have seven legs.",
                                         "3 The mother tongue of Danielle Darrieux is English.",
                                         "5 The House of Dolls was written by Dan Brown."});
  CHECK(book.version() == 9);

  const auto texts = [&](notes::note_id id) {
    std::vector<std::string> all;
    for (const notes::note_change& change : book.store().history(id))
      all.push_back(std::to_string(change.version) + " " + (change.after ? change.after->text : "(erased)"));
    return all;
  };
  CHECK(texts(2) == std::vector<std::string>{"2 Spiders have six legs.", "5 Spiders have seven legs."});
  CHECK(texts(3) == std::vector<std::string>{"3 The mother tongue of Danielle Darrieux is English.", "8 (erased)",
                                             "9 The mother tongue of Danielle Darrieux is English."});
  CHECK(texts(4) == std::vector<std::string>{"4 Google developed the iPhone X.", "6 (erased)"});

  const auto found = book.retrieve("How many legs do spiders have?", 3);
  REQUIRE(found.size() == 1);
  CHECK(found.front().id == 2);

  book.undo_to(4, 0);  // before the edit and the erasures
  CHECK(book.find(2)->text == "Spiders have six legs.");
  CHECK(book.find(4)->text == "Google developed the iPhone X.");
  CHECK(book.retrieve("Who developed the iPhone?", 1).front().id == 4);
}
