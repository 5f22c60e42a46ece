// A user's own gate feature: how long the note is beside the question.
#pragma once

#include <quipu/eren/gate/gate_features.hpp>

#include <cmath>

namespace extend {

struct relative_length {
  static constexpr quipu::eren::feature_stage stage = quipu::eren::feature_stage::text;
  static std::vector<std::string> names() { return {"relative_length"}; }

  template <class Session>
  void operator()(Session&, const quipu::eren::gate_evidence& e, std::span<double> out) const {
    out[0] = std::log(static_cast<double>(1 + e.notes.front().size()) / static_cast<double>(1 + e.question.text().size()));
  }
};

}  // namespace extend
