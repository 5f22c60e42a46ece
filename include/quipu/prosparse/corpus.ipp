// What corpus.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/prosparse/corpus.hpp>

namespace quipu::prosparse {

QUIPU_INLINE corpus corpus::held_back(std::size_t n_document) const {
  if (n_document == 0 || n_document >= training_starts.size())
    fail<config_error>("corpus: documents to hold back", concat("1 .. ", training_starts.empty() ? 0 : training_starts.size() - 1), n_document);
  const std::size_t kept = training_starts.size() - n_document;
  const auto cut = training.begin() + static_cast<std::ptrdiff_t>(training_starts[kept]);
  return {{training.begin(), cut}, {cut, training.end()}, {training_starts.begin(), training_starts.begin() + static_cast<std::ptrdiff_t>(kept)}};
}

QUIPU_INLINE std::vector<std::string_view> documents_of(std::string_view text, const corpus_settings& settings) {
  if (!(settings.validation >= 0 && settings.validation < 1))
    fail<config_error>("corpus: share held out", "0 up to below 1", settings.validation);
  std::vector<std::string_view> found;
  const auto add = [&](std::string_view document) {
    constexpr std::string_view white = " \t\r\n\v\f";
    if (settings.split == document_split::single_lines) {
      const auto first = document.find_first_not_of(white);
      if (first == std::string_view::npos) return;
      document = document.substr(first, document.find_last_not_of(white) + 1 - first);
    }
    const bool ascii = std::all_of(document.begin(), document.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!document.empty() && (ascii || !settings.ascii_only)) found.push_back(document);
  };
  if (settings.split == document_split::whole) {
    add(text);
  } else {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\n' || (i > 0 && text[i - 1] == '\n') || (i + 1 < text.size() && text[i + 1] == '\n')) continue;
      add(text.substr(begin, i - begin));
      begin = i + 1;
    }
    add(text.substr(begin));
  }
  if (found.empty()) fail<config_error>("corpus", "at least one document", "none");
  return found;
}

QUIPU_INLINE std::size_t n_training_document(const std::vector<std::string_view>& documents, double validation) {
  std::size_t all = 0, so_far = 0, n = 0;
  for (const std::string_view d : documents) all += d.size();
  const double most = (1 - validation) * static_cast<double>(all);
  for (; n < documents.size(); ++n) {
    so_far += documents[n].size();
    if (static_cast<double>(so_far) > most) break;
  }
  return n;
}

}  // namespace quipu::prosparse
