// says: conpet: one of the types is no policy of a learner
#include <quipu/conpet/policies.hpp>

#ifdef CONTROL
using chosen = quipu::conpet::hard_route;
#else
using chosen = int;
#endif
quipu::conpet::learner_policies<chosen>::composition_policy how;
