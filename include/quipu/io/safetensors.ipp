// What safetensors.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/safetensors.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

QUIPU_INLINE tensor_type safetensors_type(std::string_view name, const std::string& place) {
  constexpr tensor_type known[] = {tensor_type::f64, tensor_type::f32, tensor_type::f16,
                                   tensor_type::bf16, tensor_type::i64, tensor_type::i32,
                                   tensor_type::i16, tensor_type::i8,  tensor_type::u8};
  for (const tensor_type type : known) {
    if (name_of(type) == name) return type;
  }
  fail<format_error>(concat(place, ": dtype"), "F64, F32, F16, BF16, I64, I32, I16, I8 or U8",
                     printable(name));
}

namespace detail {

[[nodiscard]] inline std::vector<std::size_t> json_sizes(const nlohmann::json& entry, const char* key,
                                                         const std::string& place) {
  const auto field = entry.find(key);
  if (field == entry.end() || !field->is_array()) {
    fail<format_error>(concat(place, ": ", key), "an array of integers", "something else");
  }
  std::vector<std::size_t> sizes;
  if (field->size() > largest_rank) {
    fail<format_error>(concat(place, ": ", key), concat("at most ", largest_rank, " entries"),
                       field->size());
  }
  for (const nlohmann::json& size : *field) {
    if (!size.is_number_unsigned()) {
      fail<format_error>(concat(place, ": ", key), "non-negative integers", size.type_name());
    }
    sizes.push_back(static_cast<std::size_t>(size.get<std::uint64_t>()));
  }
  return sizes;
}

[[nodiscard]] inline tensor_view safetensors_entry(const nlohmann::json& entry,
                                                   std::span<const std::byte> data,
                                                   const std::string& place) {
  if (!entry.is_object()) fail<format_error>(place, "a JSON object", entry.type_name());
  const auto dtype = entry.find("dtype");
  if (dtype == entry.end() || !dtype->is_string()) {
    fail<format_error>(concat(place, ": dtype"), "a string", "something else");
  }
  tensor_view tensor;
  tensor.type = safetensors_type(dtype->get_ref<const std::string&>(), place);
  tensor.shape = json_sizes(entry, "shape", place);
  const std::vector<std::size_t> offsets = json_sizes(entry, "data_offsets", place);
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
    fail<format_error>(concat(place, ": data_offsets"),
                       concat("[begin, end] within ", data.size(), " bytes of data"),
                       show_shape(offsets));
  }
  const std::size_t expected = checked_bytes(tensor.type, tensor.shape, place);
  if (offsets[1] - offsets[0] != expected) {
    fail<format_error>(concat(place, ": data_offsets"),
                       concat(expected, " bytes for shape ", show_shape(tensor.shape)),
                       offsets[1] - offsets[0]);
  }
  tensor.bytes = data.subspan(offsets[0], expected);
  return tensor;
}

/// The format wants every byte of the data in exactly one tensor.
inline void check_coverage(const safetensors_contents& contents, std::span<const std::byte> data,
                           const std::string& place) {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  // begin, end
  for (const auto& [name, tensor] : contents.tensors) {
    const auto begin = static_cast<std::size_t>(tensor.bytes.data() - data.data());
    ranges.emplace_back(begin, begin + tensor.bytes.size());
  }
  std::sort(ranges.begin(), ranges.end());
  std::size_t covered = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != covered) {
      fail<format_error>(place, concat("the next tensor at byte ", covered, " of the data"),
                         concat(begin < covered ? "an overlapping" : "a later", " one at ", begin));
    }
    covered = end;
  }
  if (covered != data.size()) {
    fail<format_error>(place, concat(covered, " bytes of data"), data.size());
  }
}

}  // namespace detail

QUIPU_INLINE safetensors_contents parse_safetensors(std::span<const std::byte> file, const std::string& place) {
  if (file.size() < 8) fail<format_error>(place, "a safetensors file", concat(file.size(), " bytes"));
  const auto header_size = load_unaligned<std::uint64_t>(file.data());
  if (header_size > largest_safetensors_header || header_size > file.size() - 8) {
    fail<format_error>(concat(place, ": header size"),
                       concat("at most ", std::min(largest_safetensors_header, file.size() - 8)),
                       header_size);
  }
  const auto size = static_cast<std::size_t>(header_size);
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + 8, size);
  if (header.empty() || header.front() != '{') {
    fail<format_error>(concat(place, ": header"), "a JSON object", "something else");
  }
  const nlohmann::json entries = parse_json(header, concat(place, ": header"));
  const std::span<const std::byte> data = file.subspan(8 + size);
  safetensors_contents contents;
  for (const auto& [name, entry] : entries.items()) {
    const std::string where = concat(place, ": ", printable(name));
    if (name == "__metadata__") {
      if (!entry.is_object()) fail<format_error>(where, "a JSON object", entry.type_name());
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) fail<format_error>(where, "only strings", value.type_name());
        contents.metadata.emplace(key, value.get<std::string>());
      }
    } else {
      contents.tensors.emplace(name, detail::safetensors_entry(entry, data, where));
    }
  }
  detail::check_coverage(contents, data, place);
  return contents;
}

QUIPU_INLINE safetensors_file::safetensors_file(const std::string& path, file_access how)
    : file_(std::make_shared<const mapped_file>(path, how)), contents_(parse_safetensors(file_->bytes(), path)) {}

QUIPU_INLINE const tensor_view& safetensors_file::at(std::string_view name) const {
  if (const tensor_view* found = find(name)) return *found;
  fail<format_error>(path(), concat("a tensor ", printable(name)), "none of that name");
}

}  // namespace quipu::io
