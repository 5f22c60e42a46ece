#include <quipu/llama/generate.hpp>

#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/score.hpp>

#include "support/exact_model.hpp"
#include "support/golden.hpp"
#include "support/temp_folder.hpp"

namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::token_id;

namespace {

std::filesystem::path models() { return test::shared_root() / "data" / "models" / "stories260K"; }
std::filesystem::path references() { return test::shared_root() / "data" / "golden" / "stories260K"; }

auto load_stories(const std::string& path, const std::string& tokenizer = (models() / "tok512.bin").string()) {
  return test::load_exact<>(path, {.tokenizer = tokenizer});
}

std::vector<token_id> with_bos(const quipu::text::any_tokenizer& t, std::string_view text) {
  std::vector<token_id> ids = t.encode(text);
  ids.insert(ids.begin(), t.bos());
  return ids;
}

// Bits per byte as the data's README defines them.
template <class Model>
double bits_per_byte(const Model& m, std::size_t window, std::size_t& n_token, std::size_t& n_byte) {
  std::ifstream in(test::shared_root() / "data" / "text" / "tinystories" / "validation_100.txt");
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str(), mark = "<|endoftext|>";
  llama::session s(m, quipu::thread_team(2));
  double nll = 0;
  n_token = n_byte = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(mark, begin), text.size());
    std::string story = text.substr(begin, end - begin);
    story.erase(0, story.find_first_not_of(" \t\r\n"));
    begin = end + mark.size();
    if (story.empty()) continue;
    std::vector<token_id> ids = with_bos(m.tokenizer(), story);
    ids.resize(std::min(ids.size(), window));
    nll += llama::perplexity(s, ids, {.window = ids.size(), .stride = ids.size()}).nll;
    n_token += ids.size() - 1;
    n_byte += quipu::text::decode_bytes(m.tokenizer(), std::span<const token_id>(ids).subspan(1)).size();
  }
  return nll / std::log(2.0) / static_cast<double>(n_byte);
}

template <class Model>
void check_bits_per_byte(const Model& m, const nlohmann::json& golden) {
  for (const auto& row : golden["bpb_validation_100"]) {
    if (row["window"] > 256) continue;
    std::size_t n_token = 0, n_byte = 0;
    const double bpb = bits_per_byte(m, row["window"].template get<std::size_t>(), n_token, n_byte);
    CHECK(std::abs(bpb - row["bpb"].template get<double>()) < 5.1e-5);
    CHECK(n_token == row["tokens"].template get<std::size_t>());
    CHECK(n_byte == row["bytes"].template get<std::size_t>());
  }
}

// llama2.c's own generator and top-p, rebuilt for the comparison; the library's is counter-based.
struct llama2c_sampler {
  std::uint64_t state = 133742;

  float random() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<float>(static_cast<std::uint32_t>((state * 0x2545F4914F6CDD1Dull) >> 32) >> 8) / 16777216.0f;
  }
  token_id operator()(std::span<const float> logits, float top_p) {
    std::vector<float> p(logits.begin(), logits.end());
    const float top = *std::max_element(p.begin(), p.end());
    float sum = 0;
    for (float& x : p) sum += x = std::exp(x - top);
    for (float& x : p) x /= sum;
    const float coin = random();
    const float cutoff = (1.0f - top_p) / static_cast<float>(p.size() - 1);
    std::vector<std::pair<float, token_id>> kept;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] >= cutoff) kept.emplace_back(p[i], static_cast<token_id>(i));
    }
    std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    float mass = 0;
    std::size_t last = kept.size() - 1;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      mass += kept[i].first;
      if (mass > top_p) {
        last = i;
        break;
      }
    }
    float left = 0;
    for (std::size_t i = 0; i <= last; ++i) {
      left += kept[i].first;
      if (coin * mass < left) return kept[i].second;
    }
    return kept[last].second;
  }
};

}  // namespace

TEST_CASE("stories260K tells the reference's stories", "[llama][stories]") {
  QUIPU_NEEDS(models());
  const auto golden = test::read_json(references() / "golden.json");
  for (const char* file : {"stories260K.bin", "stories260K_v1.bin"}) {
    INFO(file);
    const auto m = load_stories((models() / file).string());
    const auto& t = m.tokenizer();
    llama::session s(m, quipu::thread_team(2));
    const std::vector<token_id> start = with_bos(t, "Once upon a time");
    {
      const auto reference = test::read_json(references() / "logits_once_upon_a_time.json");
      REQUIRE(reference["tokens"].get<std::vector<token_id>>() == start);
      std::vector<float> wanted;
      for (const auto& row : reference["logits"]) for (const auto& x : row) wanted.push_back(x);
      CHECK(test::max_abs_difference(test::all_logits(s, start), wanted) < 1e-4);
    }
    const auto greedy_ids = test::read_json(references() / "greedy_200_ids.json").get<std::vector<token_id>>();
    const auto greedy = llama::generate(s, t, s.create(), start,
                                        {.max_tokens = 257 - start.size(), .end_tokens = llama::end_tokens::ignore});
    std::vector<token_id> all = start;
    all.insert(all.end(), greedy.tokens.begin(), greedy.tokens.end());
    REQUIRE(all.size() >= greedy_ids.size());
    CHECK(std::equal(greedy_ids.begin(), greedy_ids.end(), all.begin()));
    const std::string text = quipu::text::decode(t, std::span<const token_id>(all));
    const auto wanted = golden["greedy_n200"].get<std::string>(), tail = golden["greedy_n256_tail"].get<std::string>();
    CHECK(text.substr(0, wanted.size()) == wanted);
    CHECK(text.size() >= tail.size());
    CHECK(text.substr(text.size() - tail.size()) == tail);

    llama2c_sampler draw;
    const auto sequence = s.create();
    std::vector<token_id> sampled = {t.bos()};
    for (std::size_t n = 0; n < 256; ++n) {  // from an empty prompt
      const token_id next = draw(s.next_logits(sequence, {&sampled.back(), 1}), 0.9f);
      if (next == t.bos()) break;
      sampled.push_back(next);
    }
    const auto wanted_sample = golden["sampled_t1_p0.9_seed133742"].get<std::string>();
    const std::string sample = quipu::text::decode(t, std::span<const token_id>(sampled));
    CHECK(sample == wanted_sample);
  }
}

TEST_CASE("stories260K has the reference's perplexity and bits per byte", "[llama][stories]") {
  QUIPU_NEEDS(models());
  const auto golden = test::read_json(references() / "golden.json");
  for (const char* file : {"stories260K.bin", "stories260K_v1.bin"}) {
    INFO(file);
    const auto m = load_stories((models() / file).string());
    llama::session s(m, quipu::thread_team(2));
    const auto& reference = golden["ppl"][0];
    const auto ids = with_bos(m.tokenizer(), reference["text"].get<std::string>());
    CHECK(ids == reference["tokens"].get<std::vector<token_id>>());
    const auto result = llama::perplexity(s, ids);
    CHECK(result.value() == Approx(reference["ppl"].get<double>()).margin(2e-6));
    check_bits_per_byte(m, golden);
  }
}

TEST_CASE("stories260K keeps its bits per byte through our GGUF and safetensors files", "[llama][stories]") {
  QUIPU_NEEDS(models());
  const auto golden = test::read_json(references() / "golden.json");
  const test::temp_folder folder;
  const quipu::io::checkpoint source = quipu::io::open_checkpoint((models() / "stories260K.bin").string());
  REQUIRE(!source.vocabulary.tokens.empty());
  quipu::io::write_gguf(folder.file("stories.gguf"), source);  // with the vocabulary, so that it stands alone
  check_bits_per_byte(test::load_exact<>(folder.file("stories.gguf")), golden);
  quipu::io::write_hf_folder(folder.path() / "stories", source);
  check_bits_per_byte(load_stories((folder.path() / "stories").string()), golden);
}

TEST_CASE("a file whose groups do not divide its rows is refused", "[llama][stories]") {
  QUIPU_NEEDS(models());
  CHECK_THROWS_WITH(llama::load<>((models() / "stories260K_q80_v2.bin").string()),
                    Catch::Contains("172") && Catch::Contains("8"));
}

TEST_CASE("a prompt and what continues it are one text", "[llama][stories]") {
  QUIPU_NEEDS(models());
  const auto m = load_stories((models() / "stories260K.bin").string());
  std::size_t n_blank = 0;
  for (const std::string prompt :
       {"Once upon a time", "One day, Lily went to the", "Once upon a time, there was a little girl"}) {
    std::string streamed;
    const auto more = llama::generate(
        m, prompt, {.max_tokens = 20, .on_text = [&](std::string_view text) { return streamed += text, true; }});
    std::vector<token_id> all = quipu::text::encode_document(m.tokenizer(), prompt);
    all.insert(all.end(), more.tokens.begin(), more.tokens.end());
    CHECK(quipu::text::decode(m.tokenizer(), std::span<const token_id>(all)) == prompt + more.text);
    CHECK(streamed == more.text);
    n_blank += more.text.starts_with(' ') ? 1 : 0;
  }
  CHECK(n_blank > 0);
}
