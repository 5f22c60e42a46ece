/// @file Sentence encoder of the BERT family, read from a Hugging Face folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>  // show_shape
#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/notes/text_encoder.hpp>
#include <quipu/text/wordpiece.hpp>

namespace quipu::notes {

struct bert_shape {
  std::size_t d_model = 0, n_layer = 0, n_head = 0, d_ffn = 0, n_vocab = 0, n_ctx = 0;
  float epsilon = 1e-12f;  ///< of the layer norms
};

/// Encodes a text as the mean of the last layer's states over its tokens, scaled to length 1 (as
/// all-MiniLM-L6-v2 and the other sentence-transformers with mean pooling). Source: Devlin and others
/// 2018; post-norm layers, learned positions, gelu by erf.
///
/// Copies share weights and work space. Threads: any; calls on copies of one encoder take turns.
class bert_encoder {
 public:
  /// @param folder   with config.json, tokenizer.json and model.safetensors
  /// @param longest  tokens of a text, the two special ones included; what lies beyond is cut off
  /// @throws io_error      a file cannot be read
  /// @throws format_error  not a BERT of the kind above, or tensors of other shapes
  /// @throws config_error  longest below 2 or above the model's positions
  explicit bert_encoder(const std::string& folder, std::size_t longest = 256, thread_team team = thread_team(1))
      : state_(std::make_shared<state>(folder, longest, std::move(team))) {}

  [[nodiscard]] std::size_t dimension() const noexcept { return state_->shape.d_model; }
  [[nodiscard]] const bert_shape& shape() const noexcept { return state_->shape; }
  [[nodiscard]] std::string identity() const { return state_->identity; }
  [[nodiscard]] std::vector<token_id> tokens_of(std::string_view text) const {
    return state_->tokenizer.encode(text, state_->longest);
  }

  /// @throws numeric_error  the weights are so large that a state is not finite
  [[nodiscard]] std::vector<float> encode(std::string_view text) const {
    const std::vector<token_id> ids = tokens_of(text);
    const std::lock_guard lock(state_->mutex);
    const matrix_view<float> h = state_->forward(ids);  // (n_token, d_model)
    std::vector<double> mean(h.cols());
    for (std::size_t t = 0; t < h.rows(); ++t) {
      for (std::size_t i = 0; i < h.cols(); ++i) mean[i] += static_cast<double>(h(t, i));
    }
    double squares = 0;  // the mean's divisor falls out of the normalised vector
    for (const double value : mean) squares += value * value;
    if (!std::isfinite(squares))
      fail<numeric_error>("bert_encoder", "finite states", "weights so large that some are not");
    std::vector<float> vector(h.cols());
    for (std::size_t i = 0; i < h.cols(); ++i)
      vector[i] = static_cast<float>(mean[i] / std::max(std::sqrt(squares), 1e-12));
    return vector;
  }

 private:
  struct affine {
    std::vector<float> weight, bias;  // (out, in), (out)
    std::size_t n_out = 0, n_in = 0;
  };
  struct norm {
    std::vector<float> weight, bias;
  };
  struct layer {
    affine query, key, value, attention_out, ffn_in, ffn_out;
    norm attention_norm, ffn_norm;
  };

  struct state {
    state(const std::string& folder, std::size_t longest_text, thread_team team)
        : longest(longest_text),
          tokenizer(text::wordpiece::from_tokenizer_json(folder + "/tokenizer.json")),
          work(std::move(team)) {
      read_config(folder + "/config.json");
      if (longest < 2 || longest > shape.n_ctx)
        fail<config_error>("bert_encoder: longest", concat("2 to ", shape.n_ctx), longest);
      read_weights(folder + "/model.safetensors");
    }

    void read_config(const std::string& path) {
      const mapped_file file(path);
      const nlohmann::json config = parse_json(file.text(), path);
      const auto shown = [](const nlohmann::json& value) { return printable(value.dump(-1, ' ', true)); };
      const auto size = [&](const char* name) {
        const auto found = config.is_object() ? config.find(name) : config.end();
        const bool fits = found != config.end() && found->is_number_unsigned() && found->get<std::uint64_t>() >= 1 &&
                          found->get<std::uint64_t>() <= 1u << 24;
        if (!fits)
          fail<format_error>(concat(path, ": ", name), "a size of 1 to 2^24",
                             found == config.end() ? "none" : shown(*found));
        return static_cast<std::size_t>(found->get<std::uint64_t>());
      };
      const auto must_be = [&](const char* name, const char* value) {
        const auto found = config.find(name);
        if (found != config.end() && *found != value)
          fail<format_error>(concat(path, ": ", name), value, shown(*found));
      };
      shape = {size("hidden_size"),
               size("num_hidden_layers"),
               size("num_attention_heads"),
               size("intermediate_size"),
               size("vocab_size"),
               size("max_position_embeddings"),
               1e-12f};
      must_be("model_type", "bert");
      must_be("hidden_act", "gelu");
      must_be("position_embedding_type", "absolute");
      if (shape.d_model % shape.n_head != 0)
        fail<format_error>(concat(path, ": hidden_size"), concat("a multiple of ", shape.n_head), shape.d_model);
      if (shape.n_layer > 1024) fail<format_error>(concat(path, ": num_hidden_layers"), "at most 1024", shape.n_layer);
      if (const auto eps = config.find("layer_norm_eps"); eps != config.end()) {
        const double epsilon = eps->is_number() ? eps->get<double>() : -1;
        if (!(epsilon >= 0 && epsilon <= 1))
          fail<format_error>(concat(path, ": layer_norm_eps"), "0 to 1", shown(*eps));
        shape.epsilon = static_cast<float>(epsilon);
      }
    }

    void read_weights(const std::string& path) {
      const io::safetensors_file file(path);
      std::uint32_t crc = 0;
      const auto values = [&](const std::string& name, std::vector<std::size_t> expected) {
        const io::tensor_view* tensor = file.find(name);
        if (tensor == nullptr) tensor = file.find("bert." + name);  // checkpoints with a head prefix the names
        if (tensor == nullptr) fail<format_error>(path, concat("a tensor ", name), "none of that name");
        if (tensor->shape != expected) {
          fail<format_error>(concat(path, ": ", name), concat("shape ", io::show_shape(expected)),
                             io::show_shape(tensor->shape));
        }
        if (!is_weight_type(tensor->type))
          fail<format_error>(concat(path, ": ", name), "F64, F32, F16 or BF16", name_of(tensor->type));
        crc = crc32({reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size()}, crc);
        std::vector<float> read = io::values_of<float>(*tensor);
        if (!std::all_of(read.begin(), read.end(), [](float x) { return std::isfinite(x); }))
          fail<format_error>(concat(path, ": ", name), "finite numbers", "others among them");
        return read;
      };
      const std::size_t d = shape.d_model;
      const auto read_affine = [&](const std::string& name, std::size_t n_out, std::size_t n_in) {
        return affine{values(name + ".weight", {n_out, n_in}), values(name + ".bias", {n_out}), n_out, n_in};
      };
      const auto read_norm = [&](const std::string& name) {
        return norm{values(name + ".weight", {d}), values(name + ".bias", {d})};
      };
      words = values("embeddings.word_embeddings.weight", {shape.n_vocab, d});
      positions = values("embeddings.position_embeddings.weight", {shape.n_ctx, d});
      // Any number of kinds, of which the first is read.
      const std::string kinds = "embeddings.token_type_embeddings.weight";
      const io::tensor_view* stored = file.find(kinds);
      if (stored == nullptr) stored = file.find("bert." + kinds);
      const bool has_rows = stored != nullptr && stored->shape.size() == 2 && stored->shape.front() > 0;
      kind = values(kinds, {has_rows ? stored->shape.front() : 2, d});
      embedding_norm = read_norm("embeddings.LayerNorm");
      for (std::size_t l = 0; l < shape.n_layer; ++l) {
        const std::string at = concat("encoder.layer.", l, ".");
        layers.push_back(
            {read_affine(at + "attention.self.query", d, d), read_affine(at + "attention.self.key", d, d),
             read_affine(at + "attention.self.value", d, d), read_affine(at + "attention.output.dense", d, d),
             read_affine(at + "intermediate.dense", shape.d_ffn, d), read_affine(at + "output.dense", d, shape.d_ffn),
             read_norm(at + "attention.output.LayerNorm"), read_norm(at + "output.LayerNorm")});
      }
      if (tokenizer.n_vocab() > shape.n_vocab)
        fail<format_error>(path, concat("rows for ", tokenizer.n_vocab(), " tokens"), shape.n_vocab);
      identity = concat("bert mean ", d, "x", shape.n_layer, " longest ", longest, " crc ", crc);
    }

    /// y = x W^T + b
    void apply(const affine& a, matrix_view<const float> x, matrix_view<float> y) {
      linear::gemm(work, linear::plain_operand<float>::along(x),
                   linear::stored_operand<float>::along(linear::store_plain(a.weight.data(), a.n_out, a.n_in)), y,
                   linear::gemm_output::overwrite);
      for (std::size_t t = 0; t < y.rows(); ++t) {
        for (std::size_t i = 0; i < a.n_out; ++i) y(t, i) += a.bias[i];
      }
    }
    /// x = norm(x + more), row by row; sums in double.
    void add_and_norm(const norm& n, matrix_view<float> x, const float* more) const {
      for (std::size_t t = 0; t < x.rows(); ++t) {
        float* row = x.row(t);
        double sum = 0, squares = 0;
        for (std::size_t i = 0; i < x.cols(); ++i) {
          if (more != nullptr) row[i] += more[t * x.cols() + i];
          sum += static_cast<double>(row[i]);
        }
        const double mean = sum / static_cast<double>(x.cols());
        for (std::size_t i = 0; i < x.cols(); ++i)
          squares += (static_cast<double>(row[i]) - mean) * (static_cast<double>(row[i]) - mean);
        const double scale =
            1 / std::sqrt(squares / static_cast<double>(x.cols()) + static_cast<double>(shape.epsilon));
        for (std::size_t i = 0; i < x.cols(); ++i)
          row[i] = static_cast<float>((static_cast<double>(row[i]) - mean) * scale) * n.weight[i] + n.bias[i];
      }
    }
    /// Attention of every token to every token, head by head: q, k, v (n, d_model) -> out.
    void attend(std::size_t n, std::vector<float>& out) {
      const std::size_t d = shape.d_model, d_head = d / shape.n_head;
      const float scale = 1 / std::sqrt(static_cast<float>(d_head));
      std::fill_n(out.begin(), n * d, 0.0f);
      std::vector<float> weights(n);  // (n)
      for (std::size_t head = 0; head < shape.n_head; ++head) {
        for (std::size_t t = 0; t < n; ++t) {
          const float* q = queries.data() + t * d + head * d_head;
          float most = -INFINITY;
          for (std::size_t s = 0; s < n; ++s) {
            const float* k = keys.data() + s * d + head * d_head;
            float dot = 0;
            for (std::size_t i = 0; i < d_head; ++i) dot += q[i] * k[i];
            weights[s] = dot * scale;
            most = std::max(most, weights[s]);
          }
          float total = 0;
          for (float& w : weights) total += w = std::exp(w - most);
          float* to = out.data() + t * d + head * d_head;
          for (std::size_t s = 0; s < n; ++s) {
            const float* v = values_.data() + s * d + head * d_head;
            const float w = weights[s] / total;
            for (std::size_t i = 0; i < d_head; ++i) to[i] += w * v[i];
          }
        }
      }
    }
    matrix_view<float> forward(const std::vector<token_id>& ids) {
      const std::size_t n = ids.size(), d = shape.d_model;
      for (auto* buffer : {&hidden, &queries, &keys, &values_, &mixed, &added}) buffer->resize(n * d);
      inner.resize(n * shape.d_ffn);
      const auto rows = [&](std::vector<float>& buffer, std::size_t cols) {
        return matrix_view<float>(buffer.data(), n, cols);
      };
      for (std::size_t t = 0; t < n; ++t) {
        const float* word = words.data() + static_cast<std::size_t>(ids[t]) * d;
        for (std::size_t i = 0; i < d; ++i) hidden[t * d + i] = word[i] + positions[t * d + i] + kind[i];
      }
      const matrix_view<float> h = rows(hidden, d);  // (n, d_model)
      add_and_norm(embedding_norm, h, nullptr);
      for (const layer& l : layers) {
        apply(l.query, h, rows(queries, d));
        apply(l.key, h, rows(keys, d));
        apply(l.value, h, rows(values_, d));
        attend(n, mixed);
        apply(l.attention_out, rows(mixed, d), rows(added, d));
        add_and_norm(l.attention_norm, h, added.data());
        apply(l.ffn_in, h, rows(inner, shape.d_ffn));
        for (float& x : inner) x = 0.5f * x * (1 + std::erf(x * 0.70710678f));
        apply(l.ffn_out, rows(inner, shape.d_ffn), rows(added, d));
        add_and_norm(l.ffn_norm, h, added.data());
      }
      return h;
    }

    std::size_t longest;
    text::wordpiece tokenizer;
    bert_shape shape;
    std::string identity;
    std::vector<float> words, positions, kind;  // (n_vocab, d_model), (n_ctx, d_model), (kinds, d_model)
    norm embedding_norm;
    std::vector<layer> layers;
    std::mutex mutex;
    linear::workspace work;
    std::vector<float> hidden, queries, keys, values_, mixed, added, inner;
  };

  std::shared_ptr<state> state_;
};

static_assert(text_encoder<bert_encoder>);

}  // namespace quipu::notes
