// says: companion: declare 'nlohmann::json state() const' and 'restore(const nlohmann::json& saved)'
#include <quipu/train/companion.hpp>

struct meter {
  void step_done(const quipu::train::step_report&, nlohmann::ordered_json&) {}
#ifdef CONTROL
  nlohmann::json state() const { return 1; }
  void restore(const nlohmann::json&) {}
#endif
};
static_assert((quipu::train::explain_companion<meter>(), true));
