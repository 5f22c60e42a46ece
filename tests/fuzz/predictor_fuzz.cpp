#include <quipu/ffn/predictor_file.hpp>

#include <string>

#include "fuzz/fuzz_target.hpp"

// A file of predictors of low rank, and one of PowerInfer's; the first is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace ffn = quipu::ffn;
  const auto path_of = [](std::span<const std::byte> bytes) { return (quipu::test::files_of(bytes, {"predictor"}) / "predictor").string(); };
  quipu::test::fuzz(data, size, [&](std::span<const std::byte> bytes) { static_cast<void>(ffn::read_power_infer(path_of(bytes))); });
  return quipu::test::fuzz(data, size, [&](std::span<const std::byte> bytes) {
    const std::string path = path_of(bytes);
    const auto predictor = ffn::read_predictor(path, ffn::low_rank::name);
    ffn::write_predictor(path + ".again", ffn::low_rank::name, *predictor);
    if (ffn::read_predictor(path + ".again", ffn::low_rank::name)->layers.size() != predictor->layers.size()) __builtin_trap();
  });
}
