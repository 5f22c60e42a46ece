// says: calibrate: the model's activation must be relu, fat_relu or drelu (of models with others sparsity::search finds levels)
#include <quipu/prosparse/calibrate.hpp>

#ifdef CONTROL
using kernel = quipu::ffn::dense<quipu::activation::relu>;
#else
using kernel = quipu::ffn::dense<quipu::activation::silu>;
#endif
void find(const quipu::llama::model<kernel>& m) { static_cast<void>(quipu::prosparse::calibrate(m, {})); }
