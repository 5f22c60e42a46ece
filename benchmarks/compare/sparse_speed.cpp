// Times for scripts/compare sparse: an FFN layer, or a whole model, by kernels that skip neurons and by those they are compared with.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/row_dense.hpp>
#include <quipu/linear/certified_argmax.hpp>
#include <quipu/linear/pack_matrix.hpp>
#include <quipu/llama/load.hpp>

#include "process_figures.hpp"
#include "support/peer_schemes.hpp"
#include "support/plain_reader.hpp"
#include "support/sparse_layers.hpp"

namespace ffn = quipu::ffn;
namespace linear = quipu::linear;
namespace llama = quipu::llama;
using quipu::bench::plain_reader;
using quipu::bench::random_matrix;
using quipu::matrix_view;
using quipu::tensor_type;

namespace {

using fat_relu = quipu::activation::fat_relu;

tensor_type type_named(const std::string& name) {
  for (const auto type : {tensor_type::f32, tensor_type::bf16, tensor_type::q8_0, tensor_type::q4_0}) {
    std::string lower(quipu::name_of(type));
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    if (lower == name || (name == "int8" && type == tensor_type::q8_0) || (name == "int4" && type == tensor_type::q4_0)) return type;
  }
  throw quipu::config_error("sparse_speed: types are f32, bf16, int8 and int4, not " + name);
}

struct shape {
  tensor_type type;
  std::size_t d_model, d_ffn, n_thread, rounds;
  std::vector<double> frequency;  ///< shares of inputs for which neurons are active
};

void print(const std::string& name, const std::vector<double>& times, double more = 0) {
  std::cout << "{\"kernel\": \"" << name << "\", \"figure\": " << more << ", \"ms\": [";
  for (std::size_t i = 0; i < times.size(); ++i) std::cout << (i == 0 ? "" : ", ") << times[i];
  std::cout << "]}" << std::endl;
}

// A layer's FFN by several kernels in turn, each over all copies of the layer, so that no cache holds one.
void measure_layer(const shape& s) {
  constexpr std::size_t n_layer = 8, n_input = 16;
  const quipu::thread_team team(s.n_thread);
  linear::workspace ws(team);
  linear::projector<float> projector(ws, linear::activation_rounding::int16);
  projector.set_decode_rows(1);
  quipu::io::model_config config;
  config.d_model = s.d_model, config.d_ffn = s.d_ffn, config.n_layer = 1;
  const quipu::io::checkpoint_content content;
  const quipu::progress_callback progress;

  const random_matrix gate(s.type, s.d_ffn, s.d_model, 1), up(s.type, s.d_ffn, s.d_model, 2), down(s.type, s.d_model, s.d_ffn, 3);
  const ffn::ffn_weights<float> raw{gate.matrix(), up.matrix(), down.matrix()};
  const ffn::thresholds thresholds{.of_neurons = {quipu::bench::thresholds_of(gate.matrix(), s.frequency)}};
  struct layer {
    ffn::ffn_weights<float> tiles;
    std::vector<quipu::buffer<std::byte>> memory;
    ffn::form_cache forms;
    std::unique_ptr<ffn::sparse_state<float>> exact;
    std::unique_ptr<ffn::certified_state<float>> certified;
    std::unique_ptr<quipu::bench::predicted_state> predicted;
  };
  std::vector<layer> layers(n_layer);
  const ffn::dense<fat_relu> tiled{};
  const ffn::row_dense<fat_relu> dense{thresholds};
  const ffn::gate_sparse<fat_relu> exact{thresholds};
  const ffn::certified_sparse<fat_relu> certified{thresholds};
  const bool integer = s.type == tensor_type::q8_0;
  for (layer& l : layers) {
    const ffn::place at{0, config, content, team, progress, &l.forms};
    l.tiles = raw;
    for (linear::stored_matrix* m : {&l.tiles.gate, &l.tiles.up, &l.tiles.down}) {
      l.memory.emplace_back(linear::packed_bytes(m->type, m->rows, m->cols));
      static_cast<void>(linear::pack_matrix(*m, team, l.memory.back().data()));
      m->packed = l.memory.back().data();
    }
    l.exact = std::make_unique<ffn::sparse_state<float>>(exact, l.tiles, at);
    if (!integer) continue;
    l.certified = std::make_unique<ffn::certified_state<float>>(certified, l.tiles, at);
    l.predicted = std::make_unique<quipu::bench::predicted_state>(raw, *l.exact, team);
  }

  quipu::random_stream stream(9);
  std::vector<float> x(n_input * s.d_model), y(s.d_model), g(s.d_ffn), u(s.d_ffn), h(s.d_ffn);
  for (float& v : x) v = static_cast<float>(stream.normal());
  const ffn::ffn_buffers<float> b{{g.data(), 1, s.d_ffn}, {u.data(), 1, s.d_ffn}, {h.data(), 1, s.d_ffn}};
  const auto input = [&](std::size_t i) { return matrix_view<const float>(x.data() + i % n_input * s.d_model, 1, s.d_model); };
  const matrix_view<float> out(y.data(), 1, s.d_model);

  // What is active for each input: replayed by the scheme that guesses.
  std::vector<quipu::bench::predicted_lists> lists;
  double density = 0;
  for (std::size_t i = 0; i < n_input; ++i) {
    ffn::project_gate<float>(*layers[0].exact, layers[0].tiles, ws, projector, input(i), b.gate);
    lists.emplace_back(std::span<const float>(g), layers[0].exact->limits, stream);
    density += static_cast<double>(lists.back().active.size()) / static_cast<double>(s.d_ffn) / n_input;
  }

  struct kernel {
    std::string name;
    std::function<void(layer&, std::size_t)> run;
    std::vector<double> times = {};
  };
  std::vector<kernel> kernels;
  kernels.push_back({"tiles", [&](layer& l, std::size_t i) { tiled.forward(ffn::empty_state<ffn::dense<fat_relu>, float>{}, l.tiles, ws, projector, input(i), b, out, ffn::no_observer{}); }});
  kernels.push_back({"dense", [&](layer& l, std::size_t i) { dense.forward(*l.exact, l.tiles, ws, projector, input(i), b, out, ffn::no_observer{}); }});
  kernels.push_back({"exact", [&](layer& l, std::size_t i) { exact.forward(*l.exact, l.tiles, ws, projector, input(i), b, out, ffn::no_observer{}); }});
  kernels.push_back({"rows", [&](layer& l, std::size_t i) { quipu::bench::one_row_at_a_time(*l.exact, l.tiles, ws, projector, input(i), b, out); }});
  if (integer) {
    kernels.push_back({"certified", [&](layer& l, std::size_t i) { certified.forward(*l.certified, l.tiles, ws, projector, input(i), b, out, ffn::no_observer{}); }});
    kernels.push_back({"powerinfer", [&](layer& l, std::size_t i) { quipu::bench::predicted_forward(*l.predicted, *l.exact, lists[i % n_input], ws, input(i), out); }});
  }
  plain_reader plain(team, raw.gate.n_byte() + raw.up.n_byte() + raw.down.n_byte());
  std::vector<double> read;
  for (std::size_t round = 0; round <= s.rounds; ++round) {
    for (kernel& k : kernels) {
      const double begin = now();
      for (std::size_t i = 0; i < n_layer; ++i) k.run(layers[i], round * n_layer + i);
      if (round > 0) k.times.push_back((now() - begin) * 1e3 / n_layer);
    }
    double sum = 0;
    for (std::size_t i = 0; i < n_layer; ++i) sum += plain.milliseconds();
    if (round > 0) read.push_back(sum / n_layer);
  }
  for (const kernel& k : kernels) print(k.name, k.times);
  print("plain loop", read, static_cast<double>(raw.gate.n_byte() + raw.up.n_byte() + raw.down.n_byte()));
  print("density", {}, density);
  if (integer) {
    linear::listed_gates listed;
    double n = 0;
    const auto& state = *layers[0].certified;
    for (std::size_t i = 0; i < n_input; ++i) {
      const auto& row = ws.kept<linear::integer_row_buffer>().round(ws, input(i), state.bits, state.planes->dither.span());
      estimate(ws, *state.planes, row, {.values = state.limits.own}, state.certificate, listed);
      n += static_cast<double>(listed.ids().size()) / static_cast<double>(s.d_ffn) / n_input;
    }
    print("not certified", {}, n);
  }
  print("gate error", {}, layers[0].exact->report.gate_error);
  print("down error", {}, layers[0].exact->report.down_error);
  print("path", {}, static_cast<double>(ws.kernels().set));
}

// A model of 8-bit weights in memory: attention and head of its own, and the FFN's forms of every layer. All layers are made of the same
// raw numbers, which are given back when the forms are there.
struct whole_model {
  std::shared_ptr<llama::weights<float>> weights = std::make_shared<llama::weights<float>>();
  std::shared_ptr<llama::model_identity> identity = std::make_shared<llama::model_identity>();

  whole_model(const shape& s, std::size_t n_layer, std::size_t n_head, std::size_t n_kv_head, std::size_t n_vocab, const quipu::thread_team& team)
      : gate_(s.type, s.d_ffn, s.d_model, 1), up_(s.type, s.d_ffn, s.d_model, 2), down_(s.type, s.d_model, s.d_ffn, 3) {
    auto& c = identity->config;
    c.n_layer = n_layer, c.d_model = s.d_model, c.d_ffn = s.d_ffn, c.n_head = n_head, c.n_kv_head = n_kv_head;
    c.d_head = s.d_model / n_head, c.n_vocab = n_vocab, c.n_ctx = 1024, c.hidden_act = "fatrelu";
    identity->path = "random weights";
    auto& w = *weights;
    ones_ = std::make_shared<std::vector<float>>(s.d_model, 1.0f);
    const random_matrix square(s.type, s.d_model, s.d_model, 4), narrow(s.type, c.d_kv(), s.d_model, 5);
    auto head = std::make_shared<random_matrix>(s.type, n_vocab, s.d_model, 6);
    w.memory = {ones_, head};
    const auto tiles = [&](linear::stored_matrix m) {
      auto bytes = std::make_shared<quipu::buffer<std::byte>>(linear::packed_bytes(m.type, m.rows, m.cols));
      static_cast<void>(linear::pack_matrix(m, team, bytes->data()));
      m.packed = bytes->data();
      w.memory.push_back(std::move(bytes));
      return m;
    };
    for (std::size_t layer = 0; layer < n_layer; ++layer) {
      llama::block_weights<float> b;
      b.attention_norm = b.ffn_norm = ones_->data();
      b.q = tiles(square.matrix()), b.k = tiles(narrow.matrix()), b.v = tiles(narrow.matrix()), b.o = tiles(square.matrix());
      b.ffn = {gate_.matrix(), up_.matrix(), down_.matrix()};
      w.blocks.push_back(b);
    }
    w.embedding = head->matrix();
    w.head = tiles(head->matrix());
    w.final_norm = ones_->data();
  }

  [[nodiscard]] const linear::stored_matrix& gate() const noexcept { return gate_.matrix(); }

 private:
  random_matrix gate_, up_, down_;
  std::shared_ptr<std::vector<float>> ones_;
};

// Tokens of a whole model by each kernel in turn.
void measure_whole(const shape& s, std::size_t n_layer, std::size_t n_head, std::size_t n_kv_head) {
  constexpr std::size_t n_token = 4;
  const quipu::thread_team team(s.n_thread);
  const double begin = now();
  const whole_model whole(s, n_layer, n_head, n_kv_head, 32000, team);
  const auto frequency = quipu::bench::thresholds_of(whole.gate(), s.frequency);
  const ffn::thresholds thresholds{.of_neurons = std::vector(n_layer, frequency)};
  using list = llama::model_policies<ffn::row_dense<fat_relu>>;
  const llama::basic_model<list> dense(whole.identity, whole.weights, list::of(ffn::row_dense<fat_relu>(thresholds)), {.team = team});
  const auto exact = llama::with_ffn(dense, ffn::gate_sparse<fat_relu>(thresholds), {.team = team});
  const auto certified = llama::with_ffn(exact, ffn::certified_sparse<fat_relu>(thresholds), {.team = team});
  print("made", {}, now() - begin);
  const auto time = [&](const auto& m, std::vector<double>& times, bool counts) {
    llama::session session(m, team, {.n_ctx = 256});
    const auto sequence = session.create();
    quipu::token_id token = 7;
    static_cast<void>(session.next_logits(sequence, {&token, 1}, llama::token_role::decode));
    const double start = now();
    for (std::size_t i = 0; i < n_token; ++i) {
      token = static_cast<quipu::token_id>((i * 7919 + 13) % 32000);
      static_cast<void>(session.next_logits(sequence, {&token, 1}, llama::token_role::decode));
    }
    if (counts) times.push_back((now() - start) * 1e3 / n_token);
  };
  std::vector<double> by_dense, by_exact, by_certified;
  for (std::size_t round = 0; round <= s.rounds; ++round) {
    time(dense, by_dense, round > 0);
    time(exact, by_exact, round > 0);
    time(certified, by_certified, round > 0);
  }
  print("dense", by_dense);
  print("exact", by_exact);
  print("certified", by_certified);
  print("peak MiB", {}, peak_kib() / 1024);
}

// The best of `n_vocab` tokens by the whole product and by the certified head.
void measure_head(const shape& s) {
  constexpr std::size_t n_head = 8, n_input = 16;
  const quipu::thread_team team(s.n_thread);
  linear::workspace ws(team);
  linear::integer_row_buffer rows;
  linear::certified_argmax search;
  const random_matrix weights(s.type, s.d_ffn, s.d_model, 1);
  std::vector<linear::integer_gate> heads;
  std::vector<std::shared_ptr<const linear::gate_bytes>> bytes;
  std::vector<std::shared_ptr<const linear::gate_planes>> planes;
  for (std::size_t i = 0; i < n_head; ++i) {
    heads.emplace_back(weights.matrix(), linear::integer_gate_options{.dither_seed = i});
    bytes.push_back(heads.back().bytes(team));
    planes.push_back(heads.back().planes(team));
  }
  quipu::random_stream stream(9);
  std::vector<float> x(n_input * s.d_model), logits(s.d_ffn);
  for (float& v : x) v = static_cast<float>(stream.normal());
  const linear::gate_certificate certificate(1e-12);
  std::vector<double> by_product, by_proof;
  double n_read = 0;
  std::size_t wrong = 0;
  for (std::size_t round = 0; round <= s.rounds; ++round) {
    for (std::size_t i = 0; i < n_head; ++i) {
      const matrix_view<const float> in(x.data() + (round + i) % n_input * s.d_model, 1, s.d_model);
      const double start = now();
      linear::multiply(ws, *bytes[i], rows.round(ws, in), {logits.data(), 1, logits.size()});
      const auto best = static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
      const double middle = now();
      wrong += static_cast<std::size_t>(
          search.find(ws, *planes[i], rows.round(ws, in, linear::activation_bits::sixteen, planes[i]->dither.span()), certificate) != best);
      const double end = now();
      if (round == 0) continue;
      by_product.push_back((middle - start) * 1e3);
      by_proof.push_back((end - middle) * 1e3);
      n_read += static_cast<double>(search.n_read());
    }
  }
  const double low = static_cast<double>(planes[0]->form().low_bytes());
  print("whole product", by_product, static_cast<double>(bytes[0]->n_byte()));
  print("certified", by_proof, static_cast<double>(planes[0]->high.n_byte()) + n_read / static_cast<double>(by_proof.size()) * low);
  print("wrong", {}, static_cast<double>(wrong));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    std::cerr << "usage: sparse_speed layer TYPE D_MODEL D_FFN THREADS ROUNDS SHARE... (of inputs for which a neuron is active)\n"
                 "       sparse_speed LAYERS,HEADS,KV_HEADS TYPE D_MODEL D_FFN THREADS ROUNDS SHARE...\n"
                 "       sparse_speed head TYPE D_MODEL N_VOCAB THREADS ROUNDS 1\n";
    return 2;
  }
  try {
    const auto number = [&](int i) { return static_cast<std::size_t>(std::strtoul(argv[i], nullptr, 10)); };
    shape s{type_named(argv[2]), number(3), number(4), number(5), number(6), {}};
    for (int i = 7; i < argc; ++i) s.frequency.push_back(std::strtod(argv[i], nullptr));
    std::size_t sizes[3];
    if (std::string(argv[1]) == "layer") {
      measure_layer(s);
    } else if (std::string(argv[1]) == "head") {
      measure_head(s);
    } else if (std::sscanf(argv[1], "%zu,%zu,%zu", &sizes[0], &sizes[1], &sizes[2]) == 3) {
      measure_whole(s, sizes[0], sizes[1], sizes[2]);
    } else {
      throw quipu::config_error(std::string("sparse_speed: 'layer' or LAYERS,HEADS,KV_HEADS, not ") + argv[1]);
    }
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}
