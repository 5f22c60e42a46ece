// says: policies: one of the types is no policy of a model
#include <quipu/llama/policies.hpp>

quipu::llama::sort_policies<int>::type::scalar scalar;
