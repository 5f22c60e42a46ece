// says: trainable_ffn_kernel: the kernel is for inference only
#include <quipu/llama/trainable.hpp>

#ifdef CONTROL
using forward_only = quipu::ffn::dense<quipu::activation::relu>;
#else
struct forward_only : quipu::ffn::dense<quipu::activation::relu> {
  template <class Scalar>
  using state = quipu::ffn::empty_state<forward_only, Scalar>;
  template <class... All>
  void forward(const All&...) const {}
  void backward() const = delete;
};
#endif
using model = quipu::llama::trainable_model<quipu::llama::model_policies<forward_only>>;
std::size_t size = sizeof(model);
