// says: tokenizer: declare 'std::string_view piece(token_id) const'
#include <quipu/text/stream_decoder.hpp>

struct letters {
  std::size_t n_vocab() const { return 26; }
  std::vector<quipu::token_id> encode(std::string_view, quipu::text::special) const { return {}; }
#ifdef CONTROL
  std::string_view piece(quipu::token_id) const { return "a"; }
#endif
  std::string_view leading_piece(quipu::token_id) const { return "a"; }
  quipu::token_id bos() const { return 0; }
  quipu::token_id eos() const { return 0; }
  bool add_bos() const { return false; }
  bool add_eos() const { return false; }
  bool is_control(quipu::token_id) const { return false; }
  bool is_end(quipu::token_id) const { return false; }
  quipu::token_id find_special(std::string_view) const { return quipu::no_token; }
};
std::size_t size = sizeof(quipu::text::stream_decoder<letters>);
