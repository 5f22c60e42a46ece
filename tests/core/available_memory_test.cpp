#include <quipu/core/available_memory.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

TEST_CASE("the process has some memory, and less under a limit of its own", "[core][memory]") {
  const auto pages = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  CHECK(quipu::available_memory() > 0);
  CHECK(quipu::available_memory() <= pages);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadows take more addresses than any limit leaves
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = std::size_t{1} << 30;
    ::setrlimit(RLIMIT_AS, &limit);
    ::_exit(quipu::available_memory() < std::size_t{1} << 30 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
#endif
}

TEST_CASE("bytes in words", "[core][memory]") {
  CHECK(quipu::mebibytes(0) == "0 MiB");
  CHECK(quipu::mebibytes(1) == "1 MiB");
  CHECK(quipu::mebibytes(std::size_t{999} << 20) == "999 MiB");
  CHECK(quipu::mebibytes((std::size_t{1234567} << 20) - 5) == "1,234,567 MiB");
}
