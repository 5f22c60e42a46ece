#include <quipu/io/llama2c.hpp>
#include <quipu/io/llama2c_header.hpp>
#include <quipu/io/tensor_values.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    (void)quipu::io::is_llama2c(bytes);
    const auto opened = quipu::io::parse_llama2c(bytes, "input");
    for (const auto& [name, tensor] : opened.tensors) (void)quipu::io::values_of<double>(tensor);
  });
}
