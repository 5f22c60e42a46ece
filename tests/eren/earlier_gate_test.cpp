// Loads a gate that an earlier version wrote, see tests/earlier/editor/README.md.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/byte_model.hpp"
#include "support/earlier_file.hpp"

using namespace quipu;

TEST_CASE("a gate of an earlier version decides as it did, and is refused for another model", "[eren][earlier_gate]") {
  const test::temp_folder folder;
  const std::string path = test::earlier_file(folder, "editor/gate.json");
  const auto model = test::byte_model();
  using editor_t = eren::editor<std::remove_cvref_t<decltype(model)>, notes::memory_store, notes::bm25_retriever,
                                eren::basic_extractive_reader<eren::plain_note_prompt>>;
  editor_t editor{model, notes::memory_store()};
  for (int i = 0; i < 8; ++i) editor.add_note("it" + std::to_string(i) + " is red.");
  editor.load_gate(path);
  CHECK(editor.gate().model().names == editor.gate().names());

  // What the version that wrote the file answered; log-probabilities may differ in the last bits between processors.
  const std::vector<std::string> asked = {"How is it3?", "Who had it5?"};
  const std::vector<eren::consideration> found = editor.consider(asked);
  REQUIRE(found[0].candidates.size() == 1);
  CHECK(found[0].apply);
  CHECK(found[0].text == "red");
  CHECK(found[0].candidates.front().decision.score == Approx(3.6363411488890263).epsilon(1e-5));
  CHECK(found[0].probability == Approx(0.89884350715006056).epsilon(1e-5));
  CHECK_FALSE(found[1].apply);

  editor_t other{test::byte_model({.n_layer = 1}), notes::memory_store()};
  CHECK_THROWS_WITH(other.load_gate(path), Catch::Contains("key of the model") &&
                                               Catch::Contains("'2x64 4b8a40d9': this gate was fitted on another one"));
}
