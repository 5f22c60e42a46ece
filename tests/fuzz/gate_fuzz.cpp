#include <quipu/eren/gate/gate_file.hpp>

#include <string>

#include "fuzz/fuzz_target.hpp"

// A gate file; what was read is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace eren = quipu::eren;
    const std::string path = (quipu::test::files_of(bytes, {"gate.json"}) / "gate.json").string();
    const eren::gate_keys keys{"m", "t", "p"};
    const eren::gate_model model = eren::load_gate(path, keys);
    eren::save_gate(path, model, keys);
    if (eren::load_gate(path, keys).names != model.names) __builtin_trap();
  });
}
