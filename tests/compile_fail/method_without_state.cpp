// says: learning_method: declare 'struct state', copyable and made from nothing: what is kept between tasks
#include <quipu/conpet/methods/learning_method.hpp>

struct forgetful {
  using policy_role = quipu::role::learning_method;
#ifdef CONTROL
  struct state {};
#endif
  std::string identity() const { return "forgetful"; }
  template <class State, class Task>
  void learn(State&, Task& task) const {
    task.train();
  }
};
static_assert((quipu::conpet::explain_learning_method<forgetful>(), true));
