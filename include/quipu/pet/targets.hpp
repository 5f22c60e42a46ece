/// @file Which linear layers of a model a module has parameters for, and the memory of these parameters.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::pet {

/// Place of a linear layer in tables over all of them, layer by layer.
[[nodiscard]] constexpr std::size_t target_index(std::size_t layer, projection_site site) noexcept {
  return layer * linear::projection_sites.size() + static_cast<std::size_t>(site);
}

/// PEFT's name of a parameter of the module "model.layers.0.self_attn.q_proj": "base_model.model." + name + part.
[[nodiscard]] std::string peft_name(const std::string& module_name, const char* part);

/// A number for the modules that a pattern names ("layers\\.0\\.self_attn\\.q_proj"), as in PEFT's rank_pattern.
struct pattern_value {
  std::string pattern;  ///< regular expression for the end of a module's name
  double value;
};

/// A pattern for one module's full name: its dots are dots.
[[nodiscard]] std::string exact_pattern(const std::string& name);

/// A list of patterns, compiled once. Patterns that are names (letters, digits, "_", "-" and dots) are compared
/// letter by letter, so that a list of every layer costs little.
class pattern_table {
 public:
  /// Patterns of a list that may be more than names.
  static constexpr std::size_t most_expressions = 1024;

  /// @throws config_error  a pattern that is no regular expression, or too many that are more than names
  explicit pattern_table(const std::vector<pattern_value>& patterns);

  /// The number of the first pattern that fits the end of a name, `usual` if none does.
  [[nodiscard]] double operator()(std::string_view name, double usual) const;

 private:
  struct rule {
    std::size_t begin, size;  // of a name in endings_; of size 0, begin is the number of an expression
    double value;
  };
  static constexpr char any_letter = '\n';  // in no name

  [[nodiscard]] static bool read_name(const std::string& pattern, std::string& ending);
  [[nodiscard]] static bool ends_in(std::string_view name, std::string_view ending) noexcept;

  std::vector<rule> rules_;
  std::string endings_;  // of all names in one piece, as every look-up walks over them; any_letter stands for any
  std::vector<optim::name_pattern> expressions_;
};

/// Calls f(layer, site, name, d_out, d_in) for the linear layers that a pattern names.
/// @return the lowest layer among them
/// @throws config_error  it names none; `kind` is for the message
template <class F>
std::size_t for_each_target(const optim::name_pattern& pattern, const io::model_config& c, const char* kind, F&& f) {
  std::size_t lowest = no_module::none;
  const auto projections = io::projections_of(c);
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    for (const projection_site site : linear::projection_sites) {
      const std::string name = io::layer_name(layer, linear::name_of(site));
      if (!pattern(name)) continue;
      const io::layer_projection& p = projections[static_cast<std::size_t>(site)];
      lowest = std::min(lowest, layer);
      f(layer, site, name, p.rows, p.cols);
    }
  }
  if (lowest == no_module::none) {
    fail<config_error>(concat(kind, ": targets"), "a pattern that names linear layers of the model", "none that fits");
  }
  return lowest;
}

/// Values and gradients of a module's parameters, each in one block of memory that starts as zeros.
template <class Scalar>
class parameter_memory {
 public:
  explicit parameter_memory(const io::model_config& c) : sizes_(sizes_of(c)) {}

  /// @return the parameter's number; its pointers are there after `allocate`
  std::size_t add(std::string name, std::vector<std::size_t> shape) {
    parameters_.push_back({std::move(name), std::move(shape)});
    return parameters_.size() - 1;
  }
  void allocate() {
    const std::size_t n = optim::n_value<Scalar>(parameters_);
    values_ = buffer<Scalar>(n);
    gradients_ = buffer<Scalar>(n);
    std::size_t used = 0;
    for (optim::parameter<Scalar>& p : parameters_) {
      p.value = values_.data() + used;
      p.gradient = gradients_.data() + used;
      used += p.size();
    }
  }

  /// Whether a model has the sizes that the parameters were made for.
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return sizes_ == sizes_of(c); }
  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return parameters_; }
  [[nodiscard]] const optim::parameter<Scalar>& operator[](std::size_t i) const noexcept { return parameters_[i]; }

 private:
  static std::array<std::size_t, 5> sizes_of(const io::model_config& c) noexcept {
    return {c.n_layer, c.d_model, c.d_ffn, c.d_q(), c.d_kv()};
  }

  std::array<std::size_t, 5> sizes_;
  optim::parameter_set<Scalar> parameters_;
  buffer<Scalar> values_, gradients_;
};

#if defined(QUIPU_COMPILED)
extern template class parameter_memory<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/targets.ipp>
#endif
