#include <quipu/sparsity/input_search.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/score.hpp>

#include "support/shared_data.hpp"

namespace linear = quipu::linear;
namespace llama = quipu::llama;
namespace sparsity = quipu::sparsity;

namespace {

struct input_stories {
  llama::model<quipu::kv::exact> model;
  std::vector<quipu::token_id> text;
  sparsity::record_options record{.window = 128, .team = quipu::thread_team(2)};

  input_stories()
      : model(llama::load<quipu::kv::exact>((quipu::test::shared_root() / "data/models/stories260K/stories260K.bin").string(),
                                            {.tokenizer = (quipu::test::shared_root() / "data/models/stories260K/tok512.bin").string()})) {
    const quipu::mapped_file file((quipu::test::shared_root() / "data/text/tinystories/validation_100.txt").string());
    text = quipu::text::encode_document(model.tokenizer(), std::string(file.text().substr(0, 3000)));
    text.resize(std::min<std::size_t>(text.size(), 384));
  }
};

// All inputs of one matrix, in the order of the text.
struct site_recorder : llama::no_hooks {
  llama::projection_site wanted;
  std::size_t wanted_layer;
  std::vector<float>* all;
  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, quipu::matrix_view<const float> x,
                 quipu::matrix_view<float>) const {
    if (site != wanted || layer != wanted_layer) return;
    for (std::size_t t = 0; t < x.rows(); ++t) all->insert(all->end(), x.row(t), x.row(t) + x.cols());
  }
};

// Inputs of every site that the limits leave out, all layers together.
template <class Model>
struct hand_counter : llama::no_hooks {
  const Model* model;
  std::vector<std::size_t>*n, *below;
  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, quipu::matrix_view<const float> x,
                 quipu::matrix_view<float>) const {
    const auto& least = llama::matrix_at(model->weights().blocks[layer], site).limits->least;
    (*n)[static_cast<std::size_t>(site)] += x.rows() * x.cols();
    for (std::size_t t = 0; t < x.rows(); ++t) {
      for (std::size_t i = 0; i < x.cols(); ++i) (*below)[static_cast<std::size_t>(site)] += std::abs(x(t, i)) < least[i];
    }
  }
};

// @param n_left  tokens at the end of each window that are not read: the last one, where only predictions count
template <class Model, class Hooks>
void read_text(const Model& m, const input_stories& s, Hooks& hooks, std::size_t n_left) {
  auto session = open_session(m, quipu::thread_team(2));
  for (std::size_t begin = 0; begin < s.text.size(); begin += s.record.window) {
    const auto sequence = session.create();
    llama::sequence_input<float> in{sequence, std::span(s.text).subspan(begin, std::min(s.record.window, s.text.size() - begin) - n_left)};
    in.want = llama::logits_of::none;
    session.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {}, hooks);
    session.erase(sequence);
  }
}

}  // namespace

TEST_CASE("levels of inputs are quantiles of every matrix's own inputs", "[sparsity][input_search]") {
  QUIPU_NEEDS(quipu::test::shared_root() / "data/models/stories260K");
  input_stories s;
  const std::size_t last = s.model.config().n_layer - 1;
  for (const auto criterion : {llama::input_criterion::size, llama::input_criterion::weighted}) {
    const auto levels = sparsity::find_input_levels(s.model, s.text, {0.4, criterion}, s.record);
    REQUIRE(levels.layers.size() == s.model.config().n_layer);
    for (const linear::projection_site site : linear::projection_sites) {
      std::vector<float> inputs;
      site_recorder recorder;
      recorder.wanted = site, recorder.wanted_layer = last, recorder.all = &inputs;
      read_text(s.model, s, recorder, 0);
      const linear::stored_matrix& w = llama::matrix_at(s.model.weights().blocks[last], site);
      const std::vector<float> norms = linear::column_norms(w);
      std::size_t below = 0;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const float weight = criterion == llama::input_criterion::weighted ? norms[i % w.cols] : 1.0f;
        below += static_cast<double>(std::abs(inputs[i]) * weight) < levels.at(last, site);
      }
      INFO(name_of(criterion) << ", " << linear::name_of(site));
      CHECK(static_cast<double>(below) / static_cast<double>(inputs.size()) == Approx(0.4).margin(1e-4));
    }
    // In as many passes as memory asks for, on any number of threads.
    auto other = s.record;
    other.memory = 1, other.team = quipu::thread_team(3);
    CHECK(sparsity::find_input_levels(s.model, s.text, {0.4, criterion}, other).layers == levels.layers);
  }
  CHECK_THROWS_AS(sparsity::find_input_levels(s.model, s.text, {1.0}, s.record), quipu::config_error);
  CHECK_THROWS_AS(sparsity::find_input_levels(s.model, std::span<const quipu::token_id>(), {}, s.record), quipu::config_error);
}

TEST_CASE("what small inputs are left out costs more the more there are", "[sparsity][input_search]") {
  QUIPU_NEEDS(quipu::test::shared_root() / "data/models/stories260K");
  const input_stories s;
  auto session = open_session(s.model, quipu::thread_team(2));
  const double dense = llama::perplexity(session, s.text, {.window = 128, .stride = 128}).value();
  const auto cost = [&](double share, llama::input_criterion criterion) {
    return sparsity::measured_input_cost(s.model, sparsity::find_input_levels(s.model, s.text, {share, criterion}, s.record), s.text, s.record);
  };
  const auto none = cost(0, llama::input_criterion::size);
  CHECK(none.perplexity == dense);
  CHECK(none.bytes_left_out == 0);
  for (const auto criterion : {llama::input_criterion::size, llama::input_criterion::weighted}) {
    double before = dense;
    for (const double share : {0.3, 0.5, 0.7}) {
      const auto one = cost(share, criterion);
      INFO(name_of(criterion) << " " << share);
      CHECK(one.perplexity > before);
      before = one.perplexity;
      CHECK(one.bytes_left_out == Approx(share).margin(0.05));  // inputs change where earlier ones are left out
      // Shares counted by hand, from inputs and limits.
      const auto sparse = llama::with_sparse_inputs(s.model, sparsity::find_input_levels(s.model, s.text, {share, criterion}, s.record));
      std::vector<std::size_t> n(linear::projection_sites.size(), 0), below = n;
      hand_counter<decltype(sparse)> by_hand;
      by_hand.model = &sparse, by_hand.n = &n, by_hand.below = &below;
      read_text(sparse, s, by_hand, 1);
      for (std::size_t site = 0; site < n.size(); ++site)
        CHECK(one.left_out[site] == Approx(static_cast<double>(below[site]) / static_cast<double>(n[site])).epsilon(1e-9));
    }
    CHECK(cost(0.5, criterion).perplexity < 3 * dense);
  }
}
