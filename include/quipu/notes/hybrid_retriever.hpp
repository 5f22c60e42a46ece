/// @file Several retrievers as one: their rankings fused by reciprocal ranks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/notes/note_retriever.hpp>

namespace quipu::notes {

struct fusion_options {
  double offset = 60;       ///< a note at rank r (from 0) of one retriever gets 1 / (offset + r); above 0
  std::size_t depth = 100;  ///< how many notes of each retriever count when the caller asks for fewer
  /// What each retriever's share is multiplied with, in their order; empty: all alike. Two rankings that swap
  /// two notes leave them with the same sum: a weight of 1.001 lets one of the rankings decide.
  std::vector<double> weights = {};
};

/// Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): needs no scores that are comparable.
/// @tparam Retrievers  model `note_retriever`
template <class... Retrievers>
class hybrid_retriever {
  static_assert(sizeof...(Retrievers) >= 2, "hybrid_retriever: name at least two retrievers");
  static_assert((note_retriever<Retrievers> && ...), "hybrid_retriever: every part must model note_retriever");

 public:
  hybrid_retriever() = default;
  /// @throws config_error  options out of range
  explicit hybrid_retriever(Retrievers... parts, const fusion_options& options = {})
      : parts_(std::move(parts)...), options_(options) {
    if (!(options.offset > 0)) fail<config_error>("rank fusion: offset", "above 0", options.offset);
    if (!options.weights.empty() && options.weights.size() != sizeof...(Retrievers)) {
      fail<config_error>("rank fusion: weights", concat(sizeof...(Retrievers), ", or none"), options.weights.size());
    }
    for (const double weight : options.weights) {
      if (!(weight > 0)) fail<config_error>("rank fusion: weight", "above 0", weight);
    }
  }

  void add(note_id id, std::string_view text) {
    each([&](auto& part) { part.add(id, text); });
  }
  bool erase(note_id id) {
    bool found = false;
    each([&](auto& part) { found = part.erase(id) || found; });
    return found;
  }
  void update(note_id id, std::string_view text) {
    each([&](auto& part) { part.update(id, text); });
  }
  void clear() {
    each([](auto& part) { part.clear(); });
  }
  /// Makes room for so many notes in all, where a part can be told.
  void reserve(std::size_t n_note) {
    each([&]<class Part>(Part& part) {
      if constexpr (reserving_retriever<Part>) part.reserve(n_note);
    });
  }
  [[nodiscard]] std::size_t size() const { return std::get<0>(parts_).size(); }

  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    const std::size_t depth = std::max(k, options_.depth);
    std::vector<scored_note> shares;  // ranking after ranking
    std::apply(
        [&](const auto&... part) {
          std::size_t place = 0;
          const auto count = [&](const std::vector<scored_note>& ranking) {
            const double weight = options_.weights.empty() ? 1 : options_.weights[place];
            ++place;
            for (std::size_t r = 0; r < ranking.size(); ++r) {
              shares.push_back({ranking[r].id, weight / (options_.offset + static_cast<double>(r))});
            }
          };
          (count(part.retrieve(query, depth)), ...);
        },
        parts_);
    // Stable: the shares of a note are added up in the order of the parts.
    std::stable_sort(shares.begin(), shares.end(),
                     [](const scored_note& a, const scored_note& b) { return a.id < b.id; });
    top_notes best(k);
    for (std::size_t i = 0; i < shares.size();) {
      scored_note fused{shares[i].id, 0};
      for (; i < shares.size() && shares[i].id == fused.id; ++i) fused.score += shares[i].score;
      best.offer(fused.id, fused.score);
    }
    return best.take();
  }

  /// Writes the parts one after the other; for `search_cache`. @throws io_error
  void save(io::atomic_file& out) const requires(cacheable_retriever<Retrievers> && ...) {
    std::apply([&](const auto&... part) { (part.save(out), ...); }, parts_);
  }
  /// Takes the notes that `save` wrote instead of its own.
  /// @throws format_error  damaged, or the parts hold different numbers of notes; it is empty then
  void restore(io::byte_reader& in) requires(cacheable_retriever<Retrievers> && ...) {
    try {
      each([&](auto& part) { part.restore(in); });
      each([&](auto& part) {
        if (part.size() != size())
          fail<format_error>(concat(in.place(), ": notes of a part"), concat("as many as of the first, ", size()),
                             part.size());
      });
    } catch (...) {
      clear();
      throw;
    }
  }
  /// Names the parts. How they are fused is left out: no index depends on it.
  [[nodiscard]] std::string cache_identity() const requires(cacheable_retriever<Retrievers> && ...) {
    std::string name = "hybrid 1";
    std::apply([&](const auto&... part) { ((name += concat(" [", std::string(part.cache_identity()), "]")), ...); },
               parts_);
    return name;
  }

  /// The parts, in the order of the template arguments.
  [[nodiscard]] const std::tuple<Retrievers...>& parts() const noexcept { return parts_; }

 private:
  template <class Call>
  void each(Call&& call) {
    std::apply([&](auto&... part) { (call(part), ...); }, parts_);
  }

  std::tuple<Retrievers...> parts_;
  fusion_options options_;
};

}  // namespace quipu::notes
