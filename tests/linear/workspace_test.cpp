#include <quipu/linear/workspace.hpp>

#include <vector>

#include <catch2/catch.hpp>

TEST_CASE("a workspace keeps one object of each type", "[linear][workspace]") {
  struct counter {
    int n = 7;
  };
  quipu::linear::workspace ws(quipu::thread_team(1));
  counter& first = ws.kept<counter>();
  CHECK(first.n == 7);
  first.n = 8;
  ws.kept<std::vector<int>>().push_back(1);
  CHECK(&ws.kept<counter>() == &first);
  CHECK(ws.kept<counter>().n == 8);
  quipu::linear::workspace moved = std::move(ws);
  CHECK(moved.kept<counter>().n == 8);
  CHECK(moved.kept<std::vector<int>>().size() == 1);
}
