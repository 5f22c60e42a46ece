/// @file The few macros of the library: assertions, marks for GPU compilers, instruction-set regions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

/// Functors and index arithmetic that CUDA code reuses carry this mark; it is empty elsewhere.
#if defined(__CUDACC__)
#define QUIPU_HOST_DEVICE __host__ __device__
#else
#define QUIPU_HOST_DEVICE
#endif

/// Precondition of an internal function. Active in builds without NDEBUG, such as the sanitizer presets.
#define QUIPU_ASSERT(condition) assert(condition)

#define QUIPU_PRAGMA(text) _Pragma(#text)

/// Between QUIPU_TARGET_BEGIN("avx2,fma") and QUIPU_TARGET_END every function is compiled for these
/// instructions, whatever the command line says. Templates and lambdas defined inside are covered;
/// functions defined outside keep the baseline and do not inline into the region.
#if defined(__clang__)
#define QUIPU_TARGET_BEGIN(features) \
  QUIPU_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define QUIPU_TARGET_END QUIPU_PRAGMA(clang attribute pop)
#else
#define QUIPU_TARGET_BEGIN(features) QUIPU_PRAGMA(GCC push_options) QUIPU_PRAGMA(GCC target(features))
#define QUIPU_TARGET_END QUIPU_PRAGMA(GCC pop_options)
#endif

/// Before a loop over a constant number of registers: the loop is written out, so that an array of registers
/// stays in registers. At -O2 g++ would keep such arrays in memory.
#if defined(__clang__)
#define QUIPU_UNROLL QUIPU_PRAGMA(unroll)
#else
#define QUIPU_UNROLL QUIPU_PRAGMA(GCC unroll 16)
#endif

/// Small steps of a kernel that must not become calls: between two functions registers go through memory.
#define QUIPU_ALWAYS_INLINE [[gnu::always_inline]] inline
