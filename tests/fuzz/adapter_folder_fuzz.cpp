#include <quipu/pet/peft_folder.hpp>

#include "fuzz/fuzz_target.hpp"

// A PEFT folder: adapter_config.json, a zero byte, and adapter_model.safetensors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace pet = quipu::pet;
    quipu::io::model_config c;
    c.d_model = 8, c.d_ffn = 12, c.n_layer = 1, c.n_head = 2, c.n_kv_head = 1, c.d_head = 4, c.n_vocab = 10,
    c.n_ctx = 16;
    const pet::peft_folder folder(quipu::test::files_of(bytes, {"adapter_config.json", "adapter_model.safetensors"}));
    static_cast<void>(folder.base_changes(c));
    pet::visit_peft<float>(
        folder, c, [](const auto&) {}, pet::base_state::changed);
  });
}
