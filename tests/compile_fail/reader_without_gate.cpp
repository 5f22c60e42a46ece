// says: reader: declare 'using default_gate = ...'
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/reading/reader.hpp>

struct session {};
struct silent {
#ifdef CONTROL
  using default_gate = quipu::eren::abstention_gate;
#endif
  static constexpr auto grouping = quipu::eren::note_grouping::one_by_one;
  static constexpr std::size_t n_note = 1;
  std::vector<quipu::eren::reading> read(session&, std::span<const quipu::eren::reading_task> tasks,
                                         const quipu::eren::reading_wishes&) const {
    return std::vector<quipu::eren::reading>(tasks.size());
  }
  std::string identity() const { return "silent"; }
};
static_assert((quipu::eren::explain_reader<silent, session>(), true));
