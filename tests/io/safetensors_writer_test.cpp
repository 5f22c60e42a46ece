#include <quipu/io/safetensors_writer.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/safetensors.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using quipu::tensor_type;
using quipu::io::safetensors_file;
using quipu::io::tensor_view;
using quipu::io::write_safetensors;

TEST_CASE("tensors of all plain types come back aligned", "[io][safetensors_writer]") {
  const quipu::test::temp_folder folder;
  const std::vector<std::byte> bytes(100, std::byte{7});
  std::map<std::string, tensor_view, std::less<>> tensors;
  for (const tensor_type type : {tensor_type::f64, tensor_type::f32, tensor_type::f16, tensor_type::bf16,
                                 tensor_type::i64, tensor_type::i32, tensor_type::i16, tensor_type::i8,
                                 tensor_type::u8}) {
    const std::string name(quipu::name_of(type));
    const std::size_t size = quipu::block_of(type).bytes;
    tensors[name + ".three"] = {type, {3}, std::span(bytes).first(3 * size)};
    tensors[name + ".scalar"] = {type, {}, std::span(bytes).first(size)};
    tensors[name + ".empty"] = {type, {2, 0}, {}};
  }
  write_safetensors(folder.file("x"), tensors, {{"format", "pt"}, {"odd", "\xc3\xa4\"\n"}});
  const safetensors_file file(folder.file("x"));
  REQUIRE(file.tensors().size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    INFO(name);
    const auto& read = file.at(name);
    CHECK(read.type == tensor.type);
    CHECK(read.shape == tensor.shape);
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), read.bytes.begin(), read.bytes.end()));
    CHECK(reinterpret_cast<std::uintptr_t>(read.bytes.data()) % quipu::block_of(tensor.type).bytes == 0);
  }
  CHECK(file.metadata().at("odd") == "\xc3\xa4\"\n");
  write_safetensors(folder.file("none"), {});
  CHECK(safetensors_file(folder.file("none")).tensors().empty());
}

TEST_CASE("a file from PyTorch survives writing and reading", "[io][safetensors_writer]") {
  const auto path = quipu::test::golden_case("blocks") / "golden.safetensors";
  QUIPU_NEEDS(path);
  const quipu::test::temp_folder folder;
  const safetensors_file golden(path.string());
  write_safetensors(folder.file("x"), golden.tensors(), golden.metadata());
  const safetensors_file copy(folder.file("x"));
  REQUIRE(copy.tensors().size() == golden.tensors().size());
  for (const auto& [name, tensor] : golden.tensors()) {
    const auto& read = copy.at(name);
    CHECK((read.type == tensor.type && read.shape == tensor.shape));
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), read.bytes.begin(), read.bytes.end()));
  }
}

TEST_CASE("what the format has not is refused and leaves the old file", "[io][safetensors_writer]") {
  const quipu::test::temp_folder folder;
  const std::vector<std::byte> bytes(34);
  folder.write("x", "old");
  CHECK_THROWS_AS(write_safetensors(folder.file("x"), {{"a", {tensor_type::q8_0, {32}, bytes}}}), quipu::config_error);
  CHECK_THROWS_AS(write_safetensors(folder.file("x"), {{"a", {tensor_type::u8, {33}, bytes}}}), quipu::config_error);
  CHECK_THROWS_AS(write_safetensors(folder.file("x"), {{"\xff", {tensor_type::u8, {34}, bytes}}}), quipu::config_error);
  CHECK_THROWS_AS(write_safetensors(folder.file("x"), {{"__metadata__", {tensor_type::u8, {34}, bytes}}}),
                  quipu::config_error);
  CHECK_THROWS_AS(write_safetensors(folder.file("none/x"), {}), quipu::io_error);
  CHECK(quipu::test::read_bytes(folder.file("x")) == "old");
  write_safetensors(folder.file("x"), {{"a", {tensor_type::u8, {34}, bytes}}});
  CHECK(safetensors_file(folder.file("x")).at("a").bytes.size() == 34);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}
