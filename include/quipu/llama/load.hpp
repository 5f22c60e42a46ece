/// @file From a checkpoint on disk to a model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/available_memory.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/tensor_values.hpp>  // stored_as
#include <quipu/linear/pack_matrix.hpp>
#include <quipu/llama/measured_densities.hpp>
#include <quipu/llama/memory_needed.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/policies.hpp>
#include <quipu/llama/session.hpp>  // open_session, with which a model is a language_model
#include <quipu/llama/weights.hpp>

namespace quipu::llama {

namespace detail {

/// Makes `weights` out of the tensors of a validated checkpoint in `halves` order.
template <class Scalar>
class weight_builder {
 public:
  /// Type of a matrix in memory, from its name and the checkpoint's type.
  using type_choice = std::function<tensor_type(std::string_view, tensor_type)>;
  /// Whether a matrix is brought into tiles, from its name, its type in memory and the length of its rows.
  using pack_choice = std::function<bool(std::string_view, tensor_type, std::size_t)>;

  /// @param n_tile_byte  of all tiles together
  weight_builder(const io::checkpoint& source, type_choice type_for, pack_choice packs, std::size_t n_tile_byte, const thread_team& team)
      : source_(source), type_for_(std::move(type_for)), packs_(std::move(packs)), team_(team) {
    if (n_tile_byte == 0) return;
    // One piece of memory for all: large enough for huge pages, which streams do not stop at. What is not used costs
    // nothing.
    tiles_ = std::make_shared<buffer<std::byte>>(n_tile_byte);
    built.memory.push_back(tiles_);
  }

  /// A matrix of a linear layer.
  [[nodiscard]] linear::stored_matrix matrix(std::string_view name) { return packed(stored(name), name); }

  /// The same with its tiles, if it can have some.
  [[nodiscard]] linear::stored_matrix packed(linear::stored_matrix m, std::string_view name) {
    if (!packs_(name, m.type, m.cols)) return m;
    std::byte* const tiles = tiles_->data() + n_tile_byte_;
    n_tile_byte_ += in_lines(linear::packed_bytes(m.type, m.rows, m.cols));
    if (!linear::pack_matrix(m, team_, tiles))
      fail<numeric_error>(concat(source_.path, ": ", name), "finite scales", "one that is not");
    m.packed = tiles;
    for (const auto& file : source_.files) file->release_if_within({m.data, m.n_byte()});
    return m;
  }

  /// A matrix as it is, of which rows are looked up.
  [[nodiscard]] linear::stored_matrix stored(std::string_view name) {
    const io::tensor_view& t = source_.at(name);
    const std::size_t rows = t.shape[0], cols = t.shape[1];
    const tensor_type type = type_for_(name, t.type);
    if (type == t.type) return {type, rows, cols, t.bytes.data(), row_bytes(type, cols), nullptr};
    auto bytes = std::make_shared<buffer<std::byte>>(rows * row_bytes(type, cols));
    if (cols % block_of(type).elements != 0) {
      fail<config_error>(concat(source_.path, ": ", name, " as ", name_of(type)),
                         concat("rows of a multiple of ", block_of(type).elements), cols);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const io::tensor_view row{t.type, {cols}, t.bytes.subspan(r * row_bytes(t.type, cols), row_bytes(t.type, cols))};
      const std::vector<std::byte> converted = io::stored_as(row, type);
      std::memcpy(bytes->data() + r * row_bytes(type, cols), converted.data(), converted.size());
    }
    const linear::stored_matrix m{type, rows, cols, bytes->data(), row_bytes(type, cols), nullptr};
    built.memory.push_back(std::move(bytes));
    return m;
  }

  /// Vectors are few and small: always plain values.
  [[nodiscard]] const Scalar* vector(std::string_view name) {
    const io::tensor_view& t = source_.at(name);
    auto values = std::make_shared<buffer<Scalar>>(t.n_element());
    io::dequantise_row(t.type, t.bytes.data(), values->data(), t.n_element());
    const Scalar* data = values->data();
    built.memory.push_back(std::move(values));
    return data;
  }

  void block(std::size_t layer, const config& c) {
    const auto name = [&](std::string_view part) { return io::layer_name(layer, part); };
    block_weights<Scalar> b;
    b.attention_norm = vector(name("input_layernorm.weight"));
    b.q = matrix(name("self_attn.q_proj.weight"));
    b.k = matrix(name("self_attn.k_proj.weight"));
    b.v = matrix(name("self_attn.v_proj.weight"));
    b.o = matrix(name("self_attn.o_proj.weight"));
    if (c.attention_bias) {
      b.q_bias = vector(name("self_attn.q_proj.bias"));
      b.k_bias = vector(name("self_attn.k_proj.bias"));
      b.v_bias = vector(name("self_attn.v_proj.bias"));
      b.o_bias = vector(name("self_attn.o_proj.bias"));
    }
    b.ffn_norm = vector(name("post_attention_layernorm.weight"));
    b.ffn.gate = matrix(name("mlp.gate_proj.weight"));
    b.ffn.up = matrix(name("mlp.up_proj.weight"));
    b.ffn.down = matrix(name("mlp.down_proj.weight"));
    if (c.mlp_bias) {
      b.ffn.gate_bias = vector(name("mlp.gate_proj.bias"));
      b.ffn.up_bias = vector(name("mlp.up_proj.bias"));
      b.ffn.down_bias = vector(name("mlp.down_proj.bias"));
    }
    built.blocks.push_back(b);
  }

  weights<Scalar> built;

 private:
  const io::checkpoint& source_;
  type_choice type_for_;
  pack_choice packs_;
  const thread_team& team_;
  std::shared_ptr<buffer<std::byte>> tiles_;
  std::size_t n_tile_byte_ = 0;
};

}  // namespace detail

/// A model from an opened checkpoint.
///
/// @tparam Types    policies that are taken with their default values
/// @param  policies  policies with values of their own, any number in any order
/// @param  options   progress is called after every layer; returning false stops with `cancelled`
/// @throws config_error  the checkpoint's hidden_act is not the FFN policy's, a storage policy cannot hold its rows, or there is
///                       too little memory (see `memory_needed`)
template <class... Types, class... Values>
[[nodiscard]] auto from_checkpoint(io::checkpoint source, const build_options& options = {}, const Values&... policies) {
  using model_type = model<Types..., Values...>;
  using scalar = typename model_type::scalar_type;
  auto chosen = model_type::policies::of(policies...);
  auto activation = chosen.template get<role::ffn>().activation;
  settle_activation(activation, source.config, source.path);  // before any tensor is touched
  io::convert_rope_layout(source, io::rope_layout::halves, options.team);

  const auto& storage = chosen.template get<role::storage>();
  const auto multiplies = [&](std::string_view name, tensor_type type) {
    return detail::multiplies(chosen.template get<role::ffn>(), name, type);
  };
  const memory_estimate needed = detail::memory_of_weights(source, chosen);
  const std::size_t room = options.memory == 0 ? available_memory() : options.memory;
  if (needed.total() > room) {
    const std::string forms = needed.forms > 0 ? concat(" (", mebibytes(needed.forms), " of them forms that the FFN kernel makes)") : std::string();
    fail<config_error>(concat(source.path, ": memory for its weights"), concat("at most ", mebibytes(room), ", which are available"),
                       concat(mebibytes(needed.total()), forms, "; storage::as_stored with ffn::dense takes none"));
  }
  detail::weight_builder<scalar> build(
      source, [&](std::string_view name, tensor_type stored) { return detail::stored_type(storage, name, stored); },
      [&](std::string_view name, tensor_type type, std::size_t n_col) {
        return detail::packs<typename model_type::policies>(type, n_col) && multiplies(name, type);
      },
      needed.tiles, options.team);
  build.built.embedding = build.stored(io::embedding_name);
  for (std::size_t layer = 0; layer < source.config.n_layer; ++layer) {
    build.block(layer, source.config);
    if (!report_progress(options.progress, {"loading", layer + 1, source.config.n_layer})) {
      throw cancelled(concat(source.path, ": loading was cancelled"));
    }
  }
  build.built.final_norm = build.vector(io::final_norm_name);
  build.built.head = source.config.tied_embeddings ? build.packed(build.built.embedding, io::embedding_name)
                                                         : build.matrix(io::head_name);
  for (const auto& file : source.files) build.built.memory.push_back(file);
  for (const auto& bytes : source.owned) build.built.memory.push_back(bytes);

  auto identity = std::make_shared<model_identity>();
  identity->config = source.config;
  identity->path = source.path;
  identity->format = source.format;
  if (source.vocabulary.kind != text::tokenizer_kind::none) {
    // One set of tokens that end a generation, whichever file names them.
    const auto& ends = source.config.end_tokens;
    source.vocabulary.end_tokens.insert(source.vocabulary.end_tokens.end(), ends.begin(), ends.end());
    identity->tokenizer = text::any_tokenizer(std::exchange(source.vocabulary, {}));
  }
  const auto files = source.files;
  identity->content = std::make_shared<const io::checkpoint_content>(std::move(source));
  const auto made = std::make_shared<const weights<scalar>>(std::move(build.built));
  using ffn_type = typename model_type::ffn_type;
  if constexpr (measuring_ffn<ffn_type>) {
    auto kernel = chosen.template get<role::ffn>();
    if (kernel.densities.empty() && !kernel.text.empty() && identity->content->find(ffn::density_tensor_name) == nullptr) {
      auto first = std::get<0>(kernel.kernels);
      first.activation = activation;
      using measured_type = basic_model<typename model_type::policies::template replaced<decltype(first)>>;
      const measured_type m(identity, made, chosen.replace(std::move(first)), options);
      kernel.densities = measured_densities(m, kernel.text, 256, options.team);
      kernel.measured = true;
      chosen = chosen.replace(std::move(kernel));
    }
  }
  model_type m(std::move(identity), made, std::move(chosen), options);
  if constexpr (ffn::kernel_with_own_forms<ffn_type>) {
    const auto give_back = [&](linear::projection_site site, const linear::stored_matrix& w) {
      if (m.ffn().multiplies(site, w.type)) return;
      for (const auto& file : files) file->release_if_within({w.data, w.n_byte()});
    };
    for (const block_weights<scalar>& b : made->blocks) {
      give_back(linear::projection_site::gate, b.ffn.gate);
      give_back(linear::projection_site::up, b.ffn.up);
      give_back(linear::projection_site::down, b.ffn.down);
    }
  }
  return m;
}

struct load_options {
  std::string tokenizer = {};  ///< file or folder with the vocabulary, in place of the checkpoint's own
  progress_callback progress = {};
  thread_team team = thread_team();  ///< that rearrange weights
  file_access access = file_access::map;  ///< `read` for files that others may truncate: the weights are copied
  std::size_t memory = 0;  ///< bytes that the weights may take; 0 means what is available
};

/// A checkpoint for `from_checkpoint`, with the vocabulary that the options name.
/// @throws io_error, format_error  see `io::open_checkpoint` and `io::read_vocabulary`
[[nodiscard]] io::checkpoint open_for_load(const std::string& path, const load_options& options);

/// A model from a GGUF file, a Hugging Face folder or a llama2.c file. What the checkpoint stores in a form
/// that products can read stays where it is: the file is mapped, not copied.
///
///     load<ffn::dense<activation::relu>, kv::exact>(path)         policies as types, in any order
///     load(path, {}, my_kernel{thresholds})                       or as values
///
/// @throws io_error, format_error  see `io::open_checkpoint` and `io::read_vocabulary`
/// @throws config_error            see `from_checkpoint`
/// Example: examples/01_generate/main.cpp
template <class... Types, class... Values>
[[nodiscard]] auto load(const std::string& path, const load_options& options = {}, const Values&... policies) {
  return from_checkpoint<Types...>(open_for_load(path, options), build_options{options.team, options.progress, options.memory},
                                   policies...);
}

}  // namespace quipu::llama

#if !defined(QUIPU_COMPILED)
#include <quipu/llama/load.ipp>
#endif

#if defined(QUIPU_COMPILED)  // in load.ipp
namespace quipu::llama {
extern template class detail::weight_builder<float>;
}
#endif
