// Usual instantiations, for programs that link quipu::compiled alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/linear/project.hpp>

namespace quipu::linear {

template class projector<float>;

}  // namespace quipu::linear
