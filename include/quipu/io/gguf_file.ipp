// What gguf_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/gguf_metadata.hpp>
#include <quipu/io/gguf_types.hpp>

namespace quipu::io {

namespace detail {

struct gguf_tensor_entry {
  std::string name;
  tensor_view tensor;
  std::uint64_t offset;
};

[[nodiscard]] inline gguf_tensor_entry read_gguf_tensor_entry(byte_reader& in) {
  constexpr std::uint32_t largest_axes = 4;  // GGML_MAX_DIMS
  gguf_tensor_entry entry;
  entry.name = std::string(read_gguf_string(in, "tensor name"));
  const std::string place = concat(in.place(), ": tensor ", printable(entry.name));
  const auto n_axis = in.value<std::uint32_t>("tensor axes");
  if (n_axis > largest_axes) {
    fail<format_error>(concat(place, ": axes"), concat("at most ", largest_axes), n_axis);
  }
  for (std::uint32_t i = 0; i < n_axis; ++i) {
    entry.tensor.shape.push_back(static_cast<std::size_t>(in.value<std::uint64_t>("tensor extent")));
  }
  std::reverse(entry.tensor.shape.begin(), entry.tensor.shape.end());
  entry.tensor.type = tensor_type_of_ggml(in.value<std::uint32_t>("tensor type"), place);
  entry.offset = in.value<std::uint64_t>("tensor offset");
  return entry;
}

/// Gives every entry its bytes of the data part.
inline void place_gguf_tensors(std::vector<gguf_tensor_entry> entries, std::span<const std::byte> data,
                               std::size_t alignment, gguf_contents& contents) {
  const std::string& file = contents.metadata.place();
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  std::size_t used = 0;
  for (gguf_tensor_entry& entry : entries) {
    const std::string place = concat(file, ": tensor ", printable(entry.name));
    const std::size_t size = checked_bytes(entry.tensor.type, entry.tensor.shape, place);
    if (entry.offset % alignment != 0) {
      fail<format_error>(concat(place, ": offset"), concat("a multiple of ", alignment), entry.offset);
    }
    if (size > data.size() || entry.offset > data.size() - size) {
      fail<format_error>(concat(place, ": offset"),
                         concat(size, " bytes within the ", data.size(), " of the data"), entry.offset);
    }
    if (size != 0 && entry.offset < used) {
      fail<format_error>(concat(place, ": offset"), concat(used, " or more, the end of the tensor before"),
                         entry.offset);
    }
    entry.tensor.bytes = data.subspan(static_cast<std::size_t>(entry.offset), size);
    used = std::max(used, static_cast<std::size_t>(entry.offset) + size);
    if (!contents.tensors.emplace(entry.name, std::move(entry.tensor)).second) {
      fail<format_error>(file, "every tensor once", concat(printable(entry.name), " twice"));
    }
  }
}

}  // namespace detail

QUIPU_INLINE gguf_contents parse_gguf(std::span<const std::byte> file, const std::string& place, std::uint32_t magic) {
  byte_reader in(file, place);
  if (in.value<std::uint32_t>("magic") != magic) fail<format_error>(place, "a GGUF file", "no magic");
  gguf_contents contents;
  contents.metadata = gguf_metadata(place);
  contents.version = in.value<std::uint32_t>("version");
  if (contents.version != 2 && contents.version != 3) {
    const bool swapped = (contents.version & 0xffffu) == 0 && contents.version != 0;
    fail<format_error>(concat(place, ": GGUF version"), "2 or 3",
                       swapped ? std::string("a big-endian file") : std::to_string(contents.version));
  }
  const auto n_tensor = in.value<std::uint64_t>("tensor count");
  const auto n_key = in.value<std::uint64_t>("key count");
  // A key takes 13 bytes at least, a tensor 24: absurd counts end here.
  if (n_key > in.left() / 13 || n_tensor > in.left() / 24) {
    fail<format_error>(concat(place, ": counts"), concat("what fits ", in.left(), " bytes"),
                       concat(n_key, " keys and ", n_tensor, " tensors"));
  }
  for (std::uint64_t i = 0; i < n_key; ++i) {
    const std::string_view key = detail::read_gguf_string(in, "key");
    contents.metadata.add(key, detail::read_gguf_value(in, file));
  }
  std::vector<detail::gguf_tensor_entry> entries;
  for (std::uint64_t i = 0; i < n_tensor; ++i) entries.push_back(detail::read_gguf_tensor_entry(in));

  const std::size_t alignment = contents.metadata.size_or("general.alignment", 32);
  if (!std::has_single_bit(alignment) || alignment > (std::size_t{1} << 20)) {
    fail<format_error>(contents.metadata.at("general.alignment"), "a power of two up to 2^20", alignment);
  }
  const std::size_t padding = (alignment - in.offset() % alignment) % alignment;
  // A file without tensors may end right after its metadata.
  const std::size_t skipped = n_tensor == 0 ? std::min(padding, in.left()) : padding;
  (void)in.take(skipped, "padding before the data");
  detail::place_gguf_tensors(std::move(entries), file.subspan(in.offset()), alignment, contents);
  return contents;
}

}  // namespace quipu::io
