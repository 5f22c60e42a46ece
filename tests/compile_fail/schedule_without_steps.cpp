// says: trainer: the schedule must be copyable and callable with a step
#include <quipu/quipu.hpp>

struct weekly {};
using model = quipu::llama::trainable_model<quipu::llama::model_policies<>>;
std::size_t size = sizeof(quipu::train::trainer<model, quipu::optim::adamw, weekly>);
