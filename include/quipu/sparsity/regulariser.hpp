/// @file What training adds to the loss to make an FFN sparse: the role `regulariser`, and L1 on its values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/core/error.hpp>  // concat
#include <quipu/core/matrix_view.hpp>
#include <quipu/sparsity/l1_rows.hpp>

namespace quipu::sparsity {

/// Values of an FFN that can be penalised, (n_row, d_ffn) each.
enum class penalised : std::uint8_t {
  hidden,  ///< f(gate) * up, what `down` reads
  gate,    ///< before the activation
  up,
};

/// What a sum over tokens and neurons is divided by. Values at several places of a layer and layers are added up.
enum class reduction : std::uint8_t {
  mean_tokens_neurons,      ///< tokens of the step times d_ffn: lambdas of ProSparse's tables mean this
  mean_tokens_sum_neurons,  ///< tokens of the step
  sum,                      ///< nothing
};
inline constexpr std::string_view reduction_names[] = {"mean_tokens_neurons", "mean_tokens_sum_neurons", "sum"};
[[nodiscard]] constexpr std::string_view name_of(reduction r) noexcept { return reduction_names[static_cast<std::size_t>(r)]; }

/// The share of one value in a reduction. @param n_token  of the whole step, over all of its passes
[[nodiscard]] inline double share_of(reduction r, std::size_t n_token, std::size_t d_ffn) noexcept {
  const double n = r == reduction::sum ? 1 : static_cast<double>(n_token) * (r == reduction::mean_tokens_neurons ? static_cast<double>(d_ffn) : 1);
  return n == 0 ? 0 : 1 / n;
}

template <class R>
concept has_regulariser_name = requires(const R& r) {
  { r.name() } -> std::convertible_to<std::string_view>;
};
template <class R>
concept has_places = requires(const R& r) {
  { r.at(penalised{}) } -> std::convertible_to<bool>;
};
template <class R>
concept has_reduction = requires(const R& r) {
  { r.over } -> std::convertible_to<reduction>;
};
template <class R>
concept has_group = requires(const R& r) {
  { r.n_together() } -> std::convertible_to<std::size_t>;
};
template <class R, class Scalar>
concept has_penalty = requires(const R& r, matrix_view<const Scalar> v, Scalar factor, matrix_view<Scalar> dv) {
  { r.add(v, factor, dv) } -> std::convertible_to<double>;
};

/// Role `regulariser`: copyable; a penalty on values of the FFN that is a sum over groups of neighbouring tokens.
///
/// | member | meaning |
/// |---|---|
/// | `name()` | what runs record, with everything that it is set to |
/// | `at(place)` | whether values at that place are penalised; at least one is |
/// | `over` | the `reduction` |
/// | `n_together()` | tokens of a group, at least 1; a sequence's last group may be smaller |
/// | `add(v, factor, dv)` | v (n, d_ffn) the values of a group; adds factor * gradient of its penalty to dv (n, d_ffn), which may be empty; gives the penalty, without the factor. Called on several threads |
template <class R>
concept regulariser = std::copyable<R> && has_regulariser_name<R> && has_places<R> && has_reduction<R> && has_group<R> &&
                      has_penalty<R, float> && has_penalty<R, double>;

/// Says in one sentence what a type lacks to be a regulariser.
template <class R>
consteval void explain_regulariser() {
  if constexpr (!std::copyable<R>) {
    static_assert(std::copyable<R>, "regulariser: the policy must be copyable");
  } else if constexpr (!has_regulariser_name<R>) {
    static_assert(has_regulariser_name<R>, "regulariser: declare 'std::string name() const', with everything that it is set to");
  } else if constexpr (!has_places<R>) {
    static_assert(has_places<R>, "regulariser: declare 'bool at(penalised place) const'");
  } else if constexpr (!has_reduction<R>) {
    static_assert(has_reduction<R>, "regulariser: declare a member 'reduction over'");
  } else if constexpr (!has_group<R>) {
    static_assert(has_group<R>, "regulariser: declare 'std::size_t n_together() const', the tokens of a group");
  } else {
    static_assert(regulariser<R>,
                  "regulariser: declare 'template <class S> double add(matrix_view<const S> v, S factor, matrix_view<S> dv) "
                  "const' for float and double");
  }
}

/// The mean |f(gate) * up|; its derivative at 0 is 0. Source: Song et al. 2024, "ProSparse", algorithm 1; the reduction is not in
/// the paper, see `reduction`.
struct l1_hidden {
  reduction over = reduction::mean_tokens_neurons;

  [[nodiscard]] std::string name() const { return "l1_hidden " + std::string(name_of(over)); }
  static constexpr bool at(penalised place) noexcept { return place == penalised::hidden; }
  static constexpr std::size_t n_together() noexcept { return 1; }
  template <class S>
  [[nodiscard]] double add(matrix_view<const S> v, S factor, matrix_view<S> dv) const noexcept {
    return add_l1<S, false>(v, factor, dv);
  }
};

/// The mean of max(gate, 0), the gating score of a ReLU: it shrinks what decides whether a neuron is active, and leaves the
/// up projection alone.
struct l1_gate {
  reduction over = reduction::mean_tokens_neurons;

  [[nodiscard]] std::string name() const { return "l1_gate " + std::string(name_of(over)); }
  static constexpr bool at(penalised place) noexcept { return place == penalised::gate; }
  static constexpr std::size_t n_together() noexcept { return 1; }
  template <class S>
  [[nodiscard]] double add(matrix_view<const S> v, S factor, matrix_view<S> dv) const noexcept {
    return add_l1<S, true>(v, factor, dv);
  }
};

/// For dReLU, max(gate, 0) * max(up, 0): the mean of both factors, added up, since either one at 0 makes a neuron inactive.
/// (`l1_hidden` penalises their product.)
struct l1_drelu : l1_gate {
  [[nodiscard]] std::string name() const { return "l1_drelu " + std::string(name_of(over)); }
  static constexpr bool at(penalised place) noexcept { return place != penalised::hidden; }
};

/// Draws the active neurons of neighbouring tokens together: the size of a neuron's values in a chunk of c tokens,
/// sqrt(c * sum of their squares), in place of the sum of |value|. Equal values cost what they cost in L1, and to lose the
/// last active token of a chunk gains most, so that chunks get fewer neurons that any of their tokens needs. This is the
/// group lasso of Yuan and Lin 2006, eq. (2.1), over chunks; its aim, sparsity of chunks (CLS), is that of Song et al.
/// 2025, "BlockFFN". Its derivative at 0 is 0.
struct chunk_locality {
  std::size_t n_token = 8;  ///< of a chunk, at least 1
  reduction over = reduction::mean_tokens_neurons;

  [[nodiscard]] std::string name() const { return concat("chunk_locality ", n_token, " ", name_of(over)); }
  static constexpr bool at(penalised place) noexcept { return place == penalised::hidden; }
  [[nodiscard]] std::size_t n_together() const noexcept { return n_token; }
  template <class S>
  [[nodiscard]] double add(matrix_view<const S> v, S factor, matrix_view<S> dv) const noexcept {
    double sum = 0;
    const auto size = static_cast<double>(v.rows());
    for (std::size_t i = 0; i < v.cols(); ++i) {
      double squares = 0;
      for (std::size_t t = 0; t < v.rows(); ++t) squares += static_cast<double>(v(t, i)) * static_cast<double>(v(t, i));
      if (!(squares > 0)) continue;
      const double root = std::sqrt(size * squares);
      sum += root;
      if (dv.empty()) continue;
      const double slope = static_cast<double>(factor) * size / root;
      for (std::size_t t = 0; t < v.rows(); ++t) dv(t, i) += static_cast<S>(slope * static_cast<double>(v(t, i)));
    }
    return sum;
  }
};

static_assert(regulariser<l1_hidden> && regulariser<l1_gate> && regulariser<l1_drelu> && regulariser<chunk_locality>);

}  // namespace quipu::sparsity
