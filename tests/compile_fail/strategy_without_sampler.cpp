// says: replay_strategy: declare 'sampler(std::span<const candidate> kept) const', which returns a function of a random_stream
#include <string>

#include <quipu/replay/group_sampler.hpp>
#include <quipu/replay/memory.hpp>

struct newest {
  static constexpr std::string_view name = "newest";
  std::vector<std::size_t> rank(std::span<const quipu::replay::candidate>, std::size_t, std::uint64_t) const { return {}; }
#ifdef CONTROL
  quipu::replay::group_sampler sampler(std::span<const quipu::replay::candidate> kept) const { return quipu::replay::uniform_sampler(kept); }
#endif
};
std::size_t size = sizeof(quipu::replay::memory<newest, std::string>);
