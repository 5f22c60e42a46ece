/// @file LoRA: a low-rank product added to linear layers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

class peft_fields;

/// y += s B A dropout(x), s = alpha / rank, or alpha / sqrt(rank) with rs_lora. Only A and B train.
/// Source: Hu et al. 2021, section 4.1; rsLoRA: Kalajdzievski 2023.
struct lora {
  std::size_t rank = 8;
  double alpha = 8;
  bool rs_lora = false;
  double dropout = 0;  ///< share of the entries of x that are left out in training, 0 .. 1
  optim::name_pattern targets = optim::name_pattern::suffixes({"q_proj", "v_proj"});
  std::vector<pattern_value> rank_pattern{};   ///< ranks that differ; the first that fits holds
  std::vector<pattern_value> alpha_pattern{};  ///< alphas that differ

  template <class Scalar>
  class module;

  static constexpr std::string_view peft_type = "LORA";  // of DoRA too, which switches `use_dora` on
  [[nodiscard]] static bool is_peft(peft_fields& fields);
  [[nodiscard]] static lora read_peft(peft_fields& fields, const io::model_config& c);
  /// Rank, alpha and what depends on them, without targets.
  [[nodiscard]] static lora read_scales(peft_fields& fields);
  void write_peft(nlohmann::ordered_json& json, const io::model_config&) const;
  /// How many values A and B of a module for a model of config `c` have.
  /// @throws config_error  no target, or patterns that cannot be compiled
  [[nodiscard]] double n_value(const io::model_config& c) const;

 protected:
  [[nodiscard]] static lora read_low_rank(peft_fields& fields, const io::model_config& c);
  void write_low_rank(nlohmann::ordered_json& json, bool use_dora) const;
};

/// The values of LoRA on one model's targets.
template <class Scalar>
class lora::module : public no_module {
 public:
  using scalar_type = Scalar;
  using policy_type = lora;
  using call_type = module_call<Scalar>;

  /// One target: y (n, d_out) += scale (x A^T) B^T.
  struct target {
    std::string name;  ///< "model.layers.0.self_attn.q_proj"
    std::size_t rank = 0, d_in = 0, d_out = 0;
    std::size_t parameter = 0;  ///< number of A in `parameters()`; B comes next
    Scalar scale = 0;
    Scalar* a = nullptr;   ///< (rank, d_in)
    Scalar* b = nullptr;   ///< (d_out, rank)
    Scalar* da = nullptr;  ///< gradients
    Scalar* db = nullptr;
    [[nodiscard]] bool empty() const noexcept { return a == nullptr; }
  };

  /// A is drawn from U(-1/sqrt(d_in), 1/sqrt(d_in)), B is zero: the module starts without an effect.
  /// @throws config_error  no target matches, a rank of 0 or beyond the matrix, a dropout outside 0 .. 1
  module(const lora& policy, const io::model_config& c, std::uint64_t seed) : policy_(policy), seed_(seed), memory_(c) {
    if (!(policy.dropout >= 0 && policy.dropout < 1))
      fail<config_error>("lora: dropout", "0 <= dropout < 1", policy.dropout);
    targets_.resize(c.n_layer * linear::projection_sites.size());
    const pattern_table ranks(policy.rank_pattern), alphas(policy.alpha_pattern);
    lowest_ = for_each_target(
        policy.targets, c, "lora",
        [&](std::size_t layer, projection_site site, const std::string& name, std::size_t d_out, std::size_t d_in) {
          add(targets_[target_index(layer, site)], name, d_out, d_in, ranks(name, static_cast<double>(policy.rank)),
              alphas(name, policy.alpha));
        });
    memory_.allocate();
    bind_parameters();
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return memory_.parameters(); }
  [[nodiscard]] const lora& policy() const noexcept { return policy_; }
  /// Makes the module's effect `factor` times as strong, for all who share it. The settings stay as they are.
  void scale_by(double factor) noexcept {
    for (target& t : targets_) t.scale *= static_cast<Scalar>(factor);
  }
  /// The factor of B A is not among the parameters.
  void add_to_key(key_hash& hash) const noexcept {
    for (const target& t : targets_) hash.add_value(t.scale);
  }
  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return memory_.fits(c); }
  [[nodiscard]] std::size_t lowest_layer() const noexcept { return lowest_; }
  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const noexcept {
    return !at(layer, site).empty();
  }
  [[nodiscard]] const target& at(std::size_t layer, projection_site site) const noexcept {
    return targets_[target_index(layer, site)];
  }

  void projected(const call_type& call, projection_site site, matrix_view<const Scalar> x,
                 matrix_view<Scalar> y) const {
    const target& t = at(call.layer, site);
    if (t.empty()) return;
    workspace w = scratch(call, t, x);
    reduce(call, t, w.input, w.inner);  // (n_row, rank)
    call.multiply.product(operand::along(w.inner), operand::along({t.b, t.d_out, t.rank}), y,
                          linear::gemm_output::accumulate);
  }

  void projected_backward(const call_type& call, projection_site site, matrix_view<const Scalar> x,
                          matrix_view<Scalar> dy, matrix_view<Scalar> dx) {
    const target& t = at(call.layer, site);
    if (t.empty()) return;
    workspace w = scratch(call, t, x);
    reduce(call, t, w.input, w.inner);  // u = s A x, (n_row, rank)
    call.multiply.weight_gradient(dy, w.inner, t.db);
    call.multiply.product(operand::along(dy), operand::across({t.b, t.d_out, t.rank}), w.inner,
                          linear::gemm_output::overwrite);
    scale(w.inner, t.scale);  // s B^T dy, (n_row, rank)
    call.multiply.weight_gradient(w.inner, w.input, t.da);
    if (dx.empty()) return;
    const operand a = operand::across({t.a, t.rank, t.d_in});
    if (!drops(call)) return call.multiply.product(operand::along(w.inner), a, dx, linear::gemm_output::accumulate);
    buffer<Scalar> whole(x.rows() * t.d_in);  // (n_row, d_in)
    const auto through = whole.matrix(x.rows(), t.d_in);
    call.multiply.product(operand::along(w.inner), a, through, linear::gemm_output::overwrite);
    for_kept(call, t, through,
             [&](std::size_t r, std::size_t i, Scalar factor) { dx(r, i) += factor * through(r, i); });
  }

  /// w (d_out, d_in) += scale B A: what the target adds to its weight.
  void merge_into(linear::multiplier<Scalar>& multiply, std::size_t layer, projection_site site, matrix_view<Scalar> w,
                  Scalar*) const {
    const target& t = at(layer, site);
    buffer<Scalar> scaled(t.d_out * t.rank);  // (d_out, rank)
    std::transform(t.b, t.b + t.d_out * t.rank, scaled.data(), [&](Scalar b) { return b * t.scale; });
    multiply.product(operand::along(scaled.matrix(t.d_out, t.rank)), operand::across({t.a, t.rank, t.d_in}), w,
                     linear::gemm_output::accumulate);
  }

 protected:
  using operand = linear::plain_operand<Scalar>;

  void add(target& t, const std::string& name, std::size_t d_out, std::size_t d_in, double own_rank, double own_alpha) {
    const auto most = static_cast<double>(4 * std::max(d_out, d_in));  // concatenations may pass the matrix' own rank
    if (!(own_rank >= 1 && own_rank <= most && own_rank == std::floor(own_rank))) {
      fail<config_error>(concat("lora: rank of ", name), concat("1 .. ", most), own_rank);
    }
    t.name = name;
    t.rank = static_cast<std::size_t>(own_rank);
    t.d_in = d_in;
    t.d_out = d_out;
    t.scale = static_cast<Scalar>(own_alpha / (policy_.rs_lora ? std::sqrt(own_rank) : own_rank));
    t.parameter = memory_.add(peft_name(name, ".lora_A.weight"), {t.rank, d_in});
    memory_.add(peft_name(name, ".lora_B.weight"), {d_out, t.rank});
  }

  void bind_parameters() {
    for (target& t : targets_) {
      if (t.rank == 0) continue;
      const auto &a = memory_[t.parameter], &b = memory_[t.parameter + 1];
      t.a = a.value;
      t.da = a.gradient;
      t.b = b.value;
      t.db = b.gradient;
      random_stream random(seed_, t.parameter + 2);
      const double bound = 1.0 / std::sqrt(static_cast<double>(t.d_in));
      std::generate_n(t.a, t.rank * t.d_in,
                      [&] { return static_cast<Scalar>(bound * (2 * random.uniform_double() - 1)); });
    }
  }

  struct workspace {
    buffer<Scalar> dropped, small;
    matrix_view<const Scalar> input;  ///< dropout(x)
    matrix_view<Scalar> inner;        ///< (n_row, rank)
  };

  [[nodiscard]] workspace scratch(const call_type& call, const target& t, matrix_view<const Scalar> x) const {
    workspace w;
    w.small = buffer<Scalar>(x.rows() * t.rank);  // (n_row, rank)
    w.inner = w.small.matrix(x.rows(), t.rank);
    w.input = x;
    if (!drops(call)) return w;
    w.dropped = buffer<Scalar>(x.rows() * x.cols());  // (n_row, d_in)
    const auto to = w.dropped.matrix(x.rows(), x.cols());
    for_kept(call, t, x, [&](std::size_t r, std::size_t i, Scalar factor) { to(r, i) = factor * x(r, i); });
    w.input = to;
    return w;
  }

  // inner = scale * input A^T
  static void reduce(const call_type& call, const target& t, matrix_view<const Scalar> input,
                     matrix_view<Scalar> inner) {
    call.multiply.product(operand::along(input), operand::along({t.a, t.rank, t.d_in}), inner,
                          linear::gemm_output::overwrite);
    scale(inner, t.scale);
  }
  static void scale(matrix_view<Scalar> m, Scalar factor) noexcept {
    for (std::size_t i = 0; i < m.rows() * m.cols(); ++i) m.data()[i] *= factor;
  }

  [[nodiscard]] bool drops(const call_type& call) const noexcept { return call.training && policy_.dropout > 0; }

  // Calls f(row, column, 1 / (1 - dropout)) for the entries that dropout keeps; the others count as 0.
  template <class F>
  void for_kept(const call_type& call, const target& t, matrix_view<const Scalar> like, F&& f) const {
    const auto limit = static_cast<std::uint64_t>(policy_.dropout * 4294967296.0);
    const auto factor = static_cast<Scalar>(1 / (1 - policy_.dropout));
    const auto index = static_cast<std::uint32_t>(&t - targets_.data());
    call.multiply.tools().team().parallel_for(like.rows(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t r = begin; r < end; ++r) {
        for (std::size_t i = 0; i < like.cols(); i += 4) {
          const auto bits =
              philox4x32({static_cast<std::uint32_t>(call.first_row + r), static_cast<std::uint32_t>(i), index,
                          static_cast<std::uint32_t>(call.step)},
                         {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32) ^ 0x64726f70u});
          for (std::size_t j = 0; j < 4 && i + j < like.cols(); ++j) {
            if (bits[j] >= limit) f(r, i + j, factor);
          }
        }
      }
    });
  }

  lora policy_;
  std::uint64_t seed_;
  std::vector<target> targets_;  // (n_layer, site)
  parameter_memory<Scalar> memory_;
  std::size_t lowest_ = none;
};

static_assert(pet_module<lora::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class lora::module<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/lora.ipp>
#endif
