#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <quipu/io/gguf.hpp>
#include <quipu/io/gguf_vocabulary.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/byte_alphabet.hpp>
#include <quipu/text/pre_tokenizer.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/shared_path.hpp"

namespace {

namespace text = quipu::text;

std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// WikiText-2 if the shared folder is there, else words of random letters with a realistic
// repetition.
const std::string& sample_text() {
  static const std::string sample = [] {
    std::string real = file_text(quipu::bench::shared_path("data/text/wikitext-2/test.txt"));
    if (!real.empty()) return real.substr(0, 1 << 20);
    std::mt19937 random(1);
    std::vector<std::string> words(20000);
    for (std::string& word : words) {
      word.assign(1 + random() % 9, 'a');
      for (char& c : word) c = static_cast<char>('a' + random() % 26);
    }
    std::string made;
    while (made.size() < (1 << 20)) {
      const std::size_t range = std::size_t{1} << (4 + random() % 11);  // few words are frequent
      made += " " + words[random() % range];
    }
    return made;
  }();
  return sample;
}

// The real vocabulary, or one of bytes and letter pairs.
text::any_tokenizer tokenizer_of(const std::string& name) {
  const auto folder = quipu::bench::shared_path("data/tokenizers") / name;
  if (name == "llama2") {
    const auto path = folder / "tokenizer.model";
    if (std::filesystem::exists(path))
      return text::any_tokenizer(text::read_sentencepiece_model(path.string()));
  } else {
    const auto path = folder / ("ggml-vocab-" + name + ".gguf");
    if (std::filesystem::exists(path))
      return text::any_tokenizer(quipu::io::read_gguf_vocabulary(path.string()));
  }
  text::vocabulary v;
  v.kind = text::tokenizer_kind::byte_level_bpe;
  v.pre_tokenizer = name == "llama2" ? "gpt-2" : name;
  for (int byte = 0; byte < 256; ++byte) {
    v.tokens.push_back(text::encode_byte_alphabet(std::string(1, static_cast<char>(byte))));
  }
  for (char left = 'a'; left <= 'z'; ++left) {
    for (char right = 'a'; right <= 'z'; ++right) {
      v.merges.emplace_back(std::string(1, left), std::string(1, right));
      v.tokens.push_back(std::string(1, left) + right);
    }
  }
  v.kinds.assign(v.tokens.size(), text::token_kind::normal);
  return text::any_tokenizer(v);
}

const char* const names[] = {"gpt-2", "llama-bpe", "qwen2", "llama2"};

void encode_text(benchmark::State& state) {
  const text::any_tokenizer tokenizer = tokenizer_of(names[state.range(0)]);
  const std::string& sample = sample_text();
  std::size_t n_token = 0;
  for (auto _ : state) {
    const auto ids = tokenizer.encode(sample);
    n_token += ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetLabel(names[state.range(0)]);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * sample.size()));
  state.SetItemsProcessed(static_cast<std::int64_t>(n_token));
}
BENCHMARK(encode_text)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

// A prompt: what the word cache cannot help with.
void encode_sentence(benchmark::State& state) {
  const text::any_tokenizer tokenizer = tokenizer_of(names[state.range(0)]);
  const std::string sentence = "The quick brown fox jumps over the lazy dog, 1234 times.";
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.encode(sentence).data());
  state.SetLabel(names[state.range(0)]);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * sentence.size()));
}
BENCHMARK(encode_sentence)->DenseRange(0, 3);

// One word of n equal letters: n log n, so bytes per second fall only slowly.
void encode_long_word(benchmark::State& state) {
  const text::any_tokenizer tokenizer = tokenizer_of("gpt-2");
  const std::string word(static_cast<std::size_t>(state.range(0)), 'a');
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.encode(word).data());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_long_word)->RangeMultiplier(16)->Range(16, 1 << 16);

void cut_words(benchmark::State& state) {
  const auto kind = static_cast<text::pre_tokenizer_kind>(state.range(0));
  const text::pre_tokenizer words(kind);
  const std::string& sample = sample_text();
  for (auto _ : state) {
    std::size_t n_word = 0;
    words.for_each_word(sample, [&](std::string_view) { ++n_word; });
    benchmark::DoNotOptimize(n_word);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * sample.size()));
}
BENCHMARK(cut_words)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

void decode_text(benchmark::State& state) {
  const text::any_tokenizer tokenizer = tokenizer_of(names[state.range(0)]);
  const auto ids = tokenizer.encode(sample_text());
  for (auto _ : state) benchmark::DoNotOptimize(text::decode(tokenizer, ids).data());
  state.SetLabel(names[state.range(0)]);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * sample_text().size()));
}
BENCHMARK(decode_text)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

}  // namespace
