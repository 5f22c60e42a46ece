#include <quipu/train/trainer.hpp>

#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/module_hooks.hpp>
#include <quipu/pet/lora.hpp>

#include "support/kills.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::thread_team;
using quipu::token_id;

namespace {

constexpr const char* base_case = "gqa_tied_odd";

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

train::token_windows random_text(std::size_t n_vocab, std::size_t n = 400) {
  quipu::random_stream random(4);
  std::vector<token_id> tokens(n);
  for (token_id& t : tokens) t = static_cast<token_id>(random.below(static_cast<std::uint32_t>(n_vocab)));
  return {tokens, 17};
}

struct settings {
  std::string folder;
  std::size_t n_step = 12;
  bool resume = false;
  std::size_t n_thread = 2;
  std::size_t save_every = 4;
  std::size_t stop_after = 0;
  int pause_ms = 0;
  bool overwrite = false;
};

/// Trains LoRA with dropout, validation and accumulation; returns the result and the values.
train::training_result run_lora(const settings& s, std::vector<float>* values = nullptr,
                                std::vector<train::step_report>* reports = nullptr) {
  const auto m = test::exact_model<float>(base_case);
  llama::training_pass pass(m, thread_team(s.n_thread));
  pet::lora::module<float> module({.rank = 4, .dropout = 0.1}, m.config(), 3);
  llama::module_hooks hooks(module, pass.workspace());
  train::trainer_options options;
  options.n_step = s.n_step;
  options.batch_size = 2;
  options.n_accumulate = 2;
  options.max_gradient_norm = 1;
  options.seed = 11;
  options.validate_every = 3;
  options.save_every = s.save_every;
  options.folder = s.folder;
  options.resume = s.resume;
  options.overwrite = s.overwrite;
  options.progress = [&](const train::step_report& r) {
    if (reports != nullptr) reports->push_back(r);
    if (s.pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(s.pause_ms));
    return s.stop_after == 0 || r.step < s.stop_after;
  };
  double now = 0;
  options.clock = [&now] { return now += 1; };
  train::trainer trainer(pass, module.parameters(), {}, optim::adamw{.learning_rate = 1e-2},
                         quipu::schedule::cosine{2, s.n_step}, options);
  const auto result = trainer.run(random_text(m.config().n_vocab), hooks, random_text(m.config().n_vocab, 60));
  if (values != nullptr) {
    for (const auto& p : module.parameters()) values->insert(values->end(), p.value, p.value + p.size());
  }
  return result;
}

}  // namespace

TEST_CASE("every epoch is another permutation, known for any position", "[train]") {
  train::data_order order(5, 13);
  std::vector<std::size_t> first, second;
  for (std::size_t k = 0; k < 13; ++k) first.push_back(order.at(k));
  for (std::size_t k = 13; k < 26; ++k) second.push_back(order.at(k));
  CHECK(first != second);
  CHECK(order.at(4) == first[4]);
  CHECK(train::data_order(5, 13).at(20) == second[7]);
  std::sort(first.begin(), first.end());
  for (std::size_t k = 0; k < 13; ++k) CHECK(first[k] == k);
  CHECK(train::data_order(5, 13, false).at(15) == 2);
  CHECK_THROWS_AS(train::data_order(5, 0), quipu::config_error);
}

TEST_CASE("windows predict every token of a text but the first exactly once", "[train]") {
  for (const std::size_t n : {2u, 5u, 16u, 17u, 18u, 33u, 34u, 100u}) {
    std::vector<token_id> tokens(n);
    for (std::size_t i = 0; i < n; ++i) tokens[i] = static_cast<token_id>(i);
    const train::token_windows windows(tokens, 17);
    llama::training_batch batch;
    for (std::size_t i = 0; i < windows.size(); ++i) windows.add(i, batch);
    std::vector<std::int64_t> predicted;
    for (std::size_t r = 0; r < batch.n_row(); ++r) {
      if (batch.targets()[r] == llama::ignored_label) continue;
      CHECK(batch.targets()[r] == batch.tokens()[r] + 1);
      predicted.push_back(batch.targets()[r]);
    }
    INFO(n);
    REQUIRE(predicted.size() == n - 1);
    for (std::size_t i = 0; i < predicted.size(); ++i) CHECK(predicted[i] == static_cast<std::int64_t>(i + 1));
  }
  CHECK_THROWS_AS(train::token_windows({1}, 17), quipu::config_error);
  CHECK_THROWS_AS(train::token_windows({1, 2, 3}, 1), quipu::config_error);
}

TEST_CASE("a run lowers the loss, logs, and keeps its best and last state", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  std::vector<train::step_report> reports;
  const auto result = run_lora({.folder = folder.file("run"), .n_step = 24}, nullptr, &reports);
  CHECK(result.finished);
  CHECK(result.step == 24);
  REQUIRE(reports.size() == 24);
  CHECK(reports.back().seconds_left == 0);
  CHECK(reports[5].validation_loss.has_value());
  CHECK_FALSE(reports[6].validation_loss.has_value());
  CHECK(reports[5].tokens_per_second > 0);
  double best = 1e9;
  for (const auto& r : reports) best = std::min(best, r.validation_loss.value_or(1e9));
  CHECK(result.best_validation_loss == best);
  CHECK(best < *reports[2].validation_loss);
  std::ifstream log(folder.file("run") + "/log.jsonl");
  std::size_t n_line = 0;
  for (std::string line; std::getline(log, line); ++n_line) {
    const auto entry = nlohmann::json::parse(line);
    CHECK(entry["step"] == n_line + 1);
    CHECK(entry["loss"] == reports[n_line].loss);
  }
  CHECK(n_line == 24);
  CHECK(std::filesystem::exists(folder.path() / "run" / "best.safetensors"));
}

TEST_CASE("a resumed run and other numbers of threads end with the same bits", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  std::vector<float> whole, single, resumed;
  run_lora({.folder = folder.file("whole")}, &whole);
  run_lora({.folder = folder.file("single"), .n_thread = 1}, &single);
  const auto stopped = run_lora({.folder = folder.file("parts"), .stop_after = 7});
  CHECK_FALSE(stopped.finished);
  CHECK(stopped.step == 7);
  run_lora({.folder = folder.file("parts"), .resume = true}, &resumed);
  CHECK(whole == single);
  CHECK(whole == resumed);
  for (const char* file : {"/last.safetensors", "/best.safetensors"}) {
    CHECK(bytes_of(folder.file("whole") + file) == bytes_of(folder.file("parts") + file));
    CHECK(bytes_of(folder.file("whole") + file) == bytes_of(folder.file("single") + file));
  }
}

TEST_CASE("a run killed at ten random moments ends with the same bytes", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  const settings job{.folder = folder.file("killed"), .n_step = 40, .resume = true, .save_every = 2, .pause_ms = 4};
  CHECK(test::kill_at_random(10, 170, job.folder, [&] { run_lora(job); }) == 10);
  CHECK(run_lora(job).finished);
  run_lora({.folder = folder.file("alone"), .n_step = job.n_step, .save_every = job.save_every});
  for (const char* file : {"/last.safetensors", "/best.safetensors"}) {
    CHECK(bytes_of(job.folder + file) == bytes_of(folder.file("alone") + file));
  }
  for (const auto& entry : std::filesystem::directory_iterator(job.folder)) {
    CHECK(entry.path().string().find(".part-") == std::string::npos);
  }
  std::ifstream log(job.folder + "/log.jsonl");
  std::size_t n_line = 0;
  for (std::string line; std::getline(log, line);) CHECK(nlohmann::json::parse(line)["step"] == ++n_line);
  CHECK(n_line == job.n_step);
}

TEST_CASE("two trainers on one folder: the second is refused", "[train]") {
  test::temp_folder folder;
  const train::output_folder first(folder.file("run"));
  CHECK_THROWS_AS(train::output_folder(folder.file("run")), quipu::io_error);
  CHECK_NOTHROW(train::output_folder(folder.file("other")));
}

TEST_CASE("three trainings started at once on one folder: one runs", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  const settings job{.folder = folder.file("run"), .n_step = 10, .n_thread = 1, .pause_ms = 40};
  std::vector<::pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      int code = 3;
      try {
        code = run_lora(job).finished ? 0 : 2;
      } catch (const quipu::io_error&) {
        code = 1;  // another one is at work
      } catch (const quipu::config_error&) {
        code = 1;  // another one has been at work
      } catch (...) {
      }
      ::_exit(code);
    }
    children.push_back(child);
  }
  std::size_t n_run = 0, n_refused = 0;
  for (const ::pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    n_run += WEXITSTATUS(status) == 0;
    n_refused += WEXITSTATUS(status) == 1;
  }
  CHECK(n_run == 1);
  CHECK(n_refused == 2);
  run_lora({.folder = folder.file("alone"), .n_step = job.n_step});
  CHECK(bytes_of(job.folder + "/last.safetensors") == bytes_of(folder.file("alone") + "/last.safetensors"));
}

TEST_CASE("a folder that holds a run is neither overwritten nor emptied without a word", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  const std::string run = folder.file("run");
  std::filesystem::create_directory(run);
  for (const char* name : {"run/essay.part-2.txt", "run/last.safetensors.part-1-0"}) folder.write(name, "mine");
  run_lora({.folder = run, .n_step = 4});
  const std::string last = bytes_of(run + "/last.safetensors"), log = bytes_of(run + "/log.jsonl");
  CHECK_THROWS_WITH(run_lora({.folder = run, .n_step = 4}),
                    Catch::Contains("--resume") && Catch::Contains("--overwrite"));
  CHECK(bytes_of(run + "/last.safetensors") == last);
  CHECK(bytes_of(run + "/log.jsonl") == log);
  CHECK(run_lora({.folder = run, .n_step = 4, .overwrite = true}).finished);
  CHECK(bytes_of(run + "/last.safetensors") == last);
  CHECK(bytes_of(run + "/log.jsonl") == log);
  // Files of these names that no trainer wrote stay, whatever was asked for.
  for (const char* name : {"run/log.jsonl", "run/last.safetensors", "run/best.safetensors"}) {
    for (const char* text : {"a thesis", "a thesis\nwith lines\n", "{\"important\": true}\n"}) {
      const std::string whole = bytes_of(folder.file(name));
      folder.write(name, text);
      CHECK_THROWS_AS(run_lora({.folder = run, .n_step = 4}), quipu::config_error);
      CHECK_THROWS_AS(run_lora({.folder = run, .n_step = 4, .overwrite = true}), quipu::format_error);
      if (std::string(name) != "run/best.safetensors")
        CHECK_THROWS_AS(run_lora({.folder = run, .n_step = 4, .resume = true}), quipu::format_error);
      CHECK(bytes_of(folder.file(name)) == text);
      folder.write(name, whole);
    }
  }
  for (const char* name : {"run/essay.part-2.txt", "run/last.safetensors.part-1-0"})
    CHECK(bytes_of(folder.file(name)) == "mine");
}

TEST_CASE("a folder below a file, and one that cannot be written, are refused", "[train]") {
  const test::temp_folder folder;
  folder.write("file", "mine");
  CHECK_THROWS_AS(train::output_folder(folder.file("file/run")), quipu::io_error);
  CHECK_THROWS_AS(train::output_folder("/proc/run"), quipu::io_error);
  CHECK(bytes_of(folder.file("file")) == "mine");
}

TEST_CASE("a full disk keeps the checkpoint of before", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  const std::string run = folder.file("run");
  run_lora({.folder = run, .n_step = 8, .stop_after = 4});
  const std::string before = bytes_of(run + "/last.safetensors");
  CHECK(test::status_of_child([&] {
          ::signal(SIGXFSZ, SIG_IGN);
          const ::rlimit limit{4096, 4096};  // no file grows beyond one page
          ::setrlimit(RLIMIT_FSIZE, &limit);
          try {
            run_lora({.folder = run, .n_step = 8, .resume = true});
          } catch (const quipu::io_error&) {
            return 0;
          }
          return 1;
        }) == 0);
  CHECK(bytes_of(run + "/last.safetensors") == before);
  CHECK(run_lora({.folder = run, .n_step = 8, .resume = true}).finished);
}

TEST_CASE("damaged or foreign checkpoints are refused and change nothing", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  test::temp_folder folder;
  const std::string run = folder.file("run"), last = run + "/last.safetensors";
  run_lora({.folder = run, .n_step = 4});
  const std::string good = bytes_of(last);
  for (const std::size_t n : {std::size_t{0}, std::size_t{7}, good.size() / 2, good.size() - 1}) {
    std::ofstream(last, std::ios::binary) << good.substr(0, n);
    CHECK_THROWS_AS(run_lora({.folder = run, .n_step = 8, .resume = true}), quipu::format_error);
  }
  std::ofstream(last, std::ios::binary) << good;
  const auto m = test::exact_model<float>(base_case);
  llama::training_pass pass(m, thread_team(1));
  const auto source = random_text(m.config().n_vocab);
  train::trainer_options options;
  options.n_step = 8;
  options.folder = run;
  options.resume = true;
  pet::lora::module<float> wider({.rank = 8}, m.config(), 3);
  const std::vector<float> values(wider.parameters()[0].value,
                                  wider.parameters()[0].value + wider.parameters()[0].size());
  llama::module_hooks hooks(wider, pass.workspace());
  train::trainer other_rank(pass, wider.parameters(), {}, optim::adamw{}, quipu::schedule::constant{}, options);
  CHECK_THROWS_AS(other_rank.run(source, hooks), quipu::config_error);
  CHECK(std::equal(values.begin(), values.end(), wider.parameters()[0].value));
  pet::lora::module<float> same({.rank = 4}, m.config(), 3);
  llama::module_hooks same_hooks(same, pass.workspace());
  train::trainer other_optimizer(pass, same.parameters(), {}, optim::lion{}, quipu::schedule::constant{}, options);
  CHECK_THROWS_AS(other_optimizer.run(source, same_hooks), quipu::config_error);
  train::trainer other_seed(pass, same.parameters(), {}, optim::adamw{}, quipu::schedule::constant{}, options);
  CHECK_THROWS_AS(other_seed.run(source, same_hooks), quipu::config_error);
}

TEST_CASE("numbers that are not finite stop the run by name", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  const auto m = test::exact_model<float>(base_case);
  const auto source = random_text(m.config().n_vocab);
  llama::training_pass pass(m, thread_team(1));
  train::trainer_options options;
  options.n_step = 5;
  {
    pet::lora::module<float> module({.rank = 2}, m.config(), 3);
    module.parameters()[1].value[0] = std::numeric_limits<float>::infinity();
    llama::module_hooks hooks(module, pass.workspace());
    train::trainer trainer(pass, module.parameters(), {}, optim::adamw{}, quipu::schedule::constant{}, options);
    CHECK_THROWS_AS(trainer.run(source, hooks), quipu::numeric_error);
    CHECK_THROWS_WITH(trainer.run(source, hooks), Catch::Contains("step 1") && Catch::Contains("none"));
  }
  struct breaking : llama::no_training_hooks {  // a gradient that overflows while the loss is fine
    std::size_t pass_number = 0;
    void train(std::uint64_t number) { pass_number = number; }
    void block_output_backward(std::size_t layer, std::span<const llama::row_segment>, quipu::matrix_view<float> dx) {
      if (pass_number == 2 && layer == 0) dx(0, 0) = std::numeric_limits<float>::quiet_NaN();
    }
  } hooks;
  test::temp_folder folder;
  options.folder = folder.file("run");
  options.save_every = 1;
  auto trainable = llama::thaw<float>(m);
  trainable.select(optim::name_pattern::regex("model\\.layers\\.0\\..*"));
  llama::training_pass own(trainable.model(), thread_team(1));
  train::trainer trainer(own, trainable.parameters(), trainable.gradients(), optim::sgd{}, quipu::schedule::constant{},
                         options);
  CHECK_THROWS_WITH(trainer.run(source, hooks), Catch::Contains("step 3") &&
                                                    Catch::Contains("gradient of model.layers.0.") &&
                                                    Catch::Contains("(step 2)"));
}

TEST_CASE("bad data is refused before the first step", "[train]") {
  QUIPU_NEEDS(test::golden_case(base_case));
  const auto m = test::exact_model<float>(base_case);
  llama::training_pass pass(m, thread_team(1));
  pet::lora::module<float> module({.rank = 2}, m.config(), 3);
  llama::module_hooks hooks(module, pass.workspace());
  train::trainer_options options;
  options.n_step = 1;
  train::trainer trainer(pass, module.parameters(), {}, optim::adamw{}, quipu::schedule::constant{}, options);
  CHECK_THROWS_AS(trainer.run(train::example_list(), hooks), quipu::config_error);
  train::example_list list;
  list.push_back({std::vector<token_id>(m.config().n_ctx + 1, 1), {}});
  CHECK_THROWS_AS(trainer.run(list, hooks), quipu::config_error);
  options.batch_size = 0;
  CHECK_THROWS_AS(train::trainer(pass, module.parameters(), {}, optim::adamw{}, quipu::schedule::constant{}, options),
                  quipu::config_error);
}
