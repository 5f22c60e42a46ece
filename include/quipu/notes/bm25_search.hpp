/// @file A query of BM25 that leaves out what cannot win: MaxScore over an inverted index.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <quipu/notes/inverted_index.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/term_dictionary.hpp>
#include <quipu/notes/word_tokens.hpp>  // term_list

namespace quipu::notes {

struct bm25_options {
  double k1 = 1.2;  ///< how soon repeats of a word stop to count; above 0
  double b = 0.75;  ///< how much long notes are discounted, 0..1
};

/// Queries of an index by BM25, see `basic_bm25_retriever` for the formula. A query is exact; it reads the rarest
/// words' notes first and leaves out whole lists once they cannot change the best k (Turtle and Flood 1995).
///
/// Refers to options and index: made for a query, or while neither moves. Threads: side by side, each with its
/// workspace.
class bm25_search {
  using posting = inverted_index::posting;

  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t window_bits = 12;  // notes of one window: their scores fit the first cache
  static constexpr std::size_t window_size = std::size_t{1} << window_bits;
  // A note shares so many of its words that looking it up for each is dear
  static constexpr std::size_t long_query = 64;
  static constexpr std::size_t small_list = 768;  // looked up note by note rather than added up by window

  struct query_term {
    std::uint32_t number;
    double weight;  // idf (k1 + 1)
    std::array<std::uint32_t, 2> position;  // of its lists of single and repeated occurrences
  };
  struct query_list {
    const posting* next;
    const posting* end;
    std::uint32_t term;  // index into the question's terms
    bool repeated;
    std::uint16_t min_length, max_count;
    double weight;
    double rest_weight;       // of this list's term and those of all later lists, each once
    std::uint16_t rest_count;  // largest count in this and all later lists
  };

 public:
  /// What a query keeps while it runs, to be used again for the next one.
  struct workspace {
    std::vector<query_term> query;
    std::vector<std::uint32_t> by_number;  // the question's terms in the order of their numbers
    std::vector<double> given;             // what each of them gives to a note
    std::vector<query_list> lists;
    double offset = 0, slope = 0;  // k1 (1 - b) and k1 b / mean length
    std::array<float, window_size> sums{};
    std::array<std::uint64_t, window_size / 64> touched{};
  };

  bm25_search(const bm25_options& options, const inverted_index& index) noexcept : options_(options), index_(index) {}

  /// @param n_with  notes that have the word
  [[nodiscard]] double idf_of(std::uint32_t n_with) const noexcept {
    const auto n_note = static_cast<double>(index_.size());
    return std::log(1 + (n_note - n_with + 0.5) / (n_with + 0.5));
  }

  /// The best k notes for a question's words.
  [[nodiscard]] std::vector<scored_note> search(workspace& work, const term_list& terms, std::size_t k) const {
    top_notes best(k);
    prepare(work, terms);
    if (k == 0 || work.query.empty()) return best.take();
    gather(work);
    // Short lists first, note by note; they raise the threshold that the long ones then fail.
    std::size_t i = 0;
    for (; i < work.lists.size() && work.query.size() <= long_query; ++i) {
      query_list& list = work.lists[i];
      const double threshold = floor_of(best);
      if (static_cast<std::size_t>(list.end - list.next) > small_list && i + 1 != work.lists.size()) break;
      if (could_reach(work, list, list.min_length, threshold)) look_up(work, i, best);
      list.next = list.end;
    }
    if (i < work.lists.size()) add_up(work, i, best);
    return best.take();
  }
  /// The score of one note.
  [[nodiscard]] double score(workspace& work, const term_list& terms, std::uint32_t place) const {
    prepare(work, terms);
    return score_beyond(work, 0, place);
  }

 private:
  /// The share of its weight that a word gives which occurs `count` times in a note of `length` words.
  [[nodiscard]] static double share(const workspace& work, double count, double length) noexcept {
    return count / (count + work.offset + work.slope * length);
  }

  /// Fills in the distinct known words of the question, in the order of their first appearance.
  void prepare(workspace& work, const term_list& terms) const {
    work.query.clear();
    if (index_.size() == 0) return;
    const double mean = static_cast<double>(index_.total_length()) / static_cast<double>(index_.size());
    work.offset = options_.k1 * (1 - options_.b);
    work.slope = options_.k1 * options_.b / mean;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const std::uint32_t number = index_.dictionary().find(terms[i]);
      if (number == term_dictionary::absent || index_.lists(number).n_live == 0) continue;
      work.query.push_back({number, idf_of(index_.lists(number).n_live) * (options_.k1 + 1), {}});
    }
    drop_repeats(work);
    work.given.assign(work.query.size(), 0);
  }
  /// Leaves every term where it comes first, and notes the order of the numbers.
  static void drop_repeats(workspace& work) {
    const auto sort = [&] {
      work.by_number.resize(work.query.size());
      for (std::uint32_t t = 0; t < work.by_number.size(); ++t) work.by_number[t] = t;
      std::sort(work.by_number.begin(), work.by_number.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(work.query[a].number, a) < std::pair(work.query[b].number, b);
      });
    };
    sort();
    bool repeats = false;
    for (std::size_t i = 1; i < work.by_number.size(); ++i) {
      query_term& term = work.query[work.by_number[i]];
      if (term.number != work.query[work.by_number[i - 1]].number) continue;
      term.weight = -1;
      repeats = true;
    }
    if (!repeats) return;
    std::erase_if(work.query, [](const query_term& term) { return term.weight < 0; });
    sort();
  }

  /// Score of a note that is in none of the first `n_done` lists; -1 if it is in one of them.
  [[nodiscard]] double score_beyond(workspace& work, std::size_t n_done, std::uint32_t place) const noexcept {
    const double length = index_.length_at(place);
    const auto is_done = [&](const query_term& term, std::uint16_t count) {
      return term.position[count > 1 ? 1 : 0] < n_done;
    };
    double sum = 0;
    if (work.query.size() <= 8) {
      for (const query_term& term : work.query) {
        const std::uint16_t count = index_.count_in(place, term.number);
        if (count == 0) continue;
        if (is_done(term, count)) return -1;
        sum += term.weight * share(work, count, length);
      }
      return sum;
    }
    // Both the note's and the question's terms ascend: one pass, then a sum in the question's order.
    const auto terms = index_.terms_of(place);
    std::size_t at = 0;
    bool done = false;
    for (const std::uint32_t t : work.by_number) {
      const query_term& term = work.query[t];
      while (at < terms.size() && terms[at].term < term.number) ++at;
      const bool present = at < terms.size() && terms[at].term == term.number;
      work.given[t] = present ? term.weight * share(work, terms[at].count, length) : 0;
      done = done || (present && is_done(term, terms[at].count));
    }
    if (done) return -1;
    for (const double given : work.given) sum += given;
    return sum;
  }

  /// The lists of all terms, shortest first, with what this and the later ones can give together.
  void gather(workspace& work) const {
    work.lists.clear();
    for (std::uint32_t t = 0; t < work.query.size(); ++t) {
      const inverted_index::term_lists& term = index_.lists(work.query[t].number);
      const auto put = [&](const std::vector<posting>& from, bool repeated, std::uint16_t least) {
        if (from.empty()) return;
        const std::uint16_t count = repeated ? term.max_count : std::uint16_t{1};
        work.lists.push_back(
            {from.data(), from.data() + from.size(), t, repeated, least, count, work.query[t].weight, 0, 0});
      };
      put(term.single, false, term.min_single);
      put(term.repeated, true, term.min_repeated);
    }
    std::sort(work.lists.begin(), work.lists.end(), [](const query_list& a, const query_list& b) {
      const auto size_a = a.end - a.next, size_b = b.end - b.next;
      return size_a != size_b ? size_a < size_b : std::pair(a.term, a.repeated) < std::pair(b.term, b.repeated);
    });
    double weight = 0;
    std::uint16_t count = 0;
    for (query_term& term : work.query) term.position = {none, none};
    for (std::size_t i = work.lists.size(); i-- > 0;) {
      query_list& list = work.lists[i];
      query_term& term = work.query[list.term];
      if (term.position == std::array{none, none}) weight += list.weight;
      term.position[list.repeated ? 1 : 0] = static_cast<std::uint32_t>(i);
      count = std::max(count, list.max_count);
      list.rest_weight = weight;
      list.rest_count = count;
    }
  }

  /// Bounds and sums of floats may err by this much; what is then close to the threshold is scored exactly.
  static constexpr double slack = 1 + 1e-5;
  // A note of equal score and lower id may still come in, so the threshold itself passes.
  [[nodiscard]] static double floor_of(const top_notes& best) noexcept { return best.threshold(0); }

  /// Whether a note of `length` words that is in no list before this one may reach the threshold.
  [[nodiscard]] static bool could_reach(const workspace& work, const query_list& list, double length,
                                        double threshold) noexcept {
    return list.rest_weight * share(work, list.rest_count, length) * slack >= threshold;
  }
  /// The longest note for which could_reach holds; -1 if there is none.
  [[nodiscard]] static double longest(const workspace& work, const query_list& list, double threshold) noexcept {
    if (threshold <= 0 || work.slope <= 0) {
      return threshold <= 0 || could_reach(work, list, 0, threshold) ? std::numeric_limits<double>::max() : -1;
    }
    // count / (count + offset + slope length) = threshold / (weight slack)
    const double count = list.rest_count;
    return (list.rest_weight * slack * count / threshold - count - work.offset) / work.slope;
  }

  void offer(workspace& work, std::size_t n_done, std::uint32_t place, top_notes& best) const {
    if (index_.id_at(place) == no_note) return;
    if (const double score = score_beyond(work, n_done, place); score >= 0) best.offer(index_.id_at(place), score);
  }

  void look_up(workspace& work, std::size_t i, top_notes& best) const {
    const query_list& list = work.lists[i];
    double threshold = -1, limit = 0;
    for (const posting* p = list.next; p != list.end; ++p) {
      if (floor_of(best) != threshold) {
        threshold = floor_of(best);
        limit = longest(work, list, threshold);
      }
      if (p->length <= limit) offer(work, i, p->place, best);
    }
  }

  /// Adds up the lists from `first` on, window by window of notes, in single precision, and scores exactly
  /// what comes close to the threshold.
  void add_up(workspace& work, std::size_t first, top_notes& best) const {
    std::array<float, 256> single_share;  // by length; lengths beyond take the last, which is larger
    for (std::size_t length = 0; length < single_share.size(); ++length) {
      single_share[length] = static_cast<float>(share(work, 1, static_cast<double>(length)));
    }
    const std::size_t n_list = work.lists.size();
    for (std::size_t base = 0; base < index_.n_place(); base += window_size) {
      const std::size_t end = std::min(base + window_size, index_.n_place());
      const double threshold = floor_of(best);
      // Lists that alone cannot lift a note to the threshold only matter for notes of the others.
      std::size_t n_essential = first;
      while (n_essential < n_list &&
             could_reach(work, work.lists[n_essential], work.lists[n_essential].min_length, threshold)) {
        ++n_essential;
      }
      if (n_essential == first) return;  // nor can they in any later window
      const double limit = longest(work, work.lists[first], threshold);
      const auto longest_length = static_cast<std::uint32_t>(std::min(std::max(limit, 0.0), 65535.0));
      for (std::size_t i = first; i < n_essential; ++i) {
        query_list& list = work.lists[i];
        const posting* p = skip_to(list.next, list.end, base);
        const auto weight = static_cast<float>(list.weight);
        for (; p != list.end && p->place < end; ++p) {
          if (p->length > longest_length) continue;
          const std::size_t at = p->place - base;
          const float given = list.repeated
                                  ? static_cast<float>(share(work, p->count, p->length))
                                  : single_share[std::min<std::size_t>(p->length, single_share.size() - 1)];
          work.sums[at] += weight * given;
          work.touched[at / 64] |= std::uint64_t{1} << (at % 64);
        }
        list.next = p;
      }
      const double rest_weight = n_essential < n_list ? work.lists[n_essential].rest_weight : 0;
      const double rest_count = n_essential < n_list ? work.lists[n_essential].rest_count : 1;
      const std::size_t n_word = (end - base + 63) / 64;
      for (std::size_t word = 0; word < n_word; ++word) {
        for (std::uint64_t bits = std::exchange(work.touched[word], 0); bits != 0; bits &= bits - 1) {
          const std::size_t at = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
          const auto place = static_cast<std::uint32_t>(base + at);
          const double sum = std::exchange(work.sums[at], 0.0f);
          const double bound =
              sum + (rest_weight > 0 ? rest_weight * share(work, rest_count, index_.length_at(place)) : 0);
          if (bound * slack >= floor_of(best)) offer(work, first, place, best);
        }
      }
    }
  }
  /// First posting at or after `place`, by steps that double.
  static const posting* skip_to(const posting* from, const posting* end, std::size_t place) noexcept {
    std::ptrdiff_t step = 1;
    while (end - from > step && from[step].place < place) {
      from += step;
      step *= 2;
    }
    const posting* limit = end - from > step ? from + step + 1 : end;
    return std::lower_bound(from, limit, place, [](const posting& p, std::size_t at) { return p.place < at; });
  }

  const bm25_options& options_;
  const inverted_index& index_;
};

}  // namespace quipu::notes
