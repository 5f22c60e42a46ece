/// @file What turns texts into vectors for dense retrieval.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::notes {

template <class Encoder>
concept encoder_has_dimension = requires(const Encoder& encoder) {
  { encoder.dimension() } -> std::convertible_to<std::size_t>;
};

template <class Encoder>
concept encoder_has_encode = requires(const Encoder& encoder, std::string_view text) {
  { encoder.encode(text) } -> std::same_as<std::vector<float>>;
};

template <class Encoder>
concept encoder_has_identity = requires(const Encoder& encoder) {
  { encoder.identity() } -> std::convertible_to<std::string>;
};

/// Encodes a text as `dimension()` numbers, the same ones whenever it is asked. `identity` names the model,
/// its weights and its tokenizer: vectors of another identity do not compare.
template <class Encoder>
concept text_encoder = std::movable<Encoder> && encoder_has_dimension<Encoder> && encoder_has_encode<Encoder> &&
    encoder_has_identity<Encoder>;

template <class Encoder>
consteval void explain_text_encoder() {
  if constexpr (!std::movable<Encoder>) {
    static_assert(std::movable<Encoder>, "text_encoder: the encoder must be movable");
  } else if constexpr (!encoder_has_dimension<Encoder>) {
    static_assert(encoder_has_dimension<Encoder>, "text_encoder: declare 'size_t dimension() const'");
  } else if constexpr (!encoder_has_encode<Encoder>) {
    static_assert(encoder_has_encode<Encoder>, "text_encoder: declare 'vector<float> encode(string_view text) const'");
  } else {
    static_assert(encoder_has_identity<Encoder>, "text_encoder: declare 'string identity() const'");
  }
}

/// An encoder that is a function of the user's.
class callback_encoder {
 public:
  using function = std::function<std::vector<float>(std::string_view)>;

  callback_encoder(std::size_t dimension, std::string identity, function call)
      : dimension_(dimension), identity_(std::move(identity)), call_(std::move(call)) {}

  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  [[nodiscard]] std::string identity() const { return identity_; }
  /// @throws shape_error  the function gave another number of values
  [[nodiscard]] std::vector<float> encode(std::string_view text) const {
    std::vector<float> vector = call_(text);
    if (vector.size() != dimension_)
      fail<shape_error>("callback_encoder", concat(dimension_, " values"), vector.size());
    return vector;
  }

 private:
  std::size_t dimension_;
  std::string identity_;
  function call_;
};

static_assert(text_encoder<callback_encoder>);

}  // namespace quipu::notes
