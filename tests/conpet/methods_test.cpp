#include <quipu/conpet/methods/any_method.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/conpet/learner_text.hpp>
#include <quipu/conpet/methods/class_means.hpp>
#include <quipu/conpet/methods/crl.hpp>
#include <quipu/conpet/methods/der_plus_plus.hpp>
#include <quipu/conpet/methods/ea_emr.hpp>
#include <quipu/conpet/methods/emar.hpp>
#include <quipu/conpet/methods/emr.hpp>
#include <quipu/conpet/methods/ewc.hpp>
#include <quipu/conpet/methods/flat_parameters.hpp>
#include <quipu/conpet/methods/gem.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/conpet/methods/lwf.hpp>
#include <quipu/conpet/methods/o_lora.hpp>
#include <quipu/conpet/methods/projection.hpp>
#include <quipu/conpet/methods/task_order.hpp>
#include <quipu/conpet/static_tuner.hpp>
#include <quipu/core/error.hpp>

#include "conpet/small_streams.hpp"

using namespace quipu;

namespace {

/// A method of the test's own, which shows it the tasks. @tparam F  called with a `learning_task`
template <class F>
struct shown_to {
  using policy_role = role::learning_method;
  struct state {};
  F* f = nullptr;
  static std::string identity() { return "shown to a test"; }
  template <class Task>
  void learn(state&, Task& task) const {
    (*f)(task);
  }
};

template <class... Policies>
using method_tuner = conpet::static_tuner<decltype(test::stories()), Policies...>;

/// Tasks one after the other, each shown to f.
template <class... Policies, class F>
void with_tasks(const data::task_stream& stream, const conpet::tuner_options& options, F&& f) {
  using shown = shown_to<std::remove_reference_t<F>>;
  method_tuner<shown, Policies...> tuner(test::stories(), test::small_lora(), options, shown{&f});
  for (const auto& task : stream) tuner.learn(task);
}

/// A task whose trainings are seen by f before they run.
template <class Task, class F>
struct tapped_task : Task {
  F* seen;
  tapped_task(const Task& task, F& f) : Task(task), seen(&f) {}
  void train(conpet::training_stage stage = {}) {
    (*seen)(static_cast<Task&>(*this), stage);
    Task::train(std::move(stage));
  }
};

conpet::tuner_options few_steps(std::size_t n_step, std::size_t n_thread = 2) {
  auto options = test::short_training();
  options.training.n_step = n_step;
  options.training.batch_size = 8;
  options.n_thread = n_thread;
  return options;
}

/// Compares the gradients of a step with what is added by a stage with central differences of its whole loss.
template <class Task>
void check_gradients(Task& task, const conpet::training_stage& stage) {
  auto& core = task.core();
  auto& pass = *core.pass;
  llama::bind_base(*task.who().module, pass.model());
  llama::module_hooks hooks(*task.who().module, pass.workspace());
  hooks.evaluate();
  auto parameters = task.who().parameters();
  for (const auto& p : stage.also) parameters.push_back(p);
  random_stream random(5);
  for (const auto& p : parameters) {  // away from where nothing pulls
    for (std::size_t i = 0; i < p.size(); ++i) p.value[i] += 0.02f * static_cast<float>(random.normal());
  }
  conpet::pooled_classification<std::remove_reference_t<decltype(pass)>> objective(*task.who().head, *core.inputs, stage.additions);
  const auto all = stage.examples ? *stage.examples : task.examples();
  const conpet::target_examples source(all);
  conpet::target_batch batch(hooks.n_virtual(), hooks.template prefix<float>(0).n_row);
  for (std::size_t i = 0; i < 9; ++i) objective.add(source, i * (all.size() - 1) / 8, batch);  // new, old, and those drawn for something else
  const double divisor = objective.weight(batch);
  const auto whole = [&] {
    for (const auto& p : parameters) std::fill_n(p.gradient, p.size(), 0.0f);
    const double loss = objective.step(pass, batch, divisor, hooks, llama::weight_gradients<float>()).mean();
    return loss + objective.end_step();
  };
  static_cast<void>(whole());  // what a method remembers of the batch is that of these values
  static_cast<void>(whole());
  const auto gradient = conpet::flat_gradients(std::span<const optim::parameter<float>>(parameters));
  std::size_t n_checked = 0, first = 0;
  for (const auto& p : parameters) {
    const auto begin = gradient.begin() + static_cast<std::ptrdiff_t>(first), end = begin + static_cast<std::ptrdiff_t>(p.size());
    const auto most = std::max_element(begin, end, [](float a, float b) { return std::abs(a) < std::abs(b); });
    first += p.size();
    if (std::abs(*most) < 0.03f) continue;  // too small to be seen in float
    float& value = p.value[most - begin];
    const float was = value, h = 4e-3f;
    value = was + h;
    const double above = whole();
    value = was;
    static_cast<void>(whole());
    value = was - h;
    const double below = whole();
    value = was;
    static_cast<void>(whole());
    INFO(p.name);
    CHECK((above - below) / static_cast<double>((was + h) - (was - h)) == Approx(static_cast<double>(*most)).epsilon(0.03).margin(2e-3));
    ++n_checked;
  }
  CHECK(n_checked >= 2);
}

/// All stages of a method's third task, its state being that of two real ones.
template <class Method>
void check_method_gradients(const Method& method, std::size_t n_stage) {
  typename Method::state state;
  std::size_t n_seen = 0, n_task = 0;
  with_tasks(test::word_stream(3, 2, 8), few_steps(6), [&](auto& task) {
    if (++n_task < 3) return method.learn(state, task);
    auto check = [&](auto& real, conpet::training_stage& stage) {
      check_gradients(real, stage);
      ++n_seen;
    };
    tapped_task<std::remove_reference_t<decltype(task)>, decltype(check)> tapped(task, check);
    method.learn(state, tapped);
  });
  CHECK(n_seen == n_stage);
}

template <class Method>
std::string bytes_of(const Method& method, std::size_t n_thread) {
  auto options = few_steps(5, n_thread);
  options.storage.n_example = 12;
  method_tuner<Method> tuner(test::stories(), test::small_lora(), options, method);
  const auto stream = test::word_stream(3, 2, 8);
  for (const auto& task : stream) tuner.learn(task);
  std::string all = concat(conpet::expert_key(tuner.who()));
  if constexpr (requires { tuner.kept().arrays(); }) {
    pet::key_hash hash;
    for (const auto& [name, array] : tuner.kept().arrays()) hash.add(std::as_bytes(std::span(array.values)));
    all += concat(" ", hash.value());
  }
  for (const auto& t : stream.tasks[0].test) all += concat(" ", tuner.predict(t.text).probability);
  return all;
}

std::vector<std::pair<std::string, conpet::any_method>> all_methods() {
  std::vector<std::pair<std::string, conpet::any_method>> all;
  const auto add = [&](auto m) { all.emplace_back(m.identity(), conpet::any_method{m}); };
  add(conpet::plain{});
  add(conpet::emr{});
  add(conpet::ea_emr{.learning_rate = 1e-3});
  add(conpet::emar{.n_round_step = 4});
  add(conpet::crl{});
  add(conpet::ewc{.strength = 100});
  add(conpet::ewc{.strength = 100, .online = true, .decay = 0.9, .n_batch = 1});
  add(conpet::lwf{});
  add(conpet::der_plus_plus{});
  add(conpet::gem{});
  add(conpet::a_gem{});
  add(conpet::o_lora{});
  return all;
}

double distance_by_fisher(std::span<const conpet::weight_anchor> anchors, std::span<const optim::parameter<float>> parameters) {
  double sum = 0;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    for (std::size_t j = 0; j < anchors[i].values.size(); ++j) {
      const double off = static_cast<double>(parameters[i].value[j]) - anchors[i].values[j];
      sum += anchors[i].fisher[j] * off * off;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("what methods add to a step has the gradients of its loss", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  SECTION("plain") { check_method_gradients(conpet::plain{}, 1); }
  SECTION("emr") { check_method_gradients(conpet::emr{}, 1); }
  SECTION("emar") { check_method_gradients(conpet::emar{.n_round_step = 3}, 5); }
  SECTION("crl") { check_method_gradients(conpet::crl{}, 2); }
  SECTION("ewc") { check_method_gradients(conpet::ewc{.strength = 200}, 1); }
  SECTION("ewc online") { check_method_gradients(conpet::ewc{.strength = 200, .online = true, .decay = 0.5}, 1); }
  SECTION("lwf") { check_method_gradients(conpet::lwf{.strength = 0.7, .temperature = 2}, 1); }
  SECTION("der_plus_plus") { check_method_gradients(conpet::der_plus_plus{.alpha = 0.8, .beta = 0.5}, 1); }
  SECTION("o_lora") { check_method_gradients(conpet::o_lora{.strength = 3}, 1); }
}

TEST_CASE("a method's numbers do not depend on the number of threads", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  std::map<std::string, std::string> method_of;
  for (const auto& [name, method] : all_methods()) {
    INFO(name);
    const std::string one = bytes_of(method, 1);
    CHECK(bytes_of(method, 2) == one);
    CHECK(bytes_of(method, 3) == one);
    CHECK(method_of.emplace(one, name).second);  // and no two of them do the same
  }
}

TEST_CASE("methods without weight are plain learning, bit for bit", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto key_after = [&](const auto& method) {
    method_tuner<std::remove_cvref_t<decltype(method)>> tuner(test::stories(), test::small_lora(), few_steps(6), method);
    for (const auto& task : test::word_stream(2, 2, 8)) tuner.learn(task);
    return conpet::expert_key(tuner.who());
  };
  const auto plain = key_after(conpet::plain{});
  CHECK(key_after(conpet::lwf{.strength = 0}) == plain);
  CHECK(key_after(conpet::ewc{.strength = 0, .n_batch = 1}) == plain);
  CHECK(key_after(conpet::lwf{}) != plain);
}

TEST_CASE("EWC keeps what matters where it was", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto moved = [&](double strength) {
    const conpet::ewc method{.strength = strength};
    conpet::ewc::state state;
    std::size_t n_task = 0;
    double result = 0;
    with_tasks<replay::none>(test::word_stream(2, 2), few_steps(40), [&](auto& task) {
      ++n_task;
      const auto before = state.anchors;
      method.learn(state, task);
      if (n_task == 2) result = distance_by_fisher(before.front(), task.who().parameters());
    });
    return result;
  };
  CHECK(moved(1e6) < 0.1 * moved(0));
}

TEST_CASE("the Fisher information is the square of the mean gradient of each class, by its probability", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  with_tasks(test::word_stream(1, 3, 4), few_steps(5), [&](auto& task) {
    task.train();
    const auto found = conpet::fisher_of(task, 5, 0);
    std::vector<double> expected(found.size(), 0);
    std::size_t n_batch = 0;
    for (std::size_t first = 0; first < task.fresh().size(); first += 5, ++n_batch) {
      const auto some = task.fresh().subspan(first, std::min<std::size_t>(5, task.fresh().size() - first));
      for (std::size_t c = 0; c < 3; ++c) {
        double p = 0;
        std::vector<double> mean(found.size(), 0);
        for (const conpet::encoded_example& e : some) {  // one text at a time
          const auto z = task.outputs(std::span(&e, 1)).front().logits;
          double total = 0;
          for (const float v : z) total += std::exp(static_cast<double>(v));
          p += std::exp(static_cast<double>(z[c])) / total / static_cast<double>(some.size());
          const conpet::target_example as_c{&e, static_cast<std::int64_t>(c)};
          const auto g = task.gradient_on(std::span(&as_c, 1));
          for (std::size_t i = 0; i < g.size(); ++i) mean[i] += static_cast<double>(g[i]) / static_cast<double>(some.size());
        }
        for (std::size_t i = 0; i < mean.size(); ++i) expected[i] += p * mean[i] * mean[i];
      }
    }
    const double most = *std::max_element(expected.begin(), expected.end()) / static_cast<double>(n_batch);
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - expected[i] / static_cast<double>(n_batch)));
    CHECK(most > 0);
    CHECK(worst < 1e-4 * most);
  });
}

TEST_CASE("steps of GEM and A-GEM do not go against the kept texts", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto product = [](std::span<const float> a, std::span<const float> b) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
      squares += static_cast<double>(b[i]) * static_cast<double>(b[i]);
    }
    return sum / std::sqrt(squares);
  };
  const auto check = [&](const auto& method, bool by_task) {
    typename std::remove_cvref_t<decltype(method)>::state state;
    std::size_t n_task = 0, n_against = 0, n_step = 0;
    with_tasks(test::word_stream(3, 2, 8), few_steps(25), [&](auto& task) {
      if (++n_task < 3) return method.learn(state, task);
      auto tap = [&](auto& real, conpet::training_stage& stage) {
        stage.additions.gradients = [&, own = stage.additions.gradients](std::size_t step) {
          std::map<std::size_t, std::vector<conpet::target_example>> memories;
          for (const auto& e : real.old()) memories[by_task ? e.task : 0].push_back({&e, static_cast<std::int64_t>(e.label)});
          const auto parameters = real.who().parameters();
          const std::span<const optim::parameter<float>> all(parameters);
          const auto before = conpet::flat_gradients(all);
          std::vector<std::vector<float>> references;
          for (const auto& m : memories) references.push_back(real.gradient_on(m.second));
          conpet::set_gradients<float>(all, before);
          const double added = own(step);
          const auto after = conpet::flat_gradients(all);
          bool against = false;
          for (const auto& reference : references) against = against || product(before, reference) < 0;
          CHECK((against || after == before));
          if (by_task) {  // the ridge and the margin of GEM let products be a little off 0: the same program on gradients of the test's own
            std::vector<float> all_references, expected = before;
            for (const auto& reference : references) all_references.insert(all_references.end(), reference.begin(), reference.end());
            conpet::project_gem<float>(expected, {all_references.data(), references.size(), before.size()});
            double off = 0, most = 0;
            for (std::size_t i = 0; i < after.size(); ++i) {
              off = std::max(off, std::abs(static_cast<double>(after[i]) - static_cast<double>(expected[i])));
              most = std::max(most, std::abs(static_cast<double>(expected[i])));
            }
            CHECK(off < 1e-3 * most);
          } else {
            CHECK(product(after, references.front()) > -1e-4);
          }
          n_against += against ? 1 : 0;
          ++n_step;
          return added;
        };
      };
      tapped_task<std::remove_reference_t<decltype(task)>, decltype(tap)> tapped(task, tap);
      method.learn(state, tapped);
    });
    CHECK(n_step == 25);
    CHECK(n_against > 0);
  };
  check(conpet::a_gem{.n_text = 1000}, false);  // all of the memory in every step
  check(conpet::gem{.n_text = 1000}, true);
}

TEST_CASE("O-LoRA's tasks have subspaces of their own, and the earlier ones keep their bytes", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto overlap_after = [&](double strength) {
    const conpet::o_lora method{.strength = strength};
    conpet::o_lora::state state;
    std::vector<std::vector<float>> before;
    double overlap = 0;
    with_tasks<replay::none>(test::word_stream(2, 2), few_steps(60), [&](auto& task) {
      method.learn(state, task);
      const auto parameters = task.who().module->parameters();
      if (before.empty()) {
        for (const auto& p : parameters) before.emplace_back(p.value, p.value + p.size());
        return;
      }
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto& p = parameters[i];
        const std::size_t d = p.cols();
        if (i % 2 == 0) {  // A
          CHECK(p.size() == 2 * before[i].size());
          CHECK(std::equal(before[i].begin(), before[i].end(), p.value));
          for (std::size_t r = 4; r < 8; ++r) {
            for (std::size_t q = 0; q < 4; ++q) {
              double sum = 0;
              for (std::size_t c = 0; c < d; ++c) sum += static_cast<double>(p.value[r * d + c]) * static_cast<double>(p.value[q * d + c]);
              overlap += sum * sum;
            }
          }
        } else {
          bool same = true, moved = false;
          for (std::size_t r = 0; r < p.rows(); ++r) {
            for (std::size_t c = 0; c < 4; ++c) same = same && p.value[r * 8 + c] == before[i][r * 4 + c];
            for (std::size_t c = 4; c < 8; ++c) moved = moved || p.value[r * 8 + c] != 0;
          }
          CHECK(same);
          CHECK(moved);
        }
      }
    });
    return overlap;
  };
  CHECK(overlap_after(5) < 0.3 * overlap_after(0));
}

TEST_CASE("an alignment brings back what an affine map took away", "[conpet][methods]") {
  random_stream random(2);
  conpet::double_rows anchor(60, 5), now(60, 5);
  for (Eigen::Index i = 0; i < anchor.size(); ++i) anchor.data()[i] = random.normal();
  conpet::double_rows turn(5, 5);
  for (Eigen::Index i = 0; i < turn.size(); ++i) turn.data()[i] = 0.1 * random.normal() + (i % 6 == 0 ? 1 : 0);
  now = anchor * turn;
  now.array() += 0.3;
  auto a = conpet::alignment::none(5);
  const double before = (a.apply(now) - anchor).squaredNorm();
  conpet::fit_alignment(a, now, anchor, 1e-2, 100, 16, 1);
  CHECK((a.apply(now) - anchor).squaredNorm() < 1e-2 * before);
}

TEST_CASE("methods learn a stream, and keep the old tasks better than nothing does", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 2);
  const auto right_of_old = [&](auto tuner) {
    std::size_t right = 0, n = 0;
    for (const auto& task : stream) tuner.learn(task);
    for (std::size_t t = 0; t < 2; ++t) {
      for (const auto& text : stream.tasks[t].test) {
        right += tuner.predict(text.text).label == stream.tasks[t].classes[text.label] ? 1 : 0;
        ++n;
      }
    }
    return static_cast<double>(right) / static_cast<double>(n);
  };
  const double sequential = right_of_old(method_tuner<replay::none>(test::stories(), test::small_lora(), few_steps(60)));
  std::vector<std::pair<std::string, conpet::any_method>> replaying;
  const auto add = [&](auto m) { replaying.emplace_back(m.identity(), conpet::any_method{m}); };
  add(conpet::emr{});
  add(conpet::ea_emr{});
  add(conpet::emar{});
  add(conpet::crl{});
  add(conpet::der_plus_plus{});
  for (const auto& [name, method] : replaying) {
    INFO(name);
    const double own = right_of_old(method_tuner<conpet::any_method>(test::stories(), test::small_lora(), few_steps(60), method));
    CAPTURE(own, sequential);
    CHECK(own > sequential);
    CHECK(own > 0.6);
  }
}

TEST_CASE("a method's state comes back from its arrays, and arrays that do not fit are refused", "[conpet][methods]") {
  conpet::ewc::state ewc;
  ewc.anchors = {{{{1, 2}, {0.5, 0.25}}, {{3}, {0}}}, {{{4, 5}, {1, 1}}, {{6, 7}, {2, 3}}}};
  conpet::ewc::state read;
  auto arrays = ewc.arrays();
  read.restore(arrays);
  CHECK(read.anchors.size() == 2);
  CHECK(read.anchors[1][1].values == std::vector<double>{6, 7});
  CHECK(read.anchors[0][0].fisher == std::vector<double>{0.5, 0.25});
  arrays["fisher-1"].values.pop_back();
  CHECK_THROWS_AS(read.restore(arrays), format_error);
  CHECK(read.anchors.size() == 2);

  conpet::der_plus_plus::state dark;
  dark.logits = {{7, {1.5f, -2}}, {9, {0.1f}}};
  conpet::der_plus_plus::state dark_read;
  dark_read.restore(dark.arrays());
  CHECK(dark_read.logits == dark.logits);
  CHECK_THROWS_AS(dark_read.restore({}), format_error);

  conpet::crl::state crl;
  crl.projection = conpet::contrastive_projection(3, 2, 1);
  crl.prototypes = {1, 2, 3, 4, 5, 6};
  crl.n_class = 2;
  conpet::crl::state crl_read;
  crl_read.restore(crl.arrays());
  CHECK(crl_read.prototypes == crl.prototypes);
  CHECK(crl_read.n_class == 2);
  CHECK(crl_read.projection.values() == crl.projection.values());
}

TEST_CASE("sizes in a method's state are whole numbers that a double holds", "[conpet][methods]") {
  for (const double bad : {-1.0, 0.5, 1e300, std::nan("")}) {
    const conpet::kept_arrays damaged{{"values-0", {{1}, {0.0}}}, {"values-0-sizes", {{1}, {bad}}}, {"fisher-0", {{1}, {0.0}}}, {"fisher-0-sizes", {{1}, {1.0}}}};
    conpet::ewc::state s;
    CHECK_THROWS_AS(s.restore(damaged), format_error);
    CHECK(s.anchors.empty());
  }
}

TEST_CASE("methods say what they cannot work with", "[conpet][methods]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(2, 2, 4);
  const auto refused = [&](const auto& method, const char* words) {
    method_tuner<replay::none, std::remove_cvref_t<decltype(method)>> tuner(test::stories(), test::small_lora(), few_steps(2), method);
    tuner.learn(stream.tasks[0]);
    const auto key = conpet::expert_key(tuner.who());
    CHECK_THROWS_WITH(tuner.learn(stream.tasks[1]), Catch::Contains(words));
    CHECK(tuner.size() == 1);
    CHECK(conpet::expert_key(tuner.who()) == key);
  };
  refused(conpet::gem{}, "a replay strategy that keeps texts");
  refused(conpet::a_gem{}, "a replay strategy that keeps texts");
  refused(conpet::der_plus_plus{}, "a replay strategy that keeps texts");
}
