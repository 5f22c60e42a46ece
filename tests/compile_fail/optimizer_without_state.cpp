// says: optimizer: declare 'template <class Scalar> class state'
#include <quipu/optim/updater.hpp>

#ifdef CONTROL
struct frozen : quipu::optim::adamw {};
#else
struct frozen {
  static constexpr std::string_view name = "frozen";
  double learning_rate = 0, weight_decay = 0;
};
#endif
std::size_t size = sizeof(quipu::optim::updater<frozen, float>);
