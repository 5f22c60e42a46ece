#include <quipu/llama/certified_head.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/linear/planes_product.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>

#include "support/shared_data.hpp"

namespace linear = quipu::linear;
namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::matrix_view;
using quipu::token_id;

namespace {

// Takes the final hidden state of the last row.
struct last_hidden : llama::no_hooks {
  std::size_t last_layer;
  std::vector<float>& out;
  last_hidden(std::size_t layer, std::vector<float>& to) : last_layer(layer), out(to) {}
  void block_output(std::size_t layer, std::span<const llama::row_segment>, matrix_view<const float> x) const {
    if (layer == last_layer) out.assign(x.row(x.rows() - 1), x.row(x.rows() - 1) + x.cols());
  }
};

// `n` tokens, each the argmax of the whole product with the head's integers.
template <class Model>
void check_best_tokens(const Model& m, const std::vector<token_id>& start, std::size_t n) {
  const llama::certified_head head(m, quipu::thread_team(2));
  llama::session found(m, quipu::thread_team(2)), whole(m, quipu::thread_team(2));
  auto a = found.create(), b = whole.create();
  linear::workspace ws(quipu::thread_team(2));
  linear::integer_row_buffer rows;
  linear::listed_gates work;
  std::vector<float> hidden, normed(m.config().d_model), all(m.config().n_vocab);
  std::vector<token_id> tokens = start;
  auto role = llama::token_role::prompt;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (found.length(a) + tokens.size() >= m.config().n_ctx) a = found.create(), b = whole.create();
    const token_id next = found.next_token(a, tokens, head, role);
    llama::sequence_input<float> in{b, tokens};
    in.role = role;
    whole.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {}, last_hidden(m.config().n_layer - 1, hidden));
    llama::rms_norm_rows<float>(ws, {hidden.data(), 1, hidden.size()}, m.weights().final_norm, m.config().rms_norm_eps,
                                {normed.data(), 1, normed.size()});
    linear::multiply(ws, head.planes(),
                     rows.round(ws, {normed.data(), 1, normed.size()}, linear::activation_bits::sixteen, head.planes().dither.span()), work,
                     {all.data(), 1, all.size()});
    wrong += static_cast<std::size_t>(next != static_cast<token_id>(std::max_element(all.begin(), all.end()) - all.begin()));
    tokens = {i % 50 == 49 ? static_cast<token_id>((i * 7919) % m.config().n_vocab) : next};  // or it would go round in circles
    role = llama::token_role::decode;
  }
  CHECK(wrong == 0);
  CHECK(head.relative_error() < 0.02);
}

}  // namespace

TEST_CASE("the certified head gives the best token", "[llama][certified_head]") {
  const auto folder = test::shared_root() / "data" / "models" / "stories260K";
  QUIPU_NEEDS(folder);
  const auto m = llama::load<>((folder / "stories260K.bin").string(), {.tokenizer = (folder / "tok512.model").string()});
  check_best_tokens(m, quipu::text::encode_document(m.tokenizer(), "Once upon a time"), 300);

  const llama::certified_head head(m);
  llama::session s(m, quipu::thread_team(1));
  CHECK_THROWS_AS(s.next_token(s.create(), {}, head), quipu::config_error);
  CHECK_THROWS_AS(llama::certified_head(m, quipu::thread_team(1), {.delta = 2}), quipu::config_error);
}

TEST_CASE("the certified head of SmolLM2", "[llama][certified_head]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto m = llama::load<>(path.string());
  // 10^4 with scripts/test --full
  check_best_tokens(m, quipu::text::encode_document(m.tokenizer(), "The capital of France is"), test::counts_all() ? 10000 : 100);
}
