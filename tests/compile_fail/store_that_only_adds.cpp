// says: note_store: declare
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/notebook.hpp>

struct pile {
  quipu::notes::note_id add(const quipu::notes::note&) { return 0; }
};
quipu::notes::notebook<pile, quipu::notes::bm25_retriever> book{pile()};
