// says: text_encoder: declare 'string identity() const'
#include <quipu/notes/dense_retriever.hpp>

struct lengths {
  std::size_t dimension() const { return 1; }
  std::vector<float> encode(std::string_view text) const { return {static_cast<float>(text.size())}; }
#ifdef CONTROL
  std::string identity() const { return "lengths"; }
#endif
};
std::size_t size = sizeof(quipu::notes::dense_retriever<lengths>);
