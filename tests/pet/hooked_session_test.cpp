#include <quipu/llama/hooked_session.hpp>

#include <algorithm>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/language_model.hpp>
#include <quipu/llama/merge.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/pet/lora.hpp>

#include "support/exact_model.hpp"
#include "support/modules.hpp"
#include "support/training.hpp"

namespace quipu_hooked_session_test {

namespace llama = quipu::llama;
namespace pet = quipu::pet;
namespace test = quipu::test;

TEST_CASE("a session with hooks generates what the merged model does, and the session itself stays bare",
          "[pet][hooked_session]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<double>("gqa_tied_odd");
  pet::lora::module<double> module({.rank = 3, .targets = quipu::optim::name_pattern::all()}, m.config(), 1);
  test::shake(module, 0.3);
  const auto merged = llama::merge(llama::thaw<double>(m), module);

  llama::session bare(m);
  llama::session whole(merged.model());
  llama::module_hooks hooks(module, bare.workspace());
  llama::hooked_session hooked(bare, hooks);
  static_assert(llama::language_session<decltype(hooked)>);
  const std::vector<quipu::token_id> ids = {5, 1, 17, 9, 3};
  const auto before = test::all_logits(bare, ids);

  const auto own = hooked.create(), other = whole.create();
  quipu::token_id best = 0;
  std::span<const quipu::token_id> next = ids;
  for (int i = 0; i < 12; ++i) {  // the prompt, then tokens one by one
    const auto logits = hooked.next_logits(own, next), wanted = whole.next_logits(other, next);
    REQUIRE(test::max_abs_difference(logits, std::vector<double>(wanted.begin(), wanted.end())) < 1e-9);
    best = static_cast<quipu::token_id>(std::max_element(wanted.begin(), wanted.end()) - wanted.begin());
    next = {&best, 1};
  }
  CHECK(hooked.length(own) == ids.size() + 11);
  hooked.truncate(own, 2);
  CHECK(bare.length(own) == 2);
  CHECK(test::all_logits(bare, ids) == before);
  CHECK(test::all_logits(hooked, ids) != before);
  CHECK_THROWS_AS(hooked.next_logits(own, {}), quipu::config_error);
}

}  // namespace quipu_hooked_session_test
