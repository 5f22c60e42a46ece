// says: selector: it must be copyable, with 'static constexpr selector_kind kind' and 'std::string identity() const'
#include <quipu/conpet/selector.hpp>

struct guessing {
#ifdef CONTROL
  static constexpr quipu::conpet::selector_kind kind = quipu::conpet::selector_kind::oracle;
#endif
  std::string identity() const { return "guessing"; }
};
static_assert((quipu::conpet::explain_selector<guessing>(), true));
