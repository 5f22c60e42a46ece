/// @file Frames of notes and of questions and what fills them, as templates.json of 09_train_reader has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::data {

/// A frame in pieces: literal text and the names of slots, which stand at odd places.
using frame_pieces = std::vector<std::string>;

struct template_relation {
  std::string key, theme, phrase;
  std::string value;                  ///< generator
  std::vector<std::string> subjects;  ///< generators
  std::set<std::string> kinds;        ///< generators whose texts may be its subjects
  std::vector<std::string> also, tells;
  bool held_back = false, hop = false;
  std::vector<std::string> notes, questions, cloze, denied, asking;
};

struct template_person {
  std::string possessive;   ///< "her"; empty: nothing stands for the name
  bool first_word = false;  ///< a later sentence may use the first word alone
};

struct template_language {
  std::string name, stop, between;
  std::uint32_t share = 0;
  std::map<std::string, std::string> possessive;  ///< last letters -> what is joined to them
  bool phrase_possessive = false;
  std::string of_phrase;  ///< "the {r} of {s}": another form of phrases that are "{s's} ..."; empty: there is none
  std::vector<std::pair<std::string, std::string>> joins;
  std::map<std::string, template_person> people;
  std::set<std::string> names;
  std::map<std::string, std::vector<std::string>> generators;
  std::vector<std::string> notes, questions, cloze, denied, asking, chatter;
  std::vector<std::string> alias_notes, asked_alias, asked_name, alias_subjects;
  std::string alias_generator;
  std::vector<template_relation> relations;
};

/// "{7..21}", "{00..55/5}": the numbers as they are written, with zeros in front if `low` has them.
struct number_range {
  std::uint32_t low = 0, high = 0, step = 1;
  std::size_t n_digit = 1;
};

/// Nothing if the slot is no range that is well formed.
[[nodiscard]] std::optional<number_range> range_of(std::string_view slot);

/// @param place  for messages
/// @throws format_error  braces that are no slots
[[nodiscard]] frame_pieces pieces_of(const std::string& frame, const std::string& place);

/// The languages of the file, in the order of their names. What the frames name is there, and no generator leads to
/// itself.
/// @throws io_error
/// @throws format_error  names the place in the file
[[nodiscard]] std::vector<template_language> read_template_file(const std::string& path);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/template_file.ipp>
#endif
