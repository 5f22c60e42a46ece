// says: neuron_predictor: declare 'state' with a constructor (const Predictor&, const ffn_weights<float>&, const place&)
#include <quipu/ffn/predicted_sparse.hpp>

struct own_predictor {
  static constexpr std::string_view name = "all";
#ifdef CONTROL
  struct state {
    state(const own_predictor&, const quipu::ffn::ffn_weights<float>&, const quipu::ffn::place&) {}
  };
  void predict(const state&, quipu::linear::workspace&, const float*, std::vector<std::uint32_t>&) const {}
#endif
};
std::size_t size = sizeof(quipu::ffn::predicted_sparse<own_predictor>);
