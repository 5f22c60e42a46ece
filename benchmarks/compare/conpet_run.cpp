// One run for scripts/compare: static ConPET on tasks of CLINC150. Prints losses, times and accuracy as JSON, and writes what another program needs to
// train the same: start values, batches, learning rates.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/evaluate.hpp>
#include <quipu/conpet/static_tuner.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/data/intent_streams.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "process_figures.hpp"

namespace q = quipu;
namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

/// LoRA as 06_conpet has it, on blocks from `first` on.
q::pet::lora module_settings(std::size_t first, std::size_t n_layer) {
  if (first >= n_layer) q::fail<q::config_error>("conpet_run: first block with a module", q::concat("below ", n_layer), first);
  std::string blocks;
  for (std::size_t l = first; l < n_layer; ++l) blocks += q::concat(blocks.empty() ? "" : "|", l);
  const std::string which = q::concat("model\\.layers\\.(", blocks, ")\\..*\\.(q_proj|v_proj|up_proj|down_proj)");
  return {.rank = 8, .alpha = 16, .targets = q::optim::name_pattern::regex(which)};
}

/// Tokens, rows whose mean is classified, class among those of all tasks.
json text_of(const q::conpet::encoded_example& e, std::size_t label) { return {e.tokens, e.rows.first, e.rows.last, label}; }

/// What the learner is about to do with a task, worked out from its parts as `learn` puts them together: first values of what is new, every text that a
/// step may see, and the texts of each step. A peer whose losses are the same has seen the same.
template <class Tuner>
void write_plan(const fs::path& folder, const Tuner& tuner, const q::data::stream_task& task) {
  const auto& core = tuner.core();
  const std::size_t before = tuner.n_class(), n_class = before + task.classes.size(), number = tuner.size();
  const auto start = number == 0 ? core.new_expert(n_class, "static") : core.grown(tuner.who(), n_class, "static");
  q::pet::save_peft(folder / q::concat("start-", number), *start.module, core.config(), {.modules_to_save = {q::conpet::head_name}},
                    start.head->parameters());
  json texts = json::array(), batches = json::array();
  for (const auto& e : core.encode(task.train, number)) texts.push_back(text_of(e, before + e.label));
  for (const auto& kept : core.memory.entries()) texts.push_back(text_of(core.encode(kept.example.text, 0), kept.label));
  const auto& how = core.options.training;
  auto order = core.order(task.train.size());
  std::vector<q::train::ordered_example> examples(how.batch_size);
  for (std::size_t step = 0; step < how.n_step; ++step) {
    order.fill({core.seed_of(q::concat("task ", task.name)), true, texts.size(), step}, examples);
    json batch = json::array();
    for (const auto& e : examples) batch.push_back(e.example);
    batches.push_back(std::move(batch));
  }
  const json plan = {{"texts", std::move(texts)}, {"batches", std::move(batches)}, {"n_class", n_class}};
  q::io::write_text((folder / q::concat("task-", number, ".json")).string(), plan.dump() + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9 && argc != 10) {
    std::cerr << "usage: conpet_run MODEL CLINC150 THREADS SEED TASKS STEPS BLOCK f32|bf16 [PLAN]\n"
                 "       BLOCK  first block with a module: rows below it are computed once a text\n"
                 "       PLAN   folder for what a peer needs to train the same\n";
    return 2;
  }
  try {
    const auto number = [&](int i) { return static_cast<std::size_t>(std::strtoul(argv[i], nullptr, 10)); };
    const std::string_view kind = argv[8];
    if (kind != "f32" && kind != "bf16") q::fail<q::config_error>("conpet_run: products", "f32 or bf16", kind);
    auto stream = q::data::clinc150_stream(argv[2]);
    if (number(5) == 0 || number(5) > stream.size()) q::fail<q::config_error>("conpet_run: tasks", q::concat("1 .. ", stream.size()), number(5));
    stream.tasks.resize(number(5));
    using any_llama = q::ffn::dense<q::activation::as_stated>;
    auto m = q::llama::load<any_llama, q::activations::f32, q::kv::exact>(argv[1]);
    const std::size_t n_layer = m.config().n_layer;
    q::conpet::tuner_options options;
    options.seed = number(4);
    options.n_thread = number(3);
    options.training.n_step = number(6);
    options.products = kind == "bf16" ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none;
    std::vector<double> losses, factors, ends;
    options.training.progress = [&](const q::train::step_report& r) {
      losses.push_back(r.loss);
      factors.push_back(r.learning_rate_factor);
      ends.push_back(now());
      return true;
    };
    q::conpet::static_tuner<decltype(m)> tuner(std::move(m), module_settings(number(7), n_layer), options);
    const fs::path plan = argc == 10 ? argv[9] : "";
    if (!plan.empty()) fs::create_directories(plan);
    std::vector<double> seconds;  // of steps, the first of each task left out
    for (const auto& task : stream.tasks) {
      if (!plan.empty()) write_plan(plan, tuner, task);
      const std::size_t first = ends.size();
      tuner.learn(task);
      for (std::size_t i = first + 1; i < ends.size(); ++i) seconds.push_back(ends[i] - ends[i - 1]);
    }
    const double peak = peak_kib();  // of training
    if (!plan.empty()) {
      const auto& how = options.training;
      json tests = json::array();
      for (std::size_t t = 0; t < stream.size(); ++t) {
        for (const auto& e : tuner.core().encode(stream.tasks[t].test, t)) tests.push_back(text_of(e, tuner.tasks()[t].first + e.label));
      }
      const json all = {{"n_task", stream.size()},   {"learning_rate", how.learning_rate}, {"head_learning_rate", how.head_learning_rate},
                        {"eps", how.eps},            {"weight_decay", how.weight_decay},   {"max_gradient_norm", how.max_gradient_norm},
                        {"head", q::conpet::head_name}, {"factors", factors},              {"tests", std::move(tests)}};
      q::io::write_text((plan / "plan.json").string(), all.dump() + "\n");
    }
    const auto found = q::conpet::evaluate(tuner, stream);
    double sum = 0;
    std::size_t n_text = 0, n_right = 0;
    for (const double s : seconds) sum += s;
    for (const auto& t : found.tasks) n_text += t.trials, n_right += t.hits;
    const json out = {{"losses", losses}, {"step_seconds", seconds.empty() ? 0 : sum / static_cast<double>(seconds.size())},
                      {"n_test", n_text}, {"n_right", n_right},
                      {"peak_kib", peak}};
    std::cout << out.dump() << std::endl;
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}
