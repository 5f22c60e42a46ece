/// @file What the command line says, and the commands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <quipu/eren/editor_options.hpp>

struct settings {
  std::string model, set = "cfh", data, part = "test", resume, report, header, judge = "all", reader, second, shared;
  std::string readers = std::string(quipu::eren::readers_of_library);
  std::vector<std::string> methods = {"eren"}, gates, files, whole = {"cfh", "portability", "xquad", "everyday"};
  std::vector<std::size_t> lives = {0}, edits;
  std::size_t n_edit = 0, n_live = 0, n_note = 0, n_thread = 0, depth = 20, batch = 16, n_token = 16, n_plain = 60,
              n_untouched = 0, n_fit = 200;
  double threshold = 0.6, damage = 0, minutes = 0;
  double deadline = 0;  // steady seconds, after which nothing new is begun; 0: none
  bool fit = false, probe = false, fallback = false, held_out = false, study = false, in_scope = false, passes = false,
       relations = false, no_labels = false, bf16 = false, declarative = false;

  std::map<std::string, std::string>* unedited = nullptr;  // the unedited model's answers, shared by all runs

  /// The gate that is written, or used if one is: the first.
  [[nodiscard]] std::string gate() const { return gates.empty() ? std::string() : gates.front(); }
};

int compare(const settings& s);
int fit(const settings& s);
int study(const settings& s);
int relations(const settings& s);
int unlabelled(const settings& s);
int row(const settings& s);
int tables(const settings& s);

/// Exit status of a run whose minutes were over before it was done.
inline constexpr int not_finished = 3;
