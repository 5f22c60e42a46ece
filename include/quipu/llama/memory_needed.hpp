/// @file What a model will take of memory, told before it takes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>  // concat
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/tensor_names.hpp>  // embedding_name
#include <quipu/linear/packed_form.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/llama/kv_cache.hpp>
#include <quipu/llama/policies.hpp>

namespace quipu::llama {

/// Bytes of a model and its sessions.
struct memory_estimate {
  std::size_t tiles = 0;      ///< matrices in tiles
  std::size_t forms = 0;      ///< what a sparse FFN kernel makes of the weights; of several kernels a layer, the largest
  std::size_t converted = 0;  ///< matrices in another type than the checkpoint's
  std::size_t mapped = 0;     ///< of the file, read where it lies; the system may take these pages back
  std::size_t cache = 0;      ///< keys and values of all sequences at their full length; those that grow token by token may take a
                              ///< quarter more
  std::size_t work = 0;       ///< activations of one pass, and logits

  /// What the process has to itself.
  [[nodiscard]] std::size_t total() const noexcept { return tiles + forms + converted + cache + work; }
};

namespace detail {

/// The type that a storage policy gives a matrix.
template <class Storage>
[[nodiscard]] tensor_type stored_type(const Storage& storage, std::string_view name, tensor_type in_checkpoint) {
  if constexpr (type_choosing_storage<Storage>) {
    return storage.type_for(name, in_checkpoint);
  } else {
    return Storage::type.value_or(in_checkpoint);
  }
}

/// Whether models of these policies bring rows of a type into tiles: without rounding, quantised weights are widened where they
/// lie.
template <class Policies>
[[nodiscard]] bool packs(tensor_type type, std::size_t n_col) noexcept {
  constexpr bool rounds = policy_of<Policies, role::activations>::rounding != linear::activation_rounding::none;
  return policy_of<Policies, role::storage>::repacks && sizeof(scalar_of<Policies>) == 4 && linear::can_pack(type, n_col) &&
         (rounds || linear::packed_form_of(type).is_plain);
}

/// Whether a model multiplies by a matrix of its checkpoint; an FFN kernel may need it only to make forms of its own.
template <class Kernel>
[[nodiscard]] bool multiplies(const Kernel& kernel, std::string_view name, tensor_type type) {
  using enum linear::projection_site;
  for (const auto site : {gate, up, down}) {
    if (name.ends_with(concat(name_of(site), ".weight"))) return ffn::multiplies(kernel, site, type);
  }
  return true;
}

[[nodiscard]] constexpr std::size_t in_lines(std::size_t n_byte) noexcept {
  constexpr std::size_t line = buffer<std::byte>::alignment;
  return (n_byte + line - 1) / line * line;
}

/// The FFN's matrices of a layer in the types that a model will have them in, without their values. Empty where the checkpoint lacks one.
template <class Storage>
[[nodiscard]] ffn::ffn_weights<float> shapes_of_ffn(const io::checkpoint& source, const Storage& storage, std::size_t layer) {
  const auto of = [&](linear::projection_site site) {
    const std::string name = io::layer_name(layer, concat(linear::name_of(site), ".weight"));
    const auto found = source.tensors.find(name);
    if (found == source.tensors.end() || found->second.shape.size() != 2) return linear::stored_matrix{};
    const io::tensor_view& t = found->second;
    return linear::stored_matrix{stored_type(storage, name, t.type), t.shape[0], t.shape[1], nullptr, 0, nullptr};
  };
  using enum linear::projection_site;
  return {of(gate), of(up), of(down)};
}

template <class Policies>
[[nodiscard]] memory_estimate memory_of_weights(const io::checkpoint& source, const Policies& policies) {
  const auto& storage = policies.template get<role::storage>();
  memory_estimate all;
  for (const auto& [name, t] : source.tensors) {
    if (t.shape.size() != 2) continue;
    const tensor_type type = stored_type(storage, name, t.type);
    const bool only_looked_up = name == io::embedding_name && !source.config.tied_embeddings;
    const bool in_tiles =
        !only_looked_up && packs<Policies>(type, t.shape[1]) && multiplies(policies.template get<role::ffn>(), name, type);
    if (in_tiles) all.tiles += in_lines(linear::packed_bytes(type, t.shape[0], t.shape[1]));
    (type == t.type ? all.mapped : all.converted) += in_tiles && type == t.type ? 0 : t.shape[0] * row_bytes(type, t.shape[1]);
  }
  for (std::size_t layer = 0; layer < source.config.n_layer; ++layer) {
    all.forms += in_lines(ffn::form_bytes(policies.template get<role::ffn>(), shapes_of_ffn(source, storage, layer)));
  }
  return all;
}

template <class Kv>
[[nodiscard]] std::size_t cache_bytes(const io::model_config& c, std::size_t n_ctx) noexcept {
  const kv_shape shape{c.n_layer, c.n_kv_head, c.d_head};
  return (n_ctx + kv_shape::page_tokens - 1) / kv_shape::page_tokens * shape.page_values<Kv>() * sizeof(Kv);
}

}  // namespace detail

/// What a checkpoint takes as a model of the given policies, with sequences of n_ctx tokens.
///
///     const auto source = io::open_checkpoint(path);
///     memory_needed<storage::repacked, kv::f16>(source, 4096).total()
///
/// @param n_batch  rows of a pass, see `session_options`
template <class... Types, class... Values>
[[nodiscard]] memory_estimate memory_needed(const io::checkpoint& source, std::size_t n_ctx, std::size_t n_sequence = 1,
                                            std::size_t n_batch = 256, const Values&... policies) {
  using chosen = model_policies<Types..., Values...>;
  using scalar = scalar_of<chosen>;
  using kv = typename policy_of<chosen, role::kv>::template value_type<scalar>;
  const io::model_config& c = source.config;
  memory_estimate all = detail::memory_of_weights(source, chosen::of(policies...));
  all.cache = n_sequence * detail::cache_bytes<kv>(c, n_ctx);
  const std::size_t row = 5 * c.d_model + 2 * c.d_q() + 2 * c.d_kv() + 3 * c.d_ffn, n_logits = std::min<std::size_t>(n_batch, 64);
  all.work = (n_batch * row + n_logits * c.n_vocab) * sizeof(scalar);
  return all;
}

}  // namespace quipu::llama
