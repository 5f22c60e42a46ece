// What decoding takes from the heap. The operators are replaced for the whole program: this file is one of its own.
#include <quipu/llama/generate.hpp>
#include <quipu/llama/kv_cache.hpp>
#include <quipu/llama/session.hpp>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/load.hpp>

#include "support/random_checkpoint.hpp"
#include "support/shared_data.hpp"

namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::token_id;

namespace {

std::atomic<std::size_t> n_allocation{0};

void* counted(std::size_t n, std::size_t alignment) noexcept {
  n_allocation.fetch_add(1, std::memory_order_relaxed);
  return std::aligned_alloc(alignment, (n + alignment) / alignment * alignment);  // of 0 bytes an address too
}
void* counted_or_throw(std::size_t n, std::size_t alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
  void* const memory = counted(n, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Under the sanitizers g++ 12 takes these for a pair that does not match.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t n) { return counted_or_throw(n); }
void* operator new[](std::size_t n) { return counted_or_throw(n); }
void* operator new(std::size_t n, std::align_val_t a) { return counted_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return counted_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return counted(n, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return counted(n, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return counted(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return counted(n, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

namespace {

constexpr std::size_t page = llama::kv_shape::page_tokens;

std::filesystem::path stories() { return test::shared_root() / "data" / "models" / "stories260K"; }

template <class... Policies>
auto load_stories() {
  return llama::load<Policies...>((stories() / "stories260K.bin").string(), {.tokenizer = (stories() / "tok512.bin").string()});
}

// Tokens of a story, or such as stand in the middle of one.
token_id some_token(std::size_t i) { return static_cast<token_id>(i * 37 % 400 + 40); }

// Decodes up to `n` positions, a token at a time, and gives what each step allocated.
template <class Session>
std::vector<std::size_t> steps(Session& s, llama::sequence_id sequence, std::size_t n) {
  std::vector<std::size_t> each(n, 0);
  for (std::size_t i = s.length(sequence); i < n; ++i) {
    const token_id token = some_token(i);
    const std::size_t before = n_allocation;
    static_cast<void>(s.next_logits(sequence, {&token, 1}, llama::token_role::decode));
    each[i] = n_allocation - before;
  }
  return each;
}

// From `first` on no step but one that begins a page allocates, and all of them once in `page` at most.
void check_steps(const std::vector<std::size_t>& each, std::size_t first) {
  std::size_t all = 0;
  for (std::size_t i = first; i < each.size(); ++i) {
    INFO("position " << i);
    if (i % page != 0) CHECK(each[i] == 0);
    all += each[i];
  }
  CHECK(all <= (each.size() - first) / page);
}

// Quantised, and long enough for its attention to be shared out.
template <class... Policies>
auto quantised_model() {
  quipu::io::model_config config = test::small_config();
  config.n_vocab = 448;
  config.n_ctx = 1200;
  return llama::from_checkpoint<Policies...>(test::random_checkpoint(config, quipu::tensor_type::q8_0));
}

template <class Model>
void check_decoding(const Model& m) {
  llama::session s(m, quipu::thread_team(2));
  const llama::sequence_id sequence = s.create();
  const std::vector<token_id> prompt(page + 5, some_token(0));
  static_cast<void>(s.next_logits(sequence, prompt));
  static_cast<void>(steps(s, sequence, page + 8));
  check_steps(steps(s, sequence, page + 8 + 64), page + 8);
  check_steps(steps(s, sequence, s.n_ctx()), page + 8 + 64);  // tables and lists of pages grow on the way
}

}  // namespace

TEST_CASE("decoding allocates nothing but pages of keys", "[llama][allocation]") {
  QUIPU_NEEDS(stories());
  check_decoding(load_stories());
  check_decoding(load_stories<quipu::activations::f32, quipu::storage::as_stored>());
  check_decoding(quantised_model());
  check_decoding(quantised_model<quipu::kv::int8>());
  check_decoding(quantised_model<quipu::activations::int8, quipu::storage::as_stored>());
}

TEST_CASE("sequences that are decoded together allocate nothing but their pages", "[llama][allocation]") {
  QUIPU_NEEDS(stories());
  const auto m = load_stories();
  llama::session s(m, quipu::thread_team(2));
  using input = llama::sequence_input<float>;
  std::vector<llama::sequence_id> all;
  for (std::size_t i = 0; i < 3; ++i) all.push_back(s.create());
  const token_id token = some_token(1);
  std::vector<input> inputs;
  for (const llama::sequence_id each : all) inputs.push_back({each, {&token, 1}, {}, llama::logits_of::last_row, llama::token_role::decode});
  std::size_t outside = 0, all_steps = 0;
  for (std::size_t i = 0; i < 3 * page; ++i) {
    const std::size_t before = n_allocation;
    s.run(inputs, [](std::size_t, std::size_t, std::span<const float>) {});
    if (i < 2) continue;
    all_steps += n_allocation - before;
    if (i % page != 0) outside += n_allocation - before;
  }
  CHECK(outside == 0);
  CHECK(all_steps <= 2 * all.size());
}

TEST_CASE("generating allocates nothing but pages of keys", "[llama][allocation]") {
  QUIPU_NEEDS(stories());
  const auto m = load_stories();
  llama::session s(m, quipu::thread_team(2));
  const std::vector<token_id> prompt = quipu::text::encode_document(m.tokenizer(), "Once upon a time");
  std::vector<std::size_t> at;  // allocations up to each piece of text
  at.reserve(1000);
  const auto generate = [&](std::vector<std::string> stop) {
    at.clear();
    const llama::sequence_id sequence = s.create();
    const auto result = llama::generate(s, m.tokenizer(), sequence, prompt,
                                        {.max_tokens = 72,
                                         .stop = std::move(stop),
                                         .end_tokens = llama::end_tokens::ignore,
                                         .on_text = [&](std::string_view) {
                                           at.push_back(n_allocation);
                                           return true;
                                         }});
    CHECK(result.tokens.size() == 72);
    s.erase(sequence);
  };
  for (const auto& stop : {std::vector<std::string>(), std::vector<std::string>{"a text that never comes, as it is too long", "\u00e4"}}) {
    generate(stop);
    generate(stop);
    REQUIRE(at.size() > 60);
    CHECK(at.back() - at[4] <= 64 / page);
  }
}
