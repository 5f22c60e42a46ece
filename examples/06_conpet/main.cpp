// Teaches a LLaMA one classification task after another, tests after each, and answers with what it learned. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/evaluate.hpp>
#include <quipu/conpet/frozen_learner.hpp>
#include <quipu/conpet/learner_files.hpp>
#include <quipu/conpet/static_learner_files.hpp>
#include <quipu/conpet/static_tuner.hpp>
#include <quipu/core/clock.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/train/output_folder.hpp>

#include "arguments.hpp"
#include "results.hpp"
#include "settings.hpp"
#include "terminal.hpp"

namespace fs = std::filesystem;

template <class Model>
using dynamic_learner = q::conpet::dynamic_tuner<Model, q::conpet::any_selector, q::conpet::any_composition, q::conpet::any_template,
                                                 q::conpet::any_rows, q::conpet::any_replay>;
template <class Model>
using static_learner = q::conpet::static_tuner<Model, q::conpet::any_template, q::conpet::any_rows, q::conpet::any_replay, q::conpet::any_method>;
template <class Model>
using untrained_learner = q::conpet::frozen_learner<Model, q::conpet::any_selector, q::conpet::any_template, q::conpet::any_rows>;

/// Shows the steps of a task; Ctrl-C cancels it.
void show_training(q::conpet::tuner_options& options, const terminal::interrupt_guard& ctrl_c, const std::string& name) {
  options.training.progress = [&ctrl_c, name](const q::train::step_report& r) {
    if (r.step % 10 == 0 || r.step == r.n_step)
      std::cerr << '\r' << name << ": step " << r.step << " of " << r.n_step << ", loss " << q::fixed_text(r.loss, 3) << ", "
                << static_cast<long>(r.tokens_per_second) << " tokens/s, " << static_cast<long>(r.seconds_left) << " s left   "
                << (r.step == r.n_step ? "\n" : "") << std::flush;
    return !ctrl_c.interrupted();
  };
}

/// Learns what is left of a stream and tests after each task.
template <class Tuner, class Save>
results::rows learn(Tuner& tuner, const q::data::task_stream& stream, const settings& s, const fs::path& folder, const terminal::interrupt_guard& ctrl_c,
                    Save&& save) {
  results::rows rows(folder, stream);
  rows.read();
  rows.cut(tuner.size());
  if (rows.size() + 1 == tuner.size()) rows.add(q::conpet::evaluate(tuner, stream));  // stopped between saving and testing
  const std::size_t last = s.n_task > 0 ? std::min(s.n_task, stream.size()) : stream.size();
  for (std::size_t t = tuner.size(); t < last; ++t) {
    const double begin = q::steady_seconds();
    show_training(tuner.core().options, ctrl_c, stream.tasks[t].name);
    tuner.learn(stream.tasks[t]);
    const double learned = q::steady_seconds();
    save();
    const auto e = q::conpet::evaluate(tuner, stream);
    rows.add(e);
    const double tested = q::steady_seconds();
    std::cout << std::fixed << std::setprecision(2) << t + 1 << ' ' << stream.tasks[t].name << ": this task " << 100 * e.tasks.back().rate().value_or(0)
              << " %, all " << 100 * e.whole().value_or(0) << " %";
    if (const auto selected = e.selector_accuracy()) std::cout << ", task right " << 100 * *selected << " %";
    std::cout << ", learned in " << learned - begin << " s, tested in " << tested - learned << " s" << std::endl;
    if (!folder.empty()) {
      std::ofstream log(folder / "log.jsonl", std::ios::app);
      log << nlohmann::ordered_json({{"task", stream.tasks[t].name}, {"seconds", learned - begin}, {"test_seconds", tested - learned},
                                     {"peak_memory_mib", terminal::peak_memory_mib()}, {"whole", e.whole().value_or(0)}}).dump()
          << '\n';
      if (!log.flush()) q::fail<q::io_error>((folder / "log.jsonl").string(), "room to write", "none");
    }
  }
  return rows;
}

template <class Model>
dynamic_learner<Model> dynamic_of(const Model& m, const settings& s, std::uint64_t seed) {
  return dynamic_learner<Model>(m, module_of(s, m.config().n_layer), options_of(s, seed), selector_of(s), composition_of(s), template_of(s),
                                rows_of(s), replay_of(s));
}

template <class Model>
static_learner<Model> static_of(const Model& m, const settings& s, std::uint64_t seed) {
  return static_learner<Model>(m, module_of(s, m.config().n_layer), options_of(s, seed), template_of(s), rows_of(s), replay_of(s), method_of(s));
}

/// All tasks at once, as many steps as the learners in turn take together: after all of them, or after each anew (limitless).
template <class Model>
results::rows learn_jointly(const Model& m, const settings& s, const q::data::task_stream& stream, std::size_t seed, const fs::path& folder,
                            const terminal::interrupt_guard& ctrl_c) {
  results::rows rows(folder, stream);
  rows.read();
  const bool once = s.mode == "joint";
  const std::size_t last = s.n_task > 0 && !once ? std::min(s.n_task, stream.size()) : stream.size();
  for (std::size_t n = once ? last : rows.size() + 1; rows.size() < last && n <= last; ++n) {
    // One learner at a time, since its caches are open.
    auto tuner = std::make_unique<static_learner<Model>>(static_of(m, s, seed));
    if (!folder.empty() && fs::exists(folder / "learner.json")) q::conpet::load_learner(folder, *tuner);
    if (tuner->size() != n) {  // or it was stopped between saving and testing
      tuner.reset();
      tuner = std::make_unique<static_learner<Model>>(static_of(m, s, seed));
      tuner->core().options.training.n_step *= n;
      show_training(tuner->core().options, ctrl_c, q::concat(n, " tasks together"));
      tuner->learn_jointly(std::span(stream.tasks).first(n));
      if (!folder.empty()) q::conpet::save_learner(folder, *tuner);
    }
    const auto e = q::conpet::evaluate(*tuner, stream);
    std::cout << n << " tasks together: all " << q::fixed_text(100 * e.whole().value_or(0), 2) << " %" << std::endl;
    rows.add(e);
    while (once && rows.size() < last) rows.add(e);
  }
  return rows;
}

/// One seed of a mode, in one order of the tasks.
template <class Model>
results::rows run_one(const Model& m, const settings& s, const q::data::task_stream& stream, std::size_t seed, const fs::path& folder,
                      const terminal::interrupt_guard& ctrl_c) {
  const auto in_turn = [&](auto tuner) {
    if (!folder.empty() && fs::exists(folder / "learner.json")) q::conpet::load_learner(folder, tuner);
    auto rows = learn(tuner, stream, s, folder, ctrl_c, [&] {
      if (!folder.empty()) q::conpet::save_learner(folder, tuner);
    });
    if (!stream.foreign_test.empty() && s.selector != "oracle")
      std::cout << "area under the ROC curve against texts of no task: " << q::conpet::foreign_auroc(tuner, stream).value_or(0) << std::endl;
    return rows;
  };
  if (s.mode == "dynamic") return in_turn(dynamic_of(m, s, seed));
  if (s.mode == "static" || s.mode == "sequential") return in_turn(static_of(m, s, seed));
  if (s.mode == "frozen") {
    untrained_learner<Model> learner(m, options_of(s, seed), selector_of(s), template_of(s), rows_of(s));
    return learn(learner, stream, s, folder, ctrl_c, [] {});
  }
  return learn_jointly(m, s, stream, seed, folder, ctrl_c);
}

/// What the run would cost, from three steps of the first task.
template <class Model>
void plan(const Model& m, const settings& s, const q::data::task_stream& stream) {
  auto small = s;
  small.steps = 3;
  small.out.clear();
  auto tuner = dynamic_of(m, small, 1);
  auto first = stream.tasks.front();
  first.validation.clear();
  std::vector<q::conpet::encoded_example> texts = tuner.core().encode(first.train, 0);
  texts.resize(std::min<std::size_t>(texts.size(), 3 * s.batch));
  std::vector<q::conpet::target_example> targets;
  for (const auto& t : texts) targets.push_back({&t, static_cast<std::int64_t>(t.label)});
  const auto who = tuner.core().new_expert(first.classes.size(), "plan");
  const double begin = q::steady_seconds();
  static_cast<void>(q::conpet::train_expert(*tuner.core().pass, who, *tuner.core().inputs, q::conpet::target_examples(targets), q::train::epochs(), 1,
                                            tuner.core().options.training));
  const double step = (q::steady_seconds() - begin) / 3;
  std::size_t n_module = 0, n_head = 0;
  for (const auto& p : who.module->parameters()) n_module += p.size();
  for (const auto& p : who.head->parameters()) n_head += p.size();
  const std::size_t n_training = s.selector == "trained" ? 2 : 1;
  std::cout << stream.size() << " tasks, " << stream.n_class() << " classes; a task: " << n_module << " parameters of its module, " << n_head
            << " of its head, " << s.steps * n_training << " steps of " << s.batch << " texts\n"
            << "expected: " << std::fixed << std::setprecision(1)
            << step * static_cast<double>(s.steps * n_training * stream.size() * std::max<std::size_t>(1, s.seeds.size())) / 60
            << " minutes of training, from three steps that include what caches save later\n";
}

template <class Tuner>
concept has_logits_of_tasks = requires(Tuner& t) { t.logits(std::string(), std::string()); };

/// What a task's own head says of lines, whatever the selector would: its numbers never change.
template <class Tuner>
void show_logits(Tuner& tuner, const std::string& task) {
  for (std::string line; std::getline(std::cin, line);) {
    for (const float z : tuner.logits(line, task)) std::cout << q::exact_text(static_cast<double>(z)) << ' ';
    std::cout << std::endl;
  }
}

/// The folder of the module that answered for a task.
template <class Model, class... P>
std::size_t module_number(const q::conpet::dynamic_tuner<Model, P...>& tuner, std::size_t task) {
  return tuner.tasks()[task].id;
}
template <class Model, class... P>
std::size_t module_number(const q::conpet::static_tuner<Model, P...>& tuner, std::size_t) {
  return tuner.size();
}

/// Lines from the terminal or a pipe.
template <class Tuner>
void answer_lines(Tuner& tuner) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const q::conpet::answer a = tuner.predict(line);
    if (a.label.empty()) {
      std::cout << "none of the tasks" << std::endl;
      continue;
    }
    std::cout << terminal::visible(a.label) << '\t' << terminal::visible(a.task) << '\t' << q::fixed_text(a.probability, 3) << "\tmodules/"
              << q::conpet::numbered(module_number(tuner, a.task_index)) << std::endl;
  }
}

/// Asks a finished learner, or teaches it more.
template <class Tuner>
void use(Tuner tuner, const settings& s, const terminal::interrupt_guard& ctrl_c) {
  const fs::path folder = fs::path(s.out) / q::concat("seed-", s.seeds.front());
  q::conpet::load_learner(folder, tuner);
  if (!s.add.empty()) {
    for (const auto& task : q::data::json_lines_stream(s.add)) {
      show_training(tuner.core().options, ctrl_c, task.name);
      tuner.learn(task);
      q::conpet::save_learner(folder, tuner);
      std::cout << "learned " << task.name << ": " << tuner.size() << " tasks, " << tuner.n_class() << " classes" << std::endl;
    }
  }
  if constexpr (has_logits_of_tasks<Tuner>) {
    if (!s.show_logits.empty()) show_logits(tuner, s.show_logits);
  }
  if (s.predict) answer_lines(tuner);
}

template <class Model>
int run(const Model& m, const settings& s) {
  const terminal::interrupt_guard ctrl_c;
  if (s.predict || !s.add.empty() || !s.show_logits.empty()) {
    if (s.mode == "dynamic") {
      use(dynamic_of(m, s, s.seeds.front()), s, ctrl_c);
    } else {
      use(static_of(m, s, s.seeds.front()), s, ctrl_c);
    }
    return 0;
  }
  const q::data::task_stream stream = stream_of(s);
  for (const std::string& remark : stream.remarks) std::cout << remark << '\n';
  const auto repeats = q::data::count_repeated(stream);
  if (repeats.n_alike > 0)
    std::cout << repeats.n_alike << " of " << repeats.n_test << " test texts are training texts too, "
              << repeats.n_other_label << " of them with another label\n";
  if (s.plan) return plan(m, s, stream), 0;
  std::vector<results::rows> runs;
  std::vector<results::run_label> labels;
  const auto orders = task_orders(stream.size(), s.orders);
  for (std::size_t order = 0; order < s.orders; ++order) {
    const q::data::task_stream ordered = in_order(stream, orders[order]);
    for (const std::size_t seed : s.seeds) {
      const std::string name = order == 0 ? q::concat("seed-", seed) : q::concat("seed-", seed, "-order-", order);
      const fs::path folder = s.out.empty() ? fs::path() : fs::path(s.out) / name;
      if (!folder.empty()) fs::create_directories(folder);
      runs.push_back(run_one(m, s, ordered, seed, folder, ctrl_c));
      labels.push_back({seed, order});
    }
  }
  if (runs.front().size() > 0) results::write(s.out, s.method == "plain" ? s.mode : q::concat(s.mode, ", ", s.method), runs, labels);
  return 0;
}

/// What lies in the folder, and whether it may go on. @throws config_error
void check_folder(const settings& s) {
  const std::string path = (fs::path(s.out) / "settings.json").string();
  if (fs::exists(path) && !s.overwrite) {
    if (!s.resume) q::fail<q::config_error>(s.out, "a folder without a run, or --resume to go on with it, or --overwrite", "settings.json in it");
    if (const nlohmann::json before = q::data::read_json_file(path); before != nlohmann::json(s.recipe()))
      q::fail<q::config_error>(path, s.recipe().dump(), before.dump());
    return;
  }
  if (fs::exists(path)) {
    settings().read(path);  // or the file is not of this program, and nothing here is
    std::vector<fs::path> seeds;
    for (const auto& e : fs::directory_iterator(s.out)) {
      const std::string name = e.path().filename().string();
      const bool is_seed = std::regex_match(name, std::regex("seed-[0-9]+(-order-[0-9]+)?"));
      if (is_seed && fs::exists(e.path() / "log.jsonl")) seeds.push_back(e.path());
    }
    for (const fs::path& seed : seeds) fs::remove_all(seed);
  }
  q::io::write_text(path, s.recipe().dump(1) + "\n");
}

/// @throws config_error  a mode that there is not, or that does not go with what is asked
void check_mode(const settings& s, bool uses) {
  const auto is_one_of = [&](std::initializer_list<const char*> modes) { return std::find(modes.begin(), modes.end(), s.mode) != modes.end(); };
  if (!is_one_of({"dynamic", "static", "sequential", "joint", "limitless", "frozen"}))
    q::fail<q::config_error>("--mode", "dynamic, static, sequential, joint, limitless or frozen", s.mode);
  if (uses && s.mode == "frozen") q::fail<q::config_error>("--predict and --add", "a learner with modules", s.mode);
  if (!s.add.empty() && is_one_of({"joint", "limitless"})) q::fail<q::config_error>("--add", "a learner of one task after another", s.mode);
  if (!s.show_logits.empty() && s.mode != "dynamic") q::fail<q::config_error>("--show-logits", "a dynamic learner", s.mode);
  if (s.method != "plain" && !is_one_of({"static", "sequential"})) q::fail<q::config_error>("--method", "--mode static or sequential", s.mode);
  if (s.orders == 0) q::fail<q::config_error>("--orders", "at least 1", 0);
  static_cast<void>(method_of(s));
}

int main(int argc, char** argv) {
  terminal::arguments arguments("Teaches a LLaMA one classification task after another, without changing what it learned before.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint");
  arguments.option("--stream", &s.stream, "sentences (the program's own), clinc150, banking77, snips, fewrel, or a file of JSON lines");
  arguments.option("--data", &s.data, "folder of the stream's files");
  arguments.option("--mode", &s.mode, "dynamic, static, sequential, joint, limitless (joint after each task) or frozen");
  arguments.option("--method", &s.method, "of a static learner: plain, emr, ea_emr, emar, crl, ewc, ewc_online, lwf, der_plus_plus, gem, a_gem or o_lora");
  arguments.option("--strength", &s.strength, "of the method's penalty; below 0: the method's own");
  arguments.option("--selector", &s.selector, "discriminant, means, fourier, trained, arrow or oracle");
  arguments.option("--compose", &s.compose, "calibrated, weighted, hard or raw");
  arguments.option("--template", &s.form, "prompt, plain or cloze");
  arguments.option("--rows", &s.rows, "mean, last or marked");
  arguments.option("--replay", &s.replay, "uniform, none, class, task, reservoir, random or loss");
  arguments.option("--memory", &s.memory, "texts that are kept for replay; 0: all");
  arguments.option("--rank", &s.rank, "of LoRA; its scale is 2");
  arguments.option("--targets", &s.targets, "layers that modules adapt");
  arguments.option("--blocks", &s.blocks, "modules adapt this block and those above; 0: all above a third of them");
  arguments.option("--steps", &s.steps, "of a task");
  arguments.option("--selector-steps", &s.selector_steps, "of a trained selector");
  arguments.option("--batch", &s.batch, "texts of a step");
  arguments.option("--top", &s.top_k, "modules that look at a text");
  arguments.option("--learning-rate", &s.learning_rate);
  arguments.option("--head-learning-rate", &s.head_learning_rate);
  arguments.option("--seeds", &s.seeds, "1 if none is given");
  arguments.option("--orders", &s.orders, "of the tasks: the stream's own, and shuffled ones");
  arguments.option("--shots", &s.n_shot, "of fewrel: 128 or 16");
  arguments.option("--most", &s.n_most, "training texts of a class; 0: all");
  arguments.flag("--bf16", &s.bf16, "round the operands of the model's products to bf16 where the processor has such products");
  arguments.flag("--faithful", &s.faithful, "the paper's LoRA and optimiser");
  arguments.option("--threads", &s.n_thread, "0 for all processors");
  arguments.option("--out", &s.out, "folder for learner, caches, results");
  arguments.flag("--resume", &s.resume, "go on with the run in --out after its last finished task");
  arguments.flag("--overwrite", &s.overwrite, "begin anew in place of the run in --out");
  arguments.flag("--plan", &s.plan, "say what a dynamic run would cost, and end");
  arguments.flag("--predict", &s.predict, "answer lines from standard input with the learner in --out");
  arguments.option("--tasks", &s.n_task, "learn no more than so many tasks now; --resume goes on");
  arguments.option("--show-logits", &s.show_logits, "task whose own head is asked lines from standard input");
  arguments.option("--add", &s.add, "teach the learner in --out the tasks of a file of JSON lines");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    if (s.seeds.empty()) s.seeds = {1};
    const bool uses = s.predict || !s.add.empty() || !s.show_logits.empty();
    if (uses && s.out.empty()) q::fail<q::config_error>("--predict and --add", "the folder of a learner in --out", "none");
    if (uses) s.read((fs::path(s.out) / "settings.json").string());
    check_mode(s, uses);
    std::optional<q::train::output_folder> lock;
    if (!s.out.empty()) {
      lock.emplace(s.out);  // one program at a time
      if (!uses && !s.plan) check_folder(s);
    }
    using any_llama = q::ffn::dense<q::activation::as_stated>;
    return run(q::llama::load<any_llama, q::activations::f32, q::kv::exact>(s.model), s);
  });
}
