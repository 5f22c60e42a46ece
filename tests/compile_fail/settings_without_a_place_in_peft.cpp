// says: peft_policy: declare 'peft_type'
#include <quipu/pet/kinds.hpp>

#ifdef CONTROL
using kind = quipu::pet::lora;
#else
struct kind {};
#endif
static_assert((quipu::pet::explain_peft_policy<kind>(), true));
