// says: policies: one of the types is no policy
#include <quipu/llama/policies.hpp>

quipu::llama::scalar_of<quipu::llama::model_policies<int>> scalar;
