/// @file Recording results to the last bit: what two commits must agree in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/isa.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/llama/load.hpp>

namespace quipu::bits {

/// FNV-1a of all bytes that were added.
class hash {
 public:
  hash& add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) value_ = (value_ ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3u;
    return *this;
  }
  template <class Value>
  hash& values(std::span<const Value> all) {
    return add(std::as_bytes(all));
  }
  template <class Value>
  hash& value(const Value& one) {
    return add(std::as_bytes(std::span(&one, 1)));
  }
  hash& text(std::string_view t) { return add(std::as_bytes(std::span(t))).value(t.size()); }
  [[nodiscard]] std::uint64_t get() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// Prints one line of the record.
inline void record(std::string_view run, std::string_view set, std::size_t n_thread, const hash& h) {
  std::cout << std::left << std::setw(34) << run << ' ' << std::setw(9) << set << ' ' << n_thread << ' ' << std::right
            << std::hex << std::setw(16) << std::setfill('0') << h.get() << std::dec << std::setfill(' ') << std::endl;
}

/// The model that most runs use if it is there, or an empty string.
inline std::string smollm2() {
  const char* path = std::getenv("QUIPU_SMOLLM2");
  return path == nullptr ? std::string() : std::string(path);
}

#if __has_include(<quipu/core/each_instruction_set.ipp>)
inline bool has(instruction_set set) { return has_instruction_set(set); }
using avx512 = isa::avx512_bf16;
#else  // commits whose sets are a ladder
inline bool has(instruction_set set) { return detect_instruction_set() >= set; }
using avx512 = isa::avx512;
#endif

/// Calls f.template operator()<Isa>(name, n_thread) for what the processor has, with 1, 2 and 3 threads.
template <class F>
void in_every_set(F&& f) {
  for (const std::size_t n_thread : {1, 2, 3}) {
    f.template operator()<isa::portable>("portable", n_thread);
#if defined(__x86_64__)
    if (has(*isa::avx2::set)) f.template operator()<isa::avx2>("avx2", n_thread);
    if (has(*avx512::set)) f.template operator()<avx512>("avx512", n_thread);
#endif
  }
}

void record_inference();
void record_training();
void record_editing();

}  // namespace quipu::bits
