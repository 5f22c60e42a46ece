#include <quipu/data/intent_streams.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/fewrel_stream.hpp>

#include "support/json_file.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

std::filesystem::path continual_data(const char* name) { return test::shared_root() / "data" / "continual" / name; }

struct part_sizes {
  std::size_t train = 0, validation = 0, test = 0;
};
part_sizes sizes_of(const data::task_stream& stream) {
  part_sizes n;
  for (const auto& t : stream) {
    n.train += t.train.size();
    n.validation += t.validation.size();
    n.test += t.test.size();
  }
  return n;
}

}  // namespace

TEST_CASE("CLINC150 is ten tasks of fifteen intents", "[data][intent_streams]") {
  const auto folder = continual_data("clinc150");
  QUIPU_NEEDS(folder);
  const auto stream = data::clinc150_stream(folder.string());
  const auto file = test::read_json(folder / "data_full.json");
  const auto n = sizes_of(stream);
  CHECK(n.train == file["train"].size());
  CHECK(n.validation == file["val"].size());
  CHECK(n.test == file["test"].size());
  CHECK(stream.foreign_test.size() == file["oos_test"].size());
  CHECK(stream.foreign_validation.size() == file["oos_val"].size());
  CHECK(stream.size() == 10);
  CHECK(stream.n_class() == 150);
  CHECK(stream.tasks[0].name == "banking");  // the file's order, not the alphabet's
  CHECK(stream.tasks[9].name == "meta");
  for (const auto& t : stream) CHECK(t.classes.size() == 15);
  const auto repeats = data::count_repeated(stream);
  CHECK(repeats.n_identical == 2);
  CHECK(repeats.n_other_label == 2);
}

TEST_CASE("Banking77 is seven tasks of eleven intents", "[data][intent_streams]") {
  const auto folder = continual_data("banking77");
  QUIPU_NEEDS(folder);
  const auto stream = data::banking77_stream(folder.string());
  const auto categories = test::read_json(folder / "categories.json");
  REQUIRE(stream.size() == 7);
  std::size_t c = 0;
  for (const auto& t : stream) {
    CHECK(t.classes.size() == 11);
    for (const auto& name : t.classes) CHECK(name == categories[c++]);
  }
  const auto n = sizes_of(stream);
  CHECK(n.train + n.validation == 10003);
  CHECK(n.test == 3080);
  bool breaks = false;
  for (const auto& t : stream) {
    std::map<std::size_t, std::size_t> held, kept;
    for (const auto& one : t.validation) ++held[one.label];
    for (const auto& one : t.train) ++kept[one.label];
    for (const auto& one : t.train) breaks = breaks || one.text.find('\n') != std::string::npos;
    for (const auto& [label, count] : held) CHECK(count == std::max<std::size_t>(2, (kept[label] + count) / 10));
  }
  CHECK(breaks);
}

TEST_CASE("SNIPS is seven intents as three, two and two", "[data][intent_streams]") {
  const auto folder = continual_data("snips");
  QUIPU_NEEDS(folder);
  const auto stream = data::snips_stream(folder.string());
  REQUIRE(stream.size() == 3);
  CHECK(stream.tasks[0].classes == std::vector<std::string>{"AddToPlaylist", "BookRestaurant", "GetWeather"});
  CHECK(stream.tasks[1].classes.size() == 2);
  CHECK(stream.tasks[2].classes.size() == 2);
  const auto n = sizes_of(stream);
  CHECK(n.train == 7 * 270);
  CHECK(n.validation == 7 * 30);
  CHECK(n.test == 7 * 100);
}

TEST_CASE("FewRel is ten tasks of eight relations with entities in their places", "[data][fewrel_stream]") {
  const auto folder = continual_data("");
  QUIPU_NEEDS(folder / "fewrel_train64");
  const auto splits = test::read_json(folder / "conpet_splits" / "fewrel_class_split_p10_tags.json");
  const auto tags = test::read_json(folder / "conpet_splits" / "fewrel_label_to_tag.json");
  for (const std::size_t n_shot : {std::size_t{16}, std::size_t{128}}) {
    const auto stream = data::fewrel_stream(folder.string(), n_shot);
    REQUIRE(stream.size() == 10);
    for (std::size_t t = 0; t < 10; ++t) {
      REQUIRE(stream.tasks[t].classes.size() == 8);
      for (std::size_t c = 0; c < 8; ++c) CHECK(tags[stream.tasks[t].classes[c]] == splits["p" + std::to_string(t + 1)][c]);
    }
    const auto n = sizes_of(stream);
    CHECK(n.train == 80 * (n_shot == 16 ? 13 : 116));
    CHECK(n.validation == 80 * (n_shot == 16 ? 3 : 12));
    CHECK(n.test == 80 * 70);
    for (const auto& t : stream) {
      std::map<std::size_t, std::size_t> tested;
      for (const auto& one : t.test) ++tested[one.label];
      for (const auto& [label, count] : tested) CHECK(count == 70);
    }
    if (n_shot == 16) continue;
    // The first occurrence of a name is nearly always the marked one.
    std::size_t same = 0, all = 0;
    bool marks_left = false;
    for (const auto& t : stream) {
      for (const auto& one : t.test) {
        marks_left = marks_left || one.text.find('<') != std::string::npos || one.text.find("  ") != std::string::npos;
        for (const auto& m : {one.head, one.tail}) {
          const auto found = data::find_mention(one.text, m->name);
          ++all;
          same += found && found->begin == m->begin && found->end == m->end ? 1 : 0;
        }
      }
    }
    CHECK(all == 11200);
    CHECK(same >= 11134);
    CHECK_FALSE(marks_left);
    // Entities' names in the test file are those between the marks, capitals and blanks aside; the sentences learned too are known.
    auto everything = stream;
    for (auto& t : everything.tasks) t.train.insert(t.train.end(), t.validation.begin(), t.validation.end());
    CHECK(data::count_repeated(everything).n_alike == 62);
  }
}

TEST_CASE("files that are not what a stream is made of are named", "[data][intent_streams]") {
  const test::temp_folder folder;
  const std::string path = folder.path().string();
  CHECK_THROWS_AS(data::clinc150_stream(path), io_error);
  folder.write("domains.json", R"({"d": ["a"]})");
  folder.write("data_full.json", R"({"train": [["t", "b"]], "val": [], "test": [], "oos_val": [], "oos_test": []})");
  CHECK_THROWS_WITH(data::clinc150_stream(path), Catch::Contains("train[0]") && Catch::Contains("'b'"));
  folder.write("data_full.json", R"({"train": [["t"]], "val": [], "test": [], "oos_val": [], "oos_test": []})");
  CHECK_THROWS_WITH(data::clinc150_stream(path), Catch::Contains("[text, intent]"));
  folder.write("data_full.json", R"({"train": [["t", "a"]], "val": []})");
  CHECK_THROWS_WITH(data::clinc150_stream(path), Catch::Contains("test"));
  folder.write("categories.json", R"(["a"])");
  folder.write("train.csv", "text,label\n");
  CHECK_THROWS_WITH(data::banking77_stream(path), Catch::Contains("text,category"));
  folder.write("train.csv", "text,category\nhello,b\n");
  CHECK_THROWS_WITH(data::banking77_stream(path), Catch::Contains("record 1"));
  folder.write("train.csv", "text,category\nhello,a\nhi,a\n");
  folder.write("test.csv", "text,category\n");
  CHECK_THROWS_WITH(data::banking77_stream(path), Catch::Contains("more than 2 training texts"));
  CHECK_THROWS_AS(data::snips_stream(path), io_error);
  CHECK_THROWS_AS(data::fewrel_stream(path), io_error);
}
