// says: policies: two policies for the role ffn
#include <quipu/llama/policies.hpp>

using silu = quipu::ffn::dense<quipu::activation::silu>;
using relu = quipu::ffn::dense<quipu::activation::relu>;
using sorted = quipu::llama::sort_policies<silu, relu>;
sorted::type::ffn kernel;
