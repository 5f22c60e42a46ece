/// @file How much memory the process can still take.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Bytes until the machine, the process's control group (Linux, version 2) or its own limit of addresses runs out, whichever
/// comes first; the largest number if nobody says. Files that are only cached do not count as taken.
[[nodiscard]] std::size_t available_memory();

/// "1,234 MiB", for messages.
[[nodiscard]] std::string mebibytes(std::size_t n_byte);

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/available_memory.ipp>
#endif
