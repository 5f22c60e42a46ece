/// @file What the program is asked for, and the policies that it makes of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/any_policies.hpp>
#include <quipu/conpet/learner_core.hpp>
#include <quipu/conpet/methods/any_method.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/fewrel_stream.hpp>
#include <quipu/data/intent_streams.hpp>
#include <quipu/data/json_lines_stream.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/pet/lora.hpp>

#include "sentences.hpp"

namespace q = quipu;

struct settings {
  std::string model, stream = "sentences", data, mode = "dynamic", out, add, show_logits;
  std::string selector = "discriminant", compose = "calibrated", form = "prompt", rows = "mean", replay = "uniform",
              method = "plain",
              targets = "q_proj,v_proj,up_proj,down_proj";
  std::size_t rank = 8, blocks = 0, steps = 150, selector_steps = 150, batch = 16, top_k = 1, memory = 0, n_shot = 128, n_most = 0, n_task = 0, n_thread = 0, orders = 1;
  double learning_rate = 2e-3, head_learning_rate = 1e-2, strength = -1;
  std::vector<std::size_t> seeds;
  bool bf16 = false, plan = false, predict = false, resume = false, overwrite = false, faithful = false;

  /// The options that a learner is made of, for `settings.json`: a run that goes on must have the same.
  [[nodiscard]] nlohmann::ordered_json recipe() const {
    return {{"stream", stream},   {"mode", mode},   {"selector", selector},          {"compose", compose},       {"template", form},
            {"rows", rows},       {"replay", replay}, {"targets", targets},          {"rank", rank},             {"blocks", blocks},
            {"steps", steps},     {"selector_steps", selector_steps}, {"batch", batch}, {"top_k", top_k},        {"memory", memory},
            {"n_shot", n_shot},   {"n_most", n_most}, {"learning_rate", learning_rate}, {"head_learning_rate", head_learning_rate},
            {"bf16", bf16},       {"faithful", faithful},
            {"method", method},   {"strength", strength}, {"orders", orders}};
  }
  /// Takes over what `settings.json` of a finished learner says.
  void read(const std::string& path) {
    const nlohmann::json json = q::data::read_json_file(path);
    try {
      stream = json.at("stream"), mode = json.at("mode"), selector = json.at("selector"), compose = json.at("compose"), form = json.at("template");
      rows = json.at("rows"), replay = json.at("replay"), targets = json.at("targets"), rank = json.at("rank"), blocks = json.at("blocks");
      steps = json.at("steps"), selector_steps = json.at("selector_steps"), batch = json.at("batch"), top_k = json.at("top_k");
      memory = json.at("memory"), n_shot = json.at("n_shot"), n_most = json.at("n_most"), learning_rate = json.at("learning_rate");
      head_learning_rate = json.at("head_learning_rate"), bf16 = json.at("bf16"), faithful = json.at("faithful");
      method = json.value("method", method), strength = json.value("strength", strength), orders = json.value("orders", orders);
    } catch (const nlohmann::json::exception&) {
      q::fail<q::format_error>(path, "the settings of a run of this program", "something else");
    }
  }
};

/// The tasks that are named, with at most `n_most` training texts of each class.
[[nodiscard]] inline q::data::task_stream stream_of(const settings& s) {
  auto stream = [&] {
    if (s.stream == "sentences") return q::data::parse_json_lines_stream(teach::sentences, "sentences");
    if (s.stream == "clinc150") return q::data::clinc150_stream(s.data);
    if (s.stream == "banking77") return q::data::banking77_stream(s.data);
    if (s.stream == "snips") return q::data::snips_stream(s.data);
    if (s.stream == "fewrel") return q::data::fewrel_stream(s.data, s.n_shot);
    if (std::filesystem::exists(s.stream)) return q::data::json_lines_stream(s.stream);
    q::fail<q::config_error>("--stream", "sentences, clinc150, banking77, snips, fewrel or a file of JSON lines", s.stream);
  }();
  if (s.n_most == 0) return stream;
  for (auto& task : stream.tasks) {
    std::vector<std::size_t> n(task.classes.size(), 0);
    std::erase_if(task.train, [&](const auto& t) { return ++n[t.label] > s.n_most; });
  }
  return stream;
}

[[nodiscard]] inline q::conpet::any_selector selector_of(const settings& s) {
  using held = q::conpet::any_selector::held_type;
  q::conpet::trained_selector trained{.n_step = s.selector_steps, .subtract_prior = !s.faithful};
  return {q::conpet::choose<held>("--selector", s.selector, {{"discriminant", q::conpet::discriminant_selector{}},
                                                            {"means", q::conpet::means_selector{}},
                                                            {"fourier", q::conpet::fourier_selector{}},
                                                            {"trained", trained},
                                                            {"arrow", q::conpet::arrow_selector{}},
                                                            {"oracle", q::conpet::oracle_selector{}}})};
}
[[nodiscard]] inline q::conpet::any_composition composition_of(const settings& s) {
  using held = decltype(q::conpet::any_composition::held);
  return {q::conpet::choose<held>("--compose", s.compose, {{"calibrated", q::conpet::calibrated{}},
                                                          {"weighted", q::conpet::selector_weighted{}},
                                                          {"hard", q::conpet::hard_route{}},
                                                          {"raw", q::conpet::raw_logits{}}})};
}
[[nodiscard]] inline q::conpet::any_template template_of(const settings& s) {
  using held = decltype(q::conpet::any_template::held);
  return {q::conpet::choose<held>("--template", s.form, {{"prompt", q::conpet::label_prompt{}},
                                                         {"plain", q::conpet::plain_text{}},
                                                         {"cloze", q::conpet::cloze{}}})};
}
[[nodiscard]] inline q::conpet::any_rows rows_of(const settings& s) {
  using held = decltype(q::conpet::any_rows::held);
  return {q::conpet::choose<held>("--rows", s.rows, {{"mean", q::conpet::mean_row{}}, {"last", q::conpet::last_row{}}, {"marked", q::conpet::marked_row{}}})};
}
/// @throws config_error  a strategy without the budget that it needs
[[nodiscard]] inline q::conpet::any_replay replay_of(const settings& s) {
  using held = decltype(q::conpet::any_replay::held);
  q::conpet::any_replay chosen{q::conpet::choose<held>("--replay", s.mode == "sequential" ? "none" : s.replay,
                                                       {{"uniform", q::replay::uniform_task_sampling{}},
                                                        {"none", q::replay::none{}},
                                                        {"class", q::replay::class_balanced{}},
                                                        {"task", q::replay::experience_balanced{}},
                                                        {"reservoir", q::replay::reservoir{}},
                                                        {"random", q::replay::random_sampling{}},
                                                        {"loss", q::replay::loss_aware{}}})};
  if (chosen.wants_budget() && s.memory == 0) q::fail<q::config_error>("--memory", q::concat("a number of texts, which --replay ", s.replay, " needs"), 0);
  return chosen;
}

/// @throws config_error  no such method; a strength for one that has none; one that needs kept texts without replay
[[nodiscard]] inline q::conpet::any_method method_of(const settings& s) {
  using held = q::conpet::any_method::held_type;
  const auto strength = [&](double usual) { return s.strength >= 0 ? s.strength : usual; };
  if (s.strength >= 0 && (s.method != "ewc" && s.method != "ewc_online" && s.method != "lwf" && s.method != "der_plus_plus" && s.method != "o_lora"))
    q::fail<q::config_error>("--strength", "--method ewc, ewc_online, lwf, der_plus_plus or o_lora", s.method);
  const bool keeps_nothing = s.mode == "sequential" || s.replay == "none";
  if (keeps_nothing && (s.method == "gem" || s.method == "a_gem" || s.method == "der_plus_plus"))  // before a first task is trained for nothing
    q::fail<q::config_error>(q::concat("--method ", s.method), "a replay strategy that keeps texts", "none");
  return {q::conpet::choose<held>("--method", s.method,
                                  {{"plain", q::conpet::plain{}},
                                   {"emr", q::conpet::emr{}},
                                   {"ea_emr", q::conpet::ea_emr{}},
                                   {"emar", q::conpet::emar{}},
                                   {"crl", q::conpet::crl{}},
                                   {"ewc", q::conpet::ewc{.strength = strength(1)}},
                                   {"ewc_online", q::conpet::ewc{.strength = strength(1), .online = true}},
                                   {"lwf", q::conpet::lwf{.strength = strength(1)}},
                                   {"der_plus_plus", q::conpet::der_plus_plus{.alpha = strength(0.1)}},
                                   {"gem", q::conpet::gem{}},
                                   {"a_gem", q::conpet::a_gem{}},
                                   {"o_lora", q::conpet::o_lora{.strength = strength(0.5)}}})};
}

/// Orders of tasks, no two of them alike: their own, and shuffled ones.
/// @throws config_error  more than there are
[[nodiscard]] inline std::vector<std::vector<std::size_t>> task_orders(std::size_t n_task, std::size_t n_order) {
  std::vector<std::size_t> own(n_task);
  std::iota(own.begin(), own.end(), std::size_t{0});
  std::size_t n_possible = 1;
  for (std::size_t i = 2; i <= n_task && n_possible < n_order; ++i) n_possible *= i;
  if (n_order > n_possible) q::fail<q::config_error>("--orders", q::concat("at most ", n_possible), n_order);
  std::vector<std::vector<std::size_t>> all{own};
  for (std::uint64_t seed = 1; all.size() < n_order; ++seed) {
    q::random_stream random(seed);
    auto next = own;
    for (std::size_t i = n_task; i-- > 1;) std::swap(next[i], next[random.below(static_cast<std::uint32_t>(i + 1))]);
    if (std::find(all.begin(), all.end(), next) == all.end()) all.push_back(std::move(next));
  }
  return all;
}
[[nodiscard]] inline q::data::task_stream in_order(const q::data::task_stream& stream, const std::vector<std::size_t>& order) {
  q::data::task_stream out = stream;
  for (std::size_t i = 0; i < order.size(); ++i) out.tasks[i] = stream.tasks[order[i]];
  return out;
}

/// LoRA on the named layers of the blocks from `--blocks` on.
[[nodiscard]] inline q::pet::lora module_of(const settings& s, std::size_t n_layer) {
  const std::size_t first = s.blocks > 0 ? s.blocks : std::max<std::size_t>(1, n_layer / 3);
  std::string numbers, sites = s.targets;
  for (std::size_t l = first; l < n_layer; ++l) numbers += q::concat(numbers.empty() ? "" : "|", l);
  for (char& c : sites) c = c == ',' ? '|' : c;
  q::pet::lora lora{.rank = s.rank, .alpha = 2 * static_cast<double>(s.rank)};
  lora.targets = q::optim::name_pattern::regex(q::concat("model\\.layers\\.(", numbers, ")\\..*\\.(", sites, ")"));
  if (s.faithful) {  // the paper's preset
    lora.rank = 4;
    lora.alpha = 1;
    lora.targets = q::optim::name_pattern::suffixes({"q_proj", "k_proj"});
  }
  return lora;
}

[[nodiscard]] inline q::conpet::tuner_options options_of(const settings& s, std::uint64_t seed) {
  q::conpet::tuner_options o;
  o.training.n_step = s.steps;
  o.training.batch_size = s.batch;
  o.training.learning_rate = s.learning_rate;
  o.training.head_learning_rate = s.head_learning_rate;
  if (s.faithful) {
    o.training.learning_rate = o.training.head_learning_rate = 2e-4;
    o.training.eps = 1e-4;
    o.training.constant_rate = true;
    o.training.max_gradient_norm = std::numeric_limits<double>::infinity();
  }
  if (s.memory > 0) o.storage.n_example = s.memory;
  o.top_k = s.top_k;
  o.seed = seed;
  o.n_thread = s.n_thread;
  o.products = s.bf16 ? q::linear::product_rounding::bf16 : q::linear::product_rounding::none;
  if (!s.out.empty()) o.cache = (std::filesystem::path(s.out) / "cache").string();
  return o;
}
