#include <quipu/report/table.hpp>

#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/report/svg_plot.hpp>

using namespace quipu::report;

TEST_CASE("a table is written as Markdown, CSV and JSON", "[report][table]") {
  table t({{"method"}, {"n"}, {"EQ", 2}});
  t.add_row({std::string("one | two"), std::int64_t{5}, 93.456});
  t.add_row({std::string("say \"é, b\"\n"), cell(), std::numeric_limits<double>::quiet_NaN()});
  t.add_row({std::string("none"), std::int64_t{12345}, percent(std::nullopt)});
  CHECK(t.markdown() ==
        "| method      |     n |    EQ |\n"
        "| ----------- | ----: | ----: |\n"
        "| one \\| two  |     5 | 93.46 |\n"
        "| say \"é, b\"  |   n/a |   n/a |\n"
        "| none        | 12345 |   n/a |\n");
  CHECK(t.csv() ==
        "method,n,EQ\n"
        "one | two,5,93.456\n"
        "\"say \"\"é, b\"\"\n\",,\n"
        "none,12345,\n");
  const auto json = nlohmann::json::parse(t.json().dump());
  CHECK(json.size() == 3);
  CHECK(json[0]["EQ"] == 93.456);
  CHECK(json[1]["EQ"].is_null());
  CHECK(json[1]["n"].is_null());
  CHECK(json[2]["method"] == "none");
  CHECK_THROWS_AS(t.add_row({std::string("short")}), quipu::shape_error);
}

TEST_CASE("a plot has its points where they belong and escapes its texts", "[report][table]") {
  const std::string svg = line_plot({{"a < b & c", {{1, 0}, {10, 50}, {100, 100}, {1000, std::nan("")}}}},
                                    {.title = "t", .x_scale = axis_scale::logarithmic, .width = 700, .height = 500});
  CHECK(svg.find("a &lt; b &amp; c") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
  // x from 70 to 680, y from 440 up to 40; 10 is half of the way from 1 to 100.
  CHECK(svg.find("M70.00 440.00 L375.00 240.00 L680.00 40.00") != std::string::npos);
  CHECK(svg.rfind("</svg>\n") == svg.size() - 7);
  CHECK_THROWS_AS(line_plot({{"x", {{0, 1}}}}, {.x_scale = axis_scale::logarithmic}), quipu::config_error);
  CHECK_NOTHROW(line_plot({}, {.x_scale = axis_scale::logarithmic}));
  CHECK_NOTHROW(line_plot({{"flat", {{3, 3}}}}, {}));
  CHECK_THROWS_AS(line_plot({}, {.width = 10}), quipu::config_error);
}
