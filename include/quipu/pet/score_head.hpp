/// @file PEFT folders with a head that transformers' sequence classification models have themselves: `score`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/checked_size.hpp>  // show_shape
#include <quipu/io/model_config.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/pet/linear_head.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::pet {

/// Name of the head of transformers' `LlamaForSequenceClassification`, a linear layer without a bias on the last row of a text.
inline constexpr const char* score_name = "score";

/// Writes a module and its head so that PEFT opens both on `AutoModelForSequenceClassification.from_pretrained(base, num_labels=n_class)`, with the
/// same logits where the head reads the last row of a text.
/// @param head     without a bias; whatever it is called, the folder says `score`
/// @param options  `task_type` and `modules_to_save` are set here
/// @throws config_error  a bias that is not zero: PEFT would drop it without a word
/// @throws io_error      the folder cannot be written
template <class Module>
void save_score(const std::filesystem::path& folder, const Module& module, const linear_head<typename Module::scalar_type>& head,
                const io::model_config& c, peft_options options = {}) {
  using scalar = typename Module::scalar_type;
  const auto other = std::find_if(head.bias(), head.bias() + head.n_class(), [](scalar b) { return b != scalar(0); });
  if (other != head.bias() + head.n_class())
    fail<config_error>(concat("save_score: head '", head.name(), "'"), "no bias, which transformers' score has no place for",
                       concat("a bias of ", *other, " of class ", other - head.bias()));
  options.task_type = "SEQ_CLS";
  options.modules_to_save = {score_name};
  optim::parameter<scalar> weight = head.parameters()[0];
  weight.name = concat("base_model.model.", score_name, ".weight");
  save_peft(folder, module, c, options, std::array{std::move(weight)});
}

/// The head of a folder that `save_score` or PEFT wrote.
/// @throws format_error  no `score.weight` of the model's width
template <class Scalar>
[[nodiscard]] linear_head<Scalar> load_score(const peft_folder& folder, const io::model_config& c) {
  const std::string name = concat("base_model.model.", score_name, ".weight");
  const auto& shape = folder.tensors().at(name).shape;
  if (shape.size() != 2 || shape[0] == 0 || shape[1] != c.d_model)
    fail<format_error>(concat(folder.tensors().path(), ": ", name), concat("(classes, ", c.d_model, ")"), io::show_shape(shape));
  linear_head<Scalar> head(score_name, shape[0], shape[1], 0, head_bias::none);
  folder.read<Scalar>(head.parameters().first(1));
  return head;
}

}  // namespace quipu::pet
