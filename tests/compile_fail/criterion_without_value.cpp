// says: sparse_criterion: declare 'static constexpr criterion_value value', whose size it looks at
#include <quipu/ffn/threshold_sparse.hpp>

struct own_criterion {
  static constexpr std::string_view name = "own";
#ifdef CONTROL
  static constexpr quipu::ffn::criterion_value value = quipu::ffn::criterion_value::gate;
#endif
};
std::size_t size = sizeof(quipu::ffn::threshold_sparse<quipu::activation::silu, own_criterion>);
