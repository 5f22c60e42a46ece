#include <quipu/io/npy.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const auto array = quipu::io::parse_npy(bytes, "input");
    (void)quipu::io::npy_array<double>(array, "input");
    (void)quipu::io::npy_array<std::int16_t>(array, "input");
  });
}
