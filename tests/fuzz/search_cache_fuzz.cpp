// The file of a search index. The checksum is always right: damage is meant to reach what stands before it.
#include <quipu/notes/search_cache.hpp>

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include <quipu/core/crc32.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/default_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "fuzz/fuzz_target.hpp"

namespace {

using namespace quipu::notes;

/// A store whose state every file fits that names version 1.
struct named_store : memory_store {
  std::optional<std::string> fingerprint(store_version version) const {
    return version == 1 ? std::optional<std::string>("1:2") : std::nullopt;
  }
};

template <class Retriever>
void use(Retriever& index) {
  (void)index.retrieve("capital of Norway", 5);
  for (note_id id = 1; id < 8; ++id) index.erase(id);
  for (note_id id = 1; id < 8; ++id) index.add(id, "the capital of Norway");
  if (index.retrieve("capital of Norway", 5).size() < 5) std::abort();
}

template <class Retriever>
void read(std::span<const std::byte> bytes, bool whole) {
  static const std::string path = "/tmp/quipu_cache_fuzz_" + std::to_string(::getpid());
  Retriever index;
  if (!whole) {
    quipu::io::byte_reader in(bytes, "input");
    index.restore(in);
    use(index);
    return;
  }
  {
    quipu::io::atomic_file out(path);
    out.write(bytes);
    out.value(quipu::crc32(quipu::test::as_text(bytes)));
    out.commit();
  }
  const auto version = search_cache::load(path, named_store(), index);
  ::unlink(path.c_str());
  if (!version && index.size() != 0) std::abort();
  use(index);
}

}  // namespace

// The first byte chooses: the whole file, or the index alone; of which retriever.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return quipu::test::fuzz(data + 1, size - 1, [&](std::span<const std::byte> bytes) {
    const bool whole = data[0] % 2 == 1;
    switch (data[0] / 2 % 3) {
      case 0: return read<bm25_retriever>(bytes, whole);
      case 1: return read<char_ngram_retriever<>>(bytes, whole);
      default: return read<default_retriever>(bytes, whole);
    }
  });
}
