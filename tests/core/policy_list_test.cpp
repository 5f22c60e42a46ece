#include <quipu/core/policy_list.hpp>

#include <type_traits>

#include <catch2/catch.hpp>

namespace {

struct colour {};
struct size {};
struct red {
  using policy_role = colour;
};
struct shade {
  using policy_role = colour;
  int depth = 1;
};
struct large {
  using policy_role = size;
  int metres = 10;
};
struct small {
  using policy_role = size;
};

using defaults = quipu::policy_list<red, large>;
template <class... Given>
using sorted = typename quipu::sort_policies<defaults, Given...>::type;

}  // namespace

TEST_CASE("policies are sorted by role, in any order, and defaults fill the rest", "[core][policy_list]") {
  STATIC_REQUIRE(std::is_same_v<sorted<>, defaults>);
  STATIC_REQUIRE(std::is_same_v<sorted<small>, quipu::policy_list<red, small>>);
  STATIC_REQUIRE(std::is_same_v<sorted<small, shade>, quipu::policy_list<shade, small>>);
  STATIC_REQUIRE(std::is_same_v<sorted<shade, small>, sorted<small, shade>>);
}

TEST_CASE("a policy says its role; nothing is guessed", "[core][policy_list]") {
  STATIC_REQUIRE(std::is_same_v<quipu::role_of<shade>, colour>);
  STATIC_REQUIRE(std::is_void_v<quipu::role_of<int>>);
  STATIC_REQUIRE(quipu::policy<shade>);
  STATIC_REQUIRE_FALSE(quipu::policy<int>);
}

TEST_CASE("a list carries values, and replaces one by role", "[core][policy_list]") {
  const auto list = sorted<small, shade>::of(shade{7});
  CHECK(list.get<colour>().depth == 7);
  const auto changed = list.replace(large{3});
  STATIC_REQUIRE(std::is_same_v<std::remove_const_t<decltype(changed)>, quipu::policy_list<shade, large>>);
  CHECK(changed.get<size>().metres == 3);
  CHECK(changed.get<colour>().depth == 7);
  CHECK(changed.replace(shade{2}).get<colour>().depth == 2);
}
