#include <quipu/pet/peft_folder.hpp>

#include "fuzz/fuzz_target.hpp"
#include "fuzz/tiny_config.hpp"

// A PEFT folder: adapter_config.json, a zero byte, and adapter_model.safetensors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace pet = quipu::pet;
    const quipu::io::model_config c = quipu::test::tiny_config();
    const pet::peft_folder folder(quipu::test::files_of(bytes, {"adapter_config.json", "adapter_model.safetensors"}));
    static_cast<void>(folder.base_changes(c));
    pet::visit_peft<float>(
        folder, c, [](const auto&) {}, pet::base_state::changed);
  });
}
