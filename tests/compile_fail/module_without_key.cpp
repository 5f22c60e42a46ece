// says: pet_module: declare 'void add_to_key(key_hash&) const', empty if the parameters are all
#include <quipu/pet/module.hpp>

struct silent : quipu::pet::no_module {
  using scalar_type = float;
  std::span<const quipu::optim::parameter<float>> parameters() const { return {}; }
#ifdef CONTROL
  void add_to_key(quipu::pet::key_hash&) const {}
#endif
};
static_assert((quipu::pet::explain_pet_module<silent>(), true));
