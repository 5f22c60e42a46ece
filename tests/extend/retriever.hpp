// A user's own retriever: notes by the number of their words' first letters that a question shares.
#pragma once

#include <quipu/notes/note_retriever.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace extend {

class first_letters {
 public:
  void add(quipu::notes::note_id id, std::string_view text) { letters_[id] = letters_of(text); }
  bool erase(quipu::notes::note_id id) { return letters_.erase(id) > 0; }
  void update(quipu::notes::note_id id, std::string_view text) { add(id, text); }
  void clear() { letters_.clear(); }
  std::size_t size() const { return letters_.size(); }

  std::vector<quipu::notes::scored_note> retrieve(std::string_view query, std::size_t k) const {
    const std::set<char> asked = letters_of(query);
    quipu::notes::top_notes best(k);
    for (const auto& [id, letters] : letters_) {
      const auto shared = std::count_if(letters.begin(), letters.end(), [&](char c) { return asked.count(c) > 0; });
      if (shared > 0) best.offer(id, static_cast<double>(shared));
    }
    return best.take();
  }

 private:
  static std::set<char> letters_of(std::string_view text) {
    std::set<char> letters;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != ' ' && (i == 0 || text[i - 1] == ' ')) letters.insert(text[i]);
    }
    return letters;
  }
  std::map<quipu::notes::note_id, std::set<char>> letters_;
};

static_assert(quipu::notes::note_retriever<first_letters>);

}  // namespace extend
