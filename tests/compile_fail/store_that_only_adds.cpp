// says: note_store: declare
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>

#ifdef CONTROL
struct pile : quipu::notes::memory_store {};
#else
struct pile {
  quipu::notes::note_id add(const quipu::notes::note&) { return 0; }
};
#endif
quipu::notes::notebook<pile, quipu::notes::bm25_retriever> book{pile()};
