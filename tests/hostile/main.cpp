// Reads one hostile file or folder with the reader of its group, as a program would: opened, and used for a moment.
//
//   hostile GROUP PATH    status 0: it runs; 1: refused by an error of ours; 2: no such group; 3: another exception
//
// The message of a refusal is the only thing on standard error. A group is a line of `readers` below. Files that are
// written to (databases, logs) must be copies: tests/repo/hostile_test.py makes them.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/io/npy.hpp>
#include <quipu/io/resumable_log.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/notes/bert_encoder.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/sqlite_store.hpp>
#include <quipu/pet/peft_folder.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/tokenizer_json.hpp>
#include <quipu/train/training_checkpoint.hpp>

namespace q = quipu;

namespace {

constexpr std::string_view some_text =
    "I'm 12 years  old,\n<s>\xC3\xA4<|user|> \xF0\x9F\x98\x80</s> aaaaaaaaaaaaaaaaaaaaaaaa";

const std::vector<q::text::chat_message> conversation = {
    {"user", "Hello."}, {"assistant", "Hi."}, {"user", "<s>2 + 3?"}};

void use_template(std::string_view source) {
  const auto form = q::text::make_chat_template(source, "<s>", "</s>");
  static_cast<void>(q::text::render(form, conversation, q::text::generation_prompt::add));
}

void use_tokenizer(const q::text::any_tokenizer& tokenizer, std::string_view text = some_text) {
  for (const auto mode : {q::text::special::plain, q::text::special::parse}) {
    const auto ids = tokenizer.encode(text, mode);
    static_cast<void>(q::text::decode(tokenizer, ids));
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(tokenizer.n_vocab(), 100); ++i)
    static_cast<void>(tokenizer.encode(tokenizer.vocab().tokens[i], q::text::special::parse));
}

void use_vocabulary(q::text::vocabulary read) {
  const q::text::any_tokenizer tokenizer(std::move(read));
  use_tokenizer(tokenizer);
  // Ten thousand letters that begin no token, and ten thousand that many tokens may begin with.
  use_tokenizer(tokenizer, std::string(10'000, 'z'));
  use_tokenizer(tokenizer, std::string(10'000, 'a'));
  if (!tokenizer.vocab().chat_template.empty()) use_template(tokenizer.vocab().chat_template);
}

// A checkpoint: opened, its vocabulary used, and a few tokens run through the model.
void read_checkpoint(const std::string& path) {
  const auto model = q::llama::load<q::ffn::dense<q::activation::as_stated>>(path);
  auto session = open_session(model, q::thread_team(2), {.n_ctx = std::min<std::size_t>(64, model.config().n_ctx)});
  std::vector<q::token_id> ids;
  for (std::size_t i = 0; i < std::min<std::size_t>(session.n_ctx(), 5); ++i)
    ids.push_back(static_cast<q::token_id>(i * 7 % model.config().n_vocab));
  static_cast<void>(session.next_logits(session.create(), ids));
  if (!model.identity()->tokenizer) return;
  use_vocabulary(model.tokenizer().vocab());
}

// The settings of SmolLM2-135M, to which the adapters' ranks belong.
void read_adapter(const std::string& path) {
  q::io::model_config c;
  c.d_model = 576, c.d_ffn = 1536, c.n_layer = 30, c.n_head = 9, c.n_kv_head = 3, c.d_head = 64, c.n_vocab = 49152;
  c.n_ctx = 8192;
  static_cast<void>(q::pet::load_any_peft<float>(path, c));
}

void read_encoder(const std::string& path) {
  const q::notes::bert_encoder encoder(path);
  for (const std::string_view text : {std::string_view(""), some_text}) {
    for (const float value : encoder.encode(text)) {
      if (!std::isfinite(value)) throw std::logic_error("a vector that is not finite");
    }
  }
}

void read_run(const std::string& path) {
  std::vector<float> values(8), gradients(8);
  std::vector<std::byte> moments(16);
  const std::vector<q::optim::parameter<float>> parameters = {{"w", {2, 4}, values.data(), gradients.data()}};
  std::vector<q::optim::state_array> state;
  q::train::add_optimizer_arrays(state, std::vector<q::optim::state_array>{{"m", moments}});
  q::train::run_state run;
  run.settings["seed"] = "0";
  q::train::load_run<float>(path, parameters, state, run, [](const q::train::run_state&) {});
}

void read_array(const std::string& path) {
  const q::mapped_file file(path);
  const q::io::npy_view array = q::io::parse_npy(file.bytes(), path);
  static_cast<void>(q::io::npy_array<double>(array, path));
  static_cast<void>(q::io::npy_array<std::int64_t>(array, path));
}

void read_notes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  q::notes::memory_store store;
  static_cast<void>(q::notes::import_json_lines(store, in, path));
  const q::notes::notebook<q::notes::memory_store, q::notes::bm25_retriever> book(std::move(store));
  static_cast<void>(book.retrieve("a b red", 5));
}

void read_database(const std::string& path) {
  q::notes::notebook<q::notes::sqlite_store, q::notes::bm25_retriever> book{q::notes::sqlite_store(path)};
  static_cast<void>(book.retrieve("a b red", 5));
  static_cast<void>(book.add(q::notes::note{.text = "The house is red."}));
  static_cast<void>(book.retrieve("house", 5));
}

void read_vocabulary_file(const std::string& path) {
  if (path.ends_with(".model")) {
    use_vocabulary(q::text::read_sentencepiece_model(path));
  } else if (path.ends_with(".json")) {
    use_vocabulary(q::text::read_tokenizer_json(path));
  } else {
    use_vocabulary(q::text::read_llama2c_tokenizer(path, 0));
  }
}

struct reader {
  std::string_view group;
  void (*read)(const std::string& path);
};

constexpr reader readers[] = {
    {"gguf", read_checkpoint},
    {"hf", read_checkpoint},
    {"llama2c", read_checkpoint},
    {"peft", read_adapter},
    {"bert", read_encoder},
    {"ckpt", read_run},
    {"gate",
     [](const std::string& path) {
       static_cast<void>(q::eren::load_gate(path, {"m", "t", "p"}));
     }},
    {"npy", read_array},
    {"jsonl", read_notes},
    {"sqlite", read_database},
    {"log", [](const std::string& path) { const q::io::resumable_log log(path, "a run"); }},
    {"vocab", read_vocabulary_file},
    {"template", [](const std::string& path) { use_template(q::mapped_file(path).text()); }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string_view("--groups")) {
    for (const reader& one : readers) std::cout << one.group << "\n";
    return 0;
  }
  for (const reader& one : readers) {
    if (argc != 3 || one.group != argv[1]) continue;
    try {
      one.read(argv[2]);
      return 0;
    } catch (const q::error& refusal) {
      std::cerr << refusal.what();
      return 1;
    } catch (const std::exception& other) {
      std::cerr << other.what();
      return 3;
    }
  }
  std::cerr << "usage: hostile GROUP PATH, or hostile --groups\n";
  return 2;
}
