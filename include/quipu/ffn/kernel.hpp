/// @file The role of an FFN kernel: what computes the feed-forward part of a decoder block.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/policy_list.hpp>  // role_of
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/linear/project.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu {

/// Roles that policies of a model have; see `llama::load`.
namespace role {
struct ffn {};
}  // namespace role

namespace ffn {

/// Where an FFN kernel keeps its intermediate values: the recorder's matrices in training, scratch else.
template <class Scalar>
struct ffn_buffers {
  matrix_view<Scalar> gate;    ///< (n_row, d_ffn) before the activation
  matrix_view<Scalar> up;      ///< (n_row, d_ffn)
  matrix_view<Scalar> hidden;  ///< (n_row, d_ffn) f(gate) * up
};

/// An observer of an FFN that does nothing: the archetype of `Observer`. Those of a model pass the rows on to modules
/// and taps, which may change `out` and `hidden`.
struct no_observer {
  static constexpr bool is_idle = true;
  template <class In, class Out>
  void gate(const In&, const Out&) const noexcept {}
  template <class In, class Out>
  void up(const In&, const Out&) const noexcept {}
  template <class Hidden>
  void hidden(const Hidden&) const noexcept {}
  template <class In, class Out>
  void down(const In&, const Out&) const noexcept {}
};

/// Optional: an observer that says that it does nothing. A kernel need not fill its buffers for it, nor call it.
template <class O>
concept idle_observer = requires { requires std::remove_cvref_t<O>::is_idle; };

/// Role `ffn_kernel`: a small value that computes y += W_down (f(W_gate x) * (W_up x)) of a block, or what stands for
/// it.
///
/// | member | meaning |
/// |---|---|
/// | `using policy_role = role::ffn` | that it is one |
/// | `activation_type activation` | f; a model is loaded only if it computes what the checkpoint states |
/// | `state<Scalar>`, made from (kernel, weights, place) | what is worked out once for a block: thresholds, predictors, rearranged weights; const afterwards, for any number of threads |
/// | `forward(state, weights, workspace, projector, x, buffers, y, observer) const` | x (n_row, d_model), y (n_row, d_model) added to |
///
/// Kernels are for inference; those that train model `trainable_ffn_kernel`.
///
/// What a kernel owes its observer, after each step and on the calling thread: `gate(x, buffers.gate)` with all of the
/// gate, before the activation; `up(x, buffers.up)`, whose entries of neurons that were skipped are 0, before they are
/// read; `hidden(buffers.hidden)`, 0 for skipped neurons; `down(buffers.hidden, y)`. What an observer changes in the
/// gate decides which neurons are active, and its changes of up and hidden reach y for active neurons.
template <class K>
concept has_ffn_role = std::is_same_v<role_of<K>, role::ffn>;
template <class K>
concept has_activation = requires(K& k) {
  typename K::activation_type;
  { (k.activation) } -> std::same_as<typename K::activation_type&>;
};
template <class K>
concept has_state = requires { typename K::template state<float>; };
template <class K>
concept has_state_constructor =
    std::constructible_from<typename K::template state<float>, const K&, const ffn_weights<float>&, const place&>;
template <class K>
concept has_forward =
    requires(const K& k, const typename K::template state<float>& s, const ffn_weights<float>& w, linear::workspace& ws,
             linear::projector<float>& p, matrix_view<const float> x, ffn_buffers<float> b, matrix_view<float> y,
             no_observer observer) { k.forward(s, w, ws, p, x, b, y, observer); };

template <class K>
concept ffn_kernel = std::copyable<K> && has_ffn_role<K> && has_activation<K> && has_state<K> && has_state_constructor<K> &&
                     has_forward<K>;

/// Says in one sentence what a type lacks to be an FFN kernel.
template <class K>
consteval void explain() {
  if constexpr (!std::copyable<K>) {
    static_assert(std::copyable<K>, "ffn_kernel: the policy must be copyable");
  } else if constexpr (!has_ffn_role<K>) {
    static_assert(has_ffn_role<K>, "ffn_kernel: declare 'using policy_role = quipu::role::ffn'");
  } else if constexpr (!has_activation<K>) {
    static_assert(has_activation<K>,
                  "ffn_kernel: declare 'using activation_type = ...' and a member 'activation_type activation'");
  } else if constexpr (!has_state<K>) {
    static_assert(has_state<K>, "ffn_kernel: declare 'template <class Scalar> struct state'");
  } else if constexpr (!has_state_constructor<K>) {
    static_assert(has_state_constructor<K>,
                  "ffn_kernel: declare a constructor 'state(const Kernel&, const ffn_weights<Scalar>&, const place&)'");
  } else {
    static_assert(has_forward<K>,
                  "ffn_kernel: declare 'forward(state, weights, workspace, projector, x, buffers, y, observer) const'");
  }
}

/// Optional: a kernel that says which matrices of a block, stored as which type, its forward pass multiplies by. A matrix that it reads only
/// while its state is made is not brought into tiles.
template <class K>
concept kernel_with_own_forms = requires(const K& k, linear::projection_site site, tensor_type type) {
  { k.multiplies(site, type) } -> std::convertible_to<bool>;
};

/// Whether a kernel multiplies by a matrix: by all of them, unless it says otherwise.
template <class K>
[[nodiscard]] constexpr bool multiplies(const K& kernel, linear::projection_site site, tensor_type type) {
  if constexpr (kernel_with_own_forms<K>) {
    return kernel.multiplies(site, type);
  } else {
    return true;
  }
}

/// Optional: a kernel that says how many bytes the forms take that its state makes of a block's weights, by their types and shapes alone:
/// `data` of the matrices may be null.
template <class K>
concept kernel_that_counts_forms = requires(const K& k, const ffn_weights<float>& w) {
  { k.form_bytes(w) } -> std::convertible_to<std::size_t>;
};

/// Bytes of a kernel's forms of a block; 0 for a kernel that makes none, or does not say.
template <class K>
[[nodiscard]] constexpr std::size_t form_bytes(const K& kernel, const ffn_weights<float>& w) {
  if constexpr (kernel_that_counts_forms<K>) {
    return kernel.form_bytes(w);
  } else {
    return 0;
  }
}

/// The state of kernels that work nothing out beforehand.
template <class Kernel, class Scalar>
struct empty_state {
  empty_state() = default;
  empty_state(const Kernel&, const ffn_weights<Scalar>&, const place&) noexcept {}
};

}  // namespace ffn
}  // namespace quipu
