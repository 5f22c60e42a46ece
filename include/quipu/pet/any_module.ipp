// The usual instantiations of any_module.hpp, for quipu::compiled alone: the header does not include this.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/pet/any_module.hpp>

namespace quipu::pet {

template class any_module<float>;

}  // namespace quipu::pet
