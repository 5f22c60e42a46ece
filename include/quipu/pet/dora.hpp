/// @file DoRA: LoRA whose sum with the base weight has a learned length in every row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/pet/base_weights.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

/// W' = m (W + s B A) / |W + s B A|, the norm taken row by row; A, B and m (d_out) train. The norm counts as a
/// constant in the backward pass. Source: Liu et al. 2024, sections 4.1 and 4.3. Reads the base weights, which
/// must stay frozen: `llama::bind_base` before the first use.
struct dora : lora {
  template <class Scalar>
  class module;

  [[nodiscard]] static bool is_peft(peft_fields& fields) { return fields.flag("use_dora"); }
  [[nodiscard]] static dora read_peft(peft_fields& fields, const io::model_config& c);
  void write_peft(nlohmann::ordered_json& json, const io::model_config&) const;
};

/// LoRA's values and the magnitudes.
template <class Scalar>
class dora::module : public lora::module<Scalar> {
  using base = lora::module<Scalar>;
  using operand = linear::plain_operand<Scalar>;

 public:
  using policy_type = dora;
  using call_type = module_call<Scalar>;

  /// @throws config_error  as `lora::module`
  module(const dora& policy, const io::model_config& c, std::uint64_t seed)
      : base(policy, c, seed), policy_(policy), norms_(std::make_unique<norm_table>()) {
    std::size_t n = 0;
    for (const auto& t : base::targets_) {
      if (!t.empty()) n += t.d_out;
    }
    magnitudes_ = buffer<Scalar>(n);  // (d_out) of every target, one after the other
    gradients_ = buffer<Scalar>(n);   // the same
    first_.resize(base::targets_.size());
    norms_->of.resize(base::targets_.size());
    const auto low_rank = base::parameters();
    parameters_.assign(low_rank.begin(), low_rank.end());
    std::size_t used = 0;
    for (std::size_t i = 0; i < base::targets_.size(); ++i) {
      const auto& t = base::targets_[i];
      if (t.empty()) continue;
      first_[i] = used;
      parameters_.push_back({peft_name(t.name, ".lora_magnitude_vector"),
                             {t.d_out},
                             magnitudes_.data() + used,
                             gradients_.data() + used});
      used += t.d_out;
    }
  }

  [[nodiscard]] std::span<const optim::parameter<Scalar>> parameters() const noexcept { return parameters_; }
  [[nodiscard]] const dora& policy() const noexcept { return policy_; }
  /// The output is scaled, so it must not be in the residual stream yet.
  [[nodiscard]] bool separates(projection_site site, std::size_t layer) const noexcept {
    return (site == projection_site::o || site == projection_site::down) && base::touches(site, layer);
  }

  /// Binds the weights of the model; magnitudes that are still all zero become the rows' norms, so that a new
  /// module starts without an effect.
  void bind(base_weights<Scalar> weights) {
    base_ = std::move(weights);
    const bool fresh =
        std::all_of(magnitudes_.data(), magnitudes_.data() + magnitudes_.size(), [](Scalar m) { return m == 0; });
    for (row_norms& n : norms_->of) n = {};
    if (!fresh) return;
    for (std::size_t i = 0; i < base::targets_.size(); ++i) {
      if (base::targets_[i].empty()) continue;
      const std::size_t n_site = linear::projection_sites.size();
      compute_norms(thread_team(1), base_.at(i / n_site, static_cast<projection_site>(i % n_site), "dora").w,
                    base::targets_[i], magnitudes_.data() + first_[i]);
    }
  }

  void projected(const call_type& call, projection_site site, matrix_view<const Scalar> x,
                 matrix_view<Scalar> y) const {
    const auto& t = base::at(call.layer, site);
    if (t.empty()) return;
    const auto& layer = base_.at(call.layer, site, "dora");
    buffer<Scalar> memory(x.rows() * t.d_out);
    const auto low = memory.matrix(x.rows(), t.d_out);  // (n_row, d_out)
    const bool drops = base::drops(call);
    directions(call, site, layer.w, x, low, drops);
    const Scalar *m = magnitude(call.layer, site), *n = norms(call, site, layer.w);
    for (std::size_t r = 0; r < y.rows(); ++r) {
      Scalar* to = y.row(r);
      const Scalar* add = low.row(r);
      for (std::size_t i = 0; i < t.d_out; ++i) {
        const Scalar ratio = m[i] / n[i];
        // In training with dropout `low` holds W dropout(x), too; else y's own W x is rescaled.
        const Scalar own = drops ? Scalar(0) : to[i] - (layer.bias == nullptr ? Scalar(0) : layer.bias[i]);
        to[i] += (ratio - 1) * own + ratio * add[i];
      }
    }
    if (!drops) return;
    base_product(call.multiply, layer.w, dropped(call, site, x).view, low);
    for (std::size_t r = 0; r < y.rows(); ++r) {
      for (std::size_t i = 0; i < t.d_out; ++i) y(r, i) -= low(r, i);
    }
  }

  void projected_backward(const call_type& call, projection_site site, matrix_view<const Scalar> x,
                          matrix_view<Scalar> dy, matrix_view<Scalar> dx) {
    const auto& t = base::at(call.layer, site);
    if (t.empty()) return;
    const auto& layer = base_.at(call.layer, site, "dora");
    const Scalar *m = magnitude(call.layer, site), *n = norms(call, site, layer.w);
    buffer<Scalar> memory(x.rows() * t.d_out), ratios(2 * t.d_out);
    const auto z = memory.matrix(x.rows(), t.d_out);  // (n_row, d_out)
    directions(call, site, layer.w, x, z, true);
    Scalar *ratio = ratios.data(), *sums = ratio + t.d_out;  // (d_out) each
    add_column_products<Scalar>(call.multiply.tools().team(), dy, z, sums);
    Scalar* dm = gradients_.data() + first_[target_index(call.layer, site)];
    for (std::size_t i = 0; i < t.d_out; ++i) {
      dm[i] += sums[i] / n[i];
      ratio[i] = m[i] / n[i];
    }
    if (!base::drops(call)) {
      scale_columns(call.multiply.tools().team(), ratio, dy);
      return base::projected_backward(call, site, x, dy, dx);
    }
    // y' = W x + b + (ratio - 1) W dropout(x) + ratio s B A dropout(x): dy stays what reaches W x.
    for (std::size_t r = 0; r < dy.rows(); ++r)
      std::transform(dy.row(r), dy.row(r) + t.d_out, ratio, z.row(r), std::multiplies<Scalar>());
    base::projected_backward(call, site, x, z, dx);
    if (dx.empty()) return;
    for (std::size_t r = 0; r < dy.rows(); ++r) {
      for (std::size_t i = 0; i < t.d_out; ++i) z(r, i) -= dy(r, i);
    }
    buffer<Scalar> whole(x.rows() * t.d_in);
    const auto through = whole.matrix(x.rows(), t.d_in);  // (n_row, d_in)
    call.multiply.input_gradient(z, layer.w, through, linear::gemm_output::overwrite);
    base::for_kept(call, t, through,
                   [&](std::size_t r, std::size_t i, Scalar factor) { dx(r, i) += factor * through(r, i); });
  }

  /// w (d_out, d_in) becomes m (w + s B A) / |w + s B A|.
  void merge_into(linear::multiplier<Scalar>& multiply, std::size_t layer, projection_site site, matrix_view<Scalar> w,
                  Scalar* bias) const {
    const auto& t = base::at(layer, site);
    base::merge_into(multiply, layer, site, w, bias);
    const Scalar* m = magnitude(layer, site);
    for (std::size_t r = 0; r < t.d_out; ++r) {
      const Scalar factor = m[r] / row_norm(w.row(r), t.d_in);
      for (std::size_t i = 0; i < t.d_in; ++i) w(r, i) *= factor;
    }
  }

 private:
  struct row_norms {
    std::vector<Scalar> norm;      // (d_out) of W + s B A
    std::vector<Scalar> made_of;   // the A and B that they belong to
  };
  struct norm_table {
    std::mutex busy;
    std::vector<row_norms> of;  // (n_layer, site)
  };
  struct rows {
    buffer<Scalar> memory;
    matrix_view<const Scalar> view;
  };

  [[nodiscard]] const Scalar* magnitude(std::size_t layer, projection_site site) const noexcept {
    return magnitudes_.data() + first_[target_index(layer, site)];
  }
  [[nodiscard]] static Scalar row_norm(const Scalar* row, std::size_t n) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(row[i]) * static_cast<double>(row[i]);
    return static_cast<Scalar>(std::sqrt(sum));
  }

  static void compute_norms(const thread_team& team, const linear::stored_matrix& w, const typename base::target& t,
                            Scalar* out) {
    team.parallel_for(t.d_out, 16, [&](std::size_t begin, std::size_t end, std::size_t) {
      std::vector<Scalar> row(t.d_in);
      for (std::size_t r = begin; r < end; ++r) {
        io::dequantise_row(w.type, w.row(r), row.data(), t.d_in);
        for (std::size_t k = 0; k < t.rank; ++k) {
          const Scalar factor = t.scale * t.b[r * t.rank + k];
          const Scalar* a = t.a + k * t.d_in;
          for (std::size_t i = 0; i < t.d_in; ++i) row[i] += factor * a[i];
        }
        out[r] = row_norm(row.data(), t.d_in);
      }
    });
  }

  // Norms of W + s B A, recomputed only if A or B changed since the last call.
  [[nodiscard]] const Scalar* norms(const call_type& call, projection_site site, const linear::stored_matrix& w) const {
    const auto& t = base::at(call.layer, site);
    const std::size_t n_a = t.rank * t.d_in, n_b = t.rank * t.d_out;
    const std::lock_guard lock(norms_->busy);
    row_norms& known = norms_->of[target_index(call.layer, site)];
    const bool holds = !known.norm.empty() && std::memcmp(known.made_of.data(), t.a, n_a * sizeof(Scalar)) == 0 &&
                       std::memcmp(known.made_of.data() + n_a, t.b, n_b * sizeof(Scalar)) == 0;
    if (!holds) {
      known.made_of.assign(t.a, t.a + n_a);
      known.made_of.insert(known.made_of.end(), t.b, t.b + n_b);
      known.norm.resize(t.d_out);
      compute_norms(call.multiply.tools().team(), w, t, known.norm.data());
    }
    return known.norm.data();
  }

  [[nodiscard]] rows dropped(const call_type& call, projection_site site, matrix_view<const Scalar> x) const {
    auto w = base::scratch(call, base::at(call.layer, site), x);
    return {std::move(w.dropped), w.input};
  }

  // z (n_row, d_out) = s B A x', with W x' if `with_base`; x' is x after dropout.
  void directions(const call_type& call, projection_site site, const linear::stored_matrix& w,
                  matrix_view<const Scalar> x, matrix_view<Scalar> z, bool with_base) const {
    const auto& t = base::at(call.layer, site);
    auto s = base::scratch(call, t, x);
    base::reduce(call, t, s.input, s.inner);
    if (with_base) base_product(call.multiply, w, s.input, z);
    call.multiply.product(operand::along(s.inner), operand::along({t.b, t.d_out, t.rank}), z,
                          with_base ? linear::gemm_output::accumulate : linear::gemm_output::overwrite);
  }

  dora policy_;
  buffer<Scalar> magnitudes_, gradients_;
  std::vector<std::size_t> first_;  // (n_layer, site) of a target's magnitudes
  optim::parameter_set<Scalar> parameters_;
  base_weights<Scalar> base_;
  std::unique_ptr<norm_table> norms_;
};

static_assert(pet_module<dora::module<float>> && reads_base<dora::module<float>>);

#if defined(QUIPU_COMPILED)
extern template class dora::module<float>;
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/dora.ipp>
#endif
