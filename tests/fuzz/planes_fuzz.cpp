#include <quipu/ffn/plane_file.hpp>

#include <string>

#include "fuzz/fuzz_target.hpp"

// Planes of certified gates; what was read is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const std::string path = (quipu::test::files_of(bytes, {"planes.safetensors"}) / "planes.safetensors").string();
    const auto planes = quipu::ffn::read_planes(path);
    quipu::ffn::write_planes(path, *planes);
    if (quipu::ffn::read_planes(path)->layers.size() != planes->layers.size()) __builtin_trap();
  });
}
