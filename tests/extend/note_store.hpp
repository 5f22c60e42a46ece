// A user's own note store: all states that the table ever had, one after the other.
#pragma once

#include <quipu/notes/note_store.hpp>

#include <map>

namespace extend {

using namespace quipu::notes;

class whole_tables {
 public:
  add_result add(const note& n, const edit_options& options) { return add_batch({&n, 1}, options).front(); }
  std::vector<add_result> add_batch(std::span<const note> batch, const edit_options& options) {
    table t = now();
    std::vector<add_result> results;
    for (note n : batch) {
      n.id = ++last_;
      t[n.id] = n;
      results.push_back({n.id, add_outcome::added, {}});
    }
    commit(std::move(t), options.when, edit_kind::add);
    return results;
  }
  bool update(const note& n, quipu::time_ms when) { return change(n.id, &n, when, edit_kind::update); }
  bool erase(note_id id, quipu::time_ms when) { return change(id, nullptr, when, edit_kind::erase); }
  note_id supersede(note_id old, const note& n, quipu::time_ms when) {
    erase(old, when);
    return add(n, {conflict_policy::keep_both, when}).id;
  }
  std::optional<note> find(note_id id) const { return now().contains(id) ? std::optional(now().at(id)) : std::nullopt; }
  std::size_t size() const { return now().size(); }
  void for_each(auto&& visit) const {
    for (const auto& [id, n] : now()) visit(n);
  }
  store_version version() const { return static_cast<store_version>(tables_.size()) - 1; }
  std::vector<note_change> history(note_id id) const {
    std::vector<note_change> all;
    for (const auto& [of, c] : changes_) {
      if (of == id) all.push_back(c);
    }
    return all;
  }
  change_set changed_since(store_version from) const {
    std::map<note_id, std::optional<note>> entries;
    for (const auto& [id, c] : changes_) {
      if (c.version > from) entries[id] = find(id);
    }
    change_set set{version(), {}};
    for (auto& [id, n] : entries) set.entries.push_back({id, std::move(n)});
    return set;
  }
  void undo_to(store_version to, quipu::time_ms when) { commit(tables_.at(std::size_t(to)), when, edit_kind::undo); }

 private:
  using table = std::map<note_id, note>;
  const table& now() const { return tables_.back(); }
  bool change(note_id id, const note* n, quipu::time_ms when, edit_kind kind) {
    table t = now();
    if (t.erase(id) == 0) return false;
    if (n != nullptr) t[id] = *n;
    commit(std::move(t), when, kind);
    return true;
  }
  void commit(table next, quipu::time_ms when, edit_kind kind) {
    tables_.push_back(std::move(next));
    for (note_id id = 1; id <= last_; ++id) {
      const table& before = *(tables_.end() - 2);
      note_change c{version(), when, kind, {}, find(id)};
      if (before.contains(id)) c.before = before.at(id);
      if (!(c.before == c.after)) changes_.push_back({id, c});
    }
  }
  std::vector<table> tables_ = {{}};
  std::vector<std::pair<note_id, note_change>> changes_;
  note_id last_ = 0;
};

}  // namespace extend
