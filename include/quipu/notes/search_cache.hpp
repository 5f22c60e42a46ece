/// @file Keeping a retriever's index in a file, so that opening many notes does not mean reading them all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/unaligned.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/note_store.hpp>

namespace quipu::notes {

/// A store that names its states (see sqlite_store::fingerprint).
template <class Store>
concept fingerprinted_store = note_store<Store> && requires(const Store& store, store_version version) {
  { store.fingerprint(version) } -> std::same_as<std::optional<std::string>>;
};

namespace search_cache {

inline constexpr std::string_view magic = "quipu search cache 2\n";

/// Writes the index of the notes at `version`: one file, which names the version and ends with the checksum of all its
/// bytes, so that whoever writes at the same time replaces it as a whole.
/// @throws io_error      the file cannot be written; an older one stays
/// @throws config_error  the store has no such version
template <fingerprinted_store Store, cacheable_retriever Retriever>
void save(const std::string& path, const Store& store, store_version version, const Retriever& retriever) {
  const std::optional<std::string> fingerprint = store.fingerprint(version);
  if (!fingerprint) fail<config_error>("search cache: version", "one of the store's", version);
  io::atomic_file out(path);
  out.begin_checksum();
  out.write(magic);
  const auto text = [&](const std::string& value) {
    out.value(static_cast<std::uint32_t>(value.size()));
    out.write(value);
  };
  text(retriever.cache_identity());
  text(*fingerprint);
  out.value(version);
  retriever.save(out);
  out.value(out.checksum());
  out.commit();
}

/// Fills the retriever from a file that was written for the same kind of index and for a state of this very
/// store. Any other file, a damaged one and none at all are ignored: the cache may always be deleted.
/// @return the version that the index holds; nothing, with the retriever empty, if there is no use in the file
template <fingerprinted_store Store, cacheable_retriever Retriever>
std::optional<store_version> load(const std::string& path, const Store& store, Retriever& retriever) {
  retriever.clear();
  if (::access(path.c_str(), R_OK) != 0) return std::nullopt;
  try {
    const mapped_file file(path);
    constexpr std::size_t n_sum = sizeof(std::uint32_t);
    if (file.bytes().size() < magic.size() + n_sum) return std::nullopt;
    const std::size_t n_content = file.bytes().size() - n_sum;
    io::byte_reader in(file.bytes().first(n_content), path);
    const auto text = [&](std::size_t size) {
      const auto bytes = in.take(size, "a text");
      return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    if (text(magic.size()) != magic) return std::nullopt;
    if (text(in.value<std::uint32_t>("a number")) != std::string(retriever.cache_identity())) return std::nullopt;
    const std::string fingerprint(text(in.value<std::uint32_t>("a number")));
    const auto version = in.value<store_version>("a version");
    if (store.fingerprint(version) != fingerprint) return std::nullopt;
    const auto sum = io::load_unaligned<std::uint32_t>(file.bytes().data() + n_content);
    if (crc32(file.text().substr(0, n_content)) != sum) return std::nullopt;
    retriever.restore(in);
    return version;
  } catch (const error&) {
    retriever.clear();
    return std::nullopt;
  }
}

}  // namespace search_cache

}  // namespace quipu::notes
