// The usual instantiations of bottleneck.hpp, for quipu::compiled alone: the header does not include this.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/pet/bottleneck.hpp>

namespace quipu::pet {

template class bottleneck<activation::silu>::module<float>;
template class bottleneck<activation::relu>::module<float>;
template struct bottleneck<activation::silu>;
template struct bottleneck<activation::relu>;

}  // namespace quipu::pet
