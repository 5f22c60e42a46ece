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

inline constexpr filter_entry entries[] = {{"abs", absolute, true},
                                           {"attr", attribute},
                                           {"batch", batch},
                                           {"capitalize", change_case<case_change::capitalize>, true},
                                           {"center", center},
                                           {"count", length, true},
                                           {"d", default_value},
                                           {"default", default_value},
                                           {"dictsort", sort_dict},
                                           {"e", escape, true},
                                           {"escape", escape, true},
                                           {"filesizeformat", file_size},
                                           {"first", first, true},
                                           {"float", to_real},
                                           {"forceescape", force_escape, true},
                                           {"format", format},
                                           {"groupby", group_by},
                                           {"indent", indent},
                                           {"int", to_integer},
                                           {"items", items, true},
                                           {"join", join},
                                           {"last", last, true},
                                           {"length", length, true},
                                           {"list", list, true},
                                           {"lower", change_case<case_change::lower>, true},
                                           {"map", map},
                                           {"max", extreme<1>},
                                           {"min", extreme<-1>},
                                           {"pprint", not_here},
                                           {"random", not_here},
                                           {"reject", select<true, false>},
                                           {"rejectattr", select<true, true>},
                                           {"replace", replace},
                                           {"reverse", reverse, true},
                                           {"round", round},
                                           {"safe", safe, true},
                                           {"select", select<false, false>},
                                           {"selectattr", select<false, true>},
                                           {"slice", slice},
                                           {"sort", sort},
                                           {"string", string, true},
                                           {"striptags", strip_tags, true},
                                           {"sum", sum},
                                           {"title", change_case<case_change::words>, true},
                                           {"tojson", to_json},
                                           {"trim", trim},
                                           {"truncate", truncate},
                                           {"unique", unique},
                                           {"upper", change_case<case_change::upper>, true},
                                           {"urlencode", url_encode, true},
                                           {"urlize", not_here},
                                           {"wordcount", word_count, true},
                                           {"wordwrap", word_wrap},
                                           {"xmlattr", xml_attributes}};

}  // namespace filters

/// The entry of a filter, or null.
[[nodiscard]] inline const void* find_filter(std::string_view name) noexcept {
  for (const filter_entry& one : filters::entries) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace quipu::text::jinja
