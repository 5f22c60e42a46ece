/// @file Which vector instructions the processor has, and the names of the sets that kernels exist for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace quipu {

/// Instruction sets that kernels are written for, each including the ones before it.
enum class instruction_set : std::uint8_t {
  portable,  ///< what the compiler makes of plain C++
  avx2,      ///< AVX2, FMA, F16C
  avx512,    ///< AVX-512 F, BW, DQ, VL, VNNI, BF16
  amx,       ///< AMX tiles with int8 and bf16
};

[[nodiscard]] constexpr std::string_view name_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::portable: return "portable";
    case instruction_set::avx2: return "AVX2";
    case instruction_set::avx512: return "AVX-512";
    case instruction_set::amx: return "AMX";
  }
  return "?";
}

/// The best set that the processor has and the operating system has switched on.
[[nodiscard]] inline instruction_set detect_instruction_set() noexcept {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return instruction_set::portable;
  const bool fma = (ecx >> 12 & 1u) != 0, osxsave = (ecx >> 27 & 1u) != 0;
  const bool avx = (ecx >> 28 & 1u) != 0, f16c = (ecx >> 29 & 1u) != 0;
  if (!osxsave || !avx || !fma || !f16c) return instruction_set::portable;
  unsigned enabled = 0, upper = 0;
  __asm__("xgetbv" : "=a"(enabled), "=d"(upper) : "c"(0));
  if ((enabled & 0x6u) != 0x6u) return instruction_set::portable;  // XMM and YMM state
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return instruction_set::portable;
  if ((ebx >> 5 & 1u) == 0) return instruction_set::portable;
  const bool avx512_base = (ebx >> 16 & 1u) != 0 && (ebx >> 17 & 1u) != 0 && (ebx >> 30 & 1u) != 0 &&
                           (ebx >> 31 & 1u) != 0 && (ecx >> 11 & 1u) != 0;  // F, DQ, BW, VL, VNNI
  const bool amx_tiles = (edx >> 24 & 1u) != 0 && (edx >> 25 & 1u) != 0 && (edx >> 22 & 1u) != 0;
  if (!avx512_base || (enabled & 0xe6u) != 0xe6u) return instruction_set::avx2;
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0 || (eax >> 5 & 1u) == 0) {
    return instruction_set::avx2;  // no AVX-512 BF16
  }
  if (!amx_tiles || (enabled & 0x60000u) != 0x60000u) return instruction_set::avx512;
  return instruction_set::amx;
#else
  return instruction_set::portable;
#endif
}

}  // namespace quipu
