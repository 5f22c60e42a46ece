/// @file Which names a scope has, and which variables they mean.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <quipu/text/jinja/syntax.hpp>

namespace quipu::text::jinja {

/// Scopes, their names, and the variables that functions keep for them.
struct scope_symbols {
  struct function_state {
    explicit function_state(function_code& c, function_state* o = nullptr)
        : code(c), outer(o), depth(o == nullptr ? 0 : o->depth + 1) {}
    function_code& code;
    function_state* outer;
    std::uint32_t depth;
    std::uint32_t n_slot = 0;
    std::unordered_map<std::uint64_t, std::uint32_t> slots;  // by level and name
  };
  struct reference {
    const function_state* function = nullptr;
    std::uint32_t index = 0;
  };
  struct binding {
    reference ref;
    bool has_ref = false;
    bool has_load = false;
    bool is_parameter = false;
    bool stored = false;
    load::from source = load::from::nowhere;
    reference outer;
  };
  /// Names of one scope. Branches of an `if` lie over the scope's own names until they are put together.
  struct symbols {
    explicit symbols(function_state& f) : function(f) {}
    symbols(function_state& f, symbols& o, bool is_test = false)
        : function(f), outer(&o), level(o.level + (is_test ? 0x10001u : 1u)) {}
    struct branch_of {
      symbols& base;
    };
    explicit symbols(branch_of b)
        : function(b.base.function), outer(b.base.outer), base(&b.base), level(b.base.level) {}

    function_state& function;
    symbols* outer = nullptr;
    symbols* base = nullptr;
    std::uint32_t level = 0;
    std::unordered_map<std::uint32_t, binding> names;
  };

  [[nodiscard]] static const reference* find_here(const symbols& in, std::uint32_t name) {
    for (const symbols* one = &in; one != nullptr; one = one->base) {
      const auto at = one->names.find(name);
      if (at != one->names.end() && at->second.has_ref) return &at->second.ref;
    }
    return nullptr;
  }
  [[nodiscard]] static const reference* find(const symbols* in, std::uint32_t name) {
    for (; in != nullptr; in = in->outer) {
      if (const reference* found = find_here(*in, name)) return found;
    }
    return nullptr;
  }
  static binding& define(symbols& in, std::uint32_t name, load::from source) {
    const std::uint64_t key = std::uint64_t{in.level} << 32 | name;
    const auto [at, is_new] = in.function.slots.try_emplace(key, in.function.n_slot);
    if (is_new) ++in.function.n_slot;
    binding& made = in.names[name];
    made.ref = {&in.function, at->second};
    made.has_ref = true;
    made.has_load = true;
    made.is_parameter = false;
    made.source = source;
    return made;
  }
  static void store(symbols& in, std::uint32_t name) {
    in.names[name].stored = true;
    if (find_here(in, name) != nullptr) return;
    const reference* outer = find(in.outer, name);
    binding& made = define(in, name, outer != nullptr ? load::from::outer : load::from::nowhere);
    if (outer != nullptr) made.outer = *outer;
  }
  static std::uint32_t declare_parameter(symbols& in, std::uint32_t name) {
    binding& made = define(in, name, load::from::nowhere);
    made.stored = true;
    made.is_parameter = true;
    return made.ref.index;
  }
  static void use(symbols& in, std::uint32_t name) {
    if (find(&in, name) == nullptr) define(in, name, load::from::given);
  }

  [[nodiscard]] static bool is_stored(const symbols& in, std::uint32_t name) {
    for (const symbols* one = &in; one != nullptr; one = one->base) {
      const auto at = one->names.find(name);
      if (at != one->names.end() && at->second.stored) return true;
    }
    return false;
  }

  /// Puts branches together: what only some of them assign keeps its outer value in the others.
  static void join(symbols& in, const symbols* branches, std::size_t n) {
    std::vector<std::uint32_t> stored;
    for (std::size_t i = 0; i < n; ++i) {
      for (const auto& [name, one] : branches[i].names) {
        if (one.stored && !is_stored(in, name)) stored.push_back(name);
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (const auto& [name, one] : branches[i].names) {
        binding& mine = in.names[name];
        mine.stored = mine.stored || one.stored;
        if (!one.has_ref) continue;
        const bool was_stored = mine.stored;
        mine = one;
        mine.stored = was_stored;
      }
    }
    for (const std::uint32_t name : stored) {
      const reference ref = *find(&in, name);
      binding& mine = in.names[name];
      mine.ref = ref;
      mine.has_ref = true;
      mine.has_load = true;
      mine.is_parameter = false;
      const reference* outer = find(in.outer, name);
      mine.source = outer != nullptr ? load::from::outer : load::from::given;
      if (outer != nullptr) mine.outer = *outer;
    }
  }

  [[nodiscard]] static slot slot_of(const function_state& from, const reference& ref) {
    return {from.depth - ref.function->depth, ref.index};
  }
};

}  // namespace quipu::text::jinja
