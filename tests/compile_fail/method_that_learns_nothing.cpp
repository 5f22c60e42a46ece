// says: learning_method: declare 'template <class Task> void learn(state& s, Task& task) const'
#include <quipu/conpet/methods/learning_method.hpp>

struct task {};
struct idle {
  using policy_role = quipu::role::learning_method;
  struct state {};
  std::string identity() const { return "idle"; }
#ifdef CONTROL
  template <class Task>
  void learn(state&, Task&) const {}
#endif
};
static_assert((quipu::conpet::explain_learning_method_on<idle, task>(), true));
