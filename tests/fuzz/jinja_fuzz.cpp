#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/variables.hpp>

#include "fuzz/fuzz_target.hpp"

namespace jinja = quipu::text::jinja;

// A template, then behind a zero byte a text that it gets as `s`; both may be any bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    const std::string_view input = quipu::test::as_text(bytes);
    const std::size_t end = std::min(input.find('\0'), input.size());
    const std::string_view given = input.substr(std::min(end + 1, input.size()));
    jinja::limits allowed;
    allowed.steps = 20'000;  // an input costs milliseconds
    allowed.made_bytes = 4 << 20;
    allowed.output_bytes = 1 << 20;
    const jinja::compiled_template compiled(input.substr(0, end), "input", allowed);
    const jinja::value message =
        jinja::make_dict({{"role", jinja::trusted_text("user")}, {"content", jinja::make_text(given)}});
    const jinja::value variables = jinja::make_dict({
        {"s", jinja::make_text(given)},
        {"n", jinja::value(3)},
        {"x", jinja::value(2.5)},
        {"none_", jinja::value::none()},
        {"messages", jinja::make_list({message, message})},
        {"d", jinja::make_dict({{"a", jinja::value(1)}, {"items", jinja::make_list({jinja::value(true)})}})},
        {"bos_token", jinja::trusted_text("<s>")},
    });
    static constexpr std::int64_t moment = 951782399;
    const jinja::wall_clock clock{[](const void* state) { return *static_cast<const std::int64_t*>(state); }, &moment};
    std::string whole;
    bool was_trusted = false;
    for (const auto& piece : compiled.render_pieces(variables, {allowed, clock})) {
      if (piece.text.empty() || (!whole.empty() && piece.from_template == was_trusted)) __builtin_trap();
      was_trusted = piece.from_template;
      whole += piece.text;
    }
    if (whole != compiled.render(variables, {allowed, clock})) __builtin_trap();
  });
}
