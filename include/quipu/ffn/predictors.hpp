/// @file Predictors of active neurons: of low rank, as a small network, and from signs alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/predictor.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/neuron_rows.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::ffn {

/// Two matrices of a layer, second (d_ffn, rank) after first (rank, d_model), in the numbers that they were made or stored with.
struct predictor_layer {
  linear::stored_matrix first, second;
  std::vector<float> least = {};  ///< (d_ffn) what a neuron's output must reach; empty: `predictor_data::least` for all
};

/// Predictors of all layers of a model.
struct predictor_data {
  std::vector<predictor_layer> layers = {};  ///< (n_layer)
  double least = 0;
  std::uint64_t content_hash = 0;  ///< `io::content_hash` of the weights that they were made for; 0: not known
  std::vector<std::shared_ptr<const void>> memory = {};  ///< what the matrices lie in
};

namespace detail {

/// W x for all rows of a matrix, in rows of neurons: a product whose numbers are the matrix's own.
inline void multiply_all(linear::workspace& ws, const linear::neuron_view& w, const float* x, float* out) {
  constexpr std::size_t at_once = 64;
  const auto& kernels = linear::neuron_kernels_for<float>(ws.kernels().set);
  ws.team().parallel_for((w.rows + at_once - 1) / at_once, 1, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::uint32_t ids[at_once];
    for (std::size_t first = begin * at_once; first < std::min(end * at_once, w.rows); first += at_once) {
      const std::size_t n = std::min(at_once, w.rows - first);
      for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::uint32_t>(first + i);
      kernels.dot(w, ids, n, x, out + first);
    }
  });
}

/// A layer of a predictor as its two products read it.
struct two_product_state {
  linear::neuron_rows first, second;
  std::vector<float> least;

  /// @throws config_error  a predictor of other weights, other layers or another shape; outputs that must reach NaN
  two_product_state(std::string_view name, const std::shared_ptr<const predictor_data>& data, const place& at)
      : two_product_state(checked(name, data, at), data.get(), at) {}

 private:
  two_product_state(const predictor_layer& l, const predictor_data* data, const place& at)
      : first(l.first, {}, at.team, {.without_down = true, .name = "predictor, first matrix"}),
        second(l.second, {}, at.team, {.without_down = true, .name = "predictor, second matrix"}),
        least(l.least.empty() ? std::vector<float>(at.config.d_ffn, static_cast<float>(data->least)) : l.least) {}

  static const predictor_layer& checked(std::string_view name, const std::shared_ptr<const predictor_data>& data, const place& at) {
    const auto& c = at.config;
    if (data == nullptr) fail<config_error>(name, "a predictor for each layer", "none");
    check_predictor_hash(name, data->content_hash, at);
    if (data->layers.size() != c.n_layer) fail<config_error>(concat(name, ": layers"), c.n_layer, data->layers.size());
    const predictor_layer& l = data->layers[at.layer];
    if (l.first.cols != c.d_model || l.second.rows != c.d_ffn || l.first.rows != l.second.cols || l.first.rows == 0) {
      fail<config_error>(concat(name, " of layer ", at.layer), concat("(rank, ", c.d_model, ") and (", c.d_ffn, ", rank)"),
                         concat("(", l.first.rows, ", ", l.first.cols, ") and (", l.second.rows, ", ", l.second.cols, ")"));
    }
    if (!l.least.empty() && l.least.size() != c.d_ffn) fail<config_error>(concat(name, " of layer ", at.layer, ": least outputs"), c.d_ffn, l.least.size());
    for (const float v : l.least) {
      if (v != v) fail<config_error>(concat(name, " of layer ", at.layer, ": least outputs"), "numbers", v);
    }
    return l;
  }
};

struct predictor_scratch {
  std::vector<float> inner, outputs;
};

/// The neurons whose output, second g(first x), is not below their least one.
template <class Inner>
void predict_by_products(const two_product_state& s, linear::workspace& ws, const float* x, std::vector<std::uint32_t>& ids, Inner&& g) {
  auto& scratch = ws.kept<predictor_scratch>();
  scratch.inner.resize(s.first.up().rows);
  scratch.outputs.resize(s.second.up().rows);
  multiply_all(ws, s.first.up(), x, scratch.inner.data());
  for (float& v : scratch.inner) v = g(v);
  multiply_all(ws, s.second.up(), scratch.inner.data(), scratch.outputs.data());
  ids.clear();
  for (std::size_t i = 0; i < scratch.outputs.size(); ++i) {
    if (!(scratch.outputs[i] < s.least[i])) ids.push_back(static_cast<std::uint32_t>(i));
  }
}

}  // namespace detail

/// The gate in low rank: whitened truncated SVD with a calibrated bias for each neuron. Needs no training; `sparsity::fit_low_rank`
/// makes it. Source: "SVDP", arXiv 2603.14110, section 3.
struct low_rank {
  static constexpr std::string_view name = "low-rank predictor";
  std::shared_ptr<const predictor_data> data = {};

  struct state : detail::two_product_state {
    state(const low_rank& p, const ffn_weights<float>&, const place& at) : two_product_state(name, p.data, at) {}
  };
  void predict(const state& s, linear::workspace& ws, const float* x, std::vector<std::uint32_t>& ids) const {
    detail::predict_by_products(s, ws, x, ids, [](float v) { return v; });
  }
};

/// A network with one hidden layer of ReLUs, fc2 relu(fc1 x), a neuron predicted where its output is not negative. Source: Liu et al.
/// 2023, "Deja Vu"; Song et al. 2023, "PowerInfer", whose files `read_power_infer` reads.
struct mlp {
  static constexpr std::string_view name = "MLP predictor";
  std::shared_ptr<const predictor_data> data = {};

  struct state : detail::two_product_state {
    state(const mlp& p, const ffn_weights<float>&, const place& at) : two_product_state(name, p.data, at) {}
  };
  void predict(const state& s, linear::workspace& ws, const float* x, std::vector<std::uint32_t>& ids) const {
    detail::predict_by_products(s, ws, x, ids, [](float v) { return v <= 0 ? 0.0f : v; });
  }
};

/// One bit of every gate weight: a neuron is skipped if more than alpha times as many of its products are negative as positive.
/// Needs nothing but the weights. Source: Shin et al. 2025, "SparseInfer", section IV.
struct sign_bits {
  static constexpr std::string_view name = "sign-bit predictor";
  double alpha = 1;  ///< at least 1 or so; the larger, the fewer are skipped

  struct state {
    std::size_t n_word = 0, d_model = 0;
    std::vector<std::uint64_t> signs;  ///< (d_ffn, n_word) 1 where a weight is negative
    std::size_t most_negative = 0;     ///< products that may be negative

    /// @throws config_error  an alpha that is not above 0
    state(const sign_bits& p, const ffn_weights<float>& w, const place& at)
        : n_word((w.gate.cols + 63) / 64), d_model(w.gate.cols), signs(w.gate.rows * n_word, 0) {
      if (!(p.alpha > 0 && p.alpha < 1e6)) fail<config_error>("sign_bits: alpha", "a number above 0", p.alpha);
      // n negative products of d are too many where n > alpha (d - n).
      most_negative = static_cast<std::size_t>(p.alpha * static_cast<double>(d_model) / (1 + p.alpha) * (1 + 1e-12));
      std::vector<std::vector<float>> wide(at.team.size(), std::vector<float>(d_model));
      at.team.parallel_for(w.gate.rows, 64, [&](std::size_t begin, std::size_t end, std::size_t thread) {
        for (std::size_t i = begin; i < end; ++i) {
          io::dequantise_row(w.gate.type, w.gate.row(i), wide[thread].data(), d_model);
          pack(wide[thread].data(), signs.data() + i * n_word);
        }
      });
    }
    /// @param words  (n_word) zeros
    void pack(const float* values, std::uint64_t* words) const noexcept {
      for (std::size_t k = 0; k < d_model; ++k) words[k / 64] |= std::uint64_t{values[k] < 0} << k % 64;
    }
  };
  void predict(const state& s, linear::workspace& ws, const float* x, std::vector<std::uint32_t>& ids) const {
    auto& own = ws.kept<scratch>();
    auto& input = own.input;
    auto& active = own.active;
    input.assign(s.n_word, 0);
    s.pack(x, input.data());
    const std::size_t n = s.signs.size() / s.n_word;
    active.resize(n);
    ws.team().parallel_for(n, 512, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t i = begin; i < end; ++i) {
        std::size_t n_negative = 0;
        for (std::size_t k = 0; k < s.n_word; ++k) n_negative += static_cast<std::size_t>(std::popcount(s.signs[i * s.n_word + k] ^ input[k]));
        active[i] = n_negative <= s.most_negative;
      }
    });
    ids.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (active[i] != 0) ids.push_back(static_cast<std::uint32_t>(i));
    }
  }

 private:
  struct scratch {
    std::vector<std::uint64_t> input;  // (n_word)
    std::vector<std::uint8_t> active;  // (d_ffn)
  };
};

static_assert(neuron_predictor<low_rank> && neuron_predictor<mlp> && neuron_predictor<sign_bits>);

}  // namespace quipu::ffn
