/// @file Forms of a model's weights that FFN kernels laid out anew, found again by other kernels of the same weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <typeindex>
#include <utility>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::ffn {

/// Remembers who holds which form of a layer's weights, without keeping it alive: a form lives as long as a kernel's state that
/// reads it. One cache goes with one set of weights. Safe for several threads; forms are made one after the other.
class form_cache {
 public:
  /// The form of type `Form` and `variant` for `layer` if a kernel holds it, else what `make()` gives.
  /// @param variant  tells forms of one type apart that were made with different options
  /// @param make     gives a std::shared_ptr<const Form>; may throw
  template <class Form, class Make>
  [[nodiscard]] std::shared_ptr<const Form> get(std::size_t layer, std::uint64_t variant, Make&& make) {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<const void>& known = forms_[{std::type_index(typeid(Form)), layer, variant}];
    if (auto held = known.lock()) return std::static_pointer_cast<const Form>(std::move(held));
    std::shared_ptr<const Form> made = make();
    known = made;
    return made;
  }

 private:
  std::mutex mutex_;
  std::map<std::tuple<std::type_index, std::size_t, std::uint64_t>, std::weak_ptr<const void>> forms_;
};

}  // namespace quipu::ffn
