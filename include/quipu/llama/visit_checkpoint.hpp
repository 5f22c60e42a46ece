/// @file A model whose activation is compiled in, whatever the checkpoint states.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <quipu/activation/activation.hpp>
#include <quipu/activation/as_stated.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/llama/load.hpp>

namespace quipu::llama {

/// Opens a checkpoint and calls `f(model)` with a model whose FFN is `Kernel<A>`, A being the activation that the
/// checkpoint states. All activations are compiled: five times the code of `activation::as_stated`, which costs nothing
/// at run time where loops over whole rows are all that matters. For kernels that are compiled for their activation.
///
/// @tparam Kernel    models `ffn_kernel` with each activation
/// @tparam Policies  of the other roles
/// @return what f returns, the same type for all models
/// @throws config_error  an activation that the library does not know; otherwise as `load`
template <template <class> class Kernel = ffn::dense, class... Policies, class F>
decltype(auto) visit_checkpoint(const std::string& path, F&& f, const load_options& options = {}) {
  io::checkpoint source = open_for_load(path, options);
  const build_options build{options.team, options.progress};
  const std::string act = source.config.hidden_act;
  if (activation::computes<activation::relu>(act)) {
    return f(from_checkpoint<Kernel<activation::relu>, Policies...>(std::move(source), build));
  }
  if (activation::computes<activation::fat_relu>(act)) {
    return f(from_checkpoint<Kernel<activation::fat_relu>, Policies...>(std::move(source), build));
  }
  if (activation::computes<activation::gelu>(act)) {
    return f(from_checkpoint<Kernel<activation::gelu>, Policies...>(std::move(source), build));
  }
  if (activation::computes<activation::gelu_tanh>(act)) {
    return f(from_checkpoint<Kernel<activation::gelu_tanh>, Policies...>(std::move(source), build));
  }
  return f(from_checkpoint<Kernel<activation::silu>, Policies...>(std::move(source), build));
}

}  // namespace quipu::llama
