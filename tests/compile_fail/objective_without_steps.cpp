// says: objective: declare 'loss_sum step(pass, batch, divisor, hooks, gradients)'
#include <quipu/train/objective.hpp>

struct source {};
struct pass {
  using scalar_type = float;
};
struct hooks {};
struct still {
  using batch_type = quipu::llama::training_batch;
  void add(const source&, std::size_t, batch_type&) {}
#ifdef CONTROL
  quipu::llama::loss_sum step(pass&, const batch_type&, double, hooks&, const quipu::llama::weight_gradients<float>&) { return {}; }
  quipu::llama::loss_sum loss(pass&, const batch_type&, hooks&) { return {}; }
#endif
};
static_assert((quipu::train::explain_objective_on<still, source, pass, hooks>(), true));
