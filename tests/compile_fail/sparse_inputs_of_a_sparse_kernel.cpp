// says: with_sparse_inputs: the FFN kernel must multiply by the matrices as they are stored (ffn::dense)
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/llama/sparse_inputs.hpp>

#ifdef CONTROL
using kernel = quipu::ffn::dense<quipu::activation::relu>;
#else
using kernel = quipu::ffn::gate_sparse<quipu::activation::relu>;
#endif
void limit(const quipu::llama::model<kernel>& m) { static_cast<void>(quipu::llama::with_sparse_inputs(m, {})); }
