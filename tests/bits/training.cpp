// Losses, gradients and adapters.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <quipu/quipu.hpp>

#include "bits.hpp"
#include "support/random_checkpoint.hpp"

namespace quipu::bits {

namespace {

io::checkpoint tiny(std::string activation, tensor_type type) {
  io::model_config c = test::small_config();
  c.n_layer = 3;
  c.n_vocab = 61;
  c.n_ctx = 64;
  c.hidden_act = std::move(activation);
  c.attention_bias = c.mlp_bias = type == tensor_type::f32;
  return test::random_checkpoint(c, type, 9);
}

/// The key of a module; trees of before wanted to know the layers.
template <class Module>
std::uint64_t key_of(const Module& module, std::size_t n_layer) {
  if constexpr (requires { pet::module_key(module); }) {
    return pet::module_key(module);
  } else {
    return pet::module_key<typename Module::scalar_type>(module, n_layer);
  }
}

llama::training_batch batch_of(std::size_t n_virtual = 0, std::size_t position = 0) {
  llama::training_batch batch(n_virtual, position);
  for (const std::size_t n : {23, 9, 30}) {
    std::vector<token_id> ids;
    for (std::size_t i = 0; i < n; ++i) ids.push_back(static_cast<token_id>((i * 17 + n) % 61));
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  }
  return batch;
}

template <class Scalar, class Activation>
void whole_model(std::string_view run, std::string activation, llama::tape_depth depth,
                 linear::product_rounding products = linear::product_rounding::none) {
  in_every_set([&]<class Isa>(std::string_view set, std::size_t n_thread) {
    const auto m = llama::from_checkpoint<ffn::dense<Activation>, Isa>(tiny(activation, tensor_type::f32));
    auto trainable = llama::thaw<Scalar>(m);
    trainable.select(optim::name_pattern::all());
    llama::training_pass pass(trainable.model(), thread_team(n_thread), depth, products);
    llama::no_training_hooks hooks;
    const auto batch = batch_of();
    hash h;
    h.value(pass.step(batch, batch.n_counted(), hooks, trainable.gradients()).mean());
    for (const auto& p : trainable.parameters()) h.values(std::span<const Scalar>(p.gradient, p.size()));
    record(run, set, n_thread, h);
  });
}

template <class Module, class Model>
void one_module(Module&& module, const Model& m, std::size_t n_thread, hash& h) {
  using scalar = typename Model::scalar_type;
  llama::bind_base(module, m);
  random_stream random(4);
  for (const auto& p : module.parameters()) {
    for (std::size_t i = 0; i < p.size(); ++i) p.value[i] += static_cast<scalar>(0.1 * random.normal());
  }
  llama::training_pass pass(m, thread_team(n_thread));
  llama::module_hooks hooks(module, pass.workspace());
  hooks.train(7);
  const auto batch = batch_of(module.n_virtual(), module.template prefix<scalar>().n_row);
  h.value(pass.step(batch, batch.n_counted(), hooks, {}).mean());
  for (const auto& p : module.parameters()) h.values(std::span<const scalar>(p.gradient, p.size()));
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void record_training() {
  using silu = activation::silu;
  whole_model<double, silu>("gradients f64", "silu", llama::tape_depth::everything);
  whole_model<float, silu>("gradients f32", "silu", llama::tape_depth::everything);
  whole_model<float, silu>("gradients f32, block inputs", "silu", llama::tape_depth::block_inputs);
  whole_model<float, activation::relu>("gradients f32 relu", "relu", llama::tape_depth::everything);
  whole_model<float, silu>("gradients bf16 products", "silu", llama::tape_depth::everything,
                           linear::product_rounding::bf16);
  in_every_set([&]<class Isa>(std::string_view set, std::size_t n_thread) {
    const auto m =
        llama::from_checkpoint<Isa, activations::f32, kv::exact>(tiny("silu", tensor_type::q4_1));
    const auto& c = m.config();
    hash h;
    one_module(pet::lora::module<float>({.rank = 4, .dropout = 0.1}, c, 1), m, n_thread, h);
    record("gradients LoRA", set, n_thread, h);
    hash others;
    using any = pet::any_module<float>;
    one_module(any(pet::dora::module<float>({}, c, 2)), m, n_thread, others);
    one_module(any(pet::ia3::module<float>({}, c, 2)), m, n_thread, others);
    one_module(any(pet::prompt::module<float>({.n_virtual = 3}, c, 2)), m, n_thread, others);
    one_module(any(pet::prefix::module<float>({.n_virtual = 3}, c, 2)), m, n_thread, others);
    one_module(any(pet::bottleneck<>::module<float>({.size = 5}, c, 2)), m, n_thread, others);
    one_module(any(pet::bitfit::module<float>({}, c, 2)), m, n_thread, others);
    record("gradients other modules", set, n_thread, others);

    // A trained adapter, with its log but for the times.
    const auto folder = std::filesystem::temp_directory_path() / concat("quipu_bits_", ::getpid());
    llama::training_pass pass(m, thread_team(n_thread));
    pet::lora::module<float> module({.rank = 4, .dropout = 0.1}, c, 3);
    llama::module_hooks hooks(module, pass.workspace());
    std::vector<token_id> text;
    for (std::size_t i = 0; i < 600; ++i) text.push_back(static_cast<token_id>((i * i + i / 7) % 61));
    train::trainer trainer(pass, module.parameters(), llama::weight_gradients<float>(),
                           optim::adamw{.learning_rate = 1e-3}, schedule::cosine{2, 8},
                           {.n_step = 8,
                            .batch_size = 3,
                            .n_accumulate = 2,
                            .max_gradient_norm = 1,
                            .seed = 11,
                            .save_every = 4,
                            .folder = folder.string()});
    const auto result = trainer.run(train::token_windows(text, 24), hooks);
    pet::save_peft((folder / "adapter").string(), module, c, {.base_model = "base"});
    hash adapter;
    adapter.value(result.loss);
    adapter.text(bytes_of(folder / "adapter" / "adapter_model.safetensors"));
    adapter.text(bytes_of(folder / "adapter" / "adapter_config.json"));
    record("adapter", set, n_thread, adapter);
    // Values and optimiser state; the header also names the run's settings, of which later versions know more.
    const std::string checkpoint = bytes_of(folder / "last.safetensors");
    std::uint64_t n_header = 0;
    std::memcpy(&n_header, checkpoint.data(), sizeof n_header);
    hash values;
    values.text(checkpoint.substr(sizeof n_header + n_header));
    record("checkpoint", set, n_thread, values);
    hash key;
    key.value(key_of(module, c.n_layer));
    record("key of an adapter", set, n_thread, key);
    std::filesystem::remove_all(folder);
  });
}

}  // namespace quipu::bits
