// says: regulariser: declare 'std::size_t n_together() const', the tokens of a group
#include <quipu/sparsity/regulariser.hpp>

struct l2_hidden {
  quipu::sparsity::reduction over = quipu::sparsity::reduction::mean_tokens_neurons;
  std::string name() const { return "l2_hidden"; }
  bool at(quipu::sparsity::penalised place) const { return place == quipu::sparsity::penalised::hidden; }
#ifdef CONTROL
  std::size_t n_together() const { return 1; }
#endif
  template <class S>
  double add(quipu::matrix_view<const S>, S, quipu::matrix_view<S>) const {
    return 0;
  }
};
static_assert((quipu::sparsity::explain_regulariser<l2_hidden>(), true));
