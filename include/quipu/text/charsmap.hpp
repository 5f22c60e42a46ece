/// @file SentencePiece's normalisation rule: strings and what each becomes, as a model stores it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // format_error

namespace quipu::text {

/// A `precompiled_charsmap`: a double-array trie of strings, each with the place of its replacement in a list of
/// strings that end in a zero byte. Source: google/sentencepiece, `Normalizer::DecodePrecompiledCharsMap`; the array's
/// units are those of darts-clone (`Darts::Details::DoubleArrayUnit`).
///
/// Immutable. Every place that the bytes name is checked, those in the trie when a text leads there.
class charsmap {
 public:
  struct found {
    std::size_t length = 0;  ///< bytes of the longest string that a text begins with, 0: none
    std::string_view by{};   ///< what it becomes
  };

  charsmap() = default;
  /// @param bytes  empty: no rule
  /// @throws format_error  sizes that do not fit together
  charsmap(std::string bytes, std::string_view place) : bytes_(std::move(bytes)) {
    if (bytes_.empty()) return;
    const std::string where = concat(place, ": precompiled_charsmap");
    if (bytes_.size() < 4) fail<format_error>(where, "at least 4 bytes", bytes_.size());
    const std::size_t size = word(0);
    if (size % 4 != 0 || size == 0 || size > bytes_.size() - 4)
      fail<format_error>(where, concat("a trie of at most ", bytes_.size() - 4, " bytes, four each"), size);
    n_unit_ = size / 4;
    strings_ = 4 + size;
    if (strings_ == bytes_.size() || bytes_.back() != '\0')
      fail<format_error>(where, "strings that end in a zero byte", "none");
  }

  [[nodiscard]] bool empty() const noexcept { return n_unit_ == 0; }

  /// The longest string of the rule with which `text` begins.
  [[nodiscard]] found longest(std::string_view text) const noexcept {
    found result;
    if (empty()) return result;
    std::size_t at = offset(unit(0));
    for (std::size_t i = 0; i < text.size() && i < longest_string; ++i) {
      const auto letter = static_cast<unsigned char>(text[i]);
      at ^= letter;
      if (at >= n_unit_) break;
      const std::uint32_t here = unit(at);
      if ((here & 0x800000FFu) != letter) break;
      at ^= offset(here);
      if (at >= n_unit_) break;
      if ((here >> 8 & 1) == 0) continue;
      const std::size_t begin = strings_ + (unit(at) & 0x7FFFFFFFu);
      if (begin >= bytes_.size()) break;
      result = {i + 1, std::string_view(bytes_.data() + begin)};  // a zero byte ends it: the last one at the latest
    }
    return result;
  }

 private:
  // The rules that SentencePiece ships have strings of a few characters; a trie that leads in a circle ends here.
  static constexpr std::size_t longest_string = 256;

  [[nodiscard]] std::uint32_t word(std::size_t at) const noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return value;
  }
  [[nodiscard]] std::uint32_t unit(std::size_t index) const noexcept { return word(4 + 4 * index); }
  [[nodiscard]] static std::size_t offset(std::uint32_t unit) noexcept {
    return static_cast<std::size_t>(unit >> 10) << ((unit & 1u << 9) >> 6);
  }

  std::string bytes_;
  std::size_t n_unit_ = 0;
  std::size_t strings_ = 0;  // where the list of strings begins
};

}  // namespace quipu::text
