/// @file Headers alone, or compiled once: QUIPU_INLINE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/requirements.hpp>  // C++20, exceptions

/// The library is its headers; nothing needs to be built. What no policy changes and is much work to compile (readers of
/// files, tokenizers, chat templates) is declared in a header `x.hpp` and defined in `x.ipp` beside it, which the header
/// includes at its end, with QUIPU_INLINE for `inline`.
///
/// A program that links the CMake target `quipu::compiled` is compiled with QUIPU_COMPILED defined: headers then leave
/// their `.ipp` out, and the target's static library, made of all of them, is compiled once for all source files.
#if defined(QUIPU_COMPILED)
#define QUIPU_INLINE
#else
#define QUIPU_INLINE inline
#endif
