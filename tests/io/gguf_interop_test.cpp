// gguf-py, the reference implementation of the format, reads what we write.
#include <quipu/io/gguf_writer.hpp>

#include <cstdlib>
#include <string>

#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/io/gguf_names.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/random_checkpoint.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using quipu::tensor_type;

TEST_CASE("gguf-py reads the same fields and numbers", "[io][gguf_interop]") {
  const quipu::test::temp_folder folder;
  const auto script = std::filesystem::path(__FILE__).parent_path().parent_path() / "interop" / "gguf_reader.py";
  const std::string chosen = quipu::test::setting("QUIPU_PYTHON");
  const std::string python = chosen.empty() ? "python3" : chosen;
  auto config = quipu::test::small_config();
  config.scaling.type = quipu::io::rope_scaling::kind::linear;
  config.scaling.factor = 2.5;
  for (const tensor_type type : {tensor_type::f32, tensor_type::f16, tensor_type::bf16, tensor_type::q8_0,
                                 tensor_type::q4_0, tensor_type::q4_1, tensor_type::q5_0, tensor_type::q5_1}) {
    INFO(quipu::name_of(type));
    auto source = quipu::test::random_checkpoint(config);
    source.vocabulary = quipu::test::small_vocabulary();
    quipu::io::write_gguf(folder.file("m.gguf"), source, {.matrix_type = type});
    nlohmann::json expected;
    expected["fields"] = {{"general.architecture", "llama"},
                          {"llama.embedding_length", config.d_model},
                          {"llama.attention.head_count_kv", config.n_kv_head},
                          {"llama.rope.scaling.factor", config.scaling.factor},
                          {"llama.attention.layer_norm_rms_epsilon", config.rms_norm_eps},
                          {"tokenizer.ggml.model", "llama"},
                          {"tokenizer.ggml.tokens", source.vocabulary.tokens},
                          {"tokenizer.ggml.scores", source.vocabulary.scores},
                          {"tokenizer.ggml.token_type", {2, 3, 3, 1, 1, 6, 4}},
                          {"tokenizer.ggml.add_bos_token", true},
                          {"tokenizer.chat_template", source.vocabulary.chat_template}};
    quipu::io::convert_rope_layout(source, quipu::io::rope_layout::neighbours);
    for (const auto& [name, tensor] : source.tensors) {
      const tensor_type stored = tensor.shape.size() > 1 ? type : tensor_type::f32;
      const auto bytes = quipu::io::stored_as(tensor, stored);
      expected["tensors"][*quipu::io::gguf_name_of_hf(name)] = {
          {"type", std::string(quipu::name_of(stored))},
          {"shape", tensor.shape},
          {"values", quipu::io::values_of<float>({stored, tensor.shape, bytes})}};
    }
    folder.write("expected.json", expected.dump());
    const std::string command = python + " '" + script.string() + "' '" + folder.file("m.gguf") + "' '" +
                                folder.file("expected.json") + "' > '" + folder.file("said") + "' 2>&1";
    const int status = std::system(command.c_str());
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    INFO(quipu::test::read_bytes(folder.file("said")));
    if (code == 77 || code == 127) {
      // The other direction (golden files that gguf-py wrote) is tested everywhere; this needs the package.
      quipu::test::note_missing_tool("no gguf-py (pip install gguf; QUIPU_PYTHON names the interpreter)");
      return;
    }
    CHECK(code == 0);
  }
}
