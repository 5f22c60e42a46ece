// says: text_template: declare 'std::string identity() const'
#include <quipu/conpet/text_template.hpp>
#include <quipu/text/any_tokenizer.hpp>

struct shouting {
  quipu::conpet::encoded_text encode(const auto& tokenizer, const quipu::data::labelled_text& text, std::size_t n_longest) const {
    return quipu::conpet::plain_text{}.encode(tokenizer, text, n_longest);
  }
#ifdef CONTROL
  std::string identity() const { return "shouting"; }
#endif
};
static_assert((quipu::conpet::explain_text_template<shouting, quipu::text::any_tokenizer>(), true));
