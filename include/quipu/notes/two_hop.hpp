/// @file Two retrievals in a row: the second question contains the best note of the first.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/note_retriever.hpp>

namespace quipu::notes {

struct two_hop_options {
  std::size_t first = 3;   ///< of first + second notes so many come from the question itself
  std::size_t second = 2;  ///< and so many, new ones, from the question with the best note after it
};

/// Notes for a question that may need two of them: the best ones for the question, then new ones for the
/// question followed by the text of the best note. Notes of the second hop come last; their scores are
/// scaled to at most half the lowest one of the first hop.
///
/// @param text_of  gives the text of a note by its id
template <note_retriever Retriever, class TextOf>
[[nodiscard]] std::vector<scored_note> retrieve_two_hop(const Retriever& retriever, TextOf&& text_of,
                                                        std::string_view query, std::size_t k,
                                                        const two_hop_options& options = {}) {
  const std::size_t parts = options.first + options.second;
  if (options.first == 0) fail<config_error>("two hops: notes of the first", "at least 1", options.first);
  std::vector<scored_note> chosen = retriever.retrieve(query, k);
  if (chosen.empty() || k < 2 || options.second == 0) return chosen;
  const std::size_t n_first = std::clamp<std::size_t>((k * options.first + parts - 1) / parts, 1, k - 1);
  chosen.resize(std::min(chosen.size(), n_first));
  std::string longer(query);
  longer += ' ';
  longer += text_of(chosen.front().id);
  const auto taken = [&](note_id id) {
    return std::any_of(chosen.begin(), chosen.end(), [&](const scored_note& c) { return c.id == id; });
  };
  const double ceiling = chosen.back().score / 2;
  double best = 0;
  for (const scored_note& hit : retriever.retrieve(longer, 2 * k + 2)) {
    if (chosen.size() == k) break;
    if (taken(hit.id)) continue;
    if (best == 0) best = hit.score;
    chosen.push_back({hit.id, ceiling * hit.score / best});
  }
  return chosen;
}

/// A retriever that answers in two hops. It keeps the texts of the notes.
template <class Retriever>
class two_hop_retriever {
  static_assert((explain_note_retriever<Retriever>(), true));

 public:
  two_hop_retriever() = default;
  explicit two_hop_retriever(Retriever retriever, const two_hop_options& options = {})
      : retriever_(std::move(retriever)), options_(options) {}

  void add(note_id id, std::string_view text) {
    retriever_.add(id, text);
    texts_[id] = text;
  }
  bool erase(note_id id) {
    texts_.erase(id);
    return retriever_.erase(id);
  }
  void update(note_id id, std::string_view text) {
    retriever_.update(id, text);
    texts_[id] = text;
  }
  void clear() {
    retriever_.clear();
    texts_.clear();
  }
  [[nodiscard]] std::size_t size() const { return retriever_.size(); }
  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    return retrieve_two_hop(
        retriever_, [&](note_id id) -> std::string_view { return texts_.at(id); }, query, k, options_);
  }
  [[nodiscard]] const Retriever& one_hop() const noexcept { return retriever_; }

 private:
  Retriever retriever_;
  two_hop_options options_;
  std::unordered_map<note_id, std::string> texts_;
};

}  // namespace quipu::notes
