// says: activation: declare 'template <class S> S derivative(S x) const' for float and double
#include <quipu/ffn/dense.hpp>

struct step {
  static constexpr std::string_view name = "step";
  template <class S>
  S operator()(S x) const {
    return x > 0 ? S(1) : S(0);
  }
#ifdef CONTROL
  template <class S>
  S derivative(S) const {
    return S(0);
  }
#endif
};
quipu::ffn::dense<step> kernel;
