// Training of 05_prosparse: a recipe carried out, the model and its report written.
// SPDX-License-Identifier: Apache-2.0
#include "train.hpp"

#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include <quipu/ffn/predictor_file.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/prosparse/calibrate_stage.hpp>
#include <quipu/prosparse/run.hpp>
#include <quipu/prosparse/write_calibrated.hpp>

#include "model_folder.hpp"
#include "terminal.hpp"

namespace q = quipu;

namespace {

/// The recipe of the file, or a short run on stories: 800 steps that end in minutes on a model of 260,000 values.
q::prosparse::recipe recipe_of(const settings& s) {
  if (!s.recipe.empty()) return q::prosparse::read_recipe(training_files::read_text(s.recipe), s.recipe);
  q::prosparse::recipe r = q::prosparse::stories_recipe(s.largest);
  r.validate_every = 200;
  r.stages["calibrate"] = q::prosparse::calibrate_settings().json();
  return r;
}

/// Loss, and density by layer, where a line now and then, or one that is redrawn, has room for it.
bool show(const q::train::step_report& r) {
  const auto& fields = r.fields;
  const bool on_terminal = ::isatty(STDERR_FILENO) != 0;
  const bool last = r.step == r.n_step;
  if (on_terminal && terminal::columns() < 100) return training_files::show(r);
  if (!on_terminal && !last && r.step % 20 != 0 && !r.validation_loss) return true;
  std::string line = q::concat("step ", r.step, "/", r.n_step, "  loss ", q::fixed_text(r.loss, 4), "  lambda ",
                               q::general_text(fields["lambda"].get<double>(), 3),
                               "  L1 ", q::general_text(fields["penalty"].get<double>(), 3), "  density %");
  for (const auto& sparsity : fields["sparsity_by_layer"])
    line += sparsity.is_number() ? q::concat(" ", q::fixed_text(100 - 100 * sparsity.get<double>(), 0)) : " -";
  line += q::concat("  dead ", fields["n_dead"].get<std::size_t>(), "  ", q::fixed_text(r.seconds_left, 0), " s left");
  if (r.validation_loss) line += q::concat("  validation ", q::fixed_text(*r.validation_loss, 4));
  std::cerr << (on_terminal ? "\r\033[K" : "") << line << (on_terminal && !last && !r.validation_loss ? "" : "\n") << std::flush;
  return true;
}

/// The model with its thresholds, and the predictor beside it. A vocabulary that cannot be written, as that of a tokenizer.model under another
/// name, does not keep the weights back.
template <class Model>
void write_model(const Model& m, const std::optional<q::prosparse::calibrated>& found, const settings& s) {
  const std::string folder = s.out + "/model";
  q::io::checkpoint result = q::prosparse::checkpoint_of(m);
  if (found && q::activation::computes<q::activation::fat_relu>(result.config.hidden_act)) result = q::prosparse::with_calibration(std::move(result), *found);
  try {
    terminal::write_model_folder(folder, result, s.tokenizer.empty() ? s.model : s.tokenizer);
  } catch (const q::config_error& e) {
    std::cerr << "note: no vocabulary is written beside the model: " << e.what() << '\n';
    terminal::write_model_folder(folder, result, "");
  }
  if (found && found->predictor.data)
    q::ffn::write_predictor(q::prosparse::predictor_path(folder).string(), q::ffn::low_rank::name, *found->predictor.data);
}

}  // namespace

int train_sparse(const settings& s) {
  s.run.check(s.out);
  const q::prosparse::recipe recipe = recipe_of(s);
  const auto m = q::llama::load<q::ffn::dense<q::activation::as_stated>, q::activations::f32, q::kv::exact>(
      s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
  terminal::show_warnings(m.tokenizer().warnings());
  const auto corpus = q::prosparse::make_corpus(m.tokenizer(), training_files::read_text(s.text), recipe.text);
  const terminal::interrupt_guard ctrl_c;
  q::prosparse::calibrate_stage calibration;
  const auto made = q::prosparse::run(m, corpus, recipe,
                                      {.folder = s.out,
                                       .resume = s.run.resume,
                                       .overwrite = s.run.overwrite,
                                       .trust_unrecorded = s.run.trust_unrecorded,
                                       .team = q::thread_team(s.n_thread),
                                       .progress = [&](const q::train::step_report& r) { return show(r) && !ctrl_c.interrupted(); }},
                                      calibration);
  if (!made.result.finished) {
    std::cerr << "\nstopped after step " << made.result.step << ", which is saved: --resume goes on\n";
    return 130;  // as a shell reports Ctrl-C
  }
  write_model(made.model, calibration.found, s);
  const auto& r = made.report;
  std::cout << r.substituted << "; loss " << q::fixed_text(r.before.loss, 4) << ", " << q::fixed_text(r.substituted_figures.loss, 4)
            << " with the other activation, " << q::fixed_text(r.after.loss, 4) << " trained; sparsity " << q::fixed_text(100 * r.after.sparsity, 1)
            << " %, " << r.n_dead << " of " << r.n_neuron << " neurons dead\n"
            << "report: " << s.out << "/report.md, model: " << s.out << "/model" << std::endl;
  if (!s.ask.empty()) std::cout << s.ask << q::llama::generate(made.model, s.ask, {.max_tokens = 60}).text << std::endl;
  return 0;
}
