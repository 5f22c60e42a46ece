// Models on FFN kernels that skip neurons: decoding, prompts, adapters.
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/per_layer.hpp>
#include <quipu/ffn/row_dense.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/adapted_model.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/pet/lora.hpp>

#include "support/modules.hpp"
#include "support/shared_data.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::token_id;

namespace {

using token_logits = std::vector<float>;

// What a model says to a prompt and then to `n` tokens chosen one at a time, greedily by itself or as `forced`.
template <class Model>
std::vector<token_logits> decode_tokens(const Model& m, const std::vector<token_id>& prompt, std::size_t n, const std::vector<token_id>& forced = {},
                           std::size_t n_thread = 2) {
  auto s = open_session(m, quipu::thread_team(n_thread), llama::session_options{});
  const auto sequence = s.create();
  std::vector<token_logits> all;
  auto last = s.next_logits(sequence, prompt);
  all.emplace_back(last.begin(), last.end());
  for (std::size_t i = 0; i < n; ++i) {
    const token_id next = forced.empty() ? static_cast<token_id>(std::max_element(last.begin(), last.end()) - last.begin()) : forced[i];
    last = s.next_logits(sequence, {&next, 1}, llama::token_role::decode);
    all.emplace_back(last.begin(), last.end());
  }
  return all;
}

std::vector<token_id> best_tokens(const std::vector<token_logits>& all) {
  std::vector<token_id> ids;
  for (const token_logits& l : all) ids.push_back(static_cast<token_id>(std::max_element(l.begin(), l.end()) - l.begin()));
  return ids;
}

bool same_logits(const std::vector<token_logits>& a, const std::vector<token_logits>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const token_logits& x, const token_logits& y) { return std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0; });
}

// Within 1e-4 of the largest logit; the same token wherever the margin exceeds that.
void check_logits(const std::vector<token_logits>& found, const std::vector<token_logits>& wanted) {
  REQUIRE(found.size() == wanted.size());
  std::size_t n_far = 0, n_other = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const token_logits& w = wanted[i];
    float largest = 0, first = -std::numeric_limits<float>::infinity(), second = first, worst = 0;
    std::size_t best = 0, own = 0;
    for (std::size_t j = 0; j < w.size(); ++j) {
      largest = std::max(largest, std::abs(w[j]));
      worst = std::max(worst, std::abs(w[j] - found[i][j]));
      if (found[i][j] > found[i][own]) own = j;
      if (w[j] > first) {
        second = first, first = w[j], best = j;
      } else {
        second = std::max(second, w[j]);
      }
    }
    n_far += static_cast<std::size_t>(worst > 1e-4f * largest);
    n_other += static_cast<std::size_t>(first - second > 1e-4f * largest && own != best);
  }
  CHECK(n_far == 0);
  CHECK(n_other == 0);
}

constexpr ffn::sparse_options integer{.gate = ffn::gate_form::integer};

// @param steady  whether the model, whose activation was replaced, still forgets small differences
template <class Activation, class Model>
void check_sparse_model(const Model& given, const Activation& f, const std::vector<token_id>& prompt, std::size_t n, bool steady) {
  const auto m = llama::with_activation(given, f);
  const auto dense = llama::with_ffn(m, ffn::row_dense<Activation>(f, {}, integer));
  const auto exact = llama::with_ffn(dense, ffn::gate_sparse<Activation>(f, {}, integer));
  const auto certified = llama::with_ffn(exact, ffn::certified_sparse<Activation>(f, {}, 1e-12, integer));
  CHECK(exact.ffn_state_of(0).report.n_byte == 0);  // all of it was there
  const auto by_exact = decode_tokens(exact, prompt, n);
  const auto ids = best_tokens(by_exact);
  CHECK(same_logits(decode_tokens(certified, prompt, n), by_exact));
  CHECK(same_logits(decode_tokens(exact, prompt, n / 8, {}, 3), {by_exact.begin(), by_exact.begin() + static_cast<std::ptrdiff_t>(n / 8) + 1}));
  check_logits(by_exact, decode_tokens(dense, prompt, n, ids));

  // The gate that the model stores: of plain types, the model itself.
  const auto stored = llama::with_ffn(m, ffn::gate_sparse<Activation>(f, {}, {.gate = ffn::gate_form::stored}));
  const auto stored_dense = llama::with_ffn(m, ffn::row_dense<Activation>(f, {}, {.gate = ffn::gate_form::stored}));
  check_logits(decode_tokens(stored, prompt, n, ids), decode_tokens(stored_dense, prompt, n, ids));
  if (m.weights().blocks[0].ffn.down.type == quipu::tensor_type::f32) check_logits(decode_tokens(stored, prompt, n, ids), decode_tokens(m, prompt, n, ids));

  // Tokens given at once are a prompt: close to the same tokens one at a time.
  std::vector<token_id> all = prompt;
  all.insert(all.end(), ids.begin(), ids.begin() + 40);
  auto s = open_session(exact, quipu::thread_team(2));
  const auto read = s.next_logits(s.create(), all);
  double worst = 0, largest = 0;
  for (std::size_t j = 0; j < read.size(); ++j) {
    worst = std::max(worst, std::abs(static_cast<double>(read[j]) - static_cast<double>(by_exact[40][j])));
    largest = std::max(largest, std::abs(static_cast<double>(by_exact[40][j])));
  }
  if (steady) CHECK(worst < 1e-4 * largest);

  // An adapter on the gate and on everything else: it decides what is active, and nothing is certified.
  auto module = std::make_shared<quipu::pet::any_module<float>>(quipu::pet::lora::module<float>(
      quipu::pet::lora{.rank = 2, .targets = quipu::optim::name_pattern::suffixes({"q_proj", "gate_proj", "up_proj", "down_proj"})}, m.config(), 3));
  module->visit([](auto& own) {
    if constexpr (requires { own.parameters(); }) test::shake(own, 0.02);
  });
  const auto adapted = [&](const auto& base) { return decode_tokens(llama::adapted_model(base).with(base, module), prompt, 24, ids); };
  const auto by_adapted = adapted(exact);
  CHECK(same_logits(adapted(certified), by_adapted));
  check_logits(by_adapted, adapted(dense));
  CHECK_FALSE(same_logits(by_adapted, {by_exact.begin(), by_exact.begin() + 25}));
}

}  // namespace

TEST_CASE("sparse stories: exact and certified are one, and dense", "[llama][sparse_model]") {
  const auto folder = test::shared_root() / "data" / "models" / "stories260K";
  QUIPU_NEEDS(folder);
  const auto m = llama::load<quipu::kv::exact>((folder / "stories260K.bin").string(), {.tokenizer = (folder / "tok512.model").string()});
  const auto start = quipu::text::encode_document(m.tokenizer(), "Once upon a time");
  const std::size_t n = std::min<std::size_t>(512, m.config().n_ctx) - start.size() - 1;
  check_sparse_model(m, activation::relu{}, start, n, true);
  check_sparse_model(m, activation::fat_relu{0.2}, start, n, true);
}

TEST_CASE("sparse SmolLM2: exact and certified are one, and dense", "[llama][sparse_model]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto m = llama::load<quipu::kv::exact>(path.string());
  const auto start = quipu::text::encode_document(m.tokenizer(), "The capital of France is");
  check_sparse_model(m, activation::relu{}, start, 48, false);
  check_sparse_model(m, activation::fat_relu{0.5}, start, 48, false);
}

TEST_CASE("a model on kernels chosen by layer computes what they compute", "[llama][sparse_model]") {
  const auto folder = test::shared_root() / "data" / "models" / "stories260K";
  QUIPU_NEEDS(folder);
  using relu = activation::relu;
  const auto m = llama::with_activation(
      llama::load<quipu::kv::exact>((folder / "stories260K.bin").string(), {.tokenizer = (folder / "tok512.model").string()}), relu{});
  const auto start = quipu::text::encode_document(m.tokenizer(), "Once upon a time");
  std::vector<double> densities(m.config().n_layer, 0.4);
  densities.back() = 0.9;
  using mixed = ffn::per_layer<ffn::dense<relu>, ffn::gate_sparse<relu>, ffn::certified_sparse<relu>>;
  const auto some = llama::with_ffn(m, mixed(densities));
  CHECK(some.ffn_state_of(0).choice().index == 1);
  CHECK(some.ffn_state_of(densities.size() - 1).choice().index == 0);
  const auto wanted = decode_tokens(m, start, 40);
  check_logits(decode_tokens(some, start, 40, best_tokens(wanted)), wanted);

  // Measured while it is loaded: about half of the neurons of a model that was never trained to be sparse.
  const std::string story = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";
  auto source = llama::open_for_load((folder / "stories260K.bin").string(), {.tokenizer = (folder / "tok512.model").string()});
  source.config.hidden_act = "relu";
  const auto measured = llama::from_checkpoint<>(std::move(source), {}, mixed(story));
  const auto& choice = measured.ffn_state_of(0).choice();
  CHECK(choice.from == ffn::kernel_choice::source::measured);
  CHECK(choice.density == llama::measured_densities(m, story)[0]);
  CHECK(choice.density > 0.1);
  CHECK(choice.density < 0.9);
  CHECK(choice.index == (choice.density < 0.25 ? 2 : choice.density < 0.6 ? 1 : 0));
}
