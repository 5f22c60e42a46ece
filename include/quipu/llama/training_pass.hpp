/// @file One pass over a batch in training: forward on a tape, the loss, backward.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/llama/backward.hpp>
#include <quipu/llama/batch_context.hpp>
#include <quipu/llama/loss.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/tape.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/llama/training_hooks.hpp>
#include <quipu/llama/weight_gradients.hpp>

namespace quipu::llama {

/// Where a pass begins: at the embedding, or with rows that another pass left before a block, which has the same bits as long as nothing
/// below the block changes.
template <class Scalar>
struct block_start {
  std::size_t layer = 0;
  matrix_view<const Scalar> rows{};  ///< (n_row, d_model) what enters block `layer`; not read where that is 0
};

/// Memory and threads for training on one model. The model may be frozen in any storage (gradients then
/// flow through it to modules and inputs) or be that of a `trainable_model`. Not for two threads at once.
template <class Model>
class training_pass {
 public:
  using model_type = Model;
  using scalar_type = typename Model::scalar_type;
  using rows = matrix_view<scalar_type>;
  using const_rows = matrix_view<const scalar_type>;
  using start_type = block_start<scalar_type>;

  /// @param depth     what is kept for the backward pass; `block_inputs` computes every block twice
  /// @param products  `bf16` rounds the operands of the model's own products if that is faster; modules' products,
  ///                  attention, norms and losses stay f32, as do all sums
  explicit training_pass(Model m, thread_team team = thread_team(), tape_depth depth = tape_depth::everything,
                         linear::product_rounding products = linear::product_rounding::none)
      : model_(std::move(m)),
        depth_(depth),
        products_(products),
        ws_(std::move(team), kernels_of(model_)),
        projector_(ws_, linear::activation_rounding::none, products),
        multiply_(ws_, products),
        ffn_backward_(multiply_),
        rope_(model_.config()) {}
  training_pass(const training_pass&) = delete;
  training_pass& operator=(const training_pass&) = delete;

  [[nodiscard]] const Model& model() const noexcept { return model_; }
  [[nodiscard]] linear::workspace& workspace() noexcept { return ws_; }
  [[nodiscard]] linear::multiplier<scalar_type>& multiplier() noexcept { return multiply_; }
  [[nodiscard]] linear::projector<scalar_type>& projector() noexcept { return projector_; }
  [[nodiscard]] linear::product_rounding products() const noexcept { return products_; }
  /// Bytes kept for the backward pass.
  [[nodiscard]] std::size_t n_tape_byte() const noexcept { return tape_.n_byte(); }

  /// Runs all blocks and the final norm on a tape.
  /// @param from  rows to begin with above the embedding; they are copied
  /// @return (n_row, d_model) what the head reads; valid until the next call
  /// @throws config_error  token ids outside the vocabulary, a sequence longer than the model's context, rows of another shape,
  ///                       or modules below the block that the pass begins with
  template <class Hooks>
  [[nodiscard]] const_rows forward(const training_batch& batch, Hooks& hooks, const start_type& from = {}) {
    start(batch, hooks, from);
    tape_.begin(model_.config().n_layer, depth_);
    last_ = blocks(batch, model_.config().n_layer, tape_, hooks);
    return normed(last_);
  }

  /// The same without a tape, for evaluation.
  template <class Hooks>
  [[nodiscard]] const_rows evaluate(const training_batch& batch, Hooks& hooks, const start_type& from = {}) {
    start(batch, hooks, from);
    last_ = blocks(batch, model_.config().n_layer, scratch_recorder_, hooks);
    return normed(last_);
  }
  /// The residual stream before a block, or after the last one: the blocks below alone are computed, without a tape.
  /// @param layer  0 .. n_layer
  /// @return (n_row, d_model) not normalised; valid until the next call
  /// @throws config_error  as `forward`, or a layer that the pass does not come by
  template <class Hooks>
  [[nodiscard]] const_rows rows_before(const training_batch& batch, std::size_t layer, Hooks& hooks, const start_type& from = {}) {
    if (layer < from.layer || layer > model_.config().n_layer)
      fail<config_error>("training_pass: block", concat(from.layer, " .. ", model_.config().n_layer), layer);
    start(batch, hooks, from);
    return blocks(batch, layer, scratch_recorder_, hooks);
  }
  /// The final norm of rows that `rows_before` left after the last block; valid until the next call.
  [[nodiscard]] const_rows final_norm(const_rows last) { return normed(last); }

  /// The model's own head and cross-entropy on what `forward` or `evaluate` returned.
  ///
  /// @param weight    factor of the gradients: 1 / (weight that counts in the whole step); 0 for the loss alone
  /// @param d_hidden  (n_row, d_model) out, 0 in rows that do not count; or empty
  /// @param row_weights  of a batch, or none
  /// @throws config_error  a label outside the vocabulary
  loss_sum head_loss(std::span<const std::int64_t> targets, double weight, rows d_hidden, scalar_type* d_head,
                     std::span<const double> row_weights = {}) {
    for (std::size_t t = 0; t < d_hidden.rows(); ++t) std::fill_n(d_hidden.row(t), d_hidden.cols(), scalar_type(0));
    return loss_.run(projector_, multiply_, {model_.weights().head, d_head}, normed_view(), targets, weight, d_hidden,
                     row_weights);
  }
  [[nodiscard]] std::span<const double> row_losses() const noexcept { return loss_.losses(); }

  /// Back from the gradient of what `forward` returned; gradients are added to.
  /// @param d_hidden  (n_row, d_model)
  template <class Hooks>
  void backward(const training_batch& batch, const_rows d_hidden, Hooks& hooks,
                const weight_gradients<scalar_type>& g) {
    const auto& c = model_.config();
    const auto segments = batch.segments();
    const std::size_t lowest = std::min<std::size_t>({g.lowest_layer(), hooks.lowest_layer()});
    const bool embedding = g.embedding != nullptr || hooks.touches_embedding();
    if (embedding ? first_layer_ > 0 : lowest < first_layer_)
      fail<config_error>("training_pass: what trains", concat("blocks from ", first_layer_, " on, where the pass began"), "something below");
    if (lowest == no_training_hooks::none && g.final_norm == nullptr && !embedding) return;
    dx_.reserve_discarding(batch.n_row() * c.d_model);
    const rows dx = dx_.matrix(batch.n_row(), c.d_model);  // (n_row, d_model)
    std::fill_n(dx.data(), dx.rows() * dx.cols(), scalar_type(0));
    const backward_tools<scalar_type> tools{multiply_, rope_, ffn_backward_, backward_scratch_};
    rms_norm_rows_backward<scalar_type>(ws_, last_, model_.weights().final_norm, c.rms_norm_eps, d_hidden, dx,
                                        g.final_norm, backward_scratch_[detail::partial]);
    for (std::size_t layer = c.n_layer; layer-- > (embedding ? 0 : std::min(lowest, c.n_layer));) {
      if (depth_ == tape_depth::block_inputs) {
        tape_.begin_again();
        plan_.plan(segments);
        static_cast<void>(forward_block(model_, layer, forward_tools<scalar_type>{ws_, projector_, rope_, plan_}, segments,
                                        tape_.input(layer), tape_, *context_, hooks));
      }
      backward_block(model_, layer, tools, segments, tape_, *context_, hooks, g.of(layer), dx,
                     embedding || layer > lowest);
    }
    if (!embedding) return;
    hooks.embedded_backward(segments, dx);
    if (g.embedding != nullptr) embedding_backward(batch.tokens(), dx, g.embedding);
  }

  /// A language-model step: forward, loss, backward.
  /// @param divisor  weight (rows, if sequences have none) that counts in the whole step, over all its batches
  template <class Number, class Hooks>
  loss_sum step(const training_batch& batch, Number divisor, Hooks& hooks, const weight_gradients<scalar_type>& g) {
    static_cast<void>(forward(batch, hooks));
    d_hidden_.reserve_discarding(batch.n_row() * model_.config().d_model);
    const rows d_hidden = d_hidden_.matrix(batch.n_row(), model_.config().d_model);  // (n_row, d_model)
    const double weight = divisor == 0 ? 0 : 1.0 / static_cast<double>(divisor);
    const loss_sum loss = head_loss(batch.targets(), weight, d_hidden, g.head, batch.weights());
    if ((loss.n_counted > 0 && weight != 0) || hooks.adds_loss()) backward(batch, d_hidden, hooks, g);
    return loss;
  }

  /// The loss alone.
  template <class Hooks>
  loss_sum loss(const training_batch& batch, Hooks& hooks) {
    static_cast<void>(evaluate(batch, hooks));
    return head_loss(batch.targets(), 0, {}, nullptr, batch.weights());
  }

 private:
  template <class Recorder, class Hooks>
  [[nodiscard]] const_rows blocks(const training_batch& batch, std::size_t last, Recorder& recorder, Hooks& hooks) {
    return forward_blocks(model_, first_layer_, last, {ws_, projector_, rope_, plan_}, batch.segments(), x(), recorder, *context_, hooks);
  }

  template <class Hooks>
  void start(const training_batch& batch, Hooks& hooks, const start_type& from) {
    const auto& c = model_.config();
    if (batch.empty()) fail<config_error>("training_pass: batch", "at least one sequence", "none");
    if (!hooks.fits(c))
      fail<config_error>("training_pass: hooks", "modules made for this model", "modules of other sizes");
    std::size_t n_position = 0;
    for (const row_segment& s : batch.segments()) n_position = std::max(n_position, s.position + s.n_row);
    if (n_position > c.n_ctx) {
      fail<config_error>("training_pass: sequence length", concat("at most n_ctx = ", c.n_ctx, " tokens"), n_position);
    }
    for (const token_id token : batch.tokens()) {
      if (token != no_token && (token < 0 || static_cast<std::size_t>(token) >= c.n_vocab)) {
        fail<config_error>("training_pass: token id", concat("0 .. ", c.n_vocab - 1), token);
      }
    }
    if (from.layer > 0) check_start(batch, hooks, from);
    first_layer_ = from.layer;
    n_row_ = batch.n_row();
    rope_.extend(n_position);
    prefixes_.clear();
    for (std::size_t i = 0; i < batch.segments().size(); ++i)
      prefixes_.push_back(hooks.template prefix<scalar_type>(i));
    context_.emplace(c, batch.segments(), prefixes_);
    x_.reserve_discarding(n_row_ * c.d_model);
    if (from.layer > 0) {
      for (std::size_t t = 0; t < n_row_; ++t) std::copy_n(from.rows.row(t), c.d_model, x().row(t));
      return;
    }
    const linear::stored_matrix& table = model_.weights().embedding;
    ws_.team().parallel_for(n_row_, 16, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = begin; t < end; ++t) {
        if (batch.tokens()[t] == no_token) {
          std::fill_n(x().row(t), c.d_model, scalar_type(0));
        } else {
          embed<scalar_type>(table, batch.tokens().subspan(t, 1), x().middle_rows(t, 1));
        }
      }
    });
    hooks.embedded(batch.segments(), x());
  }

  template <class Hooks>
  void check_start(const training_batch& batch, const Hooks& hooks, const start_type& from) const {
    const auto& c = model_.config();
    if (from.layer > c.n_layer) fail<config_error>("training_pass: block to begin with", concat("0 .. ", c.n_layer), from.layer);
    if (from.rows.rows() != batch.n_row() || from.rows.cols() != c.d_model) {
      fail<config_error>("training_pass: rows to begin with", concat(batch.n_row(), " x ", c.d_model),
                         concat(from.rows.rows(), " x ", from.rows.cols()));
    }
    if (hooks.touches_embedding() || hooks.lowest_layer() < from.layer)
      fail<config_error>("training_pass: modules of a pass that begins above the embedding", concat("in blocks from ", from.layer, " on"),
                         "some below");
  }

  // Both (n_row, d_model): the embedded rows, which the blocks turn into their output, and what the head reads.
  [[nodiscard]] rows x() noexcept { return x_.matrix(n_row_, model_.config().d_model); }
  [[nodiscard]] rows normed_view() noexcept { return normed_.matrix(n_row_, model_.config().d_model); }
  [[nodiscard]] const_rows normed(const_rows from) {
    normed_.reserve_discarding(from.rows() * from.cols());
    rms_norm_rows<scalar_type>(ws_, from, model_.weights().final_norm, model_.config().rms_norm_eps, normed_view());
    return normed_view();
  }

  // Threads share out columns, so that every entry adds its rows in order.
  void embedding_backward(std::span<const token_id> tokens, const_rows dx, scalar_type* gradient) const {
    ws_.team().parallel_for(dx.cols(), 64, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        if (tokens[t] == no_token) continue;
        scalar_type* to = gradient + static_cast<std::size_t>(tokens[t]) * dx.cols();
        for (std::size_t i = begin; i < end; ++i) to[i] += dx(t, i);
      }
    });
  }

  Model model_;
  tape_depth depth_;
  linear::product_rounding products_;
  linear::workspace ws_;
  linear::projector<scalar_type> projector_;
  linear::multiplier<scalar_type> multiply_;
  ffn::backward_workspace<scalar_type> ffn_backward_;
  rope_table<scalar_type> rope_;
  attention_plan plan_;  // of the batch that runs
  tape<scalar_type> tape_;
  no_record<scalar_type> scratch_recorder_;
  llama::head_loss<scalar_type> loss_;
  std::vector<kv_prefix<scalar_type>> prefixes_;
  std::optional<batch_context<scalar_type>> context_;  // of the last forward pass
  std::size_t n_row_ = 0, first_layer_ = 0;  // of the last forward pass
  const_rows last_;  // (n_row, d_model) the last block's output
  buffer<scalar_type> x_, normed_, dx_, d_hidden_;  // (n_row, d_model) each
  std::array<buffer<scalar_type>, 9> backward_scratch_;
};

}  // namespace quipu::llama
