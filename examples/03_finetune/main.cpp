// Fine-tunes a LLaMA on a text file or on JSON lines of conversations, with a parameter-efficient module or in full.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/quipu.hpp>

#include "adapters.hpp"
#include "arguments.hpp"
#include "model_folder.hpp"
#include "terminal.hpp"
#include "training_files.hpp"

namespace q = quipu;

struct settings {
  std::string model, tokenizer, data, out, ask, pet = "lora", schedule = "cosine";
  training_files::run_options run;
  bool full = false, recompute = false, check = false, plain = false, bf16 = false;
  std::size_t rank = 8, n_virtual = 8, n_epoch = 3, batch_size = 8, n_accumulate = 1, n_token = 256, n_thread = 0;
  std::size_t save_every = 50, validate_every = 0;
  double alpha = 16, learning_rate = 0, dropout = 0, weight_decay = 0.01, validation = 0, warm_up = 0.05;
  std::uint64_t seed = 0;
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

  template <class Tokenizer>
  [[nodiscard]] training_files::prompt_form form(const Tokenizer& own) const {
    return training_files::form_of(own, plain ? training_files::prompt_format::plain : training_files::prompt_format::chat);
  }
  [[nodiscard]] bool conversations() const { return data.ends_with(".jsonl"); }
};

/// @throws config_error  an option that makes no sense
void check_settings(const settings& s) {
  const auto at_least_one = [](const char* name, std::size_t value) {
    if (value == 0) q::fail<q::config_error>(name, "at least 1", value);
  };
  at_least_one("--batch", s.batch_size);
  at_least_one("--accumulate", s.n_accumulate);
  at_least_one("--epochs", s.n_epoch);
  const auto share = [](const char* name, double value) {
    if (!(value >= 0 && value < 1)) q::fail<q::config_error>(name, "a share of 0 up to below 1", value);
  };
  share("--validation", s.validation);
  share("--warm-up", s.warm_up);
  for (const auto& [name, value] : {std::pair{"--learning-rate", s.learning_rate}, {"--weight-decay", s.weight_decay},
                                    {"--alpha", s.alpha}, {"--dropout", s.dropout}}) {
    if (!(value >= 0 && std::isfinite(value))) q::fail<q::config_error>(name, "a number of 0 or more", value);
  }
  if (s.check && !s.conversations()) q::fail<q::config_error>("--check", "conversations in a .jsonl file", s.data);
}

/// Every `1 / share`-th example is held out.
template <class Example>
std::pair<std::vector<Example>, std::vector<Example>> split(const std::vector<Example>& all, double share) {
  std::pair<std::vector<Example>, std::vector<Example>> parts;
  double due = 0;
  for (const Example& e : all) {
    due += share;
    const bool held_out = due >= 1;
    if (held_out) due -= 1;
    (held_out ? parts.second : parts.first).push_back(e);
  }
  return parts;
}

/// The factor of the learning rate: 0 to 1 while it warms up, then as the option says.
struct chosen_schedule {
  std::string name;
  std::size_t n_warm_up, n_step;

  double operator()(std::size_t step) const {
    if (name == "constant") return q::schedule::constant{n_warm_up}(step);
    if (name == "linear") return q::schedule::linear{n_warm_up, n_step}(step);
    if (name == "cosine") return q::schedule::cosine{n_warm_up, n_step}(step);
    q::fail<q::config_error>("--schedule", "cosine, linear or constant", name);
  }
};

/// @throws config_error  another kind, or settings that the model does not take
q::pet::any_module<float> make_module(const settings& s, const q::io::model_config& c) {
  const auto targets = q::optim::name_pattern::suffixes(s.targets);
  const q::pet::lora lora{.rank = s.rank, .alpha = s.alpha, .dropout = s.dropout, .targets = targets};
  if (s.pet == "lora") return q::pet::lora::module<float>(lora, c, s.seed);
  if (s.pet == "dora") return q::pet::dora::module<float>(q::pet::dora{lora}, c, s.seed);
  if (s.pet == "ia3") return q::pet::ia3::module<float>({}, c, s.seed);
  if (s.pet == "bitfit") return q::pet::bitfit::module<float>({targets}, c, s.seed);
  if (s.pet == "prompt") return q::pet::prompt::module<float>({.n_virtual = s.n_virtual}, c, s.seed);
  if (s.pet == "prefix") return q::pet::prefix::module<float>({.n_virtual = s.n_virtual}, c, s.seed);
  if (s.pet == "bottleneck") return q::pet::bottleneck<>::module<float>({.size = s.rank}, c, s.seed);
  q::fail<q::config_error>("--pet", "lora, dora, ia3, bitfit, prompt, prefix or bottleneck", s.pet);
}

/// The values of the best checkpoint of a run, by its validation loss, put in place of the last ones.
template <class Parameters>
void take_best(const Parameters& parameters, const std::string& folder) {
  const q::io::safetensors_file best(folder + "/best.safetensors");
  for (const auto& p : parameters) {
    const auto values = q::io::values_of<float>(best.at(p.name));
    std::copy(values.begin(), values.end(), p.value);
  }
}

/// The options that decide what comes out, as they were given.
std::map<std::string, std::string, std::less<>> recipe_of(const settings& s) {
  const auto yes = [](bool value) { return std::string(value ? "yes" : "no"); };
  std::string targets;
  for (const std::string& one : s.targets) targets += one + " ";
  return {{"--full", yes(s.full)},
          {"--pet", s.pet},
          {"--rank", q::concat(s.rank)},
          {"--alpha", q::exact_text(s.alpha)},
          {"--dropout", q::exact_text(s.dropout)},
          {"--targets", targets},
          {"--virtual", q::concat(s.n_virtual)},
          {"--learning-rate", q::exact_text(s.learning_rate)},
          {"--schedule", s.schedule},
          {"--warm-up", q::exact_text(s.warm_up)},
          {"--weight-decay", q::exact_text(s.weight_decay)},
          {"--batch", q::concat(s.batch_size)},
          {"--accumulate", q::concat(s.n_accumulate)},
          {"--validation", q::exact_text(s.validation)},
          {"--plain", yes(s.plain)},
          {"--bf16", yes(s.bf16)},
          {"--seed", q::concat(s.seed)}};
}

/// @return whether it came to its end: Ctrl-C stops a run, which `--resume` goes on with
template <class Pass, class Parameters, class Gradients, class Source, class Hooks>
bool train(Pass& pass, const Parameters& parameters, const Gradients& gradients, const Source& source,
           const Source& held_out, Hooks& hooks, const terminal::interrupt_guard& ctrl_c, const settings& s) {
  const std::size_t step_size = s.batch_size * s.n_accumulate;
  const std::size_t n_step = (s.n_epoch * source.size() + step_size - 1) / step_size;
  const double rate = s.learning_rate > 0 ? s.learning_rate : s.full ? 2e-5 : 1e-3;
  const auto n_warm_up = static_cast<std::size_t>(s.warm_up * static_cast<double>(n_step));
  const std::size_t n_epoch_step = std::max<std::size_t>(source.size() / step_size, 1);
  q::train::trainer trainer(
      pass, parameters, gradients, q::optim::adamw{.learning_rate = rate, .weight_decay = s.weight_decay},
      chosen_schedule{s.schedule, n_warm_up, n_step},
      {.n_step = n_step,
       .batch_size = s.batch_size,
       .n_accumulate = s.n_accumulate,
       .max_gradient_norm = 1,
       .seed = s.seed,
       .validate_every = held_out.size() == 0 ? 0 : s.validate_every > 0 ? s.validate_every : n_epoch_step,
       .save_every = s.save_every,
       .folder = s.out,
       .resume = s.run.resume,
       .overwrite = s.run.overwrite,
       .trust_unrecorded = s.run.trust_unrecorded,
       .recipe = recipe_of(s),
       .progress = [&](const q::train::step_report& r) { return training_files::show(r) && !ctrl_c.interrupted(); }});
  training_files::run_diary diary(rate, step_size, source.size());
  trainer.attach("diary", diary);
  const double begin = q::steady_seconds();
  const q::train::training_result result = trainer.run(source, hooks, held_out);
  training_files::plot_losses(s.out);
  if (!result.finished) {
    std::cerr << "\nstopped after step " << result.step << " of " << n_step << ", which is saved: --resume goes on\n";
    return false;
  }
  std::cout << "trained for " << n_step << " steps in " << q::steady_seconds() - begin << " s" << std::endl;
  std::cerr << "peak memory " << terminal::peak_memory_mib() << " MiB\n";
  if (result.best_validation_loss) {
    std::cout << "validation loss " << *result.best_validation_loss << " at its best, whose weights are kept\n";
    take_best(parameters, s.out);
  }
  hooks.evaluate();
  return true;
}

/// How many of the conversations' last answers the model gives, byte for byte. The tokens of prompts and answers go to
/// `--out`, for other programs to look at.
template <class Model>
void check(const Model& m, const settings& s, const char* when) {
  if (!s.check) return;
  const double begin = q::steady_seconds();
  std::vector<q::llama::expected_answer> expected;
  const training_files::prompt_form form = s.form(m.tokenizer());
  for (const auto& c : training_files::read_conversations(s.data)) {
    expected.push_back({training_files::prompt_ids(m.tokenizer(), form, std::span(c).first(c.size() - 1)),
                        c.back().content});
  }
  auto session = open_session(m, q::thread_team(s.n_thread));
  q::llama::check_options options;
  if (s.plain) options.stop = {"\n"};
  const auto answers = q::llama::check_answers(session, m.tokenizer(),
                                               std::span<const q::llama::expected_answer>(expected), options);
  std::filesystem::create_directories(s.out);
  std::string lines;
  std::size_t right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    right += std::size_t{answers[i].right};
    const nlohmann::json line = {
        {"prompt", expected[i].prompt}, {"given", answers[i].tokens}, {"right", answers[i].right}};
    lines += line.dump() + "\n";
  }
  q::io::write_text(q::concat(s.out, "/answers_", when, ".jsonl"), lines);
  std::cout << when << " training: " << right << " of " << answers.size() << " answers given ("
            << q::steady_seconds() - begin << " s)" << std::endl;
}

template <class Model>
void ask(const Model& m, const terminal::interrupt_guard& ctrl_c, const settings& s) {
  if (s.ask.empty()) return;
  auto session = open_session(m, q::thread_team(s.n_thread));
  q::llama::generate_options options{.max_tokens = 64, .on_text = [&](std::string_view text) {
                                       return (std::cout << text << std::flush) && !ctrl_c.interrupted();
                                     }};
  if (s.plain) options.stop = {"\n"};
  const q::text::chat_message question{"user", s.ask};
  const auto ids = training_files::prompt_ids(m.tokenizer(), s.form(m.tokenizer()), std::span(&question, 1));
  static_cast<void>(q::llama::generate(session, m.tokenizer(), session.create(), ids, options));
  std::cout << std::endl;
}

template <class Model, class Source>
int run(const Model& m, const Source& source, const Source& held_out, const settings& s) {
  constexpr int interrupted = 130;  // as a shell reports it
  const terminal::interrupt_guard ctrl_c;
  const q::thread_team team(s.n_thread);
  const auto products = s.bf16 ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none;
  const auto depth = s.recompute ? q::llama::tape_depth::block_inputs : q::llama::tape_depth::everything;
  if (s.full) {
    auto trainable = q::llama::thaw<float>(m);
    trainable.select(q::optim::name_pattern::all());
    q::llama::training_pass pass(trainable.model(), team, depth, products);
    q::llama::no_training_hooks hooks;
    check(trainable.model(), s, "before");
    if (!train(pass, trainable.parameters(), trainable.gradients(), source, held_out, hooks, ctrl_c, s)) return interrupted;
    const q::io::checkpoint result = q::llama::checkpoint_of(trainable);
    terminal::write_model_folder(s.out + "/model", result, s.tokenizer.empty() ? s.model : s.tokenizer);
    check(trainable.model(), s, "after");
    ask(trainable.model(), ctrl_c, s);
    return 0;
  }
  q::llama::training_pass pass(m, team, depth, products);
  const auto module = std::make_shared<q::pet::any_module<float>>(make_module(s, m.config()));
  const auto adapted = q::llama::adapted_model(m).with(m, module);
  q::llama::module_hooks hooks(*module, pass.workspace());
  check(adapted, s, "before");
  if (!train(pass, module->parameters(), q::llama::weight_gradients<float>(), source, held_out, hooks, ctrl_c, s))
    return interrupted;
  module->visit([&](const auto& own) {
    q::pet::save_peft(s.out + "/adapter", own, m.config(), {.base_model = s.model});
    using kind = std::remove_cvref_t<decltype(own)>;
    if constexpr (std::is_same_v<kind, q::pet::lora::module<float>>)
      q::pet::write_lora_gguf(s.out + "/adapter.gguf", own, m.config());
  });
  check(adapted, s, "after");
  ask(adapted, ctrl_c, s);
  return 0;
}

template <class Model>
int run_on_conversations(const Model& m, const settings& s) {
  std::vector<q::train::example> all;
  const training_files::prompt_form form = s.form(m.tokenizer());
  for (const auto& c : training_files::read_conversations(s.data))
    all.push_back(training_files::example_of(m.tokenizer(), form, c));
  auto [training, held_out] = split(all, s.validation);
  return run(m, q::train::example_list(std::move(training)), q::train::example_list(std::move(held_out)), s);
}

template <class Model>
int run_on_text(const Model& m, const settings& s) {
  std::vector<q::token_id> ids = q::text::encode_document(m.tokenizer(), training_files::read_text(s.data));
  // Windows share their border tokens; what is held out is the end of the text.
  const auto n_held_out = static_cast<std::size_t>(s.validation * static_cast<double>(ids.size()));
  std::vector<q::token_id> last(ids.end() - static_cast<std::ptrdiff_t>(n_held_out), ids.end());
  ids.resize(ids.size() - n_held_out);
  return run(m, training_files::windows(std::move(ids), s.n_token), training_files::windows(std::move(last), s.n_token), s);
}

int main(int argc, char** argv) {
  terminal::arguments arguments(
      "Fine-tunes a LLaMA on conversations (.jsonl) or on a text, with a small module or in full. Ctrl-C saves and stops.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.required("--data", &s.data,
                     "where it ends in .jsonl lines of {\"prompt\", \"answer\"} or {\"messages\"}, else a text");
  arguments.required("--out", &s.out, "folder for checkpoints, log, chart and result");
  arguments.option("--ask", &s.ask, "prompt to answer after training");
  arguments.flag("--full", &s.full, "train all weights instead of a module");
  arguments.option("--pet", &s.pet, "kind of module: lora, dora, ia3, bitfit, prompt, prefix or bottleneck");
  s.run.add_to(arguments);
  arguments.flag("--plain", &s.plain, "prompts as they are, followed by a line break, instead of in the chat format");
  arguments.flag("--check", &s.check, "count the conversations whose last answer the model gives, before and after");
  arguments.flag(
      "--bf16", &s.bf16,
      "round the operands of the model's products to bf16 where the processor has such products: twice as fast");
  arguments.flag("--recompute", &s.recompute, "keep block inputs only: less memory, a quarter more time");
  arguments.option("--alpha", &s.alpha, "of LoRA");
  arguments.option("--dropout", &s.dropout, "of LoRA");
  arguments.option("--targets", &s.targets, "linear layers that get LoRA or biases");
  arguments.option("--rank", &s.rank, "of LoRA; rows of a bottleneck");
  arguments.option("--virtual", &s.n_virtual, "virtual tokens of a prompt or prefix");
  arguments.option("--learning-rate", &s.learning_rate, "0: 1e-3 for modules, 2e-5 in full");
  arguments.option("--schedule", &s.schedule, "of the learning rate: cosine, linear or constant");
  arguments.option("--warm-up", &s.warm_up, "share of the steps in which the learning rate rises");
  arguments.option("--weight-decay", &s.weight_decay);
  arguments.option("--epochs", &s.n_epoch);
  arguments.option("--batch", &s.batch_size, "sequences in a pass");
  arguments.option("--accumulate", &s.n_accumulate, "passes in a step");
  arguments.option("--validation", &s.validation, "share of the data that is held out; the best weights on it are kept");
  arguments.option("--validate-every", &s.validate_every, "steps; 0: once an epoch");
  arguments.option("--save-every", &s.save_every, "steps; 0: at the end and on Ctrl-C");
  arguments.option("--window", &s.n_token, "tokens in a sequence of a text");
  arguments.option("--threads", &s.n_thread, "0 for all processors");
  arguments.option("--seed", &s.seed);
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    check_settings(s);
    s.run.check(s.out);
    const auto m = q::llama::load<q::ffn::dense<q::activation::as_stated>, q::activations::f32, q::kv::exact>(
        s.model, {.tokenizer = s.tokenizer, .progress = terminal::progress_bar()});
    terminal::show_warnings(m.tokenizer().warnings());
    return s.conversations() ? run_on_conversations(m, s) : run_on_text(m, s);
  });
}
