/// @file Retrieval by vectors: an encoder for notes and questions, and an index over the notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/text_encoder.hpp>
#include <quipu/notes/vector_index.hpp>

namespace quipu::notes {

enum class vector_metric : std::uint8_t {
  cosine,         ///< vectors are scaled to length 1 first
  inner_product,  ///< as they are: what EREN's paper does with Contriever
};

/// @tparam Encoder  models `text_encoder`; the same one encodes notes and questions
/// @tparam Index    models `vector_index`
template <class Encoder, class Index = exact_index>
class dense_retriever {
  static_assert((explain_text_encoder<Encoder>(), true));
  static_assert(vector_index<Index>, "dense_retriever: Index must keep vectors by note id (see vector_index)");

 public:
  using encoder_type = Encoder;
  using index_type = Index;

  explicit dense_retriever(Encoder encoder, vector_metric metric = vector_metric::cosine)
      : encoder_(std::move(encoder)), metric_(metric), index_(encoder_.dimension()) {}
  /// @throws config_error  the index has another dimension than the encoder
  dense_retriever(Encoder encoder, vector_metric metric, Index index)
      : encoder_(std::move(encoder)), metric_(metric), index_(std::move(index)) {
    if (index_.dimension() != encoder_.dimension()) {
      fail<config_error>("dense_retriever: dimension of the index", encoder_.dimension(), index_.dimension());
    }
  }

  void add(note_id id, std::string_view text) { index_.add(id, vector_for(text)); }
  bool erase(note_id id) { return index_.erase(id); }
  void update(note_id id, std::string_view text) {
    const std::vector<float> vector = vector_for(text);
    index_.erase(id);
    index_.add(id, vector);
  }
  void clear() { index_.clear(); }
  [[nodiscard]] std::size_t size() const { return index_.size(); }

  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    if (index_.size() == 0 || k == 0) return {};
    return index_.search(vector_for(query), k);
  }
  /// What a text is compared as.
  [[nodiscard]] std::vector<float> vector_for(std::string_view text) const {
    std::vector<float> vector = encoder_.encode(text);
    if (metric_ == vector_metric::cosine) {
      double squares = 0;
      for (const float value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
      const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
      for (float& value : vector) value = static_cast<float>(static_cast<double>(value) * scale);
    }
    return vector;
  }
  [[nodiscard]] const Encoder& encoder() const noexcept { return encoder_; }
  [[nodiscard]] const Index& index() const noexcept { return index_; }

 private:
  Encoder encoder_;
  vector_metric metric_;
  Index index_;
};

}  // namespace quipu::notes
