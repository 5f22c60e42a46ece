// What an editor takes by itself: the taught reader of the model's family, and what says that it was another one.
#include <quipu/eren/default_reader.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/llama/export.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "support/byte_model.hpp"
#include "support/modules.hpp"
#include "support/scripted_model.hpp"
#include "support/temp_folder.hpp"

namespace quipu_default_reader_test {

using namespace quipu;

namespace {

using reader_type = eren::default_reader;

/// A folder as 09_train_reader writes it, for the model.
template <class Model>
std::filesystem::path write_reader(const Model& m, const std::filesystem::path& folder, double threshold) {
  reader_type::module_type module(
      pet::lora{.rank = 2, .alpha = 4, .targets = optim::name_pattern::suffixes({"q_proj", "v_proj"})}, m.config(), 1);
  test::shake(module, 0.3, 5);
  pet::save_peft(folder, module, m.config(), {.bf16 = true});
  const reader_type::taught_type reader(
      {}, {}, eren::module_adapter<reader_type::module_type>(
                  pet::peft_folder(folder).template module<pet::lora, float>(m.config()), m));
  eren::gate_model gate = eren::similarity_gate_model();
  gate.threshold = threshold;
  eren::save_gate((folder / eren::reader_gate_file).string(), gate,
                  {llama::model_family(m), eren::key_of_tokenizer(m.tokenizer()), reader.identity()});
  return folder;
}

}  // namespace

TEST_CASE("the taught reader of the model's family serves, with its gate, and the trace names it", "[eren][default_reader]") {
  const test::temp_folder folder;
  const auto m = test::byte_model();
  write_reader(m, folder.path() / "readers" / "bytes", -1);
  const std::string readers = (folder.path() / "readers").string();
  eren::editor editor(m, notes::memory_store(), {.form = eren::prompt_form(), .readers = readers});
  CHECK(editor.reader().is_taught());
  CHECK(editor.gate().model().threshold == -1);
  editor.add_note("The capital of Norway is Bergen.");
  const auto considered = editor.consider(std::vector<std::string>{"What is the capital of Norway?"});
  CHECK(considered[0].read_by.find("taught reader of " + readers) != std::string::npos);
  CHECK(considered[0].judged_by.find("fitted with the reader") != std::string::npos);
  CHECK(considered[0].apply);

  // The same answer as by the reader alone.
  eren::reading_session session{m, eren::prompt_form()};
  const auto alone = reader_type::made_for(m, readers + "/bytes");  // one reader's own folder will do
  REQUIRE(alone.is_taught());
  const eren::reading_task task{"What is the capital of Norway?", {"The capital of Norway is Bergen"}};
  CHECK(alone.read(session, {&task, 1}).front().answer == considered[0].text);

  // A model of another size, and one that was trained further in its norms.
  const auto other = test::byte_model({.d_model = 32});
  const auto none = reader_type::made_for(other, readers);
  CHECK_FALSE(none.is_taught());
  CHECK(none.basis().find("no taught reader for this model in " + readers) != std::string::npos);
  CHECK(reader_type::made_for(m, "").basis().find("no folder") != std::string::npos);
  CHECK_FALSE(reader_type::made_for(m, folder.file("not there")).is_taught());
}

TEST_CASE("a damaged reader of this model is an error, one of another model is none of its business", "[eren][default_reader]") {
  const test::temp_folder folder;
  const auto m = test::byte_model();
  const auto one = write_reader(m, folder.path() / "bytes", 0);
  const auto replace = [](const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; };
  SECTION("weights cut off") {
    std::filesystem::resize_file(one / "adapter_model.safetensors", 100);
    CHECK_THROWS_AS(reader_type::made_for(m, folder.path()), format_error);
    CHECK_NOTHROW(reader_type::made_for(test::byte_model({.d_model = 32}), folder.path()));
  }
  SECTION("a gate that is none") {
    replace(one / eren::reader_gate_file, "{}");
    CHECK_THROWS_WITH(reader_type::made_for(m, folder.path()), Catch::Contains("gate.json"));
  }
  SECTION("another adapter in its place") {
    reader_type::module_type module(
        pet::lora{.rank = 2, .alpha = 4, .targets = optim::name_pattern::suffixes({"q_proj", "v_proj"})}, m.config(), 1);
    test::shake(module, 0.3, 6);
    pet::save_peft(one, module, m.config());
    CHECK_THROWS_AS(reader_type::made_for(m, folder.path()), config_error);
  }
}

TEST_CASE("the gate of an editor judges what it was fitted on, else by similarity and says so", "[eren][default_reader]") {
  const auto m = test::byte_model({.n_ctx = 2048});
  eren::editor editor(m, notes::memory_store(), {.form = eren::prompt_form(), .readers = ""});
  editor.add_note("The capital of Norway is Bergen.");
  const auto considered =
      editor.consider(std::vector<std::string>{"The capital of Norway is", "Who wrote the opera about bread?"});
  CHECK(considered[0].judged_by.find("similarity of n-grams") != std::string::npos);
  CHECK(considered[0].read_by.find("extractive") != std::string::npos);
  REQUIRE(considered[0].candidates.size() == 1);
  CHECK(considered[0].candidates[0].decision.score == Approx(considered[0].candidates[0].evidence.ngram));
  CHECK(considered[0].apply == (considered[0].candidates[0].evidence.ngram >= 0.6));
  CHECK_FALSE(considered[1].apply);
}

TEST_CASE("a family is the same whatever stores the matrices, and another one with other norms or words", "[eren][default_reader]") {
  const auto m = test::byte_model();
  const std::string family = llama::model_family(m);
  CHECK(family.starts_with("2x64 "));
  CHECK(llama::model_family(test::byte_model()) == family);
  CHECK(llama::model_family(test::byte_model({.n_layer = 3})) != family);
  const test::temp_folder folder;
  io::write_gguf(folder.file("m.gguf"), llama::checkpoint_of(llama::thaw<float>(m)));
  CHECK(llama::model_family(llama::load(folder.file("m.gguf"))) == family);
  CHECK(llama::model_family(llama::load<storage::converted<tensor_type::q8_0>>(folder.file("m.gguf"))) == family);
  CHECK(llama::model_family(llama::load<storage::converted<tensor_type::bf16>>(folder.file("m.gguf"))) == family);
}

}  // namespace quipu_default_reader_test
