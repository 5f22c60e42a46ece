// says: composition: it must be copyable, with 'std::vector<std::vector<double>> operator()(std::span<const task_opinion>, std::size_t
#include <quipu/conpet/composition.hpp>

struct silent {
#ifdef CONTROL
  std::vector<std::vector<double>> operator()(std::span<const quipu::conpet::task_opinion>, std::size_t) const { return {}; }
#endif
  std::string identity() const { return "silent"; }
};
static_assert((quipu::conpet::explain_composition<silent>(), true));
