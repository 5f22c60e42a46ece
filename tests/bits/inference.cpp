// Logits and texts.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/quipu.hpp>

#include "bits.hpp"
#include "support/random_checkpoint.hpp"

namespace quipu::bits {

namespace {

io::model_config shape(std::size_t d_ffn, std::string activation, bool biased) {
  io::model_config c = test::small_config();
  c.d_ffn = d_ffn;
  c.n_layer = 3;
  c.n_vocab = 97;
  c.n_ctx = 128;
  c.hidden_act = std::move(activation);
  c.attention_bias = c.mlp_bias = biased;
  return c;
}

std::vector<token_id> tokens(std::size_t n, std::size_t n_vocab) {
  std::vector<token_id> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(static_cast<token_id>((i * 31 + 7) % n_vocab));
  return all;
}

/// A prompt of many rows, single tokens, and a batch of two forks.
template <class Model>
void run_session(const Model& m, std::size_t n_thread, hash& h) {
  using scalar = typename Model::scalar_type;
  llama::session s(m, thread_team(n_thread));
  const auto ids = tokens(40, m.config().n_vocab);
  const auto first = s.create();
  const llama::sequence_input<scalar> prompt{first, ids, {}, llama::logits_of::every_row};
  const auto visit = [&](std::size_t, std::size_t, std::span<const scalar> logits) { h.values(logits); };
  s.run(std::span(&prompt, 1), visit);
  for (std::size_t i = 0; i < 6; ++i) h.values(s.next_logits(first, std::span(ids).subspan(i, 1)));
  const auto second = s.fork(first, 17);
  const std::vector<llama::sequence_input<scalar>> both = {{first, std::span(ids).first(1)},
                                                          {second, std::span(ids).first(5)}};
  s.run(both, visit);
}

template <class Ffn, class... Policies>
void run_random(std::string_view run, const io::model_config& c, tensor_type type) {
  in_every_set([&]<class Isa>(std::string_view set, std::size_t n_thread) {
    const auto m = llama::from_checkpoint<Ffn, Isa, Policies...>(test::random_checkpoint(c, type, 5));
    hash h;
    run_session(m, n_thread, h);
    record(run, set, n_thread, h);
  });
}

}  // namespace

void record_inference() {
  using silu = ffn::dense<activation::silu>;
  const auto plain = shape(96, "silu", false), biased = shape(160, "silu", true);
  run_random<silu, activations::f32, kv::exact>("logits f32", biased, tensor_type::f32);
  run_random<silu, scalar::f64, storage::f64, kv::exact, activations::f32>("logits f64", biased, tensor_type::f32);
  run_random<silu>("logits bf16 defaults", plain, tensor_type::bf16);
  run_random<silu>("logits q8_0 defaults", plain, tensor_type::q8_0);
  run_random<silu>("logits q4_0 defaults", biased, tensor_type::q4_0);
  run_random<silu, activations::int8>("logits q4_1 int8 everywhere", plain, tensor_type::q4_1);
  run_random<silu, activations::f32>("logits q4_1 f32", plain, tensor_type::q4_1);
  run_random<silu, storage::q8_0>("logits converted to q8_0", plain, tensor_type::f32);
  run_random<ffn::dense<activation::relu>>("logits relu", shape(96, "relu", true), tensor_type::f16);
  run_random<ffn::dense<activation::gelu_tanh>>("logits gelu_tanh", shape(96, "gelu_pytorch_tanh", false),
                                                tensor_type::f32);
  auto fat = shape(96, "fatrelu", false);
  fat.activation_threshold = 0.25;
  run_random<ffn::dense<activation::fat_relu>>("logits fatrelu", fat, tensor_type::f32);

  if (smollm2().empty()) return;
  in_every_set([&]<class Isa>(std::string_view set, std::size_t n_thread) {
    if (n_thread == 3) return;
    const auto m = llama::load<silu, Isa>(smollm2());
    for (const char* text : {"The knots of a quipu", "def fibonacci(n):"}) {
      hash h;
      llama::session s(m, thread_team(n_thread), {.n_ctx = 256});
      h.text(llama::generate(s, m.tokenizer(), s.create(), text::encode_document(m.tokenizer(), text),
                             {.max_tokens = 24, .sampler = llama::sampling({.temperature = 0.8, .seed = 3})})
                 .text);
      record(concat("text SmolLM2: ", text), set, n_thread, h);
    }
  });
}

}  // namespace quipu::bits
