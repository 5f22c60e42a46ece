/// @file The filters of the template language by name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <quipu/text/jinja/sequence_filters.hpp>
#include <quipu/text/jinja/text_filters.hpp>
#include <quipu/text/jinja/word_wrap.hpp>

namespace quipu::text::jinja {

namespace filters {

inline value not_here(evaluation& run, const value&, arguments&) {
  run.fail("a filter that this library has", "random, urlize or pprint, which are not supported here");
}

inline constexpr filter_entry entries[] = {
    {"abs", absolute}, {"attr", attribute}, {"batch", batch}, {"capitalize", change_case<case_change::capitalize>}, {"center", center},
    {"count", length}, {"d", default_value}, {"default", default_value}, {"dictsort", sort_dict}, {"e", escape}, {"escape", escape},
    {"filesizeformat", file_size}, {"first", first}, {"float", to_real}, {"forceescape", force_escape}, {"format", format}, {"groupby", group_by},
    {"indent", indent}, {"int", to_integer}, {"items", items}, {"join", join}, {"last", last}, {"length", length}, {"list", list},
    {"lower", change_case<case_change::lower>}, {"map", map}, {"max", extreme<1>}, {"min", extreme<-1>}, {"pprint", not_here}, {"random", not_here},
    {"reject", select<true, false>}, {"rejectattr", select<true, true>}, {"replace", replace}, {"reverse", reverse}, {"round", round}, {"safe", safe},
    {"select", select<false, false>}, {"selectattr", select<false, true>}, {"slice", slice}, {"sort", sort}, {"string", string},
    {"striptags", strip_tags}, {"sum", sum}, {"title", change_case<case_change::words>}, {"tojson", to_json}, {"trim", trim}, {"truncate", truncate},
    {"unique", unique}, {"upper", change_case<case_change::upper>}, {"urlencode", url_encode}, {"urlize", not_here}, {"wordcount", word_count},
    {"wordwrap", word_wrap}, {"xmlattr", xml_attributes}};

}  // namespace filters

/// The entry of a filter, or null.
[[nodiscard]] inline const void* find_filter(std::string_view name) noexcept {
  for (const filter_entry& one : filters::entries) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace quipu::text::jinja
