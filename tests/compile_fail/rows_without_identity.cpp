// says: row_choice: it must be copyable, with 'llama::row_range operator()(const encoded_text&) const' and 'std::string identity() const'
#include <quipu/conpet/row_choice.hpp>

struct first_row {
  quipu::llama::row_range operator()(const quipu::conpet::encoded_text&) const { return {0, 1}; }
#ifdef CONTROL
  std::string identity() const { return "first"; }
#endif
};
static_assert((quipu::conpet::explain_row_choice<first_row>(), true));
