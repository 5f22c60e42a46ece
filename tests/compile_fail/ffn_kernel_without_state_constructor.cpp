// says: ffn_kernel: declare a constructor 'state(const Kernel&, const ffn_weights<Scalar>&, const place&)'
#include <quipu/llama/model.hpp>

struct lazy {
  using policy_role = quipu::role::ffn;
  using activation_type = quipu::activation::silu;
  activation_type activation;
  template <class Scalar>
  struct state {};
};
#ifdef CONTROL
using kernel = quipu::ffn::dense<quipu::activation::silu>;
#else
using kernel = lazy;
#endif
quipu::llama::model<kernel>* model = nullptr;
std::size_t size = sizeof(*model);
