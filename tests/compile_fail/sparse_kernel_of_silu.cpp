// says: sparse FFN kernel: the activation has no gates that it makes 0
#include <quipu/ffn/gate_sparse.hpp>

#ifdef CONTROL
using kernel = quipu::ffn::gate_sparse<quipu::activation::relu>;
#else
using kernel = quipu::ffn::gate_sparse<quipu::activation::silu>;
#endif
std::size_t size = sizeof(kernel);
