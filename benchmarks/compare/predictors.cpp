// Predictors of active neurons on a ReLU model: recall, precision, predicted sparsity and energy recall, calibrated on one text and
// tested on another, beside reference values for the model that they were published with.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/mapped_file.hpp>
#include <quipu/ffn/predicted_sparse.hpp>
#include <quipu/linear/certified_gate.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/prosparse/corpus.hpp>
#include <quipu/report/table.hpp>
#include <quipu/sparsity/low_rank_fit.hpp>
#include <quipu/sparsity/predictions.hpp>
#include <quipu/text/tokenizer.hpp>

#include "support/first_tokens.hpp"

namespace ffn = quipu::ffn;
namespace linear = quipu::linear;
namespace llama = quipu::llama;
namespace report = quipu::report;
namespace sparsity = quipu::sparsity;
using fat_relu = quipu::activation::fat_relu;
using id_list = std::vector<quipu::token_id>;

namespace {

// What four of eight bits of the gate leave open, as a predictor: see `linear::certified_gate`.
struct open_neurons {
  static constexpr std::string_view name = "certified plane";
  double delta = 1e-12;

  struct state {
    std::shared_ptr<const linear::gate_planes> planes;
    linear::gate_certificate certificate;
    float threshold;
    state(const open_neurons& p, const ffn::ffn_weights<float>& w, const ffn::place& at)
        : planes(linear::integer_gate(w.gate, {.dither_stream = at.layer}).planes(at.team)), certificate(p.delta), threshold(static_cast<float>(at.config.activation_threshold)) {}
  };
  void predict(const state& s, linear::workspace& ws, const float* x, std::vector<std::uint32_t>& ids) const {
    auto& listed = ws.kept<linear::listed_gates>();
    const auto& rounded = ws.kept<linear::integer_row_buffer>().round(ws, {x, 1, s.planes->n_col}, linear::activation_bits::sixteen, s.planes->dither.span());
    estimate(ws, *s.planes, rounded, {{&s.threshold, 1}}, s.certificate, listed);
    ids.assign(listed.ids().begin(), listed.ids().end());
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 8) {
    std::cerr << "usage: compare_predictors MODEL CALIBRATION_TEXT TEST_TEXT [TOKENS_OF_EACH] [WINDOW] [TOKENIZER | -] [JSON_FILE]\n"
                 "TEST_TEXT -: the calibration text is one of stories, cut as scripts/compare prosparse does; the first stories that were trained on\n"
                 "calibrate, the first of those that were held out test\n";
    return 2;
  }
  try {
    const std::size_t n = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 4096, window = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 256;
    const std::string tokenizer = argc > 6 && std::string_view(argv[6]) != "-" ? argv[6] : "";
    const auto m = llama::load<ffn::dense<fat_relu>>(argv[1], {.tokenizer = tokenizer});
    const sparsity::record_options record{.window = window, .team = quipu::thread_team(2)};
    id_list calibration, test;
    if (std::string_view(argv[3]) == "-") {
      const quipu::mapped_file file(argv[2]);
      auto corpus = quipu::prosparse::make_corpus(m.tokenizer(), file.text(), {quipu::prosparse::document_split::single_lines, true, 0.1});
      calibration = std::move(corpus.training), test = std::move(corpus.validation);
      calibration.resize(std::min(calibration.size(), n)), test.resize(std::min(test.size(), n));
    } else {
      calibration = quipu::bench::first_tokens(m, argv[2], n), test = quipu::bench::first_tokens(m, argv[3], n);
    }
    report::table rows{{{"predictor", 1}, {"recall, %", 1}, {"precision, %", 1}, {"predicted sparsity, %", 1}, {"energy recall, %", 2}, {"missed", 0}, {"reference", 1}}};
    double true_sparsity = 0;
    const auto add = [&]<class Predictor>(const std::string& name, Predictor p, const std::string& published) {
      const auto meter = sparsity::measured_predictions(
          llama::with_ffn(m, ffn::predicted_sparse<Predictor, fat_relu>(std::move(p), m.ffn().activation), {.team = record.team}), test, record);
      true_sparsity = meter.sparsity();
      rows.add_row({name, 100 * meter.recall(), 100 * meter.precision(), 100 * meter.predicted_sparsity(), 100 * meter.energy_recall(),
                    static_cast<std::int64_t>(meter.n_missed()), published.empty() ? report::cell() : report::cell(published)});
    };
    for (const std::size_t rank : {8, 16, 32}) {
      for (const double recall : {0.95, 0.99}) {
        const std::string published = rank == 32 && recall == 0.99 ? "98.8, 51, 43.6" : "";
        if (rank <= m.config().d_model)
          add(quipu::concat("whitened SVD, rank ", rank, ", recall ", recall), sparsity::fit_low_rank(m, calibration, {.rank = rank, .recall = recall, .record = record}), published);
      }
    }
    for (const double alpha : {1.0, 1.1, 1.25, 1.5}) add(quipu::concat("sign bits, alpha ", alpha), ffn::sign_bits{alpha}, alpha == 1.25 ? "94, 37.5, 26.8" : "");
    for (const double delta : {1e-12, 1e-9, 1e-6}) add(quipu::concat("certified plane, ", delta), open_neurons{delta}, delta == 1e-12 ? "100, 45, 35.5" : "");
    std::cout << rows.markdown() << "\ntrue sparsity " << 100 * true_sparsity << " %, " << test.size() << " tokens; reference: lambda 6 of stories260K, true sparsity 70.8 %\n";
    if (argc > 7) std::ofstream(argv[7]) << rows.json().dump(1) << '\n';
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}
