#include <quipu/core/isa.hpp>

#include <catch2/catch.hpp>

using quipu::includes;
using quipu::instruction_set;

TEST_CASE("instruction sets are features, not a ladder", "[core][isa]") {
  STATIC_REQUIRE(includes(instruction_set::amx, instruction_set::avx512_bf16));
  STATIC_REQUIRE(includes(instruction_set::avx512_bf16, instruction_set::avx512_vnni));
  STATIC_REQUIRE(includes(instruction_set::avx512_vnni, instruction_set::avx2));
  STATIC_REQUIRE(includes(instruction_set::avx_vnni, instruction_set::avx2));
  // 256-bit VNNI is an encoding of its own: no AVX-512 processor has it by having AVX-512, nor the other way round.
  STATIC_REQUIRE_FALSE(includes(instruction_set::avx512_vnni, instruction_set::avx_vnni));
  STATIC_REQUIRE_FALSE(includes(instruction_set::avx_vnni, instruction_set::avx512_vnni));
  for (const auto set : quipu::instruction_sets) {
    CHECK(includes(set, instruction_set::portable));
    CHECK(includes(set, set));
  }
}

TEST_CASE("the best set is one that runs here, and none later does", "[core][isa]") {
  const auto best = quipu::best_instruction_set();
  CHECK(quipu::has_instruction_set(best));
  CHECK(quipu::has_instruction_set(instruction_set::portable));
  for (const auto set : quipu::instruction_sets) {
    if (set > best) CHECK_FALSE(quipu::has_instruction_set(set));
    INFO(quipu::name_of(set));
    if (includes(best, set)) CHECK(quipu::has_instruction_set(set));
  }
}
