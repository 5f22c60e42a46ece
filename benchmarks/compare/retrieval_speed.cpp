// One measurement of retrieval for scripts/compare_retrieval.py: prints queries a second as JSON.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/hnsw_index.hpp>
#include <quipu/notes/vector_index.hpp>

namespace notes = quipu::notes;

namespace {

/// Lines of tokens with blanks between them.
std::vector<notes::term_list> read_tokens(const char* path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(std::string(path) + ": cannot open");
  std::vector<notes::term_list> lines;
  for (std::string line; std::getline(in, line);) {
    lines.emplace_back();
    std::istringstream words(line);
    for (std::string word; words >> word;) lines.back().push_back(word);
  }
  return lines;
}

std::vector<std::vector<float>> read_vectors(const char* path, std::size_t dimension) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(std::string(path) + ": cannot open");
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::vector<std::vector<float>> rows(bytes.size() / (dimension * sizeof(float)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].resize(dimension);
    std::memcpy(rows[i].data(), bytes.data() + i * dimension * sizeof(float), dimension * sizeof(float));
  }
  return rows;
}

/// Queries a second, one by one, median of five passes after a short warm-up.
template <class Queries, class Search>
double rate(const Queries& queries, Search&& search) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(20, queries.size()); ++i) sum += search(queries[i]).size();
  std::vector<double> rates;
  for (int pass = 0; pass < 5; ++pass) {
    const double start = quipu::steady_seconds();
    for (const auto& query : queries) sum += search(query).size();
    rates.push_back(static_cast<double>(queries.size()) / (quipu::steady_seconds() - start));
  }
  std::sort(rates.begin(), rates.end());
  return sum == 0 ? 0 : rates[2];
}

int bm25(char** argv) {
  const auto documents = read_tokens(argv[0]);
  const auto queries = read_tokens(argv[1]);
  const double start = quipu::steady_seconds();
  notes::basic_bm25_retriever<notes::all_words> index;
  for (std::size_t i = 0; i < documents.size(); ++i) index.add_terms(static_cast<notes::note_id>(i + 1), documents[i]);
  const double built = quipu::steady_seconds();
  const double per_second = rate(queries, [&](const notes::term_list& q) { return index.retrieve_terms(q, 5); });
  std::vector<double> times;
  for (const auto& query : queries) {
    const double before = quipu::steady_seconds();
    (void)index.retrieve_terms(query, 5);
    times.push_back(quipu::steady_seconds() - before);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  std::cout << "{\"index_s\": " << built - start << ", \"queries_s\": " << per_second
            << ", \"median_ms\": " << 1e3 * times[times.size() / 2] << ", \"bytes_per_note\": "
            << static_cast<double>(index.memory_bytes()) / static_cast<double>(documents.size()) << "}\n";
  return 0;
}

int dense(char** argv) {
  const std::size_t dimension = std::strtoul(argv[2], nullptr, 10);
  const auto rows = read_vectors(argv[0], dimension), queries = read_vectors(argv[1], dimension);
  notes::exact_index exact(dimension);
  for (std::size_t i = 0; i < rows.size(); ++i) exact.add(static_cast<notes::note_id>(i + 1), rows[i]);
  const double start = quipu::steady_seconds();
  notes::hnsw_index graph(dimension);
  for (std::size_t i = 0; i < rows.size(); ++i) graph.add(static_cast<notes::note_id>(i + 1), rows[i]);
  const double built = quipu::steady_seconds();
  std::size_t n_common = 0, total = 0;
  for (const auto& query : queries) {
    std::set<notes::note_id> truth;
    for (const auto& hit : exact.search(query, 10)) truth.insert(hit.id);
    for (const auto& hit : graph.search(query, 10)) n_common += truth.count(hit.id);
    total += truth.size();
  }
  const std::vector<std::vector<float>> some(
      queries.begin(), queries.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(200, queries.size())));
  std::cout << "{\"exact_queries_s\": " << rate(some, [&](const std::vector<float>& q) { return exact.search(q, 10); })
            << ", \"graph_queries_s\": "
            << rate(queries, [&](const std::vector<float>& q) { return graph.search(q, 10); })
            << ", \"graph_build_s\": " << built - start
            << ", \"graph_recall\": " << static_cast<double>(n_common) / static_cast<double>(total) << "}\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string(argv[1]) == "bm25") return bm25(argv + 2);
    if (argc == 5 && std::string(argv[1]) == "dense") return dense(argv + 2);
    std::cerr << "usage: retrieval_speed bm25 NOTES QUERIES | dense VECTORS QUERIES DIMENSION\n";
    return 2;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
}
