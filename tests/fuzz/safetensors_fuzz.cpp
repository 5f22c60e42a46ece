#include <quipu/io/safetensors.hpp>
#include <quipu/io/safetensors_shards.hpp>
#include <quipu/io/tensor_values.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    (void)quipu::io::parse_safetensors_index(quipu::test::as_text(bytes), "input");
  });
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const auto contents = quipu::io::parse_safetensors(bytes, "input");
    for (const auto& [name, tensor] : contents.tensors) (void)quipu::io::values_of<double>(tensor);
  });
}
