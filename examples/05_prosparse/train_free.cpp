// Thresholds without training: found on a text, priced on another part of it, shown on a question.
// SPDX-License-Identifier: Apache-2.0
#include "train_free.hpp"

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/mapped_file.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/prosparse/write.hpp>
#include <quipu/sparsity/search.hpp>
#include <quipu/sparsity/searches.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/message_guard.hpp>
#include <quipu/text/tokenizer.hpp>

#include "terminal.hpp"

namespace q = quipu;

namespace {

/// Bytes that a token reads of all FFNs: weights as the dense kernel has them; what decides and rows as the sparse kernel holds them.
template <class Model>
double dense_bytes(const Model& m) {
  double sum = 0;
  for (const auto& block : m.weights().blocks) sum += static_cast<double>(block.ffn.gate.n_byte() + block.ffn.up.n_byte() + block.ffn.down.n_byte());
  return sum;
}
template <class Model>
double sparse_bytes(const Model& m, const q::sparsity::level_cost& cost) {
  double sum = 0;
  for (std::size_t l = 0; l < cost.layers.size(); ++l) {
    const auto& gate = m.weights().blocks[l].ffn.gate;
    const auto& rows = *m.ffn_state_of(l).rows;
    const auto n = static_cast<double>(gate.rows);
    sum += static_cast<double>(gate.n_byte()) + n * (cost.layers[l].first * static_cast<double>(rows.up().row_bytes()) +
                                                     cost.layers[l].second * static_cast<double>(rows.down().row_bytes()));
  }
  return sum;
}

template <class Model>
void ask(const Model& m, const train_free_settings& s, const char* what) {
  const auto form = q::text::chat_template_of(m.tokenizer());
  const std::vector<q::text::chat_message> messages{{"user", s.ask}};
  const auto ids = q::text::encode_chat(m.tokenizer(), form, q::text::guarded_messages(form, messages), q::text::generation_prompt::add);
  auto session = open_session(m, q::thread_team(s.n_thread));
  double first_token = 0;
  const terminal::stopwatch watch;
  const auto result = q::llama::generate(session, m.tokenizer(), session.create(), ids,
                                         {.max_tokens = s.max_tokens, .on_text = [&](std::string_view) {
                                            if (first_token == 0) first_token = watch.seconds();
                                            return true;
                                          }});
  std::cout << what << ": " << terminal::visible(result.text) << '\n';
  const std::size_t n = result.tokens.size();
  if (n > 1) std::cout << "  " << n << " tokens" << terminal::rate(n - 1, watch.seconds() - first_token) << '\n';
}

template <class Activation>
int make_sparse(q::io::checkpoint source, const train_free_settings& s) {
  const q::thread_team team(s.n_thread);
  const auto dense = q::llama::from_checkpoint<q::ffn::dense<Activation>>(std::move(source), {.team = team, .progress = terminal::progress_bar()});
  const q::mapped_file file(s.text);
  auto ids = q::text::encode_document(dense.tokenizer(), file.text());
  ids.resize(std::min(ids.size(), s.n_token));
  const std::size_t window = std::min(s.window, dense.config().n_ctx);
  if (ids.size() < 4 * 16) q::fail<q::config_error>("--text", "at least 64 tokens", ids.size());
  const std::span<const q::token_id> all = ids, calibration = all.first(3 * ids.size() / 4);
  // [search]
  const auto found = q::sparsity::search(dense, calibration, q::sparsity::two_quantiles<>{s.first, s.second},
                                         {.record = {.window = window, .team = team}, .cost_text = all.subspan(calibration.size())});
  const auto sparse = q::llama::with_ffn(dense, found.kernel(Activation{}));
  // [search]
  const double before = dense_bytes(dense), after = sparse_bytes(sparse, found.cost), rest = static_cast<double>(dense.weights().bytes_per_token()) - before;
  std::cout << "thresholds from " << calibration.size() << " tokens; on the next " << all.size() - calibration.size() << ":\n"
            << "  left out by the gate " << q::fixed_text(100 * (1 - found.cost.mean_first()), 1) << " % of the neurons, by gate or product "
            << q::fixed_text(100 * (1 - found.cost.mean_second()), 1) << " %\n"
            << "  perplexity " << q::fixed_text(found.dense_perplexity, 2) << " dense, " << q::fixed_text(found.cost.perplexity, 2) << " sparse (+"
            << q::fixed_text(100 * (found.cost.perplexity / found.dense_perplexity - 1), 1) << " %)\n"
            << "  a token reads " << q::fixed_text(before / 1e6, 1) << " MB of FFN dense, " << q::fixed_text(after / 1e6, 1) << " MB sparse; of the whole model "
            << q::fixed_text((before + rest) / 1e6, 1) << " and " << q::fixed_text((after + rest) / 1e6, 1) << " MB\n\n";
  if (!s.out.empty()) {
    q::prosparse::write(s.out, dense, found);
    std::cout << "written: " << s.out << "\n\n";
  }
  if (s.ask.empty()) return 0;
  ask(dense, s, "dense ");
  ask(sparse, s, "sparse");
  return 0;
}

}  // namespace

int train_free(const train_free_settings& s) {
  q::io::checkpoint source = q::llama::open_for_load(s.model, {.tokenizer = s.tokenizer});
  const std::string act = source.config.hidden_act;
  if (q::activation::computes<q::activation::silu>(act)) return make_sparse<q::activation::silu>(std::move(source), s);
  if (q::activation::computes<q::activation::gelu>(act)) return make_sparse<q::activation::gelu>(std::move(source), s);
  if (q::activation::computes<q::activation::gelu_tanh>(act)) return make_sparse<q::activation::gelu_tanh>(std::move(source), s);
  q::fail<q::config_error>(s.model + ": hidden_act", "silu or gelu (ReLU models skip neurons without loss, see ffn::gate_sparse)", act);
}
