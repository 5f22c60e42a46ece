// What reading_sets.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/reading_sets.hpp>

namespace quipu::data {

namespace detail {

inline std::string without_byte_order_mark(std::string text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

/// The questions of a paragraph; each may have several accepted answers, often the same.
inline std::vector<probe> read_questions(const json_place& paragraph) {
  std::vector<probe> probes;
  const json_place list = paragraph["qas"];
  for (std::size_t i = 0; i < list.size(); ++i) {
    probe one{list.at(i)["question"].text(), {}, {}};
    const json_place answers = list.at(i)["answers"];
    for (std::size_t a = 0; a < answers.size(); ++a) one.answers.push_back(answers.at(a)["text"].text());
    probes.push_back(std::move(one));
  }
  return probes;
}

}  // namespace detail

QUIPU_INLINE edit_set read_xquad(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place articles = json_place(file, path)["data"];
  edit_set set;
  for (std::size_t a = 0; a < articles.size(); ++a) {
    const json_place article = articles.at(a), paragraphs = article["paragraphs"];
    for (std::size_t p = 0; p < paragraphs.size(); ++p) {
      edit_case one;
      one.id = concat(a, ".", p);
      one.part = 3 * a < 2 * articles.size() ? data_part::development : data_part::test;
      one.kind = article.text_or_empty("title");
      std::vector<probe> questions = detail::read_questions(paragraphs.at(p));
      if (5 * p < 3 * paragraphs.size()) {
        one.notes = {detail::without_byte_order_mark(paragraphs.at(p)["context"].text())};
        one.in_scope = std::move(questions);
      } else {
        one.unrelated.push_back({"other_paragraph", std::move(questions), {}});
      }
      set.cases.push_back(std::move(one));
    }
  }
  return set;
}

QUIPU_INLINE edit_set read_everyday(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  edit_set set;
  const std::vector<std::string> notes = all["notes"].texts();
  for (std::size_t i = 0; i < notes.size(); ++i) {
    edit_case one;
    one.id = concat("note ", i + 1);
    one.part = data_part::test;
    one.notes = {notes[i]};
    set.cases.push_back(std::move(one));
  }
  const json_place questions = all["questions"];
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const json_place question = questions.at(i);
    edit_case one;
    one.id = concat("question ", i + 1);
    one.part = data_part::test;
    one.kind = question.text_or_empty("kind");
    one.level = question.text_or_empty("language");
    probe asked{question["question"].text(), question["answers"].texts(), {}};
    if (asked.answers.empty()) {
      one.unrelated.push_back({one.kind.empty() ? "unanswerable" : one.kind, {std::move(asked)}, {}});
    } else {
      one.in_scope.push_back(std::move(asked));
    }
    set.cases.push_back(std::move(one));
  }
  return set;
}

}  // namespace quipu::data
