/// @file BM25 over notes in memory: incremental, exact, and quick because it skips what cannot win.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/inverted_index.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/scratch_pool.hpp>
#include <quipu/notes/term_dictionary.hpp>
#include <quipu/notes/word_tokens.hpp>

namespace quipu::notes {

struct bm25_options {
  double k1 = 1.2;  ///< how soon repeats of a word stop to count; above 0
  double b = 0.75;  ///< how much long notes are discounted, 0..1
};

/// BM25 (Robertson and Zaragoza 2009, "The probabilistic relevance framework", eq. 3.15) with the idf that
/// is never negative:
///
///   score(q, n) = sum over distinct words w of q:  idf(w) f (k1 + 1) / (f + k1 (1 - b + b |n| / mean |n|))
///   idf(w) = ln(1 + (N - n_w + 1/2) / (n_w + 1/2))
///
/// A word of the question counts once, however often it occurs there. Counts above 65,535 count as that.
/// Notes without any word of the question are not returned.
///
/// Incremental equals bulk to the last bit: scores depend on whole-number statistics alone and are summed
/// in the order of the question's words. A query is exact; it reads the rarest words' notes first and
/// leaves out whole lists once they cannot change the best k (MaxScore, Turtle and Flood 1995, with the
/// single occurrences of a word apart from the repeated ones, and note lengths inside the lists).
///
/// @tparam Words  models `word_policy`
/// Cost: about 100 bytes a note of a dozen words. Threads: `retrieve` side by side, edits alone.
template <class Words = content_words>
class bm25_retriever {
  static_assert(word_policy<Words>, "bm25_retriever: Words must cut a text into terms (see word_policy)");

 public:
  using words_type = Words;

  /// @throws config_error  options out of range
  explicit bm25_retriever(const bm25_options& options = {}, Words words = {})
      : options_(options), words_(std::move(words)) {
    if (!(options.k1 > 0) || !std::isfinite(options.k1)) fail<config_error>("bm25: k1", "above 0", options.k1);
    if (!(options.b >= 0 && options.b <= 1)) fail<config_error>("bm25: b", "0 to 1", options.b);
  }

  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::string_view text) {
    scratch_.clear();
    words_(text, scratch_);
    index_.add(id, scratch_);
  }
  /// Adds a note whose words are given.
  void add_terms(note_id id, const term_list& terms) { index_.add(id, terms); }
  /// @return false where there is no note `id`
  bool erase(note_id id) { return index_.erase(id); }
  /// Replaces the text of a note, or adds it where it is not there.
  void update(note_id id, std::string_view text) {
    index_.erase(id);
    add(id, text);
  }
  void clear() { index_ = {}; }

  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

  [[nodiscard]] std::vector<scored_note> retrieve(std::string_view query, std::size_t k) const {
    const lease work(pool_);
    work->terms.clear();
    words_(query, work->terms);
    return search(*work, work->terms, k);
  }
  /// As `retrieve`, for a question whose words are given.
  [[nodiscard]] std::vector<scored_note> retrieve_terms(const term_list& terms, std::size_t k) const {
    const lease work(pool_);
    return search(*work, terms, k);
  }
  /// The score of one note, 0 where it shares no word with the question or is not there.
  [[nodiscard]] double score(std::string_view query, note_id id) const {
    const std::size_t place = index_.place_of(id);
    if (place == index_.n_place()) return 0;
    const lease work(pool_);
    work->terms.clear();
    words_(query, work->terms);
    prepare(*work, work->terms);
    return exact_score(*work, static_cast<std::uint32_t>(place));
  }
  /// Sum of the idf of the question's distinct words, those that no note has included: the scale of its
  /// scores. A score over this is comparable between questions and versions of the notes.
  [[nodiscard]] double query_weight(std::string_view query) const {
    term_list terms;
    words_(query, terms);
    double sum = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      bool seen = false;
      for (std::size_t j = 0; j < i && !seen; ++j) seen = terms[j] == terms[i];
      if (!seen) sum += idf(terms[i]);
    }
    return sum;
  }
  /// idf of one word as the policy spells it; the largest one where no note has it.
  [[nodiscard]] double idf(std::string_view term) const {
    const std::uint32_t number = index_.dictionary().find(term);
    return idf_of(number == term_dictionary::absent ? 0 : index_.lists(number).n_live);
  }
  [[nodiscard]] const bm25_options& options() const noexcept { return options_; }
  [[nodiscard]] const Words& words() const noexcept { return words_; }

  /// What the retriever holds in memory, in bytes.
  [[nodiscard]] std::size_t memory_bytes() const { return index_.memory_bytes(); }

 private:
  using posting = inverted_index::posting;

  static constexpr std::size_t window_bits = 12;  // notes of one window: their scores fit the first cache
  static constexpr std::size_t window_size = std::size_t{1} << window_bits;
  static constexpr std::size_t small_list = 768;  // looked up note by note rather than added up by window

  struct query_term {
    std::uint32_t number;
    double weight;  // idf (k1 + 1)
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
  struct workspace {
    term_list terms;
    std::vector<query_term> query;
    std::vector<query_list> lists;
    double offset = 0, slope = 0;  // k1 (1 - b) and k1 b / mean length
    std::array<float, window_size> sums{};
    std::array<std::uint64_t, window_size / 64> touched{};
  };
  using lease = typename scratch_pool<workspace>::lease;

  [[nodiscard]] double idf_of(std::uint32_t n_with) const noexcept {
    const auto n_note = static_cast<double>(index_.size());
    return std::log(1 + (n_note - n_with + 0.5) / (n_with + 0.5));
  }
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
      const bool seen = std::any_of(work.query.begin(), work.query.end(),
                                    [&](const query_term& term) { return term.number == number; });
      if (!seen) work.query.push_back({number, idf_of(index_.lists(number).n_live) * (options_.k1 + 1)});
    }
  }
  [[nodiscard]] double exact_score(const workspace& work, std::uint32_t place) const noexcept {
    double sum = 0;
    for (const query_term& term : work.query) {
      if (const std::uint16_t count = index_.count_in(place, term.number); count != 0) {
        sum += term.weight * share(work, count, index_.length_at(place));
      }
    }
    return sum;
  }

  std::vector<scored_note> search(workspace& work, const term_list& terms, std::size_t k) const {
    top_notes best(k);
    prepare(work, terms);
    if (k == 0 || work.query.empty()) return best.take();
    gather(work);
    // Short lists first, note by note; they raise the threshold that the long ones then fail.
    std::size_t i = 0;
    for (; i < work.lists.size(); ++i) {
      query_list& list = work.lists[i];
      const double threshold = floor_of(best);
      if (static_cast<std::size_t>(list.end - list.next) > small_list && i + 1 != work.lists.size()) break;
      if (could_reach(work, list, list.min_length, threshold)) look_up(work, i, best);
      list.next = list.end;
    }
    if (i < work.lists.size()) add_up(work, i, best);
    return best.take();
  }

  /// The lists of all terms, shortest first, with what this and the later ones can give together.
  void gather(workspace& work) const {
    work.lists.clear();
    for (std::uint32_t t = 0; t < work.query.size(); ++t) {
      const inverted_index::term_lists& term = index_.lists(work.query[t].number);
      const auto put = [&](const std::vector<posting>& from, bool repeated, std::uint16_t least) {
        if (from.empty()) return;
        const std::uint16_t count = repeated ? term.max_count : std::uint16_t{1};
        work.lists.push_back({from.data(), from.data() + from.size(), t, repeated, least, count, work.query[t].weight, 0, 0});
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
    for (std::size_t i = work.lists.size(); i-- > 0;) {
      query_list& list = work.lists[i];
      bool later = false;
      for (std::size_t j = i + 1; j < work.lists.size() && !later; ++j) later = work.lists[j].term == list.term;
      if (!later) weight += list.weight;
      count = std::max(count, list.max_count);
      list.rest_weight = weight;
      list.rest_count = count;
    }
  }

  /// Bounds and sums of floats may err by this much; what is then close to the threshold is scored exactly.
  static constexpr double slack = 1 + 1e-5;
  /// A note of equal score and lower id may still come in, so the threshold itself passes.
  [[nodiscard]] static double floor_of(const top_notes& best) noexcept { return best.threshold(0); }

  /// Whether a note of `length` words that is in no list before this one may reach the threshold.
  [[nodiscard]] static bool could_reach(const workspace& work, const query_list& list, double length,
                                        double threshold) noexcept {
    return list.rest_weight * share(work, list.rest_count, length) * slack >= threshold;
  }
  /// The longest note for which could_reach holds; -1 where there is none.
  [[nodiscard]] static double longest(const workspace& work, const query_list& list, double threshold) noexcept {
    if (threshold <= 0 || work.slope <= 0) {
      return threshold <= 0 || could_reach(work, list, 0, threshold) ? std::numeric_limits<double>::max() : -1;
    }
    // count / (count + offset + slope length) = threshold / (weight slack)
    const double count = list.rest_count;
    return (list.rest_weight * slack * count / threshold - count - work.offset) / work.slope;
  }

  /// True where the note was met in one of the lists before `i`.
  [[nodiscard]] bool met_before(const workspace& work, std::size_t i, std::uint32_t place) const noexcept {
    for (std::size_t j = 0; j < i; ++j) {
      const query_list& list = work.lists[j];
      const std::uint16_t count = index_.count_in(place, work.query[list.term].number);
      if (count != 0 && (count > 1) == list.repeated) return true;
    }
    return false;
  }
  void offer(const workspace& work, std::size_t i, std::uint32_t place, top_notes& best) const {
    if (index_.id_at(place) == no_note || met_before(work, i, place)) return;
    best.offer(index_.id_at(place), exact_score(work, place));
  }

  void look_up(const workspace& work, std::size_t i, top_notes& best) const {
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
          const double bound = sum + (rest_weight > 0 ? rest_weight * share(work, rest_count, index_.length_at(place)) : 0);
          if (bound * slack >= floor_of(best)) offer(work, first, place, best);
        }
      }
    }
  }
  /// First posting at or behind `place`, by steps that double.
  static const posting* skip_to(const posting* from, const posting* end, std::size_t place) noexcept {
    std::ptrdiff_t step = 1;
    while (end - from > step && from[step].place < place) {
      from += step;
      step *= 2;
    }
    const posting* limit = end - from > step ? from + step + 1 : end;
    return std::lower_bound(from, limit, place, [](const posting& p, std::size_t at) { return p.place < at; });
  }

  bm25_options options_;
  Words words_;
  inverted_index index_;
  term_list scratch_;
  scratch_pool<workspace> pool_;
};

static_assert(note_retriever<bm25_retriever<>>);

}  // namespace quipu::notes
