// says: objective: declare 'double weight(const batch_type&)'
#include <string>

#include <quipu/optim/optimizer.hpp>
#include <quipu/train/trainer.hpp>

struct preference {
  using batch_type = quipu::llama::training_batch;
  std::string identity() const { return "preference"; }
#ifdef CONTROL
  double weight(const batch_type&) const { return 1; }
#endif
};
using model = quipu::llama::model<>;
std::size_t size =
    sizeof(quipu::train::trainer<model, quipu::optim::adamw, quipu::schedule::constant, preference>);
