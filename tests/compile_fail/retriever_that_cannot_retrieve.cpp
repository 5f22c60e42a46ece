// says: note_retriever: declare
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>

struct nothing {
  void add(quipu::notes::note_id, std::string_view) {}
#ifdef CONTROL
  bool erase(quipu::notes::note_id) { return false; }
  void update(quipu::notes::note_id, std::string_view) {}
  void clear() {}
  std::vector<quipu::notes::scored_note> retrieve(std::string_view, std::size_t) const { return {}; }
  std::size_t size() const { return 0; }
#endif
};
quipu::notes::notebook<quipu::notes::memory_store, nothing> book{quipu::notes::memory_store()};
