// Training steps that strangers computed otherwise: accumulation is the big batch.
#include <quipu/train/trainer.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/trainable.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/train/example_source.hpp>

#include "support/exact_model.hpp"
#include "support/strangers.hpp"

namespace llama = quipu::llama;
namespace train = quipu::train;
using quipu::test::stranger;

TEST_CASE("accumulated passes have the loss and the gradient of all sequences together", "[train][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) {
         return quipu::test::has_keys(x.expected, {"loss", "gradient_norm"}) && std::filesystem::exists(x.input / "examples.json");
       })) {
    nlohmann::json list;
    std::ifstream(s.input / "examples.json") >> list;
    train::example_list examples;
    for (const auto& e : list) {
      train::example one;
      one.tokens = e["tokens"].get<std::vector<quipu::token_id>>();
      for (const auto& label : e["labels"]) {
        const auto id = label.get<std::int64_t>();
        one.labels.push_back(id < 0 ? llama::ignored_label : id);
      }
      examples.push_back(std::move(one));
    }
    const auto model = quipu::test::load_exact((s.input / "model").string());
    for (std::size_t batch = 1; batch <= list.size(); batch *= 2) {
      if (list.size() % batch != 0) continue;
      INFO(s.name << ": batches of " << batch);
      auto trainable = llama::thaw<float>(model);
      trainable.select(quipu::optim::name_pattern::all());
      llama::training_pass pass(trainable.model(), quipu::thread_team(1));
      llama::no_training_hooks hooks;
      double norm = 0, loss = 0;
      train::trainer trainer(pass, trainable.parameters(), trainable.gradients(), quipu::optim::adamw{},
                             quipu::schedule::constant{},
                             {.n_step = 1,
                              .batch_size = batch,
                              .n_accumulate = list.size() / batch,
                              .shuffle = false,
                              .progress = [&](const train::step_report& r) {
                                loss = r.loss;
                                norm = r.gradient_norm;
                                return true;
                              }});
      static_cast<void>(trainer.run(examples, hooks));
      CHECK(loss == Approx(s.expected["loss"].get<double>()).epsilon(1e-6));
      CHECK(norm == Approx(s.expected["gradient_norm"].get<double>()).epsilon(1e-5));
    }
  }
}
