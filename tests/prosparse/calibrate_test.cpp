#include <quipu/prosparse/calibrate.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/ffn/predictor_file.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/prosparse/calibrate_stage.hpp>
#include <quipu/prosparse/calibrated.hpp>
#include <quipu/prosparse/recipe_fields.hpp>
#include <quipu/prosparse/run.hpp>
#include <quipu/prosparse/write_calibrated.hpp>

#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
namespace prosparse = quipu::prosparse;
namespace sparsity = quipu::sparsity;
namespace test = quipu::test;
using quipu::thread_team;
using quipu::token_id;
using Catch::Matchers::Contains;
using calibrated_relu = activation::fat_relu;

namespace {

struct calibrated_stories {
  llama::model<ffn::dense<calibrated_relu>, quipu::kv::exact> model;
  std::vector<token_id> text, other;
  sparsity::record_options record{.window = 128, .team = thread_team(2)};

  calibrated_stories()
      : model(llama::with_activation<calibrated_relu>(
            llama::load<quipu::kv::exact>((test::shared_root() / "data/models/stories260K/stories260K.bin").string(),
                                          {.tokenizer = (test::shared_root() / "data/models/stories260K/tok512.bin").string()}))) {
    const quipu::mapped_file file((test::shared_root() / "data/text/tinystories/validation_100.txt").string());
    text = quipu::text::encode_document(model.tokenizer(), std::string(file.text().substr(0, 6000)));
    text.resize(std::min<std::size_t>(text.size(), 1024));
    other.assign(text.begin() + 768, text.end());
    text.resize(768);
  }
  [[nodiscard]] prosparse::calibrate_options options() const {
    return {.rank = 16, .recall = 0.95, .cost_text = other, .record = record};
  }
};

/// Counts gates that reach their thresholds.
struct gate_counter : llama::no_hooks {
  const ffn::thresholds* thresholds;
  std::vector<std::size_t>* n_active;
  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, quipu::matrix_view<const float>,
                 quipu::matrix_view<float> y) const {
    if (site != llama::projection_site::gate) return;
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) {
        float least = thresholds->of_layers.empty() ? 0.0f : static_cast<float>(thresholds->of_layers[layer]);
        if (!thresholds->of_neurons.empty()) least = std::max(least, thresholds->of_neurons[layer][i]);
        (*n_active)[layer] += y(t, i) > 0 && y(t, i) >= least;
      }
    }
  }
};

template <class Model>
std::vector<double> shares_by_hand(const Model& m, const calibrated_stories& s, const ffn::thresholds& t) {
  std::vector<std::size_t> n(m.config().n_layer, 0);
  std::size_t n_token = 0;
  gate_counter counter;
  counter.thresholds = &t, counter.n_active = &n;
  auto session = open_session(m, thread_team(1));
  for (std::size_t begin = 0; begin < s.other.size(); begin += s.record.window) {
    const auto sequence = session.create();
    // The last token of a window predicts nothing that counts.
    llama::sequence_input<float> in{sequence, std::span(s.other).subspan(begin, std::min(s.record.window, s.other.size() - begin) - 1)};
    n_token += in.n_row();
    in.want = llama::logits_of::none;
    session.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {}, counter);
    session.erase(sequence);
  }
  std::vector<double> shares;
  for (const std::size_t count : n) shares.push_back(static_cast<double>(count) / static_cast<double>(n_token * m.config().d_ffn));
  return shares;
}

template <class Model>
double perplexity_of(const Model& m, const calibrated_stories& s) {
  auto session = open_session(m, thread_team(2));
  return llama::perplexity(session, s.other, {.window = s.record.window, .stride = s.record.window}).value();
}

template <class Search>
void check_calibration(const calibrated_stories& s, const Search& search) {
  const prosparse::calibrated found = prosparse::calibrate(s.model, s.text, search, s.options());
  const auto& c = s.model.config();
  REQUIRE(found.layers.size() == c.n_layer);
  CHECK(found.n_token == s.text.size());
  CHECK(found.n_cost_token == s.other.size());
  CHECK(found.thresholds.content_hash == s.model.identity()->content->hash());
  CHECK(found.predictor.data->content_hash == s.model.identity()->content->hash());

  // What is exact: the same thresholds in another kernel, its gates counted and its perplexity taken.
  const auto sparse = llama::with_ffn(s.model, ffn::gate_sparse<calibrated_relu>(found.thresholds));
  const std::vector<double> shares = shares_by_hand(sparse, s, found.thresholds);
  for (std::size_t l = 0; l < c.n_layer; ++l) {
    CHECK(found.layers[l].active == Approx(shares[l]).margin(2e-4));
    CHECK(found.densities()[l] == found.layers[l].active);
    CHECK(found.matrices_exact(l) == Approx(1 + 2 * found.layers[l].active));
  }
  CHECK(found.perplexity == Approx(perplexity_of(sparse, s)).epsilon(1e-4));
  CHECK(found.dense_perplexity == Approx(perplexity_of(s.model, s)).epsilon(1e-4));

  // The kernel of each layer, as per_layer makes it.
  const auto mixed = llama::with_ffn(s.model, found.kernel(calibrated_relu{}));
  for (std::size_t l = 0; l < c.n_layer; ++l) {
    CHECK(mixed.ffn_state_of(l).choice().index == found.layers[l].kernel);
    CHECK(mixed.ffn_state_of(l).choice().from == ffn::kernel_choice::source::given);
    const double pays = found.layers[l].kernel == 2 ? ffn::certified_sparse<calibrated_relu>::pays_below : ffn::gate_sparse<calibrated_relu>::pays_below;
    CHECK((found.layers[l].kernel > 0) == (found.layers[l].active < pays));
  }
  CHECK(perplexity_of(mixed, s) == Approx(found.perplexity).epsilon(2e-3));  // a certified layer has its gate in whole numbers

  // The predictor, against its own kernel's neurons.
  const auto predicting = llama::with_ffn(s.model, found.predicted_kernel(calibrated_relu{}));
  const auto all = sparsity::measured_predictions(predicting, s.other, s.record);
  double predicted = 0, recall = 0;
  for (const auto& l : found.layers) {
    predicted += l.predicted / static_cast<double>(c.n_layer);
    recall += l.recall / static_cast<double>(c.n_layer);
    CHECK(l.predicted > l.active * l.recall);
    CHECK(l.energy_recall > l.recall - 0.02);
  }
  CHECK(1 - all.predicted_sparsity() == Approx(predicted).epsilon(1e-9));
  CHECK(all.recall() == Approx(recall).margin(0.02));
  CHECK(all.recall() > 0.85);

  const auto section = found.section();
  CHECK(section.title == "Calibration");
  CHECK(section.data["layers"].size() == c.n_layer);
  CHECK(section.data["layers"][1]["active"] == found.layers[1].active);
  CHECK(section.data["layers"][1]["kernel"] == std::string(prosparse::exact_kernel_names[found.layers[1].kernel]));
  CHECK(section.data["rank"] == 16);
  CHECK_THAT(section.markdown, Contains("matrices read of 3") && Contains("rank 16"));
}

/// Tokens to train on; every one leads to one of two.
prosparse::corpus two_way_corpus(std::size_t n_vocab) {
  quipu::random_stream random(5);
  prosparse::corpus c;
  std::uint32_t last = 1;
  for (std::size_t i = 0; i < 460; ++i) {
    last = (last * 5 + random.below(2)) % static_cast<std::uint32_t>(n_vocab);
    (i < 400 ? c.training : c.validation).push_back(static_cast<token_id>(last));
  }
  c.training_starts = {0};
  return c;
}

}  // namespace

TEST_CASE("a calibration says what its thresholds, kernels and predictor do", "[prosparse][calibrate]") {
  QUIPU_NEEDS(test::shared_root() / "data/models/stories260K");
  const calibrated_stories s;
  SECTION("scan") { check_calibration(s, sparsity::fatrelu_scan{{0.05, 0.1}, 0.05}); }
  SECTION("one error a layer") { check_calibration(s, sparsity::cett_bisection<>(0.1)); }
}

TEST_CASE("a calibration measures costs on what it did not calibrate with, and may do without a predictor", "[prosparse][calibrate]") {
  QUIPU_NEEDS(test::shared_root() / "data/models/stories260K");
  const calibrated_stories s;
  const auto found = prosparse::calibrate(s.model, s.text, sparsity::fatrelu_scan{{0.02}, 1}, {.predictor = false, .record = s.record});
  CHECK(found.n_cost_token == s.text.size() / 4);
  CHECK(found.n_token + found.n_cost_token == s.text.size());
  CHECK(found.thresholds.of_layers == std::vector<double>(s.model.config().n_layer, 0.02));
  CHECK(found.predictor.data == nullptr);
  CHECK_FALSE(found.section().data.contains("rank"));
  CHECK_THROWS_AS(prosparse::calibrate(s.model, std::span(s.text).first(2)), quipu::config_error);
  CHECK_THROWS_AS(prosparse::calibrate(s.model, s.text, sparsity::fatrelu_scan{}, {.rank = s.model.config().d_model + 1, .record = s.record}), quipu::config_error);
}

TEST_CASE("what was calibrated for other weights is refused", "[prosparse][calibrate]") {
  QUIPU_NEEDS(test::shared_root() / "data/models/stories260K");
  const test::temp_folder folder;
  const calibrated_stories s;
  const auto found = prosparse::calibrate(s.model, s.text, sparsity::fatrelu_scan{{0.02}, 1}, s.options());
  auto changed = llama::thaw<float>(s.model);
  changed.parameters().front().value[3] += 0.5f;
  const auto other = changed.freeze();
  CHECK_THROWS_WITH(llama::with_ffn(other, found.kernel(calibrated_relu{})), Contains("hash"));
  CHECK_THROWS_WITH(llama::with_ffn(other, found.predicted_kernel(calibrated_relu{})), Contains("hash"));
  // So is its file.
  const std::string file = folder.file("predictor.safetensors");
  ffn::write_predictor(file, ffn::low_rank::name, *found.predictor.data);
  const ffn::predicted_sparse<ffn::low_rank, calibrated_relu> kernel({ffn::read_predictor(file, ffn::low_rank::name)}, {}, {});
  static_cast<void>(llama::with_ffn(s.model, kernel));
  CHECK_THROWS_WITH(llama::with_ffn(other, kernel), Contains(quipu::hex_digits(found.thresholds.content_hash)) &&
                                                        Contains(quipu::hex_digits(other.identity()->content->hash())));
}

TEST_CASE("calibration is the last stage of a run", "[prosparse][calibrate]") {
  constexpr const char* name = "gqa_tied_odd";
  QUIPU_NEEDS(test::golden_case(name));
  const test::temp_folder folder;
  const auto m = test::exact_model<float, ffn::dense<activation::as_stated>>(name);
  const auto text = two_way_corpus(m.config().n_vocab);
  prosparse::recipe r;
  r.n_step = 20, r.n_token = 11, r.batch_size = 4, r.n_warm_up = 2, r.learning_rate = 1e-2;
  r.lambda = {.kind = "constant", .factor = 1};
  r.stages = {{"calibrate", {{"search", "cett"}, {"budget", 0.1}, {"rank", 3}, {"window", 16}}}};
  prosparse::calibrate_stage stage;
  const auto made = prosparse::run(m, text, r, {.folder = folder.file("run"), .team = thread_team(2)}, stage);
  REQUIRE(stage.found.has_value());
  CHECK(stage.found->n_token == 400);
  CHECK(stage.found->n_cost_token == 60);
  CHECK(stage.found->rank == 3);
  CHECK(stage.found->thresholds.content_hash == made.model.identity()->content->hash());
  static_cast<void>(llama::with_ffn(made.model, stage.found->kernel(calibrated_relu{})));
  CHECK_THAT(test::read_bytes(folder.file("run/report.md")), Contains("## Calibration"));
  const auto json = nlohmann::ordered_json::parse(test::read_bytes(folder.file("run/report.json")));
  CHECK(json["stages"]["Calibration"]["layers"].size() == m.config().n_layer);
  CHECK(json["recipe"]["stages"]["calibrate"]["budget"] == 0.1);
  // The same again, on another number of threads.
  prosparse::calibrate_stage again;
  static_cast<void>(prosparse::run(m, text, r, {.team = thread_team(1)}, again));
  CHECK(again.found->section().data == stage.found->section().data);
  CHECK(again.found->thresholds.of_neurons == stage.found->thresholds.of_neurons);
}

TEST_CASE("a sparse checkpoint brings its thresholds, shares, predictor and planes along", "[prosparse][calibrate]") {
  constexpr const char* name = "gqa_tied_odd";
  QUIPU_NEEDS(test::golden_case(name));
  const test::temp_folder folder;
  const auto m = llama::with_activation<calibrated_relu>(test::exact_model<float, ffn::dense<activation::silu>>(name));
  const auto text = two_way_corpus(m.config().n_vocab).training;
  const auto found = prosparse::calibrate(m, text, sparsity::cett_bisection<>(0.1), {.rank = 4, .record = {.window = 16, .team = thread_team(2)}});
  const auto logits = [](const auto& any) {
    auto session = open_session(any, thread_team(1));
    std::vector<float> all;
    const auto sequence = session.create();
    for (const token_id id : {1, 3, 2, 4}) {
      const auto next = session.next_logits(sequence, {&id, 1}, llama::token_role::decode);
      all.insert(all.end(), next.begin(), next.end());
    }
    return all;
  };
  using predicting = ffn::predicted_sparse<ffn::low_rank, calibrated_relu>;
  using certified = ffn::certified_sparse<calibrated_relu>;
  for (const char* file : {"sparse.gguf", "sparse"}) {
    const std::string path = folder.file(file);
    prosparse::write(path, m, found);
    using exact = quipu::activations::f32;
    const auto mixed = llama::load<prosparse::exact_kernels<calibrated_relu>, exact, quipu::kv::exact>(path);
    for (std::size_t l = 0; l < m.config().n_layer; ++l) {
      CHECK(mixed.ffn_state_of(l).choice().index == found.layers[l].kernel);
      CHECK(mixed.ffn_state_of(l).choice().from == ffn::kernel_choice::source::checkpoint);
    }
    CHECK(logits(mixed) == logits(llama::with_ffn(m, found.kernel(calibrated_relu{}))));
    const predicting kernel({ffn::read_predictor(prosparse::predictor_path(path).string(), ffn::low_rank::name)});
    CHECK(logits(llama::load(path, {}, kernel, exact{}, quipu::kv::exact{})) == logits(llama::with_ffn(m, found.predicted_kernel(calibrated_relu{}))));

    prosparse::write_planes(path, mixed);
    certified taking;
    taking.planes = ffn::read_planes(prosparse::planes_path(path).string());
    const auto fast = llama::load(path, {}, taking, exact{}, quipu::kv::exact{});
    CHECK(fast.ffn_state_of(0).planes == taking.planes->layers[0].planes);
    CHECK(logits(fast) == logits(llama::load<certified, exact, quipu::kv::exact>(path)));
    auto changed = llama::thaw<float>(m);
    changed.parameters().front().value[0] += 1;
    CHECK_THROWS_WITH(prosparse::write_planes(path, changed.freeze()), Contains("a model of its weights"));
    CHECK_THROWS_WITH(llama::with_ffn(changed.freeze(), taking), Contains("planes of gates"));
  }
  // Rounded to another type the predictor belongs to what was written.
  const std::string half = folder.file("half.gguf");
  prosparse::write(half, m, found, {.type = quipu::tensor_type::bf16});
  const predicting kernel({ffn::read_predictor(prosparse::predictor_path(half).string(), ffn::low_rank::name)});
  static_cast<void>(llama::load(half, {}, kernel));
  CHECK_THROWS_WITH(llama::with_ffn(m, kernel), Contains("hash"));
}

TEST_CASE("settings of a calibration that cannot be are refused before any work", "[prosparse][calibrate]") {
  constexpr const char* name = "gqa_tied_odd";
  QUIPU_NEEDS(test::golden_case(name));
  using json = nlohmann::ordered_json;
  const auto defaults = prosparse::read_calibrate_settings(nullptr);
  CHECK(defaults == prosparse::calibrate_settings());
  CHECK(prosparse::read_calibrate_settings(json::parse(defaults.json().dump())) == defaults);
  for (const char* bad : {R"({"sarch": "cett"})", R"({"search": "magic"})", R"({"thresholds": []})", R"({"thresholds": [-1]})", R"({"budget": 1})", R"({"recall": 0})",
                          R"({"most_loss": -0.1})", R"({"tokens": 3})", R"({"window": 1})"})
    CHECK_THROWS_AS(prosparse::read_calibrate_settings(json::parse(bad)), quipu::config_error);
  for (const char* bad : {R"(["cett"])", R"({"rank": -1})", R"({"rank": "three"})", R"({"predictor": 1})"})
    CHECK_THROWS_AS(prosparse::read_calibrate_settings(json::parse(bad)), quipu::format_error);

  const auto m = test::exact_model<float, ffn::dense<activation::as_stated>>(name);
  const auto text = two_way_corpus(m.config().n_vocab);
  prosparse::recipe r;
  r.n_step = 1, r.n_token = 11;
  const auto complaint = [&]() -> std::string {
    int n_step = 0;
    prosparse::calibrate_stage stage;
    try {
      static_cast<void>(prosparse::run(m, text, r, {.team = thread_team(1), .progress = [&](const quipu::train::step_report&) { return ++n_step > 0; }}, stage));
    } catch (const quipu::error& e) {
      return quipu::concat(n_step, " ", e.what());
    }
    return "none";
  };
  r.stages = {{"calibrate", {{"rank", m.config().d_model + 1}}}};
  CHECK_THAT(complaint(), Catch::StartsWith("0 ") && Contains("d_model"));
  r.stages = {{"calibrate", {{"sarch", "cett"}}}};
  CHECK_THAT(complaint(), Catch::StartsWith("0 ") && Contains("sarch"));
  r.stages = {{"calibrate", json::object()}};
  r.activation = "relu2";
  CHECK_THAT(complaint(), Catch::StartsWith("0 ") && Contains("relu2"));
  // A run that does not ask for one goes without.
  r.stages = json::object();
  prosparse::calibrate_stage none;
  const auto made = prosparse::run(m, text, r, {.team = thread_team(1)}, none);
  CHECK_FALSE(none.found.has_value());
  CHECK_THAT(made.report.markdown(), Contains("## Calibration") && Contains("relu2"));
}
