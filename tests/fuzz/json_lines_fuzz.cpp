#include <quipu/notes/json_lines.hpp>

#include <cstdlib>
#include <sstream>
#include <string>

#include <quipu/notes/memory_store.hpp>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return quipu::test::fuzz(data, size, [](std::span<const std::byte> bytes) {
    using namespace quipu::notes;
    std::istringstream in{std::string(quipu::test::as_text(bytes))};
    memory_store store;
    (void)import_json_lines(store, in, "input", {.on_conflict = conflict_policy::keep_both, .when = 1});
    // What was read is written, and read again, as it is.
    store.for_each([](const note& n) {
      if (note_from_json(to_json(n), "output") != n) std::abort();
    });
  });
}
