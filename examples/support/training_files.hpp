/// @file What the training examples read and leave: texts, JSON lines of conversations, a chart, a line that shows them at work.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstddef>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/train/chat_examples.hpp>
#include <quipu/train/trainer.hpp>

#include "arguments.hpp"
#include "terminal.hpp"

namespace training_files {

/// What a program does where `--out` holds a run already.
struct run_options {
  bool resume = false, overwrite = false, trust_unrecorded = false;

  void add_to(terminal::arguments& arguments) {
    arguments.flag("--resume", &resume, "go on where the run in --out stopped; refused if it was another one");
    arguments.flag("--overwrite", &overwrite, "begin anew in place of the run in --out");
    arguments.flag("--trust-unrecorded", &trust_unrecorded,
                   "with --resume: go on with a run of an earlier version, which does not say what it was made of");
  }
  /// Before much work is done. @throws config_error  a run in the folder and no word of what to do with it
  void check(const std::string& folder) const {
    using quipu::train::existing_run;
    if (resume && overwrite) quipu::fail<quipu::config_error>("--resume and --overwrite", "one of them", "both");
    quipu::train::output_folder::check(folder, resume ? existing_run::resume
                                                      : overwrite ? existing_run::overwrite : existing_run::refuse);
  }
};

/// What is said in turn; the last message is the assistant's.
using conversation = std::vector<quipu::text::chat_message>;

inline std::string read_text(const std::string& path) {
  return std::string(quipu::mapped_file(path, quipu::file_access::read).text());
}

/// One object a line: {"prompt": ..., "answer": ...}, or {"messages": [{"role": ..., "content": ...}, ...]} of which
/// the last one is the assistant's.
/// @throws io_error, format_error
inline std::vector<conversation> read_conversations(const std::string& path) {
  std::istringstream in(read_text(path));
  std::vector<conversation> all;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = quipu::concat(path, ", line ", number);
    const auto object = quipu::parse_json(line, place);
    const auto text = [&](const auto& from, const char* key) {
      if (!from.is_object() || !from.contains(key) || !from[key].is_string()) {
        quipu::fail<quipu::format_error>(place, quipu::concat("an object with a string '", key, "'"), "something else");
      }
      return from[key].template get<std::string>();
    };
    conversation c;
    if (object.is_object() && object.contains("messages")) {
      if (!object["messages"].is_array()) {
        quipu::fail<quipu::format_error>(place + ": messages", "a list of messages", object["messages"].type_name());
      }
      for (const auto& message : object["messages"]) c.push_back({text(message, "role"), text(message, "content")});
      if (c.empty() || c.back().role != "assistant") {
        quipu::fail<quipu::format_error>(place + ": messages", "a last message of the assistant",
                                         c.empty() ? "no message" : "another role");
      }
    } else {
      c = {{"user", text(object, "prompt")}, {"assistant", text(object, "answer")}};
    }
    all.push_back(std::move(c));
  }
  if (all.empty()) quipu::fail<quipu::format_error>(path, "at least one line of JSON", "none");
  return all;
}

/// How prompts are put before the model.
enum class prompt_format { chat, plain };

/// How a model's prompts are written, with its chat template compiled once.
struct prompt_form {
  prompt_format format = prompt_format::chat;
  std::optional<quipu::text::chat_template> chat{};  ///< empty if prompts are plain or the model has no template
};
template <class Tokenizer>
[[nodiscard]] prompt_form form_of(const Tokenizer& tokenizer, prompt_format format) {
  if (format == prompt_format::plain || tokenizer.vocab().chat_template.empty()) return {format, {}};
  return {format, quipu::text::chat_template_of(tokenizer)};
}

/// Prompts as the model expects them: in its chat format if it has one, else as they are. Plain prompts end with a line
/// break.
template <class Tokenizer>
std::vector<quipu::token_id> prompt_ids(const Tokenizer& tokenizer, const prompt_form& form,
                                        std::span<const quipu::text::chat_message> messages) {
  if (form.chat) return quipu::text::encode_chat(tokenizer, *form.chat, messages, quipu::text::generation_prompt::add);
  std::string text;
  for (const auto& message : messages) text += (text.empty() ? "" : "\n") + message.content;
  return quipu::text::encode_document(tokenizer, form.format == prompt_format::plain ? text + "\n" : text);
}

/// Windows of a text as examples; none of a text of fewer than two tokens.
inline quipu::train::example_list windows(std::vector<quipu::token_id> ids, std::size_t n_token) {
  quipu::train::example_list all;
  if (ids.size() < 2) return all;
  const quipu::train::token_windows source(std::move(ids), n_token);
  for (std::size_t i = 0; i < source.size(); ++i) all.push_back(source.at(i));
  return all;
}

/// What is learned of a conversation: in a chat format all turns of the assistant, else the last message and the token
/// that ends a text.
template <class Tokenizer>
quipu::train::example example_of(const Tokenizer& tokenizer, const prompt_form& form, const conversation& c) {
  if (form.chat) return quipu::train::chat_example(tokenizer, *form.chat, c);
  std::vector<quipu::token_id> ids = tokenizer.encode(c.back().content);
  if (tokenizer.eos() != quipu::no_token) ids.push_back(tokenizer.eos());
  return quipu::train::prompt_and_answer(prompt_ids(tokenizer, form, std::span(c).first(c.size() - 1)), ids);
}

/// Writes what a run's log says of its losses as a chart.
inline void plot_losses(const std::string& folder) {
  quipu::report::plot_series training{"training", {}}, validation{"validation", {}};
  std::ifstream log(folder + "/log.jsonl");
  for (std::string line; std::getline(log, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || !entry.contains("step") || !entry.contains("loss")) continue;
    const double step = entry["step"].get<double>();
    training.points.emplace_back(step, entry["loss"].get<double>());
    if (entry.contains("validation_loss")) validation.points.emplace_back(step, entry["validation_loss"].get<double>());
  }
  std::vector<quipu::report::plot_series> all{std::move(training)};
  if (!validation.points.empty()) all.push_back(std::move(validation));
  quipu::io::atomic_file file(folder + "/loss.svg");
  file.write(quipu::report::line_plot(all, {.title = "Loss", .x_label = "step", .y_label = "nats a token"}));
  file.commit();
}

/// Goes along with a run and writes when each step was done, how often the data was seen by then, and the learning
/// rate.
class run_diary {
 public:
  /// @param rate  learning rate where the schedule's factor is 1
  run_diary(double rate, std::size_t step_size, std::size_t n_example)
      : rate_(rate), epochs_a_step_(static_cast<double>(step_size) / static_cast<double>(n_example)) {}

  void step_done(const quipu::train::step_report& r, nlohmann::ordered_json& fields) const {
    const std::time_t now = std::time(nullptr);
    char text[32] = "";
    std::tm utc{};
    if (::gmtime_r(&now, &utc) != nullptr) std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    fields["time"] = text;
    fields["epoch"] = epochs_a_step_ * static_cast<double>(r.step);
    fields["learning_rate"] = rate_ * r.learning_rate_factor;
  }
  [[nodiscard]] nlohmann::json state() const { return nlohmann::json::object(); }
  void restore(const nlohmann::json&) {}

 private:
  double rate_, epochs_a_step_;
};

/// A line that is redrawn on a terminal, and a line now and then elsewhere.
inline bool show(const quipu::train::step_report& r) {
  const bool on_terminal = ::isatty(STDERR_FILENO) != 0;
  const bool last = r.step == r.n_step;
  if (on_terminal && terminal::columns() < 60) {  // the long line would wrap
    std::cerr << "\r\033[K" << terminal::progress_line("training", r.step, r.n_step, terminal::columns())
              << (last ? "\n" : "") << std::flush;
    return true;
  }
  if (!on_terminal && !last && r.step % 20 != 0 && !r.validation_loss) return true;
  std::cerr << (on_terminal ? "\r\033[K" : "") << "step " << r.step << '/' << r.n_step << "  loss " << std::fixed
            << std::setprecision(4) << r.loss << std::setprecision(0) << "  " << r.tokens_per_second << " tokens/s  "
            << r.seconds_left << " s left";
  if (r.validation_loss) std::cerr << std::setprecision(4) << "  validation " << *r.validation_loss;
  std::cerr << std::defaultfloat << std::setprecision(6) << (on_terminal && !last && !r.validation_loss ? "" : "\n")
            << std::flush;
  return true;
}

}  // namespace training_files
