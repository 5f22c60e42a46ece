#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/utf8.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace text = quipu::text;
    const std::string_view model = quipu::test::as_text(bytes);
    const text::any_tokenizer tokenizer(text::parse_sentencepiece_model(model, "input"));
    // The model itself is a text that holds its pieces.
    const auto ids = tokenizer.encode(model, text::special::parse);
    if (!text::is_valid_utf8(text::decode(tokenizer, ids))) __builtin_trap();
  });
}
