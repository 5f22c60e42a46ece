/// @file Everything that needs no optional library; made by scripts/update_umbrella.py.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#define QUIPU_READS_UMBRELLA
#include <quipu/core/requirements.hpp>
#undef QUIPU_READS_UMBRELLA

// Where the compiler cannot take the library, one error is enough.
#ifndef QUIPU_REFUSED

// Those that no other header includes; docs/headers.md lists all.
#include <quipu/data/cloze_probes.hpp>
#include <quipu/data/declarative.hpp>
#include <quipu/data/eren_sets.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/knowledge_sets.hpp>
#include <quipu/data/note_templates.hpp>
#include <quipu/data/open_set.hpp>
#include <quipu/data/reading_sets.hpp>
#include <quipu/data/template_text.hpp>
#include <quipu/data/told_facts.hpp>
#include <quipu/eren/contradiction.hpp>
#include <quipu/eren/gate/bounded_fit.hpp>
#include <quipu/eren/gate/model_features.hpp>
#include <quipu/eren/gate/second_reading.hpp>
#include <quipu/eren/gate/word_pairs.hpp>
#include <quipu/eren/reading/baseline_readers.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/eren/study/cost_table.hpp>
#include <quipu/eren/study/evaluation_measures.hpp>
#include <quipu/eren/study/probability_table.hpp>
#include <quipu/eren/study/relation_groups.hpp>
#include <quipu/eren/study/replaced_notes.hpp>
#include <quipu/eren/study/retrieval_study.hpp>
#include <quipu/eren/study/self_calibration.hpp>
#include <quipu/eren/teach/edit_tuning.hpp>
#include <quipu/eren/teach/joint_examples.hpp>
#include <quipu/eren/teach/packed_examples.hpp>
#include <quipu/eren/teach/reader_training.hpp>
#include <quipu/ffn/kernels.hpp>
#include <quipu/ffn/per_layer.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/gguf.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_folder.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/llama2c.hpp>
#include <quipu/io/llama2c_writer.hpp>
#include <quipu/io/npy.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/read_vocabulary.hpp>
#include <quipu/io/tokenizer_files.hpp>
#include <quipu/io/validate.hpp>
#include <quipu/linear/neuron_block.hpp>
#include <quipu/llama/adapted_model.hpp>
#include <quipu/llama/certified_head.hpp>
#include <quipu/llama/check_answers.hpp>
#include <quipu/llama/export.hpp>
#include <quipu/llama/hidden.hpp>
#include <quipu/llama/initialise.hpp>
#include <quipu/llama/merge.hpp>
#include <quipu/llama/merge_adapters.hpp>
#include <quipu/llama/mixed_module_hooks.hpp>
#include <quipu/llama/visit_checkpoint.hpp>
#include <quipu/notes/dense_retriever.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/optim/adafactor.hpp>
#include <quipu/pet/combine.hpp>
#include <quipu/pet/lora_gguf.hpp>
#include <quipu/pet/module_set.hpp>
#include <quipu/pet/peft_base_changes.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/statistics/logistic_regression.hpp>
#include <quipu/text/chat_conversation.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/llama2c_tokenizer_writer.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/tokenizer_folder.hpp>
#include <quipu/text/tokenizer_json.hpp>
#include <quipu/text/tokenizer_json_writer.hpp>
#include <quipu/train/chat_examples.hpp>
#include <quipu/train/classification.hpp>
#include <quipu/version.hpp>

#endif
