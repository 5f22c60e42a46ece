#include <quipu/notes/memory_store.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/store_model.hpp"

using namespace quipu::notes;

TEST_CASE("memory_store does what the simple model does", "[notes][memory_store]") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    memory_store store;
    quipu::test::compare_with_model(store, seed, 150);
  }
}

TEST_CASE("a batch with one bad note adds nothing and uses up no id", "[notes][memory_store]") {
  memory_store store;
  note good;
  good.text = "Oslo lies in Norway.";
  good.subject = "Oslo";
  good.relation = "country";
  CHECK(store.add(good).id == 1);
  note other = good;
  other.text = "Oslo lies in Sweden.";
  note bad;
  const std::vector<note> batch = {other, bad};
  CHECK_THROWS_AS(store.add_batch(batch), quipu::format_error);
  CHECK(store.size() == 1);
  CHECK(store.find(1)->status == note_status::live);
  CHECK(store.version() == 1);
  CHECK(store.history(1).size() == 1);
  CHECK(store.add(other).id == 2);
}

TEST_CASE("superseding links both notes and takes the older one out of the search", "[notes][memory_store]") {
  memory_store store;
  note first;
  first.text = "The capital of Norway is Oslo.";
  note second;
  second.text = "The capital of Norway is Bergen.";
  CHECK(store.add(first, {.when = 5}).id == 1);
  CHECK(store.supersede(1, second, 6) == 2);
  CHECK(store.find(1)->status == note_status::superseded);
  CHECK(store.find(1)->superseded_by == 2);
  CHECK(store.find(2)->supersedes == 1);
  CHECK(store.find(2)->created == 6);
  CHECK(store.size() == 1);
  CHECK(store.supersede(1, second, 7) == no_note);  // no longer live
  CHECK(store.supersede(9, second, 7) == no_note);
  CHECK(store.supersede(2, second, 7) == 2);  // says the same already
  store.undo_to(1);
  CHECK(store.find(1)->status == note_status::live);
  CHECK(store.find(2) == std::nullopt);
  CHECK(store.add(second).id == 3);  // the id 2 is not used again
}
