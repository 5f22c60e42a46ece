#include <quipu/pet/lora_gguf.hpp>
#include <quipu/pet/peft_kinds.hpp>
#include <quipu/pet/peft_lora.hpp>

#include <string>

#include "fuzz/fuzz_target.hpp"

namespace {

template <class Policy>
void read_and_write(quipu::pet::peft_fields& fields, const quipu::io::model_config& c) {
  using format = quipu::pet::peft_format<Policy>;
  const Policy policy = format::read(fields, c);
  fields.refuse_others();
  const typename Policy::template module<float> module(policy, c, 0);
  nlohmann::ordered_json json;
  json["peft_type"] = std::string(format::kind);
  format::write(json, module.policy(), c);
  // Names come from parsed JSON, so they are UTF-8 and can be written; what was written is read again.
  quipu::pet::peft_fields again(json.dump(), "written");
  static_cast<void>(format::read(again, c));
  again.refuse_others();
}

}  // namespace

/// Settings of adapters (JSON) and llama.cpp's adapter files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace pet = quipu::pet;
    quipu::io::model_config c;
    c.d_model = 8, c.d_ffn = 12, c.n_layer = 1, c.n_head = 2, c.n_kv_head = 1, c.d_head = 4, c.n_vocab = 10,
    c.n_ctx = 16;
    const std::string_view text = quipu::test::as_text(bytes);
    if (text.substr(0, 4) == "GGUF") {
      static_cast<void>(pet::lora_of_gguf<float>(quipu::io::parse_gguf(bytes, "input"), c));
      return;
    }
    pet::peft_fields fields(text, "input");
    const std::string kind = fields.kind();
    static_cast<void>(fields.modules_to_save());
    if (kind == "IA3") return read_and_write<pet::ia3>(fields, c);
    if (kind == "BEFT") return read_and_write<pet::bitfit>(fields, c);
    if (kind == "PROMPT_TUNING") return read_and_write<pet::prompt>(fields, c);
    if (kind == "PREFIX_TUNING") return read_and_write<pet::prefix>(fields, c);
    if (fields.flag("use_dora")) return read_and_write<pet::dora>(fields, c);
    read_and_write<pet::lora>(fields, c);
  });
}
