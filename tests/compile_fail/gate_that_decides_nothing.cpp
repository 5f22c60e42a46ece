// says: gate: declare 'template <class Session> gate_decision decide(Session&, const gate_evidence&) const'
#include <quipu/eren/gate/gate.hpp>

struct session {};
struct ajar {
#ifdef CONTROL
  quipu::eren::gate_decision decide(session&, const quipu::eren::gate_evidence&) const { return {}; }
#endif
};
static_assert((quipu::eren::explain_gate<ajar, session>(), true));
