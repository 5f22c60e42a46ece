/// @file What the training examples read: a text file, or JSON lines of prompt and answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/train/trainer.hpp>

namespace training_files {

struct pair {
  std::string prompt;
  std::string answer;
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw quipu::io_error(quipu::concat(path, ": cannot be read"));
  return {std::istreambuf_iterator<char>(in), {}};
}

/// One object a line with the strings "prompt" and "answer".
inline std::vector<pair> read_pairs(const std::string& path) {
  std::istringstream in(read_text(path));
  std::vector<pair> pairs;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = quipu::concat(path, ", line ", number);
    const auto object = quipu::parse_json(line, place);
    const auto text = [&](const char* key) {
      if (!object.is_object() || !object.contains(key) || !object[key].is_string()) {
        quipu::fail<quipu::format_error>(place, quipu::concat("an object with a string '", key, "'"), "something else");
      }
      return object[key].get<std::string>();
    };
    pairs.push_back({text("prompt"), text("answer")});
  }
  if (pairs.empty()) quipu::fail<quipu::format_error>(path, "at least one line of JSON", "none");
  return pairs;
}

/// How prompts are put before the model.
enum class prompt_format { chat, plain };

/// A prompt as the model expects it: in its chat format if it has one, else as it is. Plain prompts end with a line
/// break.
template <class Tokenizer>
std::vector<quipu::token_id> prompt_ids(const Tokenizer& tokenizer, const std::string& prompt,
                                        prompt_format format = prompt_format::chat) {
  if (format == prompt_format::plain) return quipu::text::encode_document(tokenizer, prompt + "\n");
  if (tokenizer.vocab().chat_template.empty()) return quipu::text::encode_document(tokenizer, prompt);
  const std::vector<quipu::text::chat_message> messages = {{"user", prompt}};
  return quipu::text::encode_chat(tokenizer, quipu::text::chat_template_of(tokenizer), messages,
                                  quipu::text::generation_prompt::add);
}

/// A line that is redrawn on a terminal, and a line now and then elsewhere.
inline bool show(const quipu::train::step_report& r) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const bool last = r.step == r.n_step;
  if (!terminal && !last && r.step % 20 != 0 && !r.validation_loss) return true;
  std::cerr << (terminal ? "\r\033[K" : "") << "step " << r.step << '/' << r.n_step << "  loss " << std::fixed
            << std::setprecision(4) << r.loss << std::setprecision(0) << "  " << r.tokens_per_second << " tokens/s  "
            << r.seconds_left << " s left";
  if (r.validation_loss) std::cerr << std::setprecision(4) << "  validation " << *r.validation_loss;
  for (const auto& [key, value] : r.fields.items()) std::cerr << "  " << key << ' ' << value.dump();
  std::cerr << std::defaultfloat << std::setprecision(6) << (terminal && !last && !r.validation_loss ? "" : "\n")
            << std::flush;
  return true;
}

}  // namespace training_files
