// What llama2c_writer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/export_tensor.hpp>
#include <quipu/io/llama2c.hpp>  // llama2c_sections
#include <quipu/io/llama2c_writer.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

namespace detail {

/// What run.c has no field for must have the value that it assumes.
inline void check_llama2c_config(const model_config& c) {
  const auto need = [](bool holds, const char* field, const char* expected, const auto& found) {
    if (!holds) fail<config_error>(concat("write_llama2c: ", field), expected, found);
  };
  need(c.d_q() == c.d_model, "d_head", "d_model / n_head", c.d_head);
  need(c.hidden_act == "silu", "hidden_act", "silu", c.hidden_act);
  need(std::fabs(c.rms_norm_eps - 1e-5) < 1e-9, "rms_norm_eps", "1e-5", c.rms_norm_eps);
  need(c.rope_theta == 10000, "rope_theta", "10000", c.rope_theta);
  need(c.scaling.type == rope_scaling::kind::none && c.rope_factors.empty(), "rope scaling", "none", "some");
  need(!c.attention_bias && !c.mlp_bias, "biases", "none", "some");
}

/// Version 0 stores cos and sin of position * theta^(-2i / d_head), each (n_ctx, d_head / 2), which run.c
/// skips and older readers use.
inline void write_rotary_tables(atomic_file& file, const model_config& c) {
  for (const bool sine : {false, true}) {
    for (std::size_t position = 0; position < c.n_ctx; ++position) {
      for (std::size_t i = 0; i < c.d_head / 2; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(c.d_head);
        const double angle = static_cast<double>(position) * std::pow(c.rope_theta, exponent);
        file.value(static_cast<float>(sine ? std::sin(angle) : std::cos(angle)));
      }
    }
  }
}

}  // namespace detail

QUIPU_INLINE void write_llama2c(const std::string& path, const checkpoint& source, llama2c_version version,
                                const progress_callback& progress) {
  checkpoint checked = source;  // shares the bytes
  validate(checked);
  const model_config& c = checked.config;
  detail::check_llama2c_config(c);
  if (!checked.further.empty()) {
    fail<config_error>("write_llama2c", "a LLaMA's own tensors alone",
                       concat(printable(checked.further.begin()->first), " (write GGUF or a Hugging Face folder)"));
  }
  atomic_file file(path);
  const bool legacy = version == llama2c_version::v0;
  if (!legacy) {
    file.value(llama2c_magic);
    file.value(std::int32_t{1});
  }
  const auto write_size = [&](std::size_t size) {
    if (size > static_cast<std::size_t>(INT32_MAX)) fail<config_error>("write_llama2c: sizes", "31 bits", size);
    return static_cast<std::int32_t>(size);
  };
  for (const std::size_t size : {c.d_model, c.d_ffn, c.n_layer, c.n_head, c.n_kv_head}) {
    file.value(write_size(size));
  }
  // Version 0 has no field for a head of its own: the sign says it.
  file.value(legacy && !c.tied_embeddings ? -write_size(c.n_vocab) : write_size(c.n_vocab));
  file.value(write_size(c.n_ctx));
  if (!legacy) {
    file.value(static_cast<std::uint8_t>(c.tied_embeddings));
    file.pad(llama2c_header_bytes);
  }
  const auto write_tensor = [&](const std::string& name) {
    file.write(export_tensor(checked, name, tensor_type::f32, rope_layout::neighbours));
  };
  const auto sections = llama2c_sections(c, legacy ? 0 : 1);
  std::size_t n_done = 0;
  for (const llama2c_section& section : sections) {
    if (!section.per_layer) write_tensor(std::string(section.part));
    for (std::size_t layer = 0; section.per_layer && layer < c.n_layer; ++layer) {
      write_tensor(layer_name(layer, section.part));
    }
    if (legacy && section.part == final_norm_name) detail::write_rotary_tables(file, c);
    if (!report_progress(progress, {"writing", ++n_done, sections.size()})) {
      throw cancelled(concat(path, ": writing was cancelled"));
    }
  }
  file.commit();
}

}  // namespace quipu::io
