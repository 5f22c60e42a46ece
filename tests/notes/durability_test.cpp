// What the store keeps when its process is killed, its disk is full or its file is damaged.
#include <quipu/notes/sqlite_store.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "support/note_stores.hpp"
#include "support/store_model.hpp"
#include "support/temp_folder.hpp"

using namespace quipu::notes;
using quipu::test::of_text;
using quipu::test::quick;
using quipu::test::store_model;
using quipu::test::temp_folder;

namespace {

/// A child that runs `body`, whose calls of acknowledge() reach the parent even if it is killed.
struct child_process {
  pid_t id = -1;
  int pipe_end = -1;

  template <class Body>
  explicit child_process(Body&& body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    id = ::fork();
    REQUIRE(id >= 0);
    if (id == 0) {
      ::close(ends[0]);
      int code = 1;
      try {
        code = body([&](char c) { return ::write(ends[1], &c, 1) == 1; });
      } catch (const std::exception& problem) {
        std::fprintf(stderr, "child: %s\n", problem.what());
      }
      ::_exit(code);
    }
    ::close(ends[1]);
    pipe_end = ends[0];
  }
  std::string acknowledged() {
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = ::read(pipe_end, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    ::close(pipe_end);
    return all;
  }
  int wait() {
    int status = 0;
    ::waitpid(id, &status, 0);
    return status;
  }
};

/// Step `number` of an endless series of edits; it depends on the number and the store's size alone, so that
/// the parent can repeat it on the model.
template <class Store>
void random_step(Store& store, unsigned number, store_version version, note_id last_id) {
  std::mt19937 random(number * 7919u + 13u);
  const edit_options options{static_cast<conflict_policy>(random() % 3), 1000 + static_cast<quipu::time_ms>(number)};
  const auto some_id = static_cast<note_id>(random() % static_cast<unsigned>(last_id + 2));
  note n = quipu::test::random_note(random);
  switch (random() % 6) {
    case 0:
    case 1: store.add(n, options); break;
    case 2: {
      std::vector<note> batch;
      for (int i = 0; i < 6; ++i) batch.push_back(quipu::test::random_note(random));
      store.add_batch(batch, options);
      break;
    }
    case 3:
      n.id = some_id;
      if constexpr (std::is_same_v<Store, store_model>) store.update(n);
      else store.update(n, options.when);
      break;
    case 4:
      if constexpr (std::is_same_v<Store, store_model>) store.erase(some_id);
      else store.erase(some_id, options.when);
      break;
    default: {
      const auto to = std::max<store_version>(0, version - static_cast<store_version>(random() % 5));
      if constexpr (std::is_same_v<Store, store_model>) store.undo_to(to);
      else store.undo_to(to, options.when);
    }
  }
}

store_model::table live_of(const store_model::table& all) {
  store_model::table live;
  for (const auto& [id, n] : all) {
    if (n.status == note_status::live) live[id] = n;
  }
  return live;
}

store_model::table read_all(const std::string& path) {
  sqlite_store store(path, quick);
  store_model::table found;
  store.for_each([&](const note& n) { found[n.id] = n; });
  return found;
}

void pause_us(std::uint_fast32_t us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

}  // namespace

TEST_CASE("killed at 200 random moments, the store has every acknowledged edit and no half one",
          "[notes][durability]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  store_model model;
  unsigned done = 0;
  std::mt19937 random(2024);
  int n_in_flight = 0;
  for (int round = 0; round < 200; ++round) {
    child_process child([&](auto&& acknowledge) {
      sqlite_store store(path, quick);
      note_id last_id = model.last_id;
      for (unsigned step = done;; ++step) {
        random_step(store, step, store.version(), last_id);
        // Ids are given in order, so the newest one that ever was is known from the history.
        while (!store.history(last_id + 1).empty()) ++last_id;
        acknowledge('.');
      }
      return 0;
    });
    pause_us(random() % 40'000);
    ::kill(child.id, SIGKILL);
    const auto n_acknowledged = static_cast<unsigned>(child.acknowledged().size());
    child.wait();
    for (unsigned i = 0; i < n_acknowledged; ++i, ++done) {
      random_step(model, done, static_cast<store_version>(model.versions.size()) - 1, model.last_id);
    }
    const store_model::table found = read_all(path);
    if (found != live_of(model.now())) {
      // Then exactly the edit in flight is there too.
      random_step(model, done, static_cast<store_version>(model.versions.size()) - 1, model.last_id);
      ++done;
      ++n_in_flight;
      REQUIRE(found == live_of(model.now()));
    } else if (sqlite_store(path, quick).version() != static_cast<store_version>(model.versions.size()) - 1) {
      // An edit that touched superseded notes only.
      random_step(model, done, static_cast<store_version>(model.versions.size()) - 1, model.last_id);
      ++done;
      REQUIRE(sqlite_store(path, quick).version() == static_cast<store_version>(model.versions.size()) - 1);
    }
    if (round % 40 == 39) REQUIRE(sqlite_store(path, quick).check_integrity().empty());
  }
  INFO(done << " edits, " << n_in_flight << " committed but not acknowledged");
  CHECK(done > 200);
}

TEST_CASE("two processes write, both are killed at random moments, nothing acknowledged is lost",
          "[notes][durability]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  { sqlite_store store(path, quick); }
  std::mt19937 random(77);
  std::set<std::string> expected;
  std::set<std::string> possible;
  for (int round = 0; round < 60; ++round) {
    const auto writer = [&](int who) {
      return child_process([&, who](auto&& acknowledge) {
        sqlite_store store(path, quick);
        for (int step = 0;; ++step) {
          const std::string name = std::to_string(round) + " " + std::to_string(who) + " " + std::to_string(step);
          const note_id id = store.add(of_text("first " + name)).id;
          acknowledge('a');
          note second = of_text("second " + name);
          second.id = id;
          store.update(second);
          acknowledge('u');
        }
        return 0;
      });
    };
    child_process children[] = {writer(0), writer(1)};
    pause_us(random() % 30'000);
    ::kill(children[0].id, SIGKILL);
    pause_us(random() % 10'000);
    ::kill(children[1].id, SIGKILL);
    std::set<std::string> in_flight;
    for (int who = 0; who < 2; ++who) {
      const std::string steps = children[who].acknowledged();
      children[who].wait();
      const auto name = [&](std::size_t step) {
        return std::to_string(round) + " " + std::to_string(who) + " " + std::to_string(step);
      };
      for (std::size_t i = 0; i < steps.size(); i += 2) {
        expected.insert((i + 1 < steps.size() ? "second " : "first ") + name(i / 2));
      }
      in_flight.insert((steps.size() % 2 == 0 ? "first " : "second ") + name(steps.size() / 2));
    }
    std::set<std::string> found;
    for (const auto& [id, n] : read_all(path)) found.insert(n.text);
    for (const std::string& text : expected) {
      if (found.count(text) != 0) continue;
      const std::string updated = "second" + text.substr(5);  // the update was in flight
      INFO(text);
      REQUIRE((text.compare(0, 5, "first") == 0 && in_flight.count(updated) != 0 && found.count(updated) != 0));
    }
    for (const std::string& text : found) {
      INFO(text);
      REQUIRE((expected.count(text) != 0 || in_flight.count(text) != 0));
    }
    expected = found;
  }
  CHECK(expected.size() > 60);
  CHECK(sqlite_store(path, quick).check_integrity().empty());
}

TEST_CASE("a full disk gives an error, keeps every note, and the store goes on when there is room again",
          "[notes][durability]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  child_process child([&](auto&& acknowledge) {
    ::signal(SIGXFSZ, SIG_IGN);  // writes beyond the limit then fail with an error, as on a full disk
    sqlite_store store(path, quick);
    struct rlimit room {};
    ::getrlimit(RLIMIT_FSIZE, &room);
    struct rlimit little = room;
    little.rlim_cur = 300'000;
    ::setrlimit(RLIMIT_FSIZE, &little);
    int n_added = 0, n_failed = 0;
    for (int i = 0; i < 4000 && n_failed < 3; ++i) {
      try {
        std::vector<note> batch;
        for (int j = 0; j < 10; ++j)
          batch.push_back(of_text("note " + std::to_string(i) + "/" + std::to_string(j) + std::string(80, 'x')));
        store.add_batch(batch);
        n_added += 10;
      } catch (const quipu::io_error&) {
        ++n_failed;
      }
    }
    if (n_failed == 0) return 2;
    if (static_cast<int>(store.size()) != n_added) return 3;
    ::setrlimit(RLIMIT_FSIZE, &room);
    store.add(of_text("there is room again"));
    if (static_cast<int>(store.size()) != n_added + 1) return 4;
    acknowledge('.');
    return store.check_integrity().empty() ? 0 : 5;
  });
  CHECK(child.acknowledged() == ".");
  const int status = child.wait();
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(read_all(path).size() > 10);
  CHECK(sqlite_store(path, quick).check_integrity().empty());
}

TEST_CASE("a read-only file gives an error and stays as it is", "[notes][durability]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  { sqlite_store(path, quick).add(of_text("Oslo is in Norway")); }
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);  // the folder can be entered, the file not be written
  child_process child([&](auto&&) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 9;  // permissions do not bind root
    try {
      sqlite_store store(path, quick);
      return 2;
    } catch (const quipu::io_error& problem) {
      return std::string(problem.what()).find("read-only") != std::string::npos ? 0 : 3;
    }
  });
  const int status = child.wait();
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(read_all(path).size() == 1);
}

TEST_CASE("a database and its log cut or damaged anywhere give a committed state or an error",
          "[notes][durability]") {
  const temp_folder folder;
  const std::string path = folder.file("notes.db");
  // A database file with some versions in it and more of them in the log, as a killed process leaves them.
  store_model model;
  unsigned done = 0;
  const auto advance = [&](sqlite_store& store, unsigned n) {
    for (unsigned end = done + n; done < end; ++done) {
      const auto version = static_cast<store_version>(model.versions.size()) - 1;
      random_step(store, done, version, model.last_id);
      random_step(model, done, version, model.last_id);
    }
  };
  {
    sqlite_store store(path, quick);
    advance(store, 150);
  }  // closing moves the log into the file
  sqlite_store open_store(path, quick);
  advance(open_store, 60);
  const auto load = [](const std::string& name) {
    std::ifstream in(name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string database = load(path), log = load(path + "-wal");
  REQUIRE(database.size() > 40'000);
  REQUIRE(log.size() > 40'000);
  std::vector<store_model::table> states;
  for (const auto& version : model.versions) states.push_back(live_of(version));

  int n_states = 0, n_errors = 0;
  const std::string copy = folder.file("copy.db");
  const auto examine = [&](const std::string& file, const std::string& wal) {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(copy + end);
    std::ofstream(copy, std::ios::binary) << file;
    if (!wal.empty()) std::ofstream(copy + "-wal", std::ios::binary) << wal;
    try {
      const store_model::table found = read_all(copy);
      ++n_states;
      if (std::find(states.begin(), states.end(), found) == states.end()) FAIL("a state that never was");
      sqlite_store store(copy, quick);  // whatever else is broken, using it must not crash
      for (note_id id = 1; id < 40; ++id) (void)store.history(id);
      (void)store.changed_since(0);
      (void)store.check_integrity();
      store.add(of_text("one more note"));
      store.undo_to(store.version() / 2);
    } catch (const quipu::error&) {
      ++n_errors;
    }
  };

  std::mt19937 random(5);
  SECTION("the log is cut") {
    for (std::size_t size = 0; size <= log.size(); size += 1 + random() % (log.size() / 80))
      examine(database, log.substr(0, size));
    CHECK(n_states > 20);
  }
  SECTION("bytes of the log are changed") {
    for (int i = 0; i < 150; ++i) {
      std::string damaged = log;
      for (auto n = 1 + random() % 3; n > 0; --n)
        damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
      examine(database, damaged);
    }
    CHECK(n_states > 20);
  }
  SECTION("the file is cut") {
    for (std::size_t size = 0; size <= database.size(); size += 1 + random() % 4001)
      examine(database.substr(0, size), "");
    CHECK(n_errors > 5);
  }
  SECTION("bytes of the file are changed") {
    for (int i = 0; i < 300; ++i) {
      std::string damaged = database;
      for (auto n = 1 + random() % 8; n > 0; --n)
        damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
      examine(damaged, i % 2 == 0 ? log : std::string());
    }
    CHECK(n_errors > 20);
  }
  SECTION("a stretch of the file is zeroed or comes from elsewhere") {
    for (int i = 0; i < 150; ++i) {
      std::string damaged = database;
      const std::size_t from = random() % damaged.size();
      const std::size_t size = std::min<std::size_t>(random() % 6000, damaged.size() - from);
      if (i % 2 == 0) std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(from), size, '\0');
      else damaged.replace(from, size, database.substr(random() % (database.size() - size), size));
      examine(damaged, "");
    }
    CHECK(n_errors > 20);
  }
}
