#include <quipu/sparsity/sparsity_companion.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/schedule/lambda.hpp>
#include <quipu/sparsity/regularised_hooks.hpp>
#include <quipu/train/target_windows.hpp>
#include <quipu/train/trainer.hpp>

#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace activation = quipu::activation;
namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace schedule = quipu::schedule;
namespace sparsity = quipu::sparsity;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::thread_team;
using quipu::token_id;

namespace {

constexpr const char* trajectory_case = "prosparse_stories260K";

std::vector<token_id> trajectory_tokens() {
  const std::string bytes = test::read_bytes(test::golden_case(trajectory_case) / "tokens_u16.bin");
  std::vector<token_id> tokens(bytes.size() / 2);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<unsigned char>(bytes[2 * i]) | static_cast<unsigned char>(bytes[2 * i + 1]) << 8;
  return tokens;
}

/// Our name of a tensor of the reference, "wq.3" for instance.
std::string tensor_named(const std::string& reference) {
  static const std::map<std::string, std::string> parts = {
      {"att_norm", "input_layernorm"}, {"wq", "self_attn.q_proj"}, {"wk", "self_attn.k_proj"}, {"wv", "self_attn.v_proj"},
      {"wo", "self_attn.o_proj"},      {"ffn_norm", "post_attention_layernorm"}, {"w1", "mlp.gate_proj"}, {"w3", "mlp.up_proj"},
      {"w2", "mlp.down_proj"}};
  if (reference == "tok") return "model.embed_tokens.weight";
  if (reference == "norm") return "model.norm.weight";
  const auto dot = reference.find('.');
  return "model.layers." + reference.substr(dot + 1) + "." + parts.at(reference.substr(0, dot)) + ".weight";
}

struct two_sums {
  double sum = 0, squares = 0;
};
template <class Scalar>
two_sums sums_of(const Scalar* x, std::size_t n) {
  two_sums s;
  for (std::size_t i = 0; i < n; ++i) {
    s.sum += static_cast<double>(x[i]);
    s.squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return s;
}

/// The reference's run with our trainer.
/// @param step_done  (log fields, trainable) after every step
template <class Scalar, class F>
void follow_trajectory(const nlohmann::json& reference, std::size_t n_step, std::size_t n_pass, llama::tape_depth depth, F&& step_done) {
  const auto& o = reference["optimizer"];
  const auto path = test::shared_root() / "data" / "models" / "stories260K" / "stories260K.bin";
  const auto relu = llama::with_activation<activation::relu>(llama::load<test::silu_ffn, quipu::scalar::of<Scalar>>(path.string()));
  auto trainable = llama::thaw<Scalar>(relu);
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), thread_team(2), depth);
  const auto lambda = schedule::stages_of(reference["schedule"]["T"].get<std::vector<std::size_t>>(),
                                          reference["schedule"]["lam"].get<std::vector<double>>());
  sparsity::regularised_hooks<Scalar, sparsity::l1_hidden, schedule::sine_stages> hooks(
      {}, lambda, trainable.model().config(), pass.workspace().team(), depth);
  sparsity::sparsity_companion companion(hooks);
  const auto n_window = reference["batch"].get<std::size_t>();
  train::trainer_options options{.n_step = n_step,
                                 .batch_size = n_window / n_pass,
                                 .n_accumulate = n_pass,
                                 .max_gradient_norm = o["clip_global_norm"].get<double>(),
                                 .shuffle = false};
  const double rate = o["lr_peak"].get<double>();
  options.progress = [&](const train::step_report& r) {
    step_done(r, rate * r.learning_rate_factor, trainable, hooks);
    return true;
  };
  const schedule::shifted rates{schedule::cosine{o["lr_warm"].get<std::size_t>(), reference["steps"].get<std::size_t>(), o["lr_floor"].get<double>()}, 1};
  train::trainer trainer(pass, trainable.parameters(), trainable.gradients(),
                         optim::adamw{.learning_rate = rate,
                                      .beta1 = o["betas"][0].get<double>(),
                                      .beta2 = o["betas"][1].get<double>(),
                                      .eps = o["eps"].get<double>(),
                                      .weight_decay = o["weight_decay"].get<double>()},
                         rates, options);
  trainer.attach("sparsity", companion);
  static_cast<void>(trainer.run(train::target_windows(trajectory_tokens(), reference["window"].get<std::size_t>()), hooks));
}

double number(const nlohmann::json& x) { return x.get<double>(); }

/// The same number but for the rounding of a cosine and a few sums.
void check_exact(double ours, double reference) { CHECK(std::abs(ours - reference) <= 2e-15 * std::abs(reference)); }

void check_double(std::size_t n_pass, llama::tape_depth depth, std::size_t n_step) {
  QUIPU_NEEDS(test::golden_case(trajectory_case));
  const auto reference = test::read_json(test::golden_case(trajectory_case) / "trajectory.json");
  const auto entries = reference["active_of"].get<double>();
  n_step = std::min(n_step, reference["steps"].get<std::size_t>());
  std::size_t n_sums = 0;
  double worst_gradient = 0, worst_parameter = 0;
  follow_trajectory<double>(reference, n_step, n_pass, depth, [&](const train::step_report& r, double rate, auto& trainable, auto& hooks) {
    const auto& expected = reference["float64"][r.step - 1];
    INFO("step " << r.step);
    CHECK(r.loss == Approx(number(expected["lm"])).epsilon(1e-9));
    CHECK(hooks.penalty() == Approx(number(expected["l1"])).epsilon(1e-9));
    CHECK(r.loss + hooks.factor() * hooks.penalty() == Approx(number(expected["loss"])).epsilon(1e-9));
    CHECK(r.gradient_norm == Approx(number(expected["grad_norm"])).epsilon(1e-9));
    check_exact(hooks.factor(), number(expected["lam"]));
    check_exact(rate, number(expected["lr"]));
    for (std::size_t layer = 0; layer < hooks.penalties().size(); ++layer) {
      CHECK(hooks.penalties()[layer] == Approx(number(expected["l1_per_layer"][layer])).epsilon(1e-9));
      CHECK(hooks.activity().n_active(layer) == static_cast<std::uint64_t>(number(expected["active_per_layer"][layer])));
      CHECK(number(r.fields["sparsity_by_layer"][layer]) ==
            Approx(1 - number(expected["active_per_layer"][layer]) / entries).epsilon(1e-12));
    }
    CHECK(r.fields["lambda"] == hooks.factor());
    CHECK(r.fields["penalty"] == hooks.penalty());
    if (const std::string key = "step" + std::to_string(r.step); reference["grads_f64"].contains(key)) {
      CHECK(reference["grads_f64"][key].size() == trainable.parameters().size());
      for (const auto& [name, both] : reference["grads_f64"][key].items()) {
        INFO(name);
        const double sum = number(both[0]), norm = number(both[1]);
        const auto* p = optim::find<double>(trainable.parameters(), tensor_named(name));
        REQUIRE(p != nullptr);
        const two_sums ours = sums_of(p->gradient, p->size());
        CHECK(std::sqrt(ours.squares) == Approx(norm).epsilon(1e-9));
        // A sum may cancel: its error is measured against what it adds up.
        const double error = std::abs(ours.sum - sum) / std::max(std::abs(sum), norm);
        worst_gradient = std::max(worst_gradient, error);
        CHECK(error < 1e-9);
        ++n_sums;
      }
    }
    const auto& after = reference["params_f64_sum_sumsq_after_step"];
    if (const std::string key = std::to_string(r.step); after.contains(key)) {
      for (const auto& [name, both] : after[key].items()) {
        INFO(name);
        const double sum = number(both[0]), squares = number(both[1]);
        const auto* p = optim::find<double>(trainable.parameters(), tensor_named(name));
        REQUIRE(p != nullptr);
        const two_sums ours = sums_of(p->value, p->size());
        CHECK(ours.squares == Approx(squares).epsilon(1e-9));
        const double error = std::abs(ours.sum - sum) / std::max(std::abs(sum), std::sqrt(squares));
        worst_parameter = std::max(worst_parameter, error);
        CHECK(error < 1e-9);
        ++n_sums;
      }
    }
  });
  CHECK(n_sums > 0);
  if (n_step == reference["steps"].get<std::size_t>()) CHECK(n_sums % 5 == 0);  // two steps of gradients, three of parameters
  UNSCOPED_INFO("largest errors of sums: gradients " << worst_gradient << ", parameters " << worst_parameter);
}

}  // namespace

TEST_CASE("fifty steps with progressive L1 are PyTorch's in double", "[sparsity]") {
  check_double(1, llama::tape_depth::everything, 50);
}

TEST_CASE("steps in two passes and with recomputed blocks are PyTorch's as well", "[sparsity]") {
  check_double(2, llama::tape_depth::block_inputs, 8);
}

TEST_CASE("steps with progressive L1 are PyTorch's in float as far as rounding lets them", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(trajectory_case));
  const auto reference = test::read_json(test::golden_case(trajectory_case) / "trajectory.json");
  const std::size_t n_step = reference["float32"].size();
  follow_trajectory<float>(reference, n_step, 1, llama::tape_depth::everything, [&](const train::step_report& r, double, auto&, auto& hooks) {
    const auto& expected = reference["float32"][r.step - 1];
    INFO("step " << r.step);
    const double tolerance = r.step == 1 ? 1e-5 : 5e-3;
    CHECK(r.loss == Approx(number(expected["lm"])).epsilon(tolerance));
    CHECK(hooks.penalty() == Approx(number(expected["l1"])).epsilon(tolerance));
    if (r.step == 1) CHECK(r.gradient_norm == Approx(number(expected["grad_norm"])).epsilon(1e-4));
    for (std::size_t layer = 0; layer < hooks.penalties().size(); ++layer) {
      const double active = number(expected["active_per_layer"][layer]);
      CHECK(static_cast<double>(hooks.activity().n_active(layer)) == Approx(active).epsilon(r.step == 1 ? 2e-5 : 5e-3));
    }
  });
}
