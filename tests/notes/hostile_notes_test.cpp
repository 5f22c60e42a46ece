// The hostile notebooks and JSON lines of the shared data: refused by a sentence or read,
// within 2 CPU seconds and 500 MB.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/json_lines.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/notes/sqlite_store.hpp>

#include "support/note_stores.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

namespace hostile_notes_test {  // names of its own: several tests are compiled as one

using namespace quipu::notes;

namespace {

/// All that a chat does with a notebook: open, search, list, history, edit, take back, export.
void use_notebook(const std::string& path) {
  notebook<sqlite_store, bm25_retriever> book{sqlite_store(path, quipu::test::quick)};
  std::ostringstream out;
  export_json_lines(book.store(), out);
  (void)book.retrieve("What is the capital of Norway?", 5);
  for (note_id id = 0; id < 10; ++id) (void)book.store().history(id);
  note n;
  n.text = "a note that is new here";
  const auto added = book.add(n);
  if (!book.find(added.id)) throw std::runtime_error("the note added is not there");
  book.erase(1);
  (void)book.undo(2);
  if (const auto last = book.last_edit()) (void)book.undo();
}
void use_json_lines(const std::string& path) {
  std::ifstream in(path);
  memory_store store;
  (void)import_json_lines(store, in, path);
}

struct outcome {
  int status = -1;
  double cpu_s = 0;
  long peak_kib = 0;
  std::string said;
};
/// Runs `use` on a file in a process of its own.
template <class Use>
outcome run_alone(Use&& use, const std::string& path) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    const rlimit seconds{20, 20};
    ::setrlimit(RLIMIT_CPU, &seconds);
    std::string said;
    int status = 0;
    try {
      use(path);
    } catch (const quipu::error& refusal) {
      said = refusal.what(), status = 1;
    } catch (const std::exception& other) {
      said = std::string("not an error of ours: ") + other.what(), status = 2;
    }
    const ssize_t written = ::write(ends[1], said.data(), std::min<std::size_t>(said.size(), 60'000));
    ::_exit(written < 0 ? 3 : status);
  }
  ::close(ends[1]);
  outcome result;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    result.said.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  rusage used{};
  ::wait4(child, &result.status, 0, &used);
  result.cpu_s = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  result.peak_kib = used.ru_maxrss;
  return result;
}

}  // namespace

TEST_CASE("hostile notebooks and JSON lines are refused by a sentence or read", "[notes][hostile_notes]") {
  const auto archive = quipu::test::shared_root() / "data" / "hostile" / "hostile.tar.xz";
  if (!quipu::test::have(archive)) return;
  const quipu::test::temp_folder folder;
  const std::string unpack = "tar -xJf '" + archive.string() + "' -C '" + folder.path().string() +
                             "' sqlite jsonl 2>/dev/null || tar -xJf '" + archive.string() + "' -C '" +
                             folder.path().string() + "' ./sqlite ./jsonl";
  if (std::system(unpack.c_str()) != 0) return quipu::test::note_missing_tool("no tar with xz");
  int n_file = 0, n_refused = 0;
  for (const char* group : {"sqlite", "jsonl"}) {
    for (const auto& file : std::filesystem::directory_iterator(folder.path() / group)) {
      const std::string name = file.path().filename().string();
      const outcome result = name.ends_with(".db") ? run_alone(use_notebook, file.path().string())
                                                   : run_alone(use_json_lines, file.path().string());
      INFO(name << ": " << result.said << "; " << result.cpu_s << " s, " << result.peak_kib << " KiB");
      if (quipu::test::setting("QUIPU_SHOW") == "1") {
        std::cout << name << ": " << result.said << "; " << result.cpu_s << " s, " << result.peak_kib << " KiB\n";
      }
      ++n_file;
      CHECK(WIFEXITED(result.status));
      CHECK((WEXITSTATUS(result.status) == 0 || WEXITSTATUS(result.status) == 1));
      n_refused += WEXITSTATUS(result.status) == 1 ? 1 : 0;
      if (name.find("_good") != std::string::npos) CHECK(WEXITSTATUS(result.status) == 0);
      CHECK(result.cpu_s < 2);
      CHECK(result.peak_kib < 500 * 1024);
      CHECK(result.said.size() < 1000);
      CHECK(result.said.find_first_of(std::string("\x1b\x07\b\r\n\x7f", 6)) == std::string::npos);
    }
  }
  CHECK(n_file >= 30);
  CHECK(n_refused >= 15);
}

}  // namespace hostile_notes_test
