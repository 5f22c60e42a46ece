// What load.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/read_vocabulary.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/policies.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/llama/weights.hpp>

namespace quipu::llama {

QUIPU_INLINE io::checkpoint open_for_load(const std::string& path, const load_options& options) {
  io::checkpoint source = io::open_checkpoint(path, options.access);
  if (!options.tokenizer.empty()) {
    source.vocabulary = io::read_vocabulary(options.tokenizer, source.config.n_vocab);
    if (source.vocabulary.tokens.size() != source.config.n_vocab) {
      fail<format_error>(options.tokenizer, concat(source.config.n_vocab, " tokens, as the model has"),
                         source.vocabulary.tokens.size());
    }
  }
  return source;
}

#if defined(QUIPU_COMPILED)
template class detail::weight_builder<float>;
#endif

}  // namespace quipu::llama
