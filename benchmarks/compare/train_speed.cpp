// One measurement for scripts/compare: prints the time of training steps of one kind as JSON.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/schedule/lambda.hpp>
#include <quipu/sparsity/regularised_hooks.hpp>
#include <quipu/sparsity/sparsity_companion.hpp>

#include "process_figures.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;

namespace {

/// The sequences that the peer trains on, too.
llama::training_batch make_batch(std::size_t n_sequence, std::size_t n_token, std::size_t n_vocab) {
  llama::training_batch batch;
  for (std::size_t s = 0; s < n_sequence; ++s) {
    std::vector<quipu::token_id> ids(n_token);
    for (std::size_t t = 0; t < n_token; ++t)
      ids[t] = static_cast<quipu::token_id>(((s * n_token + t) * 7919 + 13) % n_vocab);
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
  }
  return batch;
}

/// What a step of a run does before its first pass and after its last: nothing for plain hooks.
struct no_bookkeeping {
  void before(std::size_t) const noexcept {}
  void after(std::size_t) const noexcept {}
};

template <class Pass, class Update, class Hooks, class Bookkeeping = no_bookkeeping>
void measure(Pass& pass, Update& update, Hooks& hooks, const llama::weight_gradients<float>& gradients,
             const llama::training_batch& batch, std::size_t n_step, Bookkeeping books = {}) {
  std::vector<double> seconds;
  std::vector<double> losses;
  for (std::size_t i = 0; i < n_step + 1; ++i) {  // the first warms up
    const double start = now();
    books.before(i);
    update.zero_gradients();
    const auto loss = pass.step(batch, batch.n_counted(), hooks, gradients);
    update.step(1, 1.0, update.gradient_norm());
    books.after(i);
    if (i > 0) seconds.push_back(now() - start);
    losses.push_back(loss.mean());
  }
  std::sort(seconds.begin(), seconds.end());
  std::cout << "{\"seconds\": " << seconds[seconds.size() / 2] << ", \"first_loss\": " << losses.front()
            << ", \"last_loss\": " << losses.back() << ", \"peak_kib\": " << peak_kib() << "}\n";
}

void lora(const llama::model<>& m, const llama::training_batch& batch, std::size_t n_step, quipu::thread_team team,
          quipu::linear::product_rounding products, const pet::lora& policy) {
  llama::training_pass pass(m, team, llama::tape_depth::everything, products);
  pet::lora::module<float> module(policy, m.config(), 0);
  llama::module_hooks hooks(module, pass.workspace());
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-4}, module.parameters(), team);
  measure(pass, update, hooks, {}, batch, n_step);
}

void full(const llama::model<>& m, const llama::training_batch& batch, std::size_t n_step, quipu::thread_team team,
          quipu::linear::product_rounding products) {
  auto trainable = llama::thaw<float>(m);
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), team, llama::tape_depth::everything, products);
  llama::no_training_hooks hooks;
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-4}, trainable.parameters(), team);
  measure(pass, update, hooks, trainable.gradients(), batch, n_step);
}

/// The full step with L1 on hidden values, its counts of active neurons and what a run's log says of them.
void full_l1(const llama::model<>& m, const llama::training_batch& batch, std::size_t n_step, quipu::thread_team team,
             quipu::linear::product_rounding products) {
  auto trainable = llama::thaw<float>(llama::with_activation<quipu::activation::relu>(m));
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), team, llama::tape_depth::everything, products);
  quipu::sparsity::regularised_hooks<float> hooks({}, quipu::schedule::constant_lambda(1), m.config(), team);
  quipu::sparsity::sparsity_companion companion(hooks);
  struct bookkeeping {
    decltype(hooks)& on;
    decltype(companion)& log;
    const llama::training_batch& batch;
    void before(std::size_t step) const {
      on.begin_step({step, 1, batch.segments().size(), batch.n_row(), batch.n_counted(), batch.total_weight()});
      on.train(step);
    }
    void after(std::size_t step) const {
      quipu::train::step_report report;
      report.step = step + 1;
      log.step_done(report, report.fields);
    }
  };
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-4}, trainable.parameters(), team);
  measure(pass, update, hooks, trainable.gradients(), batch, n_step, bookkeeping{hooks, companion, batch});
}

/// The same without L1, for the pair: a ReLU costs other time than a SiLU.
void full_relu(const llama::model<>& m, const llama::training_batch& batch, std::size_t n_step, quipu::thread_team team,
               quipu::linear::product_rounding products) {
  auto trainable = llama::thaw<float>(llama::with_activation<quipu::activation::relu>(m));
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), team, llama::tape_depth::everything, products);
  llama::no_training_hooks hooks;
  optim::updater<optim::adamw, float> update({.learning_rate = 1e-4}, trainable.parameters(), team);
  measure(pass, update, hooks, trainable.gradients(), batch, n_step);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (argc != 8 && !(argc == 4 && what == "export")) {
    std::cerr << "usage: train_speed lora_qk|lora_all|full|full_relu|full_l1 MODEL THREADS SEQUENCES TOKENS STEPS f32|bf16\n"
                 "       train_speed export MODEL FOLDER    writes the weights in F32 for the peer\n";
    return 2;
  }
  try {
    if (what == "export") {
      quipu::io::write_hf_folder(argv[3], quipu::io::open_checkpoint(argv[2]), {.type = quipu::tensor_type::f32});
      return 0;
    }
    const auto number = [&](int i) { return static_cast<std::size_t>(std::strtoul(argv[i], nullptr, 10)); };
    const auto m = llama::load<>(argv[2]);
    const quipu::thread_team team(number(3));
    const std::string_view kind = argv[7];
    if (kind != "f32" && kind != "bf16") quipu::fail<quipu::config_error>("train_speed: products", "f32 or bf16", kind);
    const auto products =
        kind == "bf16" ? quipu::linear::product_rounding::bf16 : quipu::linear::product_rounding::none;
    const auto batch = make_batch(number(4), number(5), m.config().n_vocab);
    if (what == "lora_qk") {
      lora(m, batch, number(6), team, products,
           {.rank = 4, .alpha = 1, .targets = optim::name_pattern::suffixes({"q_proj", "k_proj"})});
    } else if (what == "lora_all") {
      lora(m, batch, number(6), team, products, {.rank = 8, .alpha = 16, .targets = optim::name_pattern::all()});
    } else if (what == "full") {
      full(m, batch, number(6), team, products);
    } else if (what == "full_relu") {
      full_relu(m, batch, number(6), team, products);
    } else if (what == "full_l1") {
      full_l1(m, batch, number(6), team, products);
    } else {
      quipu::fail<quipu::config_error>("train_speed", "lora_qk, lora_all, full, full_relu, full_l1 or export", what);
    }
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}
