#include <vector>

#include <quipu/io/gguf.hpp>
#include <quipu/io/tensor_values.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    std::vector<quipu::io::gguf_contents> parts;
    parts.push_back(quipu::io::parse_gguf(bytes, "input"));
    for (const auto& [name, tensor] : parts.front().tensors) (void)quipu::io::values_of<double>(tensor);
    (void)quipu::io::checkpoint_of_gguf(parts, "input");
  });
}
