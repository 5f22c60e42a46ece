// Converts a LLaMA between GGUF, Hugging Face and llama2.c, quantises it, and merges adapters in.
// SPDX-License-Identifier: Apache-2.0
#include <cctype>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <quipu/core/mapped_file.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/llama2c_writer.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/tokenizer_files.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/merge_adapters.hpp>
#include <quipu/text/llama2c_tokenizer_writer.hpp>

#include "adapters.hpp"
#include "arguments.hpp"
#include "model_folder.hpp"
#include "terminal.hpp"

namespace q = quipu;
namespace fs = std::filesystem;

struct settings {
  std::string model, tokenizer, out, format, type;
  std::vector<std::string> adapters;
  bool overwrite = false, no_tokenizer = false;
};

enum class form { gguf, hf, llama2c, llama2c_v1 };

form form_of(const settings& s) {
  constexpr std::pair<std::string_view, form> names[] = {
      {"gguf", form::gguf}, {"hf", form::hf}, {"llama2c", form::llama2c}, {"llama2c-v1", form::llama2c_v1}};
  for (const auto& [name, found] : names) {
    if (s.format == name) return found;
  }
  if (!s.format.empty()) q::fail<q::config_error>("--format", "gguf, hf, llama2c or llama2c-v1", s.format);
  const std::string end = fs::path(s.out).extension().string();
  if (end == ".gguf") return form::gguf;
  if (end == ".bin") return form::llama2c;
  for (const char* other : {".safetensors", ".pt", ".pth", ".ggml", ".json"}) {
    if (end == other)
      q::fail<q::config_error>("--out", "NAME.gguf, NAME.bin or a folder, or --format beside it", s.out);
  }
  return form::hf;
}

std::optional<q::tensor_type> type_of(const settings& s) {
  if (s.type.empty()) return std::nullopt;
  std::string wanted;
  for (const char c : s.type) wanted += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (int i = 0; i <= static_cast<int>(q::tensor_type::iq4_nl); ++i) {
    const auto type = static_cast<q::tensor_type>(i);
    if (q::name_of(type) == wanted && q::io::can_quantise(type)) return type;
  }
  q::fail<q::config_error>("--type", q::io::quantised_type_names, s.type);
}

void check_out(const settings& s, form to) {
  std::error_code trouble;
  const bool folder = fs::is_directory(s.out, trouble);
  if (fs::exists(s.out, trouble) && fs::equivalent(s.out, s.model, trouble)) {
    q::fail<q::config_error>("--out", "another place than --model", s.out);
  }
  if (folder != (to == form::hf) && fs::exists(s.out, trouble)) {
    q::fail<q::config_error>("--out", to == form::hf ? "a folder" : "a file", q::concat(s.out, ", which is the other"));
  }
  const bool there = folder ? !fs::is_empty(s.out, trouble) : fs::exists(s.out, trouble);
  if (there && !s.overwrite)
    q::fail<q::config_error>("--out", "a new name (or --overwrite)", q::concat(s.out, ", which exists"));
}

void note(const std::string& text) { std::cerr << "note: " << text << '\n'; }

/// A llama2.c model and, beside it, its vocabulary as run.c and our reader look for it.
void write_llama2c(const settings& s, form to, const q::io::checkpoint& source, std::optional<q::tensor_type> type,
                   bool with_tokenizer, const q::progress_callback& bar) {
  if (type && *type != q::tensor_type::f32) q::fail<q::config_error>("--type of llama2.c", "f32", s.type);
  const auto version = to == form::llama2c ? q::io::llama2c_version::v0 : q::io::llama2c_version::v1;
  if (!with_tokenizer) return q::io::write_llama2c(s.out, source, version, bar);
  const std::string words = q::text::llama2c_tokenizer_text(source.vocabulary);
  if (!source.vocabulary.chat_template.empty()) note("llama2.c has no place for the chat template");
  const fs::path folder = fs::path(s.out).parent_path();
  const std::string numbered = q::concat("tok", source.config.n_vocab, ".bin");
  const fs::path beside = folder / (fs::exists(folder / numbered) ? numbered : "tokenizer.bin");
  if (fs::path(s.out).filename() == beside.filename()) {
    q::fail<q::config_error>("--out", "another name: the vocabulary goes there", s.out);
  }
  const bool other = fs::exists(beside) && q::mapped_file(beside.string()).text() != words;
  if (other && !s.overwrite) {
    q::fail<q::config_error>("--out", "a place without another vocabulary (or --overwrite, or --no-tokenizer)",
                             beside.string());
  }
  q::io::write_llama2c(s.out, source, version, bar);
  q::io::write_text(beside.string(), words);
}

void write(const settings& s, form to, const q::io::checkpoint& source, std::optional<q::tensor_type> type,
           bool with_tokenizer, const q::progress_callback& bar) {
  const fs::path parent = fs::path(s.out).parent_path();
  if (!parent.empty()) fs::create_directories(parent);
  switch (to) {
    case form::gguf:
      if (source.config.hidden_act != "silu")
        note("llama.cpp knows no activation but SiLU, and will refuse this model");
      q::io::write_gguf(s.out, source, {.matrix_type = type, .progress = bar});
      return;
    case form::hf: {
      const std::string tokenizer = s.tokenizer.empty() ? s.model : s.tokenizer;
      terminal::write_model_folder(s.out, source, with_tokenizer ? tokenizer : "", {.type = type, .progress = bar});
      return;
    }
    case form::llama2c:
    case form::llama2c_v1: return write_llama2c(s, to, source, type, with_tokenizer, bar);
  }
}

int run(settings s) {
  while (s.out.size() > 1 && s.out.back() == '/') s.out.pop_back();
  const form to = form_of(s);
  const auto type = type_of(s);
  q::io::checkpoint source = q::llama::open_for_load(s.model, {.tokenizer = s.tokenizer});
  if (s.no_tokenizer) source.vocabulary = {};
  const bool has_vocabulary = source.vocabulary.kind != q::text::tokenizer_kind::none;
  if (!has_vocabulary && !s.no_tokenizer) {
    q::fail<q::config_error>(
        s.model, "a checkpoint with a tokenizer (name one with --tokenizer, or give --no-tokenizer)", "one without");
  }
  check_out(s, to);
  const terminal::interrupt_guard ctrl_c;  // leaves what is there as it is
  const q::progress_callback bar = terminal::progress_bar(&ctrl_c);
  if (!s.adapters.empty()) {
    std::vector<q::llama::adapter_choice> adapters;
    for (const std::string& text : s.adapters) {
      const auto [folder, scale] = terminal::read_adapter(text);
      adapters.push_back({folder, scale});
    }
    source = q::llama::merge_adapters(std::move(source), adapters,
                                      {.type = type, .team = q::thread_team(0), .progress = bar});
  }
  write(s, to, source, type, has_vocabulary, bar);
  std::cerr << s.out << ": " << source.config.n_layer << " layers, vocabulary " << source.config.n_vocab
            << (has_vocabulary ? "" : " without a tokenizer") << "; peak memory " << terminal::peak_memory_mib()
            << " MiB\n";
  return 0;
}

int main(int argc, char** argv) {
  terminal::arguments arguments("Converts a LLaMA between GGUF, Hugging Face and llama2.c, and merges adapters in.");
  settings s;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.required("--out", &s.out, "what to write: NAME.gguf, NAME.bin (llama2.c) or a folder (Hugging Face)");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none: a file or a folder");
  arguments.flag("--no-tokenizer", &s.no_tokenizer, "write the weights alone");
  arguments.repeated("--adapter", &s.adapters, "PEFT folder to merge in, several times if wanted; FOLDER:0.5 is half as strong");
  arguments.option("--format", &s.format, "gguf, hf, llama2c or llama2c-v1, where the name of --out does not say it");
  arguments.option("--type", &s.type,
                   "of the matrices: f32, f16, bf16, and in GGUF q8_0, q5_1, q5_0, q4_1, q4_0; kept if not given");
  arguments.flag("--overwrite", &s.overwrite, "replace what is there");
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] { return run(s); });
}
