// says: storage: declare 'static constexpr std::optional<tensor_type> type', empty for as stored, and 'static constexpr bool repacks'
#include <quipu/llama/policies.hpp>

struct anywhere {
  using policy_role = quipu::role::storage;
#ifdef CONTROL
  static constexpr std::optional<quipu::tensor_type> type{};
  static constexpr bool repacks = false;
#endif
};
static_assert((quipu::llama::explain_policies<quipu::llama::model_policies<anywhere>>(), true));
