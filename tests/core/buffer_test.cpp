// Owning arrays: zeroed, aligned, and memory that comes and goes is used again.
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/buffer.hpp>

using quipu::buffer;

TEST_CASE("buffers of all sizes are aligned and zero, and moving hands them on", "[core][buffer]") {
  for (const std::size_t n : {1u, 3u, 15u, 16u, 17u, 1000u, 370000u, (1u << 20) - 1, 1u << 20, (1u << 20) + 5}) {
    CAPTURE(n);
    buffer<float> b(n);
    CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 64 == 0);
    CHECK(std::all_of(b.span().begin(), b.span().end(), [](float x) { return x == 0; }));
    std::fill(b.span().begin(), b.span().end(), 7.0f);
    buffer<float> moved(std::move(b));
    CHECK(b.data() == nullptr);
    REQUIRE(moved.size() == n);
    CHECK(moved[n - 1] == 7);
    moved = buffer<float>(2);
    CHECK(moved[1] == 0);
  }
  CHECK(buffer<float>().data() == nullptr);
  CHECK_THROWS_AS(buffer<float>(std::size_t{1} << 61), std::bad_alloc);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A page of a sequence's cache is about that large; sequences come and go between allocations that stay.
TEST_CASE("pages that were given back are used again, whatever stays between them", "[core][buffer]") {
  std::vector<std::unique_ptr<char[]>> stays;
  std::vector<buffer<float>> pages;
  const auto system_bytes = [] { return mallinfo2().arena + mallinfo2().hblkhd; };
  std::size_t before = 0;
  for (int question = 0; question < 400; ++question) {
    if (question == 50) before = system_bytes();
    for (int page = 0; page < 2; ++page) {
      pages.emplace_back(368640);  // 1.4 MiB
      stays.push_back(std::make_unique<char[]>(100));
    }
    if (pages.size() > 16) pages.erase(pages.begin(), pages.begin() + 4);
  }
  CHECK(system_bytes() < before + (std::size_t{64} << 20));
}
#endif
