// says: ffn_kernel: declare 'using policy_role = quipu::role::ffn'
#include <quipu/llama/model.hpp>

struct nameless {
  using activation_type = quipu::activation::silu;
};
auto make(const quipu::llama::model<>& m) { return quipu::llama::with_ffn(m, nameless{}); }
