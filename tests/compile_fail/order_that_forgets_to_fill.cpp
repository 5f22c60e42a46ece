// says: batch_order: declare 'fill(const order_place& place, std::span<ordered_example> examples)'
#include <string>

#include <quipu/optim/optimizer.hpp>
#include <quipu/train/trainer.hpp>

struct shuffler {
  std::string identity() const { return "shuffler"; }
#ifdef CONTROL
  void fill(const quipu::train::order_place&, std::span<quipu::train::ordered_example>) {}
#endif
};
using model = quipu::llama::model<>;
std::size_t size = sizeof(quipu::train::trainer<model, quipu::optim::adamw, quipu::schedule::constant,
                                                quipu::train::language_modelling, shuffler>);
