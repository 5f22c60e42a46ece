#include <quipu/pet/kinds.hpp>
#include <quipu/pet/lora_gguf.hpp>

#include <string>

#include "fuzz/fuzz_target.hpp"
#include "fuzz/tiny_config.hpp"

namespace {

template <class Policy>
void read_and_write(quipu::pet::peft_fields& fields, const quipu::io::model_config& c) {
  const Policy policy = Policy::read_peft(fields, c);
  fields.refuse_others();
  const typename Policy::template module<float> module(policy, c, 0);
  nlohmann::ordered_json json;
  json["peft_type"] = std::string(Policy::peft_type);
  module.policy().write_peft(json, c);
  // Names come from parsed JSON, so they are UTF-8 and can be written; what was written is read again.
  quipu::pet::peft_fields again(json.dump(), "written");
  static_cast<void>(Policy::read_peft(again, c));
  again.refuse_others();
}

}  // namespace

/// Settings of adapters (JSON) and llama.cpp's adapter files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace pet = quipu::pet;
    const quipu::io::model_config c = quipu::test::tiny_config();
    const std::string_view text = quipu::test::as_text(bytes);
    if (text.substr(0, 4) == "GGUF") {
      static_cast<void>(pet::lora_of_gguf<float>(quipu::io::parse_gguf(bytes, "input"), c));
      return;
    }
    pet::peft_fields fields(text, "input");
    const std::string kind = fields.kind();
    static_cast<void>(fields.modules_to_save());
    static_cast<void>(pet::kinds::any_of([&]<class Policy>() {
      if (kind != Policy::peft_type) return false;
      if constexpr (pet::shares_peft_type<Policy>) {
        if (!Policy::is_peft(fields)) return false;
      }
      read_and_write<Policy>(fields, c);
      return true;
    }));
  });
}
