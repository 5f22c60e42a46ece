#include <quipu/notes/vector_index.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/notes/dense_retriever.hpp>
#include <quipu/notes/hnsw_index.hpp>

using namespace quipu;
using notes::note_id;
using notes::scored_note;

namespace {

/// Unit vectors around a few hundred centres: what embeddings of sentences look like to a graph.
class clusters {
 public:
  clusters(std::size_t d, std::size_t n_centre, std::uint64_t seed) : d_(d), random_(seed) {
    for (std::size_t i = 0; i < n_centre * d; ++i) centres_.push_back(random_.normal());
  }
  std::vector<float> next() {
    const std::size_t c = random_.below(static_cast<std::uint32_t>(centres_.size() / d_));
    std::vector<double> v(d_);
    double squares = 0;
    for (std::size_t i = 0; i < d_; ++i) {
      v[i] = centres_[c * d_ + i] + 0.7 * random_.normal();
      squares += v[i] * v[i];
    }
    std::vector<float> out;
    for (const double x : v) out.push_back(static_cast<float>(x / std::sqrt(squares)));
    return out;
  }

 private:
  std::size_t d_;
  random_stream random_;
  std::vector<double> centres_;
};

std::vector<scored_note> brute_force(const std::map<note_id, std::vector<float>>& vectors,
                                     const std::vector<float>& query, std::size_t k) {
  std::vector<scored_note> all;
  for (const auto& [id, v] : vectors) {
    double dot = 0;
    for (std::size_t i = 0; i < v.size(); ++i) dot += static_cast<double>(v[i]) * static_cast<double>(query[i]);
    all.push_back({id, dot});
  }
  std::sort(all.begin(), all.end(), notes::ranks_before);
  if (all.size() > k) all.resize(k);
  return all;
}

}  // namespace

TEST_CASE("the exact index equals brute force through additions and erasures", "[notes][vector_index]") {
  for (const std::size_t d : {1u, 7u, 96u}) {
    clusters source(d, 20, d);
    notes::exact_index index(d);
    std::map<note_id, std::vector<float>> vectors;
    random_stream random(3);
    for (int step = 0; step < 900; ++step) {
      const note_id id = 1 + random.below(400);
      if (vectors.count(id) != 0) {
        CHECK(index.erase(id));
        CHECK_FALSE(index.erase(id));
        vectors.erase(id);
      } else {
        vectors[id] = source.next();
        index.add(id, vectors[id]);
      }
    }
    REQUIRE(index.size() == vectors.size());
    for (int q = 0; q < 20; ++q) {
      const std::vector<float> query = source.next();
      const auto found = index.search(query, 10), expected = brute_force(vectors, query, 10);
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(std::abs(found[i].score - expected[i].score) < 1e-6);
        if (i + 1 < found.size()) CHECK(notes::ranks_before(found[i], found[i + 1]));
      }
    }
    CHECK(index.search(source.next(), 100000).size() == vectors.size());
    CHECK(index.search(source.next(), 0).empty());
  }
  notes::exact_index index(3);
  for (const note_id id : {5, 2, 9}) index.add(id, std::vector<float>{1, 0, 0});
  const auto tied = index.search(std::vector<float>{1, 1, 1}, 2);
  CHECK(tied[0].id == 2);
  CHECK(tied[1].id == 5);
  CHECK_THROWS_AS(index.add(1, std::vector<float>{1, 2}), shape_error);
  CHECK_THROWS_AS(index.add(1, std::vector<float>{1, 2, INFINITY}), numeric_error);
  CHECK_THROWS_AS(index.add(5, std::vector<float>{1, 2, 3}), config_error);
  CHECK_THROWS_AS(index.search(std::vector<float>{1}, 1), shape_error);
  CHECK_THROWS_AS(notes::exact_index(0), config_error);
}

TEST_CASE("the graph finds nearly all of the true neighbours, also after half is erased", "[notes][vector_index]") {
  constexpr std::size_t d = 32, n = 3000;
  clusters source(d, 30, 7);
  notes::hnsw_index graph(d);
  notes::exact_index exact(d);
  std::map<note_id, std::vector<float>> vectors;
  for (note_id id = 1; id <= static_cast<note_id>(n); ++id) {
    vectors[id] = source.next();
    graph.add(id, vectors[id]);
    exact.add(id, vectors[id]);
  }
  std::vector<std::vector<float>> queries;
  for (int q = 0; q < 200; ++q) queries.push_back(source.next());
  const auto recall = [&] {
    std::size_t n_common = 0, total = 0;
    for (const auto& query : queries) {
      const auto expected = exact.search(query, 5), found = graph.search(query, 5);
      CHECK(found.size() == expected.size());
      for (const auto& e : expected) {
        for (const auto& f : found) {
          if (f.id != e.id) continue;
          ++n_common;
          CHECK(f.score == e.score);  // the very same product
        }
      }
      total += expected.size();
    }
    return static_cast<double>(n_common) / static_cast<double>(total);
  };
  CHECK(recall() >= 0.99);
  for (note_id id = 1; id <= static_cast<note_id>(n); id += 2) {
    CHECK(graph.erase(id));
    exact.erase(id);
  }
  CHECK_FALSE(graph.erase(1));
  CHECK(graph.size() == n / 2);
  CHECK(graph.n_node() == n);
  CHECK(recall() >= 0.98);
  graph.compact();
  CHECK(graph.n_node() == n / 2);
  CHECK(recall() >= 0.99);
  // Erased ids come back with other vectors.
  for (note_id id = 2; id <= 1000; id += 2) {
    graph.erase(id);
    exact.erase(id);
    const auto fresh = source.next();
    graph.add(id, fresh);
    exact.add(id, fresh);
  }
  CHECK(recall() >= 0.98);
  graph.clear();
  CHECK(graph.search(queries[0], 5).empty());
  graph.add(1, queries[0]);
  CHECK(graph.search(queries[0], 5).size() == 1);
  CHECK_THROWS_AS(graph.add(1, queries[0]), config_error);
  CHECK_THROWS_AS(notes::hnsw_index(4, {.n_link = 1}), config_error);
}

TEST_CASE("a dense retriever compares what its encoder makes of texts", "[notes][vector_index]") {
  // Counts of the letters a, b, c.
  const auto letters = [](std::string_view text) {
    std::vector<float> counts(3);
    for (const char c : text) {
      if (c >= 'a' && c <= 'c') ++counts[static_cast<std::size_t>(c - 'a')];
    }
    return counts;
  };
  notes::dense_retriever<notes::callback_encoder> cosine{notes::callback_encoder(3, "letters", letters)};
  notes::dense_retriever<notes::callback_encoder, notes::hnsw_index> graph{
      notes::callback_encoder(3, "letters", letters)};
  notes::dense_retriever<notes::callback_encoder> product{notes::callback_encoder(3, "letters", letters),
                                                          notes::vector_metric::inner_product};
  static_assert(notes::note_retriever<decltype(cosine)>);
  static_assert(notes::note_retriever<decltype(graph)>);
  const std::map<note_id, std::string> texts = {{1, "aab"}, {2, "aaaaaaaabbbb"}, {3, "abc"}, {4, "ccc"}};
  for (const auto& [id, text] : texts) {
    cosine.add(id, text);
    graph.add(id, text);
    product.add(id, text);
  }
  const auto by_cosine = cosine.retrieve("aaaabb", 4);
  CHECK(by_cosine[0].score == Approx(1));
  CHECK((by_cosine[0].id == 1 || by_cosine[0].id == 2));
  CHECK(by_cosine[2].id == 3);
  CHECK(graph.retrieve("aaaabb", 4)[2].id == 3);
  CHECK(product.retrieve("aaaabb", 1)[0].id == 2);  // long notes win without normalisation
  CHECK(product.retrieve("aaaabb", 1)[0].score == 40);
  cosine.update(4, "aaaabb");
  CHECK(cosine.erase(1));
  CHECK(cosine.size() == 3);
  CHECK(cosine.retrieve("", 4).size() == 3);  // a zero vector is near nothing, but no error
  CHECK_THROWS_AS(
      (notes::dense_retriever<notes::callback_encoder>{notes::callback_encoder(3, "letters", letters),
                                                       notes::vector_metric::cosine, notes::exact_index(4)}),
      config_error);
  notes::dense_retriever<notes::callback_encoder> wrong{notes::callback_encoder(5, "letters", letters)};
  CHECK_THROWS_AS(wrong.add(1, "abc"), shape_error);
  CHECK(wrong.size() == 0);
}
