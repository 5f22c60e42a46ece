/// @file One call of a kernel that leaves out neurons whose values are small.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/active_neurons.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/gate.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/ffn/threshold_state.hpp>
#include <quipu/linear/neuron_products.hpp>
#include <quipu/linear/project.hpp>

namespace quipu::ffn {

/// The steps of `threshold_sparse::forward`.
///
/// The value that decides is worked out for all neurons: f(gate), or up, or both. Decoded rows then list what is large enough and
/// read rows of the listed neurons alone; rows of prompts are products of all neurons, and small values become 0.
/// @tparam First      whose size decides first
/// @tparam HasSecond  whether small products are left out as well
template <class Activation, criterion_value First, bool HasSecond>
struct threshold_call {
  using rows_type = matrix_view<float>;
  using const_rows = matrix_view<const float>;

  const Activation& f;
  const threshold_state<float>& s;
  const ffn_weights<float>& w;
  linear::workspace& ws;
  linear::projector<float>& projector;
  const_rows x;              ///< (n_row, d_model)
  ffn_buffers<float> b;
  rows_type y;               ///< (n_row, d_model)

  template <class Observer>
  void run(Observer& observer) const {
    if constexpr (First == criterion_value::none) {
      run_all(observer);
    } else if constexpr (idle_observer<Observer>) {
      run_unseen();
    } else {
      run_seen(observer);
    }
  }

 private:
  static constexpr bool by_up = First == criterion_value::up;

  // What is kept from call to call: f(gate) of all neurons, and ones.
  struct scratch {
    buffer<float> activated;  // (n_row, d_ffn)
    std::vector<float> ones;  // (d_ffn) or more
  };

  [[nodiscard]] std::size_t n_decode() const noexcept { return std::min(projector.n_decode_row(), x.rows()); }
  [[nodiscard]] std::size_t d_ffn() const noexcept { return b.gate.cols(); }

  // The matrix that decides, its bias, and where its product goes; the other one lies in rows.
  [[nodiscard]] rows_type decider() const noexcept { return by_up ? b.up : b.gate; }
  [[nodiscard]] rows_type follower() const noexcept { return by_up ? b.gate : b.up; }
  [[nodiscard]] const float* follower_bias() const noexcept { return by_up ? w.gate_bias : w.up_bias; }

  void project_decider() const {
    if constexpr (by_up) {
      const linear::projection<float> product{&w.up, w.up_bias, b.up};
      projector.run(x, {&product, 1});  // (n_row, d_model) -> (n_row, d_ffn)
    } else {
      project_gate<float>(s, w, ws, projector, x, b.gate);
    }
  }
  // What is compared and multiplied: up itself, or f(gate).  (n_row, d_ffn)
  [[nodiscard]] const_rows deciding_values(const_rows decided) const {
    if constexpr (by_up) {
      return decided;
    } else {
      auto& own = ws.kept<scratch>();
      own.ones.resize(std::max(own.ones.size(), d_ffn()), 1.0f);
      own.activated.reserve_discarding(decided.rows() * d_ffn());
      const auto out = own.activated.matrix(decided.rows(), d_ffn());
      apply_gate<float>(f, ws, decided, const_rows(own.ones.data(), decided.rows(), d_ffn(), 0), out);  // every row of up is the ones
      return out;
    }
  }
  [[nodiscard]] float hidden_of(float decided, float other) const noexcept {
    return by_up ? f(other) * activation::up_of(f, decided) : decided * activation::up_of(f, other);
  }
  [[nodiscard]] float kept(std::size_t i, float hidden) const noexcept {
    if constexpr (HasSecond) {
      return s.product.skips(i, hidden) ? 0.0f : hidden;
    } else {
      return hidden;
    }
  }

  void run_unseen() const {
    project_decider();
    const const_rows values = deciding_values(decider());
    for_each_block(n_decode(), [&](std::size_t first, std::size_t n) {
      active_neurons active(ws, *s.rows, n);
      for (std::size_t t = 0; t < n; ++t) active.list_large(t, values.row(first + t), s.first);
      active.walk<HasSecond || activation::up_changing_activation<Activation>>(
          x.middle_rows(first, n), follower_bias(), w.down_bias, y.middle_rows(first, n),
          [&](std::size_t i, float decided, float other) { return kept(i, hidden_of(decided, other)); });
    });
    if (n_decode() == x.rows()) return;
    prompt_follower();
    prompt_hidden(values);
    prompt_down();
  }

  template <class Observer>
  void run_seen(Observer& observer) const {
    project_decider();
    if constexpr (by_up) whole_follower();
    observer.gate(x, b.gate);
    const const_rows before = by_up ? const_rows() : deciding_values(decider());
    if constexpr (!by_up) {
      for_each_block(n_decode(), [&](std::size_t first, std::size_t n) {
        active_neurons active(ws, *s.rows, n);
        for (std::size_t t = 0; t < n; ++t) active.list_large(t, before.row(first + t), s.first);
        active.project_up(x.middle_rows(first, n), follower_bias());
        for (std::size_t t = 0; t < n; ++t) spread(active.ids(t), active.ups(t), b.up.row(first + t), d_ffn());
      });
      prompt_follower();
    }
    observer.up(x, b.up);
    const const_rows values = by_up ? const_rows(b.up) : before;
    for (std::size_t t = 0; t < n_decode(); ++t) {
      for (std::size_t i = 0; i < d_ffn(); ++i)
        b.hidden(t, i) = s.first.skips(i, values(t, i)) ? 0.0f : kept(i, hidden_of(values(t, i), follower()(t, i)));
    }
    prompt_hidden(values);
    observer.hidden(b.hidden);
    for_each_block(n_decode(), [&](std::size_t first, std::size_t n) {
      active_neurons active(ws, *s.rows, n);
      for (std::size_t t = 0; t < n; ++t) {
        active.list_large(t, values.row(first + t), s.first);
        hold_hidden(active, t, first + t);
      }
      active.add_down(w.down_bias, y.middle_rows(first, n));
    });
    prompt_down();
    observer.down(b.hidden, y);
  }

  // Nothing is decided beforehand: gate and up are the model's own products.
  template <class Observer>
  void run_all(Observer& observer) const {
    const std::array<linear::projection<float>, 2> in{{{&w.gate, w.gate_bias, b.gate}, {&w.up, w.up_bias, b.up}}};
    projector.run(x, in);  // (n_row, d_model) -> 2 x (n_row, d_ffn)
    observer.gate(x, b.gate);
    observer.up(x, b.up);
    apply_gate<float>(f, ws, b.gate, b.up, b.hidden);
    drop_small(0, x.rows());
    observer.hidden(b.hidden);
    const size_limits every;
    for_each_block(n_decode(), [&](std::size_t first, std::size_t n) {
      active_neurons active(ws, *s.rows, n);
      for (std::size_t t = 0; t < n; ++t) {
        active.list_large(t, std::as_const(b.hidden).row(first + t), every);
        hold_hidden(active, t, first + t);
      }
      active.add_down(w.down_bias, y.middle_rows(first, n));
    });
    prompt_down();
    observer.down(b.hidden, y);
  }

  // Values of listed neurons become their hidden; those of 0 leave the list.
  void hold_hidden(active_neurons& active, std::size_t t, std::size_t row) const {
    const auto ids = active.ids(t);
    for (std::size_t i = 0; i < ids.size(); ++i) active.values(t)[i] = b.hidden(row, ids[i]);
    active.keep_if(t, [](std::size_t, float hidden) { return hidden != 0; });
  }
  // The matrix in rows times decoded rows for all neurons, with the bits of listed ones; and for prompts.
  void whole_follower() const {
    const size_limits every;
    for_each_block(n_decode(), [&](std::size_t first, std::size_t n) {
      active_neurons active(ws, *s.rows, n);
      for (std::size_t t = 0; t < n; ++t) active.list_large(t, std::as_const(b.up).row(first + t), every);
      active.project_up(x.middle_rows(first, n), follower_bias());
      for (std::size_t t = 0; t < n; ++t) spread(active.ids(t), active.ups(t), follower().row(first + t), d_ffn());
    });
    prompt_follower();
  }

  [[nodiscard]] std::size_t n_prompt() const noexcept { return x.rows() - n_decode(); }
  [[nodiscard]] linear::neuron_products<float>& products() const { return ws.kept<linear::neuron_products<float>>(); }

  void prompt_follower() const {
    if (n_prompt() == 0) return;
    const auto out = follower().middle_rows(n_decode(), n_prompt());  // (n, d_ffn)
    products().run(ws, x.middle_rows(n_decode(), n_prompt()), s.rows->up(), out);
    add_bias(follower_bias(), out);
  }
  void prompt_hidden(const_rows values) const {
    if (n_prompt() == 0) return;
    const std::size_t first = n_decode();
    apply_gate<float>(f, ws, b.gate.middle_rows(first, n_prompt()), b.up.middle_rows(first, n_prompt()), b.hidden.middle_rows(first, n_prompt()));
    ws.team().parallel_for(n_prompt(), 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = first + begin; t < first + end; ++t) {
        for (std::size_t i = 0; i < d_ffn(); ++i) {
          if (s.first.skips(i, values(t, i))) b.hidden(t, i) = 0;
        }
      }
    });
    drop_small(first, n_prompt());
  }
  void drop_small(std::size_t first, std::size_t n) const {
    if constexpr (HasSecond) {
      ws.team().parallel_for(n, 8, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t t = first + begin; t < first + end; ++t) {
          for (std::size_t i = 0; i < d_ffn(); ++i) {
            if (s.product.skips(i, b.hidden(t, i))) b.hidden(t, i) = 0;
          }
        }
      });
    }
  }
  void prompt_down() const {
    if (n_prompt() == 0) return;
    const auto out = y.middle_rows(n_decode(), n_prompt());  // (n, d_model)
    products().add(ws, b.hidden.middle_rows(n_decode(), n_prompt()), s.rows->down(), out);
    add_bias(w.down_bias, out);
  }
};

}  // namespace quipu::ffn
