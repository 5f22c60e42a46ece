// What sentencepiece_model.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/charsmap.hpp>
#include <quipu/text/protobuf_reader.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::text {

QUIPU_INLINE vocabulary parse_sentencepiece_model(std::string_view bytes, const std::string& place) {
  vocabulary result;
  result.place = place;
  result.kind = tokenizer_kind::sentencepiece;
  result.matching = token_matching::frozen;
  result.remove_extra_whitespaces = true;
  result.add_space_prefix = true;  // defaults of sentencepiece_model.proto where the file is silent
  std::int64_t model_type = 1;
  std::int64_t unk = 0;
  std::int64_t bos = 1;
  std::int64_t eos = 2;
  std::int64_t pad = -1;
  bool byte_fallback = false;
  std::map<std::string, std::string> pieces;  // of the four ids, as far as the file says them

  const auto read_piece = [&](std::string_view message) {
    const std::string where = concat(place, ": piece ", result.tokens.size());
    protobuf_reader reader(message, where);
    std::string text;
    float score = 0;
    std::int64_t kind = 1;
    for (protobuf_field field; reader.next(field);) {
      switch (field.number) {
        case 1:
          text = reader.bytes_of(field);
          break;
        case 2:
          score = reader.float_of(field);
          break;
        case 3:
          kind = reader.integer_of(field);
          break;
        default:
          break;
      }
    }
    if (kind < 1 || kind > 6) fail<format_error>(concat(where, ", type"), "1 to 6", kind);
    result.tokens.push_back(std::move(text));
    result.scores.push_back(score);
    result.kinds.push_back(static_cast<token_kind>(kind));
  };
  const auto read_trainer = [&](std::string_view message) {
    protobuf_reader reader(message, concat(place, ": trainer_spec"));
    for (protobuf_field field; reader.next(field);) {
      switch (field.number) {
        case 3:
          model_type = reader.integer_of(field);
          break;
        case 24:
          if (reader.integer_of(field) != 0) {
            fail<format_error>(concat(place, ": treat_whitespace_as_suffix"), "false", "true");
          }
          break;
        case 35:
          byte_fallback = reader.integer_of(field) != 0;
          break;
        case 44:
          result.unk_surface = reader.bytes_of(field);
          break;
        case 45:
          pieces["unk"] = reader.bytes_of(field);
          break;
        case 46:
          pieces["bos"] = reader.bytes_of(field);
          break;
        case 47:
          pieces["eos"] = reader.bytes_of(field);
          break;
        case 48:
          pieces["pad"] = reader.bytes_of(field);
          break;
        case 40:
          unk = reader.integer_of(field);
          break;
        case 41:
          bos = reader.integer_of(field);
          break;
        case 42:
          eos = reader.integer_of(field);
          break;
        case 43:
          pad = reader.integer_of(field);
          break;
        default:
          break;
      }
    }
  };
  const auto read_normalizer = [&](std::string_view message) {
    protobuf_reader reader(message, concat(place, ": normalizer_spec"));
    std::string name;
    for (protobuf_field field; reader.next(field);) {
      switch (field.number) {
        case 1:
          name = reader.bytes_of(field);
          break;
        case 2:
          result.charsmap = reader.bytes_of(field);
          break;
        case 3:
          result.add_space_prefix = reader.integer_of(field) != 0;
          break;
        case 4:
          result.remove_extra_whitespaces = reader.integer_of(field) != 0;
          break;
        case 5:
          if (reader.integer_of(field) == 0)
            fail<format_error>(concat(place, ": escape_whitespaces"), "true", "false");
          break;
        default:
          break;
      }
    }
    if (result.charsmap.empty() && !name.empty() && name != "identity") {
      fail<format_error>(concat(place, ": normalizer_spec.precompiled_charsmap"), concat("the rule '", name, "'"),
                         "none");
    }
    (void)charsmap(result.charsmap, place);
  };

  protobuf_reader reader(bytes, place);
  for (protobuf_field field; reader.next(field);) {
    switch (field.number) {
      case 1:
        read_piece(reader.bytes_of(field));
        break;
      case 2:
        read_trainer(reader.bytes_of(field));
        break;
      case 3:
        read_normalizer(reader.bytes_of(field));
        break;
      case 5: {  // denormalizer_spec
        protobuf_reader inner(reader.bytes_of(field), concat(place, ": denormalizer_spec"));
        for (protobuf_field one; inner.next(one);) {
          if (one.number == 2 && !inner.bytes_of(one).empty())
            fail<format_error>(concat(place, ": denormalizer_spec"), "no rule", "one");
        }
        break;
      }
      default:
        break;
    }
  }
  if (result.tokens.empty()) fail<format_error>(place, "pieces", "none");
  if (model_type != 2) {
    constexpr const char* names[] = {"unknown", "unigram", "bpe", "word", "char"};
    fail<format_error>(concat(place, ": model_type"), "bpe",
                       names[model_type < 0 || model_type > 4 ? 0 : model_type]);
  }
  for (std::size_t i = 0; i < result.tokens.size() && !byte_fallback; ++i) {
    if (result.kinds[i] == token_kind::byte)
      fail<format_error>(concat(place, ": byte_fallback"), "true, as there are byte pieces", "false");
  }
  const auto id_of = [&](const std::string& name, std::int64_t id) -> token_id {
    // The field is an int32; writers differ in how they extend -1.
    const auto narrow =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(id)));
    if (narrow < 0) return no_token;
    if (static_cast<std::size_t>(narrow) >= result.tokens.size()) {
      fail<format_error>(concat(place, ": ", name, "_id"), concat("an id below ", result.tokens.size()),
                         narrow);
    }
    const auto named = pieces.find(name);  // sentencepiece goes by the name, its trainer writes both alike
    if (named != pieces.end() && named->second != result.tokens[static_cast<std::size_t>(narrow)]) {
      fail<format_error>(concat(place, ": ", name, "_piece"),
                         concat("the piece of ", name, "_id, ", printable(result.tokens[static_cast<std::size_t>(narrow)])),
                         printable(named->second));
    }
    return narrow;
  };
  result.unk = id_of("unk", unk);
  result.bos = id_of("bos", bos);
  result.eos = id_of("eos", eos);
  result.pad = id_of("pad", pad);
  result.add_bos = result.bos != no_token;
  return result;
}

QUIPU_INLINE vocabulary read_sentencepiece_model(const std::string& path) {
  const mapped_file file(path);
  return parse_sentencepiece_model(file.text(), path);
}

}  // namespace quipu::text
