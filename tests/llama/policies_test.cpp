#include <quipu/llama/load.hpp>

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/activation/as_stated.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/linear/listed_rows.hpp>
#include <quipu/llama/export.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/llama/visit_checkpoint.hpp>

#include "support/exact_model.hpp"
#include "support/random_checkpoint.hpp"
#include "support/temp_folder.hpp"

namespace quipu_policies_test {

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace io = quipu::io;
namespace llama = quipu::llama;
namespace test = quipu::test;
using Catch::Contains;

namespace {

using silu = ffn::dense<activation::silu>;
using relu = ffn::dense<activation::relu>;
using fat_relu = ffn::dense<activation::fat_relu>;
using as_stated = ffn::dense<activation::as_stated>;

io::checkpoint checkpoint_with(const std::string& hidden_act, double threshold = 0) {
  auto config = test::small_config();
  config.hidden_act = hidden_act;
  config.activation_threshold = threshold;
  return test::random_checkpoint(config);
}

template <class Model>
std::vector<float> logits_of(const Model& m) {
  llama::session s(m, quipu::thread_team(2));
  const std::vector<quipu::token_id> ids = {1, 3, 6, 4, 2, 5};
  return test::all_logits(s, ids);
}

/// Skips the neurons of a layer whose gate is below what the checkpoint has for the layer.
struct thresholded {
  using policy_role = quipu::role::ffn;
  using activation_type = activation::relu;
  activation_type activation{};
  float least = 0;

  template <class Scalar>
  struct state {
    Scalar threshold;
    std::size_t layer;
    std::uint64_t hash;
    std::string note;
    state(const thresholded& policy, const ffn::ffn_weights<Scalar>& w, const ffn::place& at)
        : threshold(static_cast<Scalar>(policy.least)), layer(at.layer), hash(at.content.hash()) {
      if (const io::tensor_view* t = at.content.find("quipu.thresholds")) {
        float values[8];
        REQUIRE(t->shape == std::vector<std::size_t>{at.config.n_layer});
        std::memcpy(values, t->bytes.data(), t->bytes.size());
        threshold = static_cast<Scalar>(values[at.layer]);
      }
      const auto found = at.content.metadata().find("quipu.note");
      if (found != at.content.metadata().end()) note = found->second;
      REQUIRE(w.gate.rows == at.config.d_ffn);
    }
  };

  template <class Scalar, class Observer>
  void forward(const state<Scalar>& s, const ffn::ffn_weights<Scalar>& w, quipu::linear::workspace& ws,
               quipu::linear::projector<Scalar>& projector, std::type_identity_t<quipu::matrix_view<const Scalar>> x,
               ffn::ffn_buffers<Scalar> b, quipu::matrix_view<Scalar> y, Observer&& observer) const {
    const ffn::dense<activation::fat_relu> inner{{static_cast<double>(s.threshold)}};
    inner.forward({}, w, ws, projector, x, b, y, observer);
  }
};

io::checkpoint with_thresholds(std::vector<float> values) {
  io::checkpoint made = checkpoint_with("relu");
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(float));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  made.further["quipu.thresholds"] = {quipu::tensor_type::f32, {values.size()}, *bytes};
  made.metadata["quipu.note"] = "found on stories";
  made.owned.push_back(std::move(bytes));
  return made;
}

}  // namespace

TEST_CASE("policies are taken as types and as values, in any order", "[llama][policies]") {
  const auto types = llama::from_checkpoint<quipu::kv::exact, fat_relu, quipu::activations::f32>(
      checkpoint_with("fatrelu", 0.25));
  const auto values = llama::from_checkpoint<quipu::activations::f32>(checkpoint_with("fatrelu", 0.25), {},
                                                                     fat_relu{{0.5}}, quipu::kv::exact{});
  STATIC_REQUIRE(std::is_same_v<decltype(types), decltype(values)>);
  CHECK(types.ffn().activation.threshold == 0.25);  // what the checkpoint states
  CHECK(values.ffn().activation.threshold == 0.5);  // what the user said
  CHECK(logits_of(types) != logits_of(values));
}

TEST_CASE("one model type computes every activation that checkpoints state", "[llama][policies]") {
  const auto compare = []<class Own>(Own, const std::string& hidden_act, double threshold) {
    INFO(hidden_act);
    const auto own = llama::from_checkpoint<Own>(checkpoint_with(hidden_act, threshold));
    const auto any = llama::from_checkpoint<as_stated>(checkpoint_with(hidden_act, threshold));
    CHECK(logits_of(own) == logits_of(any));
  };
  compare(silu{}, "silu", 0);
  compare(relu{}, "relu", 0);
  compare(fat_relu{}, "fatrelu", 0.25);
  compare(ffn::dense<activation::gelu>{}, "gelu", 0);
  compare(ffn::dense<activation::gelu_tanh>{}, "gelu_pytorch_tanh", 0);
}

TEST_CASE("another activation than the checkpoint's is refused, naming the right type", "[llama][policies]") {
  CHECK_THROWS_WITH(llama::from_checkpoint<silu>(checkpoint_with("gelu_pytorch_tanh")),
                    Contains("choose quipu::activation::gelu_tanh or quipu::activation::as_stated"));
  CHECK_THROWS_WITH(llama::from_checkpoint<relu>(checkpoint_with("fatrelu", 0.1)),
                    Contains("choose quipu::activation::fat_relu"));
  CHECK_THROWS_WITH(llama::from_checkpoint<as_stated>(checkpoint_with("mish")),
                    Contains("an activation that quipu does not know"));
}

TEST_CASE("with_ffn changes the kernel, shares all tensors and checks the activation", "[llama][policies]") {
  const auto m = llama::from_checkpoint<relu>(checkpoint_with("relu"));
  const auto shifted = llama::with_ffn(m, fat_relu{{0.25}});
  CHECK(&shifted.weights() == &m.weights());
  CHECK(logits_of(shifted) != logits_of(m));
  CHECK(logits_of(llama::with_ffn<relu>(shifted)) == logits_of(m));
  CHECK(logits_of(llama::with_ffn(m, fat_relu{})) == logits_of(m));
  CHECK_THROWS_WITH(llama::with_ffn<silu>(m), Contains("hidden_act") && Contains("'relu'"));
  const auto stated = llama::from_checkpoint<fat_relu>(checkpoint_with("fatrelu", 0.1));
  CHECK_THROWS_WITH(llama::with_ffn<relu>(stated), Contains("fat_relu"));
}

TEST_CASE("with_activation makes another model, which says so", "[llama][policies]") {
  const auto m = llama::from_checkpoint<silu, quipu::kv::exact, quipu::activations::f32>(checkpoint_with("silu"));
  const auto substituted = llama::with_activation<activation::relu>(m);
  CHECK(&substituted.weights() == &m.weights());
  CHECK(m.config().hidden_act == "silu");
  CHECK(substituted.config().hidden_act == "relu");
  const auto reference =
      llama::from_checkpoint<relu, quipu::kv::exact, quipu::activations::f32>(checkpoint_with("relu"));
  CHECK(logits_of(substituted) == logits_of(reference));
  const auto shifted = llama::with_activation(m, activation::fat_relu{0.25});
  CHECK(shifted.config().hidden_act == "fatrelu");
  CHECK(shifted.config().activation_threshold == 0.25);
  // What is written from it is read as such.
  const test::temp_folder folder;
  auto trainable = llama::thaw<float>(shifted);
  io::write_gguf(folder.file("m.gguf"), llama::checkpoint_of(trainable));
  const auto read = llama::load<as_stated, quipu::kv::exact, quipu::activations::f32>(folder.file("m.gguf"));
  CHECK(logits_of(read) == logits_of(shifted));
}

TEST_CASE("visit_checkpoint compiles the activation in", "[llama][policies]") {
  const test::temp_folder folder;
  for (const char* hidden_act : {"silu", "relu", "fatrelu", "gelu", "gelu_pytorch_tanh"}) {
    INFO(hidden_act);
    const auto made = checkpoint_with(hidden_act, 0.25);
    io::write_hf_folder(folder.file("m"), made);
    const auto expected = logits_of(llama::from_checkpoint<as_stated>(made));
    const bool same = llama::visit_checkpoint(folder.file("m"), [&](const auto& m) {
      using compiled = typename std::remove_cvref_t<decltype(m)>::ffn_type::activation_type;
      CHECK(compiled::name == hidden_act);
      return logits_of(m) == expected;
    });
    CHECK(same);
  }
}

TEST_CASE("a kernel's state is made for its place, with what came along", "[llama][policies]") {
  const auto m = llama::from_checkpoint<thresholded>(with_thresholds({0.1f, 0.3f}));
  CHECK(m.ffn_state_of(0).threshold == 0.1f);
  CHECK(m.ffn_state_of(1).threshold == 0.3f);
  CHECK(m.ffn_state_of(1).layer == 1);
  CHECK(m.ffn_state_of(0).note == "found on stories");
  const auto plain = llama::from_checkpoint<relu>(checkpoint_with("relu"));
  CHECK(llama::with_ffn(plain, thresholded{{}, 0.2f}).ffn_state_of(1).threshold == 0.2f);
  CHECK(logits_of(llama::with_ffn(plain, thresholded{{}, 0.2f})) == logits_of(llama::with_ffn(plain, fat_relu{{0.2f}})));
}

TEST_CASE("what came along survives every format that can hold it", "[llama][policies]") {
  const test::temp_folder folder;
  const auto made = with_thresholds({0.1f, 0.3f});
  io::write_gguf(folder.file("m.gguf"), made);
  io::write_hf_folder(folder.file("hf"), made);
  const auto of = [&](const std::string& path) { return llama::load<thresholded>(path); };
  const auto gguf = of(folder.file("m.gguf")), hf = of(folder.file("hf"));
  for (const auto* m : {&gguf, &hf}) {
    CHECK(m->ffn_state_of(1).threshold == 0.3f);
    CHECK(m->ffn_state_of(1).note == "found on stories");
  }
  // The hash is one of numbers: the row order of GGUF's queries and keys makes no difference, one value does.
  CHECK(gguf.ffn_state_of(0).hash == hf.ffn_state_of(0).hash);
  auto other = checkpoint_with("relu");
  CHECK(llama::from_checkpoint<thresholded>(other).ffn_state_of(0).hash == hf.ffn_state_of(0).hash);
  const_cast<std::byte&>(other.tensors.at("model.norm.weight").bytes[1]) ^= std::byte{1};
  CHECK(llama::from_checkpoint<thresholded>(other).ffn_state_of(0).hash != hf.ffn_state_of(0).hash);
}

TEST_CASE("trained weights have a hash of their own", "[llama][policies]") {
  const auto m = llama::from_checkpoint<relu, quipu::kv::exact, quipu::activations::f32>(with_thresholds({0.1f, 0.2f}));
  auto trainable = llama::thaw<float>(m);
  const auto same = trainable.freeze();
  CHECK(same.identity()->content->hash() == m.identity()->content->hash());
  CHECK(same.identity()->content->find("quipu.thresholds") != nullptr);
  trainable.parameters().front().value[0] += 1.0f;
  CHECK(trainable.freeze().identity()->content->hash() != m.identity()->content->hash());
}

TEST_CASE("a foreign tensor is still refused", "[llama][policies]") {
  auto made = with_thresholds({0.1f, 0.3f});
  made.tensors["model.extra.weight"] = made.further["quipu.thresholds"];
  const test::temp_folder folder;
  CHECK_THROWS_WITH(io::write_gguf(folder.file("m.gguf"), made), Contains("model.extra.weight"));
}

}  // namespace quipu_policies_test
