/// @file LoRA modules as llama.cpp's adapter files, written and read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>  // show_shape
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
[[nodiscard]] inline lora lora_policy_of(const io::gguf_contents& file, const io::model_config& c) {
  const std::string& path = file.metadata.place();
  const auto expect = [&](const char* key, const char* wanted) {
    const std::string found = file.metadata.text_or(key, "");
    if (found != wanted) fail<format_error>(file.metadata.at(key), wanted, printable(found));
  };
  expect("general.type", "adapter");
  expect("general.architecture", "llama");
  expect("adapter.type", "lora");
  if (file.metadata.has("adapter.alora.invocation_tokens")) {
    fail<format_error>(file.metadata.at("adapter.alora.invocation_tokens"), "a plain LoRA adapter", "an activated one");
  }
  const auto check_shape = [&](const std::string& name, std::size_t rows, std::size_t cols,
                               const io::tensor_view& found) {
    const std::vector<std::size_t> wanted = {rows, cols};
    if (found.shape == wanted && rows > 0) return;
    fail<format_error>(concat(path, ": tensor ", name), concat("shape ", io::show_shape(wanted)),
                       io::show_shape(found.shape));
  };
  lora policy;
  policy.alpha = file.metadata.number_or("adapter.lora.alpha", 0);
  std::vector<std::string> names;
  std::set<std::string> used;
  const auto projections = io::projections_of(c);
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    for (const io::layer_projection& p : projections) {
      const std::string name = io::layer_name(layer, p.part), stem = io::gguf_name_of_hf(name + ".weight").value();
      const auto a = file.tensors.find(stem + ".lora_a"), b = file.tensors.find(stem + ".lora_b");
      if ((a == file.tensors.end()) != (b == file.tensors.end())) {
        fail<format_error>(concat(path, ": tensor ", stem), "both lora_a and lora_b", "one of them");
      }
      if (a == file.tensors.end()) continue;
      const std::size_t rank = a->second.shape.empty() ? 0 : a->second.shape[0];
      check_shape(a->first, rank, p.cols, a->second);
      check_shape(b->first, p.rows, rank, b->second);
      if (names.empty()) policy.rank = rank;
      names.push_back(name);
      if (rank != policy.rank) policy.rank_pattern.push_back({exact_pattern(name), static_cast<double>(rank)});
      used.insert({a->first, b->first});
    }
  }
  for (const auto& entry : file.tensors) {
    if (used.count(entry.first) == 0)
      fail<format_error>(path, "LoRA tensors of this model's linear layers alone", printable(entry.first));
  }
  if (names.empty()) fail<format_error>(path, "LoRA tensors", "none");
  policy.targets = optim::name_pattern::suffixes(std::move(names));
  if (policy.alpha == 0) {  // llama.cpp takes that for "no scaling"
    policy.alpha = static_cast<double>(policy.rank);
    policy.alpha_pattern = policy.rank_pattern;
  }
  return policy;
}

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

}  // namespace quipu::pet
