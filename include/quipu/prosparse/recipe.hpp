/// @file A recipe of ProSparse: everything that decides what comes out, as a plain value that is read and printed as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/prosparse/corpus.hpp>
#include <quipu/schedule/any_lambda.hpp>
#include <quipu/sparsity/any_regulariser.hpp>

namespace quipu::prosparse {

/// A lambda by its name and numbers. Which of them count depends on the kind; the others keep their defaults.
///
/// | kind | numbers |
/// |---|---|
/// | constant | factor, start |
/// | linear, sine | start, end, factor |
/// | stages | ends, factors: as `schedule::stages_of` |
/// | stages_then_constant | ends, factors; end, factor |
/// | seeking | target, first, growth, every, start |
/// | prosparse_7b, prosparse_13b, prosparse_1b | none |
struct lambda_recipe {
  std::string kind = "constant";
  double factor = 0;
  std::size_t start = 0, end = 0;
  std::vector<std::size_t> ends{};
  std::vector<double> factors{};
  double target = 0.8, first = 0.1, growth = 1.2;
  std::size_t every = 10;

  /// @throws config_error  another kind, or numbers that make no schedule
  [[nodiscard]] schedule::any_lambda make() const;
  /// The kind and the numbers that count.
  [[nodiscard]] nlohmann::ordered_json json() const;

  friend bool operator==(const lambda_recipe&, const lambda_recipe&) = default;
};

/// All settings of a run. `json()` prints every one, so that a run can be repeated from its report.
struct recipe {
  std::string activation = "relu";  ///< put in place of the model's
  double threshold = 0;             ///< of fatrelu and shifted_relu
  corpus_settings text{};
  std::string regulariser = "l1_hidden";
  sparsity::reduction reduction = sparsity::reduction::mean_tokens_neurons;
  std::size_t n_chunk = 8;  ///< tokens of a chunk, for chunk_locality
  lambda_recipe lambda{};
  std::size_t n_step = 800, n_token = 256, batch_size = 8, n_accumulate = 1;  ///< as `train_options`
  double learning_rate = 1e-3;
  std::size_t n_warm_up = 20;
  double last_rate = 0.1, beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.01, max_gradient_norm = 1;
  bool shuffle = false, bf16 = false, recompute = false;
  std::uint64_t seed = 0;
  std::size_t validate_every = 0, save_every = 100, dead_after = 100;
  /// Settings of what follows training, by the names of the stages, which read them themselves.
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();

  /// @throws config_error  numbers that make no run
  void check() const;
  [[nodiscard]] nlohmann::ordered_json json() const;

  friend bool operator==(const recipe&, const recipe&) = default;
};

/// A recipe from JSON; what the text leaves out keeps its default.
/// @param place  file, for messages
/// @throws format_error  no JSON object, a field of another type
/// @throws config_error  an unknown field, which is named; as `recipe::check`
[[nodiscard]] recipe read_recipe(std::string_view text, const std::string& place);

/// The reference setting of 800 steps on stories: stages at 1/5 to 1/1 of the run, lambda up to `largest`; 0 for a ReLU alone.
[[nodiscard]] recipe stories_recipe(double largest);

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/recipe.ipp>
#endif
