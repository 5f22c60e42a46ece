/// @file The same work in two threads, and what went wrong in either.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace quipu::test {

/// Runs work(0) and work(1) side by side. @return the messages of their exceptions; empty if there was none
template <class Work>
std::string in_two_threads(const Work& work) {
  std::string problems[2];
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&work, &problem = problems[i], i] {
      try {
        work(i);
      } catch (const std::exception& thrown) {
        problem = thrown.what();
      }
    });
  }
  for (std::thread& one : threads) one.join();
  return problems[0] + problems[1];
}

}  // namespace quipu::test
