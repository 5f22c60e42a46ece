// Usual instantiations, for programs that link quipu::compiled alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/llama/with_base_changes.hpp>

namespace quipu::llama {

template class detail::base_changer<float>;

}  // namespace quipu::llama
