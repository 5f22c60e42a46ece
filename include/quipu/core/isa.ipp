// What isa.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <quipu/core/isa.hpp>

namespace quipu {

QUIPU_INLINE processor_features detect_features() noexcept {
  processor_features found;
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return found;
  const bool fma = (ecx >> 12 & 1u) != 0, osxsave = (ecx >> 27 & 1u) != 0;
  const bool avx = (ecx >> 28 & 1u) != 0, f16c = (ecx >> 29 & 1u) != 0;
  if (!osxsave || !avx || !fma || !f16c) return found;
  unsigned enabled = 0, upper = 0;
  __asm__("xgetbv" : "=a"(enabled), "=d"(upper) : "c"(0));
  if ((enabled & 0x6u) != 0x6u) return found;  // XMM and YMM state
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (ebx >> 5 & 1u) == 0) return found;
  found.avx2 = true;
  const bool zmm = (enabled & 0xe6u) == 0xe6u;
  found.avx512 = zmm && (ebx >> 16 & 1u) != 0 && (ebx >> 17 & 1u) != 0 && (ebx >> 30 & 1u) != 0 &&
                 (ebx >> 31 & 1u) != 0;
  found.avx512_vnni = found.avx512 && (ecx >> 11 & 1u) != 0;
  const bool tiles = (edx >> 24 & 1u) != 0 && (edx >> 25 & 1u) != 0 && (edx >> 22 & 1u) != 0;
  found.amx = tiles && (enabled & 0x60000u) == 0x60000u;
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0) return found;
  found.avx_vnni = (eax >> 4 & 1u) != 0;
  found.avx512_bf16 = found.avx512 && (eax >> 5 & 1u) != 0;
#endif
  return found;
}

}  // namespace quipu
