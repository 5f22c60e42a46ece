#include <quipu/notes/bert_encoder.hpp>

#include <cmath>

#include "fuzz/fuzz_target.hpp"

// A sentence encoder's folder: config.json, tokenizer.json and model.safetensors, a zero byte between them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const auto folder = quipu::test::files_of(bytes, {"config.json", "tokenizer.json", "model.safetensors"});
    const quipu::notes::bert_encoder encoder(folder.string(), 8);
    for (const float value : encoder.encode("a b\xC3\xA4 c")) {
      if (!std::isfinite(value)) __builtin_trap();
    }
  });
}
