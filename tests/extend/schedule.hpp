// A user's own schedule: down by a factor of ten every so many steps.
#pragma once

#include <quipu/schedule/schedule.hpp>

#include <cmath>

namespace extend {

struct decades {
  std::size_t every = 10;
  double operator()(std::size_t step) const { return std::pow(0.1, static_cast<double>(step / every)); }
};

static_assert(quipu::schedule::schedule_policy<decades>);

}  // namespace extend
