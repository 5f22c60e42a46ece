// Tokenizer files that strangers reported about: every folder of these forms in the shared data.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <quipu/io/read_vocabulary.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/utf8.hpp>

#include "support/shared_data.hpp"

using namespace quipu::text;
using nlohmann::json;
using ids_t = std::vector<quipu::token_id>;

namespace {

namespace fs = std::filesystem;

// The folders, in order; empty without shared data.
std::vector<fs::path> stranger_folders() {
  std::vector<fs::path> found;
  const fs::path root = quipu::test::shared_root() / "data/strangers";
  if (!fs::exists(root)) return found;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (fs::exists(entry.path() / "expected.json")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

json json_file(const fs::path& path) {
  std::ifstream in(path);
  return json::parse(in, nullptr, false);
}

std::string text_of(const json& text) {
  if (text.is_string()) return text.get<std::string>();
  std::string bytes;
  const auto hex = text["hex"].get<std::string>();
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// The tokenizer file of a folder: what the job names, else the one that is there.
fs::path tokenizer_file(const fs::path& input, const json& job) {
  if (job.contains("tokenizer") && job["tokenizer"].is_string()) return input / job["tokenizer"].get<std::string>();
  for (const char* name : {"tokenizer.json", "tokenizer.model"}) {
    if (fs::exists(input / name)) return input / name;
  }
  for (const auto& entry : fs::directory_iterator(input)) {
    const auto kind = entry.path().extension();
    if (kind == ".gguf" || kind == ".model") return entry.path();
  }
  return {};
}

}  // namespace

TEST_CASE("texts of reported tokenizer files have the right ids", "[text][strangers]") {
  std::size_t n_read = 0;
  for (const fs::path& folder : stranger_folders()) {
    if (!fs::exists(folder / "input/job.json")) continue;
    const json job = json_file(folder / "input/job.json");
    if (!job.is_object() || !job.contains("texts")) continue;
    const fs::path file = tokenizer_file(folder / "input", job);
    const json expected = json_file(folder / "expected.json");
    if (file.empty() || !expected.contains("ids")) continue;
    INFO(folder);
    ++n_read;
    const any_tokenizer tokenizer(quipu::io::read_vocabulary(file.string(), 0));
    const special mode = job.value("mode", "plain") == "parse" ? special::parse : special::plain;
    for (std::size_t i = 0; i < expected["ids"].size(); ++i) {
      INFO(job["texts"][i]);
      CHECK(tokenizer.encode(text_of(job["texts"][i]), mode) == expected["ids"][i].get<ids_t>());
    }
    if (!job.contains("decode")) continue;
    for (std::size_t i = 0; i < job["decode"].size(); ++i) {
      stream_decoder<any_tokenizer> decoder(tokenizer);
      std::string joined;
      for (const auto id : job["decode"][i].get<ids_t>()) {
        const std::string piece = decoder.push(id);
        CHECK(is_valid_utf8(piece));
        joined += piece;
      }
      CHECK(joined + decoder.flush() == expected["texts"][i].get<std::string>());
    }
  }
  if (n_read == 0) quipu::test::note_skip("no shared data folder");
}

// Folders of several GGUF files, each with what is right for it: a sentence that says that it loads, or ids, or that it
// is refused by name.
TEST_CASE("reported GGUF files load with a warning or are refused by name", "[text][strangers]") {
  std::size_t n_read = 0;
  for (const fs::path& folder : stranger_folders()) {
    const json expected = json_file(folder / "expected.json");
    for (const auto& [name, right] : expected.items()) {
      const fs::path file = folder / "input" / (name + ".gguf");
      if (!right.is_string() || !fs::exists(file)) continue;
      INFO(file);
      ++n_read;
      const std::string sentence = right.get<std::string>();
      std::string refused;
      vocabulary v;
      try {
        v = quipu::io::read_vocabulary(file.string(), 0);
      } catch (const quipu::error& error) {
        refused = error.what();
      }
      if (!refused.empty()) {
        CHECK(sentence.find("refused") != std::string::npos);
        CHECK(refused.find(name) != std::string::npos);
        CHECK(refused.find("tokenizer.ggml.pre") != std::string::npos);
        continue;
      }
      const bool warned = sentence.find("warning") != std::string::npos;
      CHECK(v.warnings.empty() != warned);
      const any_tokenizer tokenizer(v);
      CHECK_FALSE(tokenizer.encode("hello world 123").empty());
    }
  }
  if (n_read == 0) quipu::test::note_skip("no shared data folder");
}

TEST_CASE("a GGUF file that names no pre-tokenizer is cut by llama.cpp's default", "[text][strangers]") {
  const fs::path input = quipu::test::shared_root() / "data/strangers/27/input";
  QUIPU_NEEDS(input);
  // By hand from the four expressions of llm_tokenizer_bpe in llama.cpp's llama-vocab.cpp:
  // "hello", " world", " ", "123".
  const ids_t ids = {276, 273, 287, 77, 69, 222, 18, 19, 20};
  for (const char* name : {"missing.gguf", "default.gguf"}) {
    const any_tokenizer tokenizer(quipu::io::read_vocabulary((input / name).string(), 0));
    CHECK(tokenizer.encode("hello world 123") == ids);
    CHECK(tokenizer.vocab().warnings.size() == 1);
  }
}
