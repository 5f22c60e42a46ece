// says: policies: one of the types is no policy
#include <quipu/llama/policies.hpp>

#ifdef CONTROL
quipu::llama::scalar_of<quipu::llama::model_policies<quipu::kv::f16>> scalar;
#else
quipu::llama::scalar_of<quipu::llama::model_policies<int>> scalar;
#endif
