#include <quipu/io/hf_config.hpp>
#include <quipu/io/hf_config_text.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const auto config = quipu::io::parse_hf_config(quipu::test::as_text(bytes), "input");
    const std::string text = quipu::io::hf_config_text(config, quipu::tensor_type::f32);
    if (quipu::io::parse_hf_config(text, "written").d_model != config.d_model) __builtin_trap();
  });
}
