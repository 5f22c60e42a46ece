/// @file The few macros of the library: assertions and marks for code that a GPU compiler also reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>

/// Functors and index arithmetic that CUDA code reuses carry this mark; it is empty elsewhere.
#if defined(__CUDACC__)
#define QUIPU_HOST_DEVICE __host__ __device__
#else
#define QUIPU_HOST_DEVICE
#endif

/// Precondition of an internal function. Active in builds without NDEBUG, such as the sanitizer presets.
#define QUIPU_ASSERT(condition) assert(condition)
