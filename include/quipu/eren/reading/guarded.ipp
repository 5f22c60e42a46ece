// What guarded.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/eren/reading/guarded.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::eren {

QUIPU_INLINE std::string guarded(std::string_view raw) {
  static constexpr std::string_view marks[] = {"[INST]",
                                               "[/INST]",
                                               "<<SYS>>",
                                               "<</SYS>>",
                                               "<s>",
                                               "</s>",
                                               "<unk>",
                                               "<|im_start|>",
                                               "<|im_end|>",
                                               "<|begin_of_text|>",
                                               "<|end_of_text|>",
                                               "<|start_header_id|>",
                                               "<|end_header_id|>",
                                               "<|eot_id|>",
                                               "<|endoftext|>",
                                               "<|system|>",
                                               "<|user|>",
                                               "<|assistant|>"};
  raw = raw.substr(0, 4 * max_prompt_field);
  std::string out;
  bool blank = false;
  const auto put_blank = [&] { blank = !out.empty(); };
  for (std::size_t at = 0; at < raw.size() && out.size() < max_prompt_field;) {
    const auto mark = std::find_if(std::begin(marks), std::end(marks),
                                   [&](std::string_view m) { return raw.substr(at).starts_with(m); });
    if (mark != std::end(marks)) {
      put_blank();
      at += mark->size();
      continue;
    }
    const auto step = text::decode_utf8(raw, at);
    at += step.length;
    const char32_t c = step.code_point;
    if (c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029) {
      put_blank();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    text::append_utf8(out, c);
  }
  if (out.size() > max_prompt_field) {
    std::size_t end = max_prompt_field;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0u) == 0x80u) --end;
    out.resize(end);
  }
  return out;
}

}  // namespace quipu::eren
