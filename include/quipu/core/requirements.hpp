/// @file What the library asks of the compiler and its switches; a build without it ends here, in one plain sentence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Read by compilers of any standard: nothing but directives here.
#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#define QUIPU_REFUSED
#error "quipu needs C++20: compile with -std=c++20 (g++ 12 or clang 14, or later)"
#elif defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#define QUIPU_REFUSED
#error "quipu needs NaN and infinity to be what they are: compile without -ffast-math and -ffinite-math-only"
#elif !defined(__cpp_exceptions)
#define QUIPU_REFUSED
#error "quipu reports errors by exceptions: compile without -fno-exceptions"
#endif

// The umbrella passes over all other headers; a header included on its own lets the compiler stop here.
#if defined(QUIPU_REFUSED) && !defined(QUIPU_READS_UMBRELLA)
#include <the #error above says what quipu needs>
#endif
