/// @file Which vector instructions the processor has, and the sets that kernels are written for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Instruction sets that kernels are written for. They are no ladder: what a set needs is in `features_of`, and a
/// processor may have a later one without an earlier one.
enum class instruction_set : std::uint8_t {
  portable,     ///< what the compiler makes of plain C++
  avx2,         ///< AVX2, FMA, F16C
  avx_vnni,     ///< the same with 8-bit products of 256 bits (laptops since 2021, Zen 5)
  avx512_vnni,  ///< AVX-512 F, BW, DQ, VL with 8-bit products (Ice Lake and later, Zen 4)
  avx512_bf16,  ///< the same with products of bf16
  amx,          ///< the same with tiles of 8-bit integers and of bf16
};

/// All sets, each after those that it is better than on a processor that has both.
inline constexpr std::array instruction_sets = {instruction_set::portable,    instruction_set::avx2,
                                                instruction_set::avx_vnni,    instruction_set::avx512_vnni,
                                                instruction_set::avx512_bf16, instruction_set::amx};

[[nodiscard]] constexpr std::string_view name_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::portable: return "portable";
    case instruction_set::avx2: return "AVX2";
    case instruction_set::avx_vnni: return "AVX-VNNI";
    case instruction_set::avx512_vnni: return "AVX-512 VNNI";
    case instruction_set::avx512_bf16: return "AVX-512 BF16";
    case instruction_set::amx: return "AMX";
  }
  return "?";
}

/// Groups of instructions that a processor has or lacks.
struct processor_features {
  bool avx2 = false;         ///< with FMA and F16C
  bool avx_vnni = false;
  bool avx512 = false;       ///< F, BW, DQ, VL
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx = false;          ///< tiles, int8 and bf16

  /// Whether all of `wanted` are here.
  [[nodiscard]] constexpr bool include(const processor_features& wanted) const noexcept {
    return (avx2 || !wanted.avx2) && (avx_vnni || !wanted.avx_vnni) && (avx512 || !wanted.avx512) &&
           (avx512_vnni || !wanted.avx512_vnni) && (avx512_bf16 || !wanted.avx512_bf16) && (amx || !wanted.amx);
  }
};

/// What kernels of a set use.
[[nodiscard]] constexpr processor_features features_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::portable: return {};
    case instruction_set::avx2: return {.avx2 = true};
    case instruction_set::avx_vnni: return {.avx2 = true, .avx_vnni = true};
    case instruction_set::avx512_vnni: return {.avx2 = true, .avx512 = true, .avx512_vnni = true};
    case instruction_set::avx512_bf16:
      return {.avx2 = true, .avx512 = true, .avx512_vnni = true, .avx512_bf16 = true};
    case instruction_set::amx:
      return {.avx2 = true, .avx512 = true, .avx512_vnni = true, .avx512_bf16 = true, .amx = true};
  }
  return {};
}

/// Whether processors that run `set` also run kernels of `part`: how families of kernels that lack a set find their
/// best one.
[[nodiscard]] constexpr bool includes(instruction_set set, instruction_set part) noexcept {
  return features_of(set).include(features_of(part));
}

/// What the processor has and the operating system has switched on.
[[nodiscard]] processor_features detect_features() noexcept;

/// Whether kernels of a set run here.
[[nodiscard]] inline bool has_instruction_set(instruction_set set) noexcept {
  static const processor_features here = detect_features();
  return here.include(features_of(set));
}

/// The best set that runs here.
[[nodiscard]] inline instruction_set best_instruction_set() noexcept {
  instruction_set best = instruction_set::portable;
  for (const instruction_set set : instruction_sets) {
    if (has_instruction_set(set)) best = set;
  }
  return best;
}

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/isa.ipp>
#endif
