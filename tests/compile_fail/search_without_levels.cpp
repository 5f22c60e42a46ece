// says: threshold_search: declare 'ffn::sparse_levels levels(const calibration&) const'
#include <quipu/sparsity/calibration.hpp>

struct own_search {
  using first_criterion = quipu::ffn::gate_size;
  using second_criterion = quipu::ffn::every_neuron;
#ifdef CONTROL
  quipu::ffn::sparse_levels levels(const quipu::sparsity::calibration&) const { return {}; }
#endif
};
static_assert((quipu::sparsity::explain_search<own_search>(), true));
