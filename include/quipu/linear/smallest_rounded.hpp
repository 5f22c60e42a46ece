/// @file From where on values are rounded to whole numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::linear {

/// Where nothing that shares a scale is larger than this, all of it becomes 0: the inverse of so small a scale would be infinite.
inline constexpr float smallest_rounded = 0x1p-100f;

}  // namespace quipu::linear
