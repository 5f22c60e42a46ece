#include <quipu/llama/session.hpp>

#include <string>

#include <catch2/catch.hpp>

#include "support/exact_model.hpp"
#include "support/golden.hpp"

namespace llama = quipu::llama;
namespace test = quipu::test;

TEST_CASE("GGUF files of every type give the logits of their dequantised weights", "[llama][gguf]") {
  QUIPU_NEEDS(test::golden_case("gguf"));
  const test::golden golden("gguf");
  for (const auto& [label, entry] : golden.json()["files"].items()) {
    INFO(label);
    const std::string path = (golden.folder() / entry["file"].get<std::string>()).string();
    const auto ids = golden.ids(label + ".ids");
    const auto wanted = golden.values(label + ".logits");
    const auto m = test::load_exact<>(path);
    llama::session s(m, quipu::thread_team(2));
    CHECK(test::max_abs_difference(test::all_logits(s, ids), wanted) < 1e-4);
    std::vector<float> one_by_one;
    const auto sequence = s.create();
    for (const auto id : ids) {
      const auto logits = s.next_logits(sequence, {&id, 1});
      one_by_one.insert(one_by_one.end(), logits.begin(), logits.end());
    }
    CHECK(test::max_abs_difference(one_by_one, wanted) < 1e-4);
    const auto converted = test::load_exact<quipu::storage::f32>(path);
    llama::session wide(converted, quipu::thread_team(2));
    CHECK(test::max_abs_difference(test::all_logits(wide, ids), wanted) < 1e-4);
  }
}
