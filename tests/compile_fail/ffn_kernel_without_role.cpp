// says: ffn_kernel: declare 'using policy_role = quipu::role::ffn'
#include <quipu/llama/model.hpp>

struct nameless {
  using activation_type = quipu::activation::silu;
};
#ifdef CONTROL
using kernel = quipu::ffn::dense<quipu::activation::silu>;
#else
using kernel = nameless;
#endif
auto make(const quipu::llama::model<>& m) { return quipu::llama::with_ffn(m, kernel{}); }
