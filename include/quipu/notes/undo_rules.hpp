/// @file Which edits of a store stand, and how one of them is taken back while those of others stay.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/notes/edit_rules.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_store.hpp>

namespace quipu::notes {

/// Rows that can be asked for their log. `changes_of` is oldest first, with `before` filled in and `after` left empty.
template <class Rows>
concept logging_rows = editable_rows<Rows> && requires(Rows& rows, note_id id, store_version version) {
  { rows.notes_changed_by(version) } -> std::same_as<std::vector<note_id>>;  // ascending, each once
  { rows.changes_of(id) } -> std::same_as<std::vector<note_change>>;
};

/// The edits that stand, inside one transaction.
///
/// Every note has a pile of the edits that made it what it is. An undo takes edits from the top of the pile: down to
/// the uppermost one that had found the note as the undo left it. An edit stands while it lies on the pile of one of
/// its notes, and can be taken back for those where it lies on top: below others the note is no longer its work.
template <logging_rows Rows>
class standing_edits {
 public:
  /// @param own     versions that the store made itself, ascending
  /// @param opened  version that it was opened with
  standing_edits(Rows& rows, std::span<const store_version> own, store_version opened)
      : rows_(rows), own_(own.begin(), own.end()), older_(opened) {}

  /// The own edit that stands and was made last, also if others have changed all its notes since. Where there is none,
  /// the last one from before the opening of which something can be taken back.
  [[nodiscard]] std::optional<standing_edit> last() {
    for (; !own_.empty(); own_.pop_back()) {
      if (std::optional<standing_edit> edit = look(own_.back())) {
        edit->own = true;
        return edit;
      }
    }
    for (; older_ > 0; --older_) {
      if (std::optional<standing_edit> edit = look(older_); edit && !edit->changes.empty()) return edit;
    }
    return std::nullopt;
  }
  /// @param edit  from `last`
  void take_back(const standing_edit& edit) {
    for (const note_change& change : edit.changes) {
      const note_id id = id_of(change);
      edit_rules::restore(rows_, id, change.before);
      pile_of(id).pop_back();
    }
    if (edit.own) {
      own_.pop_back();
    } else {
      --older_;
    }
  }
  /// Takes back n edits.
  /// @throws config_error  there are not so many
  [[nodiscard]] std::vector<standing_edit> take_back(std::size_t n_edit) {
    std::vector<standing_edit> done;
    while (done.size() < n_edit) {
      std::optional<standing_edit> edit = last();
      if (!edit) {
        fail<config_error>("undo", concat("at most ", done.size(), " edits (later ones of others stay)"), n_edit);
      }
      take_back(*edit);
      done.push_back(*std::move(edit));
    }
    return done;
  }

 private:
  [[nodiscard]] static note_id id_of(const note_change& change) noexcept {
    return change.after ? change.after->id : change.before ? change.before->id : no_note;
  }

  [[nodiscard]] std::optional<standing_edit> look(store_version version) {
    standing_edit edit;
    edit.version = version;
    for (const note_id id : rows_.notes_changed_by(version)) {
      const std::vector<note_change>& pile = pile_of(id);
      const auto place = std::find_if(pile.begin(), pile.end(), [&](const auto& c) { return c.version == version; });
      if (place == pile.end()) continue;
      edit.when = place->when;
      if (place + 1 == pile.end()) {
        edit.changes.push_back(*place);
      } else {
        edit.kept.push_back(id);
      }
    }
    if (edit.changes.empty() && edit.kept.empty()) return std::nullopt;
    keep_replaced(edit);
    return edit;
  }
  // While a replacement stays, what it replaced stays replaced: both would hold otherwise.
  void keep_replaced(standing_edit& edit) {
    for (bool changed = !edit.kept.empty(); changed;) {
      const auto first = std::stable_partition(edit.changes.begin(), edit.changes.end(), [&](const note_change& c) {
        const note_id by = c.after ? c.after->superseded_by : no_note;
        return by == no_note || std::find(edit.kept.begin(), edit.kept.end(), by) == edit.kept.end() || !rows_.row(by);
      });
      changed = first != edit.changes.end();
      for (auto kept = first; kept != edit.changes.end(); ++kept) edit.kept.push_back(id_of(*kept));
      edit.changes.erase(first, edit.changes.end());
    }
    std::sort(edit.kept.begin(), edit.kept.end());
  }

  [[nodiscard]] std::vector<note_change>& pile_of(note_id id) {
    const auto known = piles_.find(id);
    if (known != piles_.end()) return known->second;
    std::vector<note_change> pile;
    std::vector<note_change> changes = by_version(rows_.changes_of(id));
    for (std::size_t i = 0; i < changes.size(); ++i) {
      note_change& change = changes[i];
      change.after = i + 1 < changes.size() ? changes[i + 1].before : rows_.row(id);
      if (change.kind == edit_kind::undo) {
        const auto undone =
            std::find_if(pile.rbegin(), pile.rend(), [&](const note_change& c) { return c.before == change.after; });
        if (undone != pile.rend()) {
          pile.erase(undone.base() - 1, pile.end());
          continue;
        }
      }
      pile.push_back(std::move(change));
    }
    return piles_.emplace(id, std::move(pile)).first->second;
  }
  // One edit may change a note twice (a new note that is linked to what it replaces): the first has what was before.
  [[nodiscard]] static std::vector<note_change> by_version(std::vector<note_change> changes) {
    const auto same = [](const note_change& a, const note_change& b) { return a.version == b.version; };
    changes.erase(std::unique(changes.begin(), changes.end(), same), changes.end());
    return changes;
  }

  Rows& rows_;
  std::vector<store_version> own_;
  store_version older_;  // the last one from before the opening that may stand
  std::map<note_id, std::vector<note_change>> piles_;
};

}  // namespace quipu::notes
