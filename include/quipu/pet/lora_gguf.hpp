/// @file LoRA modules as llama.cpp's adapter files, written and read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/export_tensor.hpp>  // has_rope_rows
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/gguf_key_writer.hpp>
#include <quipu/io/gguf_names.hpp>
#include <quipu/io/gguf_output.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/pet/lora.hpp>

namespace quipu::pet {

/// Writes a module so that `llama-cli --lora` applies it: tensors `blk.N.attn_q.weight.lora_a` (rank, d_in) and
/// `.lora_b` (d_out, rank) in F32, rows of q and k in llama.cpp's order. llama.cpp scales by one alpha divided by
/// each tensor's rank; if a target's scale is another (rsLoRA, alpha patterns), its B takes the rest.
/// @throws io_error  the file cannot be written
template <class Scalar>
void write_lora_gguf(const std::string& path, const lora::module<Scalar>& module, const io::model_config& c) {
  if (!module.fits(c)) fail<config_error>("write_lora_gguf", "a module of this model", "one of other sizes");
  io::gguf_key_writer keys;
  keys.text("general.type", "adapter");
  keys.text("general.architecture", "llama");
  keys.text("adapter.type", "lora");
  const double alpha = module.policy().alpha;
  keys.number("adapter.lora.alpha", alpha);
  const auto bytes_of = [](std::vector<float> values) {
    const auto bytes = std::as_bytes(std::span(values));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  std::vector<io::gguf_output_tensor> tensors;
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    for (const projection_site site : linear::projection_sites) {
      if (!module.touches(site, layer)) continue;
      const auto& t = module.at(layer, site);
      const std::string name = io::gguf_name_of_hf(t.name + ".weight").value();
      const double rest = alpha == 0 ? 1 : static_cast<double>(t.scale) / (alpha / static_cast<double>(t.rank));
      tensors.push_back({name + ".lora_a", tensor_type::f32, {t.rank, t.d_in}, [&t, bytes_of] {
                           return bytes_of({t.a, t.a + t.rank * t.d_in});
                         }});
      tensors.push_back({name + ".lora_b", tensor_type::f32, {t.d_out, t.rank}, [&t, &c, rest, bytes_of] {
                           std::vector<float> b(t.d_out * t.rank);
                           std::transform(t.b, t.b + b.size(), b.begin(), [&](Scalar x) {
                             return static_cast<float>(static_cast<double>(x) * rest);
                           });
                           std::vector<std::byte> bytes = bytes_of(std::move(b));
                           if (!io::has_rope_rows(t.name + ".")) return bytes;
                           return io::swap_rope_layout({tensor_type::f32, {t.d_out, t.rank}, bytes},
                                                       io::rope_layout::halves, c.d_head);
                         }});
    }
  }
  io::write_gguf_file(path, keys, tensors);
}

namespace detail {

/// Targets, ranks and alpha of an adapter file; every tensor of it is checked.
[[nodiscard]] lora lora_policy_of(const io::gguf_contents& file, const io::model_config& c);

}  // namespace detail

/// The module of a parsed adapter file. Its targets and ranks are those of its tensors.
/// @throws format_error  another kind of file, tensors without partner or of other shapes, or for layers that the
///                       model has not
template <class Scalar>
[[nodiscard]] lora::module<Scalar> lora_of_gguf(const io::gguf_contents& file, const io::model_config& c) {
  const lora policy = detail::lora_policy_of(file, c);
  try {
    lora::module<Scalar> made(policy, c, 0);
    for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
      for (const projection_site site : linear::projection_sites) {
        if (!made.touches(site, layer)) continue;
        const auto& t = made.at(layer, site);
        const std::string stem = io::gguf_name_of_hf(t.name + ".weight").value();
        const auto a = io::values_of<Scalar>(file.tensors.at(stem + ".lora_a"));
        std::copy(a.begin(), a.end(), t.a);
        io::tensor_view b = file.tensors.at(stem + ".lora_b");
        std::vector<std::byte> moved;
        if (io::has_rope_rows(t.name + ".")) {
          moved = io::swap_rope_layout(b, io::rope_layout::neighbours, c.d_head);
          b.bytes = moved;
        }
        const auto values = io::values_of<Scalar>(b);
        std::copy(values.begin(), values.end(), t.b);
      }
    }
    return made;
  } catch (const config_error& problem) {
    throw format_error(concat(file.metadata.place(), ": ", problem.what()));
  }
}

/// Reads an adapter file.
/// @throws io_error      the file cannot be read
/// @throws format_error  as `lora_of_gguf`
template <class Scalar>
[[nodiscard]] lora::module<Scalar> read_lora_gguf(const std::string& path, const io::model_config& c) {
  const mapped_file file(path);
  return lora_of_gguf<Scalar>(io::parse_gguf(file.bytes(), path), c);
}

#if defined(QUIPU_COMPILED)
extern template void write_lora_gguf<float>(const std::string&, const lora::module<float>&, const io::model_config&);
extern template lora::module<float> lora_of_gguf<float>(const io::gguf_contents&, const io::model_config&);
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/lora_gguf.ipp>
#endif
