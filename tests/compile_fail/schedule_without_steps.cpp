// says: trainer: the schedule must be copyable and callable with a step
#include <quipu/llama/trainable.hpp>
#include <quipu/train/trainer.hpp>

struct weekly {
#ifdef CONTROL
  double operator()(std::size_t step) const { return step < 7 ? 1 : 0.5; }
#endif
};
using model = quipu::llama::trainable_model<quipu::llama::model_policies<>>;
std::size_t size = sizeof(quipu::train::trainer<model, quipu::optim::adamw, weekly>);
