// A user's store, retriever and gate feature in the library's editor.
#include <quipu/quipu.hpp>

#include "gate_feature.hpp"
#include "note_store.hpp"
#include "require.hpp"
#include "retriever.hpp"

namespace q = quipu;

namespace {

/// A model that reads any text, a token a byte.
auto byte_model() {
  q::text::vocabulary v;
  v.kind = q::text::tokenizer_kind::byte_level_bpe;
  v.pre_tokenizer = "gpt-2";
  for (int byte = 0; byte < 256; ++byte) {
    v.tokens.push_back(q::text::encode_byte_alphabet(std::string(1, static_cast<char>(byte))));
  }
  v.tokens.push_back("<|endoftext|>");
  v.tokens.push_back("<|im_start|>");
  v.kinds.assign(256, q::text::token_kind::normal);
  v.kinds.insert(v.kinds.end(), 2, q::text::token_kind::control);
  v.eos = 256;
  q::io::model_config c;
  c.d_model = 32, c.d_ffn = 48, c.n_layer = 2, c.n_head = 4, c.n_kv_head = 2, c.d_head = 8, c.n_vocab = 258, c.n_ctx = 512;
  return q::llama::initialise<float>(c, 3, q::text::any_tokenizer(v), q::ffn::dense<q::activation::silu>{}).freeze();
}

}  // namespace

void check_notes() {
  using gate = q::eren::fitted_gate<q::eren::read_log_probs, extend::relative_length>;
  using editor_type = q::eren::editor<decltype(byte_model()), extend::whole_tables, extend::first_letters,
                                      q::eren::extractive_reader, gate>;
  q::eren::editor_options options;
  options.team = q::thread_team(1);
  options.generate.max_tokens = 4;
  editor_type editor(byte_model(), extend::whole_tables(), {}, {}, gate(), options);
  const auto first = editor.add_note("Quipus were kept by the quipucamayoc.").id;
  editor.add_note("Bergen is a harbour.");
  require(editor.size() == 2, "a user's store keeps the notes of an editor");
  const auto names = gate().names();
  require(names.back() == "relative_length", "a user's feature stands beside the library's");
  std::vector<q::eren::labelled_question> labelled;
  for (int i = 0; i < 12; ++i) labelled.push_back({"quipus kept by whom", first, q::concat("a", i)});
  for (int i = 0; i < 12; ++i) labelled.push_back({"bring a big bag of bananas to be borrowed", q::notes::no_note, q::concat("b", i)});
  editor.fit(labelled);
  require(editor.gate().model().names == names, "a gate is fitted on it");

  const std::string question = "quipus kept where";
  const auto considered = editor.consider(std::span(&question, 1));
  require(considered.front().candidates.front().id == first, "a user's retriever finds them");
  editor.erase(first);
  require(editor.size() == 1 && editor.history(first).size() == 2, "edits are remembered");
  editor.undo();
  require(editor.size() == 2, "and taken back");
}
