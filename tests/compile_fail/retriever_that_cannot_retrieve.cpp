// says: note_retriever: declare
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>

struct nothing {
  void add(quipu::notes::note_id, std::string_view) {}
};
quipu::notes::notebook<quipu::notes::memory_store, nothing> book{quipu::notes::memory_store()};
