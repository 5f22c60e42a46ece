// One run for scripts/compare: carries out recipes of ProSparse on a model and prints what came out, one line of JSON each.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <quipu/core/clock.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/prosparse/run.hpp>

namespace q = quipu;

namespace {

/// What follows training: the model's ReLU shifted by thresholds, each measured on the validation text.
struct fatrelu_scan {
  std::size_t n_token = 256, batch_size = 8;

  [[nodiscard]] static std::string name() { return "fatrelu"; }
  static void check(const nlohmann::ordered_json& settings) {
    if (!settings.is_null() && !settings.is_array()) q::fail<q::config_error>("stages: fatrelu", "a list of thresholds", settings.dump());
    for (const auto& one : settings) {
      if (!one.is_number() || !(one.get<double>() > 0)) q::fail<q::config_error>("stages: fatrelu: threshold", "above 0", one.dump());
    }
  }
  template <class Model>
  q::prosparse::report_section run(const Model& m, const q::prosparse::corpus& text, const nlohmann::ordered_json& thresholds,
                                   const q::thread_team& team) const {
    const q::train::target_windows validation(text.validation, n_token);
    auto all = nlohmann::ordered_json::array();
    for (const auto& t : thresholds) {
      const q::ffn::dense<q::activation::fat_relu> kernel{{.threshold = t.template get<double>()}};
      auto found = q::prosparse::measure(q::llama::with_ffn(m, kernel), validation, team, batch_size).json();
      found["threshold"] = t;
      all.push_back(std::move(found));
    }
    return {"FATReLU", "", std::move(all)};
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::cerr << "usage: prosparse_run MODEL TOKENIZER TEXT THREADS HELD_BACK RECIPE.json...\n"
                 "       HELD_BACK  documents at the end of the training text to validate with, in place of the validation text; 0: none\n";
    return 2;
  }
  try {
    const auto m = q::llama::load<q::ffn::dense<q::activation::as_stated>, q::activations::f32, q::kv::exact>(argv[1], {.tokenizer = argv[2]});
    const std::string text(q::mapped_file(argv[3], q::file_access::read).text());
    const q::thread_team team(std::strtoul(argv[4], nullptr, 10));
    const auto n_held_back = static_cast<std::size_t>(std::strtoul(argv[5], nullptr, 10));
    for (int i = 6; i < argc; ++i) {
      const q::prosparse::recipe r = q::prosparse::read_recipe(q::mapped_file(argv[i], q::file_access::read).text(), argv[i]);
      auto corpus = q::prosparse::make_corpus(m.tokenizer(), text, r.text);
      if (n_held_back > 0) corpus = corpus.held_back(n_held_back);
      const double begin = q::steady_seconds();
      const auto made = q::prosparse::run(m, corpus, r, {.team = team}, fatrelu_scan{r.n_token, r.batch_size});
      nlohmann::ordered_json out = {{"recipe", argv[i]},
                                    {"seconds", q::steady_seconds() - begin},
                                    {"n_training_token", corpus.training.size()},
                                    {"n_validation_token", corpus.validation.size()},
                                    {"before", made.report.before.json()},
                                    {"after_substitution", made.report.substituted_figures.json()},
                                    {"after", made.report.after.json()},
                                    {"n_dead", made.report.n_dead},
                                    {"fatrelu", made.report.sections.at(0).data},
                                    {"last_training_loss", made.result.loss}};
      std::cout << out.dump() << std::endl;
    }
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}
