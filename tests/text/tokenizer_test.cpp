#include <catch2/catch.hpp>
#include <quipu/text/tokenizer.hpp>
#include <string>
#include <vector>

#include "support/tokenizer_archetype.hpp"

using namespace quipu::text;
using quipu::token_id;
using quipu::test::tokenizer_archetype;

namespace {

struct without_piece : tokenizer_archetype {
  void piece(token_id) const = delete;
};
struct without_ends : tokenizer_archetype {
  bool bos() const { return false; }  // wrong type
};
struct without_find : tokenizer_archetype {
  void find_special(std::string_view) const = delete;
};
struct changing_encode : tokenizer_archetype {
  std::vector<token_id> encode(std::string_view, special) { return {}; }  // not const
};

}  // namespace

static_assert(tokenizer<tokenizer_archetype>);
static_assert(!tokenizer<int>);
static_assert(!has_piece<without_piece> && !tokenizer<without_piece>);
static_assert(!has_text_ends<without_ends> && !tokenizer<without_ends>);
static_assert(!has_find_special<without_find> && !tokenizer<without_find>);
static_assert(!has_encode<changing_encode> && !tokenizer<changing_encode>);

TEST_CASE("encode_document adds the ends that the tokenizer asks for", "[text][tokenizer]") {
  const tokenizer_archetype tokenizer;
  CHECK(encode_document(tokenizer, "a") == std::vector<token_id>{256, 'a', 257});
  CHECK(encode_document(tokenizer, "<e>", special::parse) == std::vector<token_id>{256, 257, 257});
  CHECK(encode_document(tokenizer, "<e>").size() == 5);

  struct open_ended : tokenizer_archetype {
    bool add_eos() const { return false; }
    token_id bos() const { return quipu::no_token; }
  };
  CHECK(encode_document(open_ended{}, "a") == std::vector<token_id>{'a'});
}
