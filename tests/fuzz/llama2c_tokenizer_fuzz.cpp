#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/utf8.hpp>

#include "fuzz/fuzz_target.hpp"

// A tokenizer.bin, with as many tokens as it has and with a number that the model states.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace text = quipu::text;
  quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    static_cast<void>(text::parse_llama2c_tokenizer(quipu::test::as_text(bytes), 5, "input"));
  });
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const std::string_view file = quipu::test::as_text(bytes);
    const text::any_tokenizer tokenizer(text::parse_llama2c_tokenizer(file, 0, "input"));
    const auto ids = tokenizer.encode(file, text::special::parse);
    if (!text::is_valid_utf8(text::decode(tokenizer, ids))) __builtin_trap();
  });
}
