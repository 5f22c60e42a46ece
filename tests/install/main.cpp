// A program of somebody else: uses the library as installed.
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/version.hpp>

#ifdef WITH_SQLITE
#include <quipu/notes/sqlite_store.hpp>
#endif

#ifdef WITH_MODEL
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>
#endif

#include <iostream>

int main() {
  quipu::text::vocabulary vocabulary;
  vocabulary.kind = quipu::text::tokenizer_kind::byte_level_bpe;
  vocabulary.pre_tokenizer = "gpt-2";
  vocabulary.tokens = {"a", "b", "ab"};
  vocabulary.kinds.assign(3, quipu::text::token_kind::normal);
  vocabulary.merges = {{"a", "b"}};
  const quipu::text::any_tokenizer tokenizer(vocabulary);
  std::cout << "quipu " << quipu::version_major << '.' << quipu::version_minor << ", ids";
  for (const quipu::token_id id : tokenizer.encode("abba")) std::cout << ' ' << id;
#ifdef WITH_SQLITE
  const quipu::notes::sqlite_store store("consumer_notes.db");
  std::cout << ", notes " << store.size();
#endif
#ifdef WITH_MODEL
  try {
    const auto model = quipu::llama::load<>("no/such/model.gguf");
    std::cout << quipu::llama::generate(model, "Once", {.max_tokens = 1}).text;
  } catch (const quipu::error&) {
    std::cout << ", no model";
  }
#endif
  std::cout << '\n';
}
