#include <quipu/train/training_checkpoint.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "fuzz/fuzz_target.hpp"

// The state of a training run.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    namespace train = quipu::train;
    const std::string path = (quipu::test::files_of(bytes, {"run.safetensors"}) / "run.safetensors").string();
    std::vector<float> values(8), gradients(8);
    std::vector<std::byte> moments(16);
    const std::vector<quipu::optim::parameter<float>> parameters = {{"w", {2, 4}, values.data(), gradients.data()}};
    std::vector<quipu::optim::state_array> state;
    train::add_optimizer_arrays(state, std::vector<quipu::optim::state_array>{{"m", moments}});
    train::run_state run;
    run.settings["seed"] = "0";
    run.companions["average"] = nullptr;
    train::load_run<float>(path, parameters, state, run, [](const train::run_state&) {});
    if (!std::isfinite(run.best_loss)) __builtin_trap();
    train::save_run<float>(path, parameters, state, run);
    train::load_run<float>(path, parameters, state, run, [](const train::run_state&) {});
  });
}
