/// @file Sparse checkpoints: weights with the thresholds that make them sparse.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/llama/export.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/sparsity/search.hpp>

namespace quipu::prosparse {

struct write_options {
  std::optional<tensor_type> type = {};  ///< of matrices; empty keeps them as they are (a folder has blocks as F32)
  progress_callback progress = {};
};

/// A checkpoint of a ReLU model with thresholds of gates: `hidden_act` becomes "fatrelu" with the least threshold of all as
/// `hidden_act_param`; where they differ, the tensor `ffn::threshold_tensor_name` holds every neuron's, which kernels that skip neurons
/// go by. Other programs then skip less than these, and never more.
/// @throws config_error  an activation without a threshold; thresholds that do not fit the model, are not finite, or were found for other
///                       weights; a layer whose every neuron they make dead, as far as a bound on the gate tells
[[nodiscard]] io::checkpoint with_thresholds(io::checkpoint source, const ffn::thresholds& t);

/// A checkpoint with levels for `ffn::threshold_sparse` beside its weights; its activation stays.
/// @throws config_error  levels that do not fit the model, or were found for other weights
[[nodiscard]] io::checkpoint with_levels(io::checkpoint source, const ffn::sparse_levels& levels, std::string_view first_criterion,
                                         std::string_view second_criterion);

/// Writes a checkpoint: a GGUF file if the path ends with ".gguf", else a folder with safetensors, config and tokenizer.json if there is
/// a tokenizer that has such a form. It appears whole or not at all.
/// @throws config_error, format_error, io_error  see `io::write_gguf` and `io::write_hf_files`
void write_checkpoint(const std::filesystem::path& path, const io::checkpoint& source, const write_options& options = {});

/// A model's checkpoint with the vocabulary of its tokenizer: the weights that it was made from, under its own config.
template <class Policies>
[[nodiscard]] io::checkpoint checkpoint_of(const llama::basic_model<Policies>& m) {
  io::checkpoint source = m.identity()->content->source();
  source.config = m.config();
  source.owned.push_back(m.identity()->content);
  if (m.identity()->tokenizer) source.vocabulary = m.identity()->tokenizer.vocab();
  return source;
}
template <class Policies>
[[nodiscard]] io::checkpoint checkpoint_of(const llama::trainable_model<Policies>& m) {
  return llama::checkpoint_of(m);
}

/// Writes a model with thresholds of its gates.
/// @param m  a model, or a trainable one: as it stands
/// @throws as `with_thresholds` and `write_checkpoint`; nothing is written then
template <class Model>
void write(const std::filesystem::path& path, const Model& m, const ffn::thresholds& t, const write_options& options = {}) {
  write_checkpoint(path, with_thresholds(checkpoint_of(m), t), options);
}
/// Writes a model with what a search found: thresholds of gates if it is a ReLU model and they are on the gate alone, else levels.
/// @throws as `with_thresholds`, `with_levels` and `write_checkpoint`; nothing is written then
template <class Model, class First, class Second>
void write(const std::filesystem::path& path, const Model& m, const sparsity::found_levels<First, Second>& found, const write_options& options = {}) {
  io::checkpoint source = checkpoint_of(m);
  if constexpr (First::value == ffn::criterion_value::gate && Second::value == ffn::criterion_value::none) {
    if (source.config.hidden_act == "relu" || source.config.hidden_act == "fatrelu")
      return write_checkpoint(path, with_thresholds(std::move(source), found.gate_thresholds()), options);
  }
  write_checkpoint(path, with_levels(std::move(source), found.levels, First::name, Second::name), options);
}

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/write.ipp>
#endif
