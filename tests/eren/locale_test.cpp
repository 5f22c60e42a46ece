// What is written to files has the same bytes whatever the program's locale is.
#include <quipu/eren/gate/gate_file.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/hf_config_text.hpp>
#include <quipu/io/npy.hpp>
#include <quipu/io/resumable_log.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/notes/sqlite_store.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/report/table.hpp>
#include <quipu/text/tokenizer_json_writer.hpp>
#include <quipu/train/output_folder.hpp>
#include <quipu/train/training_checkpoint.hpp>

#include "support/grouping_locale.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

using namespace quipu;

namespace {

/// Everything that we write, by what it is.
std::map<std::string, std::string> all_written() {
  std::map<std::string, std::string> all;
  const test::temp_folder folder;

  std::vector<float> values(2345, 1.5f);
  std::vector<float> gradients(values.size());
  std::vector<optim::parameter<float>> parameters(1);
  parameters[0].name = "w";
  parameters[0].shape = {values.size()};
  parameters[0].value = values.data();
  parameters[0].gradient = gradients.data();
  train::run_state state;
  state.step = 12345;
  state.best_step = 12340;
  state.best_loss = 1234.5678;
  state.companions["meter"] = {{"rows", 1234567}, {"rate", 12345.678}};
  train::save_run<float>(folder.file("checkpoint"), parameters, {}, state);
  all["checkpoint"] = test::read_bytes(folder.file("checkpoint"));
  train::run_state back;
  back.companions["meter"] = nullptr;
  train::load_run<float>(folder.file("checkpoint"), parameters, {}, back, [](const auto&) {});
  CHECK(back.step == 12345);
  CHECK(back.best_loss == 1234.5678);

  {
    const train::output_folder run(folder.file("run"));
    run.log({{"step", 1234}, {"loss", 2345.625}});
    run.log({{"step", 1235}, {"loss", 1e-7}});
    run.cut_log(1234);
    all["log"] = test::read_bytes(run.file("log.jsonl"));
  }
  {
    io::resumable_log log(folder.file("pieces"), "12345 pieces");
    log.append({{"value", 12345.5}, {"number", 1234567}});
    log.flush();
    all["resumable log"] = test::read_bytes(folder.file("pieces"));
  }
  {
    notes::sqlite_store store(folder.file("notes.db"));
    notes::note n;
    n.text = "12345 and 1.5";
    n.created = 1234567890123;
    std::vector<notes::note> many(1200, n);  // more than a thousand: their numbers would be grouped
    for (std::size_t i = 0; i < many.size(); ++i) many[i].text += concat(" of ", i + 1);
    store.add_batch(many, {.when = 12345});
    std::ostringstream lines;
    store.for_each([&](const notes::note& one) { lines << notes::to_json(one) << '\n'; });
    all["notebook"] = lines.str();
    const auto reopened = notes::sqlite_store(folder.file("notes.db"));
    CHECK(reopened.size() == 1200);
    CHECK(reopened.find(1200)->text == "12345 and 1.5 of 1200");
  }
  {
    eren::gate_model gate = eren::gate_of_feature("score");
    gate.threshold = 12345.625;
    eren::save_gate(folder.file("gate"), gate, {"model 12345", "tokens", "prompt"});
    all["gate"] = test::read_bytes(folder.file("gate"));
    CHECK(eren::load_gate(folder.file("gate"), {"model 12345", "tokens", "prompt"}).threshold == 12345.625);
  }
  report::table table({{"name"}, {"count"}, {"score", 2}});
  table.add_row({std::string("a"), std::int64_t{1234567}, 12345.678});
  all["table"] = table.markdown() + table.csv() + table.json().dump();
  all["chart"] = report::line_plot({{"loss", {{1000, 12345.5}, {20000, 1234.25}}}}, {.title = "Loss", .width = 1640});
  all["tokenizer.json"] = text::tokenizer_json_text(test::tiny_byte_level({{"a", "b"}, {"ab", "c"}}));
  io::model_config config;
  config.d_model = 4096;
  config.n_vocab = 128256;
  config.rope_theta = 500000.5;
  all["config.json"] = io::hf_config_text(config, tensor_type::f32);
  all["message"] = concat(1234567, " tokens, ", 12345.678, " s");
  return all;
}

}  // namespace

TEST_CASE("files have the same bytes under a locale that groups digits", "[eren][locale]") {
  const auto plain = all_written();
  std::map<std::string, std::string> grouped;
  {
    const test::grouping_locale other;
    grouped = all_written();
  }
  REQUIRE(plain.size() == grouped.size());
  for (const auto& [name, bytes] : plain) {
    INFO(name);
    CHECK(bytes.find("12.345") == std::string::npos);
    CHECK(bytes == grouped.at(name));
  }
}
