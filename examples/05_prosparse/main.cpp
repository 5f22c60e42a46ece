// Makes a LLaMA sparse: ReLU in place of its activation, training with progressive L1, a report; or thresholds for a model as it is, without
// training. Ctrl-C saves and stops.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/error.hpp>

#include "arguments.hpp"
#include "terminal.hpp"
#include "train.hpp"
#include "train_free.hpp"

int main(int argc, char** argv) {
  terminal::arguments arguments("Makes a LLaMA sparse by ProSparse's recipe. Ctrl-C saves and stops.");
  settings s;
  train_free_settings free;
  bool without_training = false;
  arguments.required("--model", &s.model, "checkpoint: GGUF file, Hugging Face folder or llama2.c file");
  arguments.option("--tokenizer", &s.tokenizer, "vocabulary, where the checkpoint has none");
  arguments.required("--text", &s.text, "what to train on, or to find thresholds on; a part of it is held out");
  arguments.option("--out", &s.out, "folder for checkpoints, log, report and model; without training a GGUF file or a folder, or nothing");
  arguments.option("--recipe", &s.recipe, "JSON file with the settings of the run; without it 800 steps for a small model on stories");
  arguments.option("--lambda", &s.largest, "largest factor of the penalty, where there is no --recipe");
  arguments.flag("--train-free", &without_training, "no training: thresholds for the model as it is, of any gated activation");
  arguments.option("--first", &free.first, "with --train-free: share of neurons left out by their gate");
  arguments.option("--second", &free.second, "with --train-free: share left out by gate or product");
  arguments.option("--ask", &s.ask, "prompt to continue at the end, without training a question; empty for none");
  arguments.option("--threads", &s.n_thread, "0 for all processors");
  s.run.add_to(arguments);
  if (const auto status = arguments.parse(argc, argv)) return *status;
  return terminal::run([&] {
    if (!without_training) {
      if (s.out.empty()) quipu::fail<quipu::config_error>("--out", "a folder for what training makes", "none");
      return train_sparse(s);
    }
    free.model = s.model;
    free.tokenizer = s.tokenizer;
    free.text = s.text;
    free.out = s.out;
    free.n_thread = s.n_thread;
    if (s.ask != settings{}.ask) free.ask = s.ask;
    return train_free(free);
  });
}
