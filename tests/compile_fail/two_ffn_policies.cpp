// says: policies: two policies for one role
#include <quipu/llama/policies.hpp>

using silu = quipu::ffn::dense<quipu::activation::silu>;
using relu = quipu::ffn::dense<quipu::activation::relu>;
#ifdef CONTROL
using sorted = quipu::llama::model_policies<relu>;
#else
using sorted = quipu::llama::model_policies<silu, relu>;
#endif
quipu::llama::policy_of<sorted, quipu::role::ffn> kernel;
