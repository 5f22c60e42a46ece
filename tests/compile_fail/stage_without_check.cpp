// says: stage: declare 'check(const nlohmann::ordered_json& settings)'
#include <quipu/prosparse/run.hpp>

struct counting_stage {
  std::string name() const { return "counting"; }
#ifdef CONTROL
  void check(const nlohmann::ordered_json&) {}
#endif
  template <class Model>
  quipu::prosparse::report_section run(const Model&, const quipu::prosparse::corpus&, const nlohmann::ordered_json&, const quipu::thread_team&) {
    return {};
  }
};
static_assert((quipu::prosparse::explain_stage_on<counting_stage, quipu::llama::model<>>(), true));
