/// @file Does a note correct an earlier one? Told from their words alone, in English, German, Spanish and Chinese.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/notes/edit_rules.hpp>  // slot_of
#include <quipu/notes/note.hpp>
#include <quipu/notes/revision.hpp>

namespace quipu::notes {

namespace corrections_detail {
struct parsed;
}

/// A note as far as its words are understood: subject, relation and value of one sentence, "The capital of Norway is
/// Bergen", "Norway's capital is Trondheim", "Anna spricht Deutsch". Copies share what was understood.
///
/// A correction has the same subject, the same relation and another value of the same kind (a person, a place, a number
/// with the same unit, a day), and either the relation has but one value (capital, manager, shoe size; they are listed in
/// the source), or the newer note says that it corrects: "now" is enough for what changes (where somebody lives),
/// "correction" for any definite description, and what it names as no longer so ("not Alice", "instead of Alice") is
/// replaced whatever the relation. Values that contain one another are no correction, nor are questions, denials, doubts
/// and reports of the past. All that is not understood is `none`: an earlier note that stays does less harm than one that
/// is lost.
class statement_of_note {
 public:
  explicit statement_of_note(std::string_view text);
  /// False: it revises nothing, and nothing revises it.
  [[nodiscard]] bool understood() const noexcept;
  /// What this note is to an earlier one.
  [[nodiscard]] revision revises(const statement_of_note& older) const;
  /// Should a question be answered from this note, though an earlier one fits it better? True for rivals and
  /// corrections, unless the question speaks of the earlier one's value ("Is Oslo the capital of Norway?").
  [[nodiscard]] bool answers_instead(const statement_of_note& older, std::string_view question) const;

 private:
  std::shared_ptr<const corrections_detail::parsed> parsed_;
};

[[nodiscard]] inline revision revision_of(std::string_view newer, std::string_view older) {
  return statement_of_note(newer).revises(statement_of_note(older));
}

/// The live notes that a new one revises.
struct revised_notes {
  note_id corrected = no_note;   ///< takes its place; the newest if there are several
  std::vector<note_id> related;  ///< others of the same subject and relation, ascending
};

/// Looks among the notes that share most words with a new one. Notes that hold for a time only, and notes of different slots
/// (see `conflict_policy`), never revise each other.
/// @tparam Notebook  a `notebook`
template <class Notebook>
[[nodiscard]] revised_notes find_revised(const Notebook& notebook, const note& fresh, std::size_t n_hit = 16) {
  revised_notes found;
  const statement_of_note said(fresh.text);
  if (!said.understood() || fresh.valid_from || fresh.valid_until) return found;
  const auto slot = slot_of(fresh), text = normalised_statement(fresh.text);
  for (const auto& hit : notebook.retrieve(without_final_period(fresh.text), n_hit)) {
    const std::optional<note> old = notebook.find(hit.id);
    if (!old || old->status != note_status::live || old->valid_from || old->valid_until) continue;
    if (normalised_statement(old->text) == text) return {};  // nothing new
    if (const auto other = slot_of(*old); !slot.empty() && !other.empty() && slot != other) continue;
    const revision kind = said.revises(statement_of_note(old->text));
    if (kind == revision::none) continue;
    if (kind == revision::correction) found.corrected = std::max(found.corrected, old->id);
    found.related.push_back(old->id);
  }
  std::erase(found.related, found.corrected);
  std::sort(found.related.begin(), found.related.end());
  return found;
}

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/corrections.ipp>
#endif
