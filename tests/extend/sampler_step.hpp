// A user's own sampler step: never the token that was written last.
#pragma once

#include <quipu/llama/sampler.hpp>

#include <algorithm>

namespace extend {

struct no_stutter {
  void operator()(std::vector<quipu::llama::candidate>& candidates, std::span<const quipu::token_id> history) const {
    if (history.empty() || candidates.size() < 2) return;
    std::erase_if(candidates, [&](const auto& c) { return c.token == history.back(); });
  }
};

}  // namespace extend
