/// @file Equality of stored tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include <quipu/io/checkpoint.hpp>

namespace quipu::test {

/// Type, shape and every byte.
inline bool same_bytes(const io::tensor_view& a, const io::tensor_view& b) {
  return a.type == b.type && a.shape == b.shape &&
         std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

}  // namespace quipu::test
