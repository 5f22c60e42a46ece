// A user's method against forgetting in a continual learner of the library.
#include <quipu/quipu.hpp>

#include "learning_method.hpp"
#include "require.hpp"

namespace q = quipu;

namespace {

/// A model that reads any text, a token a byte.
auto small_model() {
  q::text::vocabulary v;
  v.kind = q::text::tokenizer_kind::byte_level_bpe;
  v.pre_tokenizer = "gpt-2";
  for (int byte = 0; byte < 256; ++byte) v.tokens.push_back(q::text::encode_byte_alphabet(std::string(1, static_cast<char>(byte))));
  v.tokens.push_back("<|endoftext|>");
  v.kinds.assign(256, q::text::token_kind::normal);
  v.kinds.push_back(q::text::token_kind::control);
  v.eos = 256;
  q::io::model_config c;
  c.d_model = 32, c.d_ffn = 48, c.n_layer = 2, c.n_head = 4, c.n_kv_head = 2, c.d_head = 8, c.n_vocab = 257, c.n_ctx = 128;
  return q::llama::initialise<float>(c, 3, q::text::any_tokenizer(v), q::ffn::dense<q::activation::silu>{}).freeze();
}

/// How far the second task takes the module from where the first one left it.
double moved(double strength) {
  using method = extend::stays_near;
  q::conpet::tuner_options options;
  options.training.n_step = 12;
  options.training.batch_size = 4;
  options.n_thread = 1;
  q::conpet::static_tuner<decltype(small_model()), method> tuner(small_model(), {.rank = 2}, options, method{strength});
  const auto values = [&] {
    std::vector<float> all;
    for (const auto& p : tuner.who().module->parameters()) all.insert(all.end(), p.value, p.value + p.size());
    return all;
  };
  tuner.learn({"animals", {"cat", "dog"}, {{"a cat", 0}, {"the cat", 0}, {"a dog", 1}, {"the dog", 1}}, {}, {}});
  const auto before = values();
  tuner.learn({"trees", {"oak", "elm"}, {{"an oak", 0}, {"the oak", 0}, {"an elm", 1}, {"the elm", 1}}, {}, {}});
  const auto after = values();
  double sum = 0;
  for (std::size_t i = 0; i < after.size(); ++i) sum += (double(after[i]) - double(before[i])) * (double(after[i]) - double(before[i]));
  return sum;
}

}  // namespace

void check_learner() { require(moved(1000) < 0.5 * moved(0), "a user's method keeps a module near where it was"); }
