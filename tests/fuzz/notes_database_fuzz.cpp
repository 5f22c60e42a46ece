// A file given as a notebook: opened, read, edited, taken back.
#include <quipu/notes/sqlite_store.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/quipu_notes_fuzz_" + std::to_string(::getpid()) + ".db";
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(data, 1, size, file) != size) std::abort();
  std::fclose(file);
  const int result = quipu::test::fuzz(data, size, [](std::span<const std::byte>) {
    using namespace quipu::notes;
    sqlite_store store(path, {.durability = store_durability::process_kill, .busy_ms = 0});
    store.for_each([](const note&) {});
    for (note_id id = 0; id < 6; ++id) (void)store.history(id);
    const bool is_sound = store.check_integrity().empty();
    note n;
    n.text = "a new note";
    const add_result added = store.add(n);
    const bool erased = store.erase(1);
    (void)store.undo();
    // Where pages or numbers of edits are out of order, a search among them may miss anything.
    if (is_sound && erased && !store.find(added.id)) std::abort();
    (void)store.check_integrity();
  });
  for (const char* companion : {"", "-wal", "-shm", "-journal"}) ::unlink((path + companion).c_str());
  return result;
}
