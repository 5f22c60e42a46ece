// Two units of one program include everything; a function that is not inline would be defined twice.
#include <quipu/quipu.hpp>

#include "parts.hpp"

std::string first_part() {
  namespace q = quipu;
  const q::text::any_tokenizer none;
  return q::concat(q::version_major, none ? "?" : ".", q::name_of(q::tensor_type::q4_1));
}
