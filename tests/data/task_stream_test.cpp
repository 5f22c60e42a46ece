#include <quipu/data/task_stream.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/csv_rows.hpp>
#include <quipu/data/json_lines_stream.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

data::task_stream small_stream() {
  data::task_stream stream{"small", {}};
  stream.tasks.push_back({"one", {"a", "b"}, {{"x", 0}, {"y", 1}}, {}, {{"z", 0}}});
  stream.tasks.push_back({"two", {"c"}, {{"u", 0}}, {}, {}});
  return stream;
}

std::string line_of(const std::string& text, const std::string& label, const std::string& task, const std::string& more = "") {
  return R"({"text": ")" + text + R"(", "label": ")" + label + R"(", "task": ")" + task + "\"" + more + "}\n";
}

}  // namespace

TEST_CASE("a stream that can be learned is taken, each fault has a sentence of its own", "[data][task_stream]") {
  CHECK_NOTHROW(data::check_task_stream(small_stream(), "here"));
  const auto refused = [](auto&& change, const char* words) {
    auto stream = small_stream();
    change(stream);
    CHECK_THROWS_WITH(data::check_task_stream(stream, "here"), Catch::Contains(words) && Catch::Contains("here"));
    CHECK_THROWS_AS(data::check_task_stream(stream, "here"), format_error);
  };
  refused([](auto& s) { s.tasks.clear(); }, "at least one task");
  refused([](auto& s) { s.tasks[1].classes[0] = "a"; }, "each class in one task");
  refused([](auto& s) { s.tasks[0].classes[1] = "a"; }, "each class once");
  refused([](auto& s) { s.tasks[1].classes.clear(); }, "at least one class");
  refused([](auto& s) { s.tasks[1].train.clear(); }, "at least one text to learn");
  refused([](auto& s) { s.tasks[0].train.pop_back(); }, "a training text of every class");
  refused([](auto& s) { s.tasks[0].test[0].label = 2; }, "a label below 2");
  refused([](auto& s) { s.tasks[0].train[0].text = " \n"; }, "nothing but white space");
  refused([](auto& s) { s.tasks[0].train[0].text = "caf\xE9"; }, "UTF-8");
  refused([](auto& s) { s.tasks[0].train[0].head = data::mention{"x", 0, 2}; }, "within the text's 1 bytes");
  refused([](auto& s) { s.tasks[1].name = "one"; }, "different names");
}

TEST_CASE("the last tenth of each class is held out, at least so many", "[data][task_stream]") {
  data::stream_task task{"t", {"a", "b"}, {}, {}, {}};
  for (int i = 0; i < 30; ++i) task.train.push_back({"a" + std::to_string(i), 0});
  for (int i = 0; i < 5; ++i) task.train.push_back({"b" + std::to_string(i), 1});
  auto held = task;
  data::hold_out_last_tenth(held, 2, "here");
  REQUIRE(held.validation.size() == 5);
  CHECK(held.validation[0].text == "a27");
  CHECK(held.validation[2].text == "a29");
  CHECK(held.validation[3].text == "b3");
  CHECK(held.train.size() == 30);
  CHECK_THROWS_WITH(data::hold_out_last_tenth(task, 5, "here"), Catch::Contains("'b'") && Catch::Contains("more than 5"));
}

TEST_CASE("a name is found whatever its blanks and capitals, words whole if they can be", "[data][task_stream]") {
  const std::string text = "In Northumbria and North  Um, the \xC3\x89""cole -de- Nord";
  const auto at = [&](const char* name) {
    const auto m = data::find_mention(text, name);
    return m ? text.substr(m->begin, m->end - m->begin) : std::string("none");
  };
  CHECK(at("north um") == "North  Um");
  CHECK(at("northum") == "North  Um");
  CHECK(at("Northumbri") == "Northumbri");  // there is no better one
  CHECK(at("\xC3\xA9""cole-de-nord") == "\xC3\x89""cole -de- Nord");
  CHECK(at("south") == "none");
  CHECK(at(" ") == "none");
}

TEST_CASE("test texts that were learned are counted", "[data][task_stream]") {
  auto stream = small_stream();
  stream.tasks[0].test = {{"x", 0}, {"X ", 0}, {"u", 1}, {"new", 0}};
  const auto n = data::count_repeated(stream);
  CHECK(n.n_test == 4);
  CHECK(n.n_identical == 2);
  CHECK(n.n_alike == 3);
  CHECK(n.n_other_label == 1);
}

TEST_CASE("quoted fields hold commas, breaks and quotes", "[data][csv_rows]") {
  using rows = std::vector<std::vector<std::string>>;
  CHECK(data::parse_csv("a,b\r\n\"x, \"\"y\"\"\nz\",\n\n1,2", "f") == rows{{"a", "b"}, {"x, \"y\"\nz", ""}, {"1", "2"}});
  CHECK(data::parse_csv("", "f").empty());
  CHECK_THROWS_WITH(data::parse_csv("a\n\"b", "f"), Catch::Contains("f, line 2") && Catch::Contains("end"));
  CHECK_THROWS_WITH(data::parse_csv("\"b\"c", "f"), Catch::Contains("comma after a quoted field"));
  CHECK_THROWS_WITH(data::parse_csv("a,b\n\"1\n2\",2\n3", "f"), Catch::Contains("f, line 4") && Catch::Contains("2 fields"));
}

TEST_CASE("a user's lines become tasks in their order", "[data][json_lines_stream]") {
  const test::temp_folder folder;
  std::string text;
  for (int i = 0; i < 4; ++i) text += line_of("sun " + std::to_string(i), "sun", "sky") + line_of("moon " + std::to_string(i), "moon", "sky");
  text += line_of("Ada met Otto", "met", "people", R"(, "head": "ada", "tail": "Otto")");
  text += line_of("Otto met Ada", "met", "people", R"(, "split": "test")") + line_of("who", "met", "people", R"(, "split": "validation")");
  const auto stream = data::json_lines_stream(folder.write("mine.jsonl", text));
  CHECK(stream.name == "mine");
  REQUIRE(stream.size() == 2);
  CHECK(stream.tasks[0].classes == std::vector<std::string>{"sun", "moon"});
  CHECK(stream.tasks[0].train.size() == 4);
  CHECK(stream.tasks[0].validation.size() == 4);
  CHECK(stream.remarks.size() == 1);
  const auto& met = stream.tasks[1];
  CHECK((met.train.size() == 1 && met.validation.size() == 1 && met.test.size() == 1));
  CHECK((met.train[0].head->begin == 0 && met.train[0].tail->begin == 8 && met.train[0].tail->end == 12));
  const auto refused = [&](const std::string& line, const char* words) {
    CHECK_THROWS_WITH(data::parse_json_lines_stream(line, "f"), Catch::Contains(words) && Catch::Contains("f"));
  };
  refused("", "at least one task");
  refused("{\"text\": \"a\", \"label\": \"b\"}", "task");
  refused(line_of("a", "b", "c", R"(, "split": "dev")"), "train, validation or test");
  refused(line_of("a", "b", "c", R"(, "head": "z")"), "an entity of the text");
  refused(line_of("a", "b", "c") + line_of("a", "b", "d"), "each class in one task");
  refused(line_of("a", "b", "c") + line_of("a", "d", "c", R"(, "split": "test")"), "a training text of every class");
  refused(line_of("caf\xE9", "b", "c"), "line 1");
  refused("[1]", "object");
}
