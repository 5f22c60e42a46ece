/// @file What one reader's gate may ask another reader.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/eren/gate/fitted_gate.hpp>
#include <quipu/eren/gate/gate_features.hpp>
#include <quipu/eren/reading/reader.hpp>

namespace quipu::eren {

/// The log odds that another reader with a fitted gate of its own gives to the same notes; 0 if its prompt does not
/// fit. Costs that reader's prompt. The feature's name has a checksum of the gate, so that what was fitted on one
/// gate's scores is not used on another's.
///
/// @tparam Reader  models `reader`
/// @tparam Gate    a `fitted_gate`
template <class Reader, class Gate>
class second_reading {
 public:
  static constexpr feature_stage stage = feature_stage::passes;

  /// @throws config_error  the gate is not fitted
  second_reading(Reader reader, Gate gate) : reader_(std::move(reader)), gate_(std::move(gate)) {
    if (!gate_.is_fitted()) throw config_error("second_reading: expected a fitted gate, found one without weights");
    const gate_model& m = gate_.model();
    std::uint32_t crc = crc32(reader_.identity());
    const auto add = [&](const statistics::logistic_model& part) {
      for (const auto* values : {&part.mean, &part.deviation, &part.weights}) {
        crc = crc32({reinterpret_cast<const char*>(values->data()), values->size() * sizeof(double)}, crc);
      }
      crc = crc32({reinterpret_cast<const char*>(&part.bias), sizeof part.bias}, crc);
    };
    if (m.probe) add(*m.probe);
    add(m.stack);
    name_ = "second reading " + hex_digits(crc);
  }

  [[nodiscard]] std::vector<std::string> names() const { return {name_}; }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    const reading_task task{e.question, e.notes};
    gate_evidence own = e;
    own.read = std::move(reader_.read(session, std::span(&task, 1), gate_.wishes()).front());
    out[0] = own.read.done ? gate_.decide(session, own).score : 0;
  }

 private:
  Reader reader_;
  Gate gate_;
  std::string name_;
};

}  // namespace quipu::eren
