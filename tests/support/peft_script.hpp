/// @file Scripts of tests/interop, which hold what a test wrote against PEFT.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

namespace quipu::test {

/// Runs tests/interop/NAME on the folder's expected.json with the interpreter that QUIPU_PYTHON names (python3). What it says is shown where it
/// fails; where PEFT is missing (status 77, or no interpreter) that is a counted skip.
inline void check_with_peft(const std::string& name, const temp_folder& folder) {
  const auto script = std::filesystem::path(__FILE__).parent_path().parent_path() / "interop" / name;
  const std::string chosen = setting("QUIPU_PYTHON");
  const std::string command = (chosen.empty() ? "python3" : chosen) + " '" + script.string() + "' '" + folder.file("expected.json") + "' > '" +
                              folder.file("said") + "' 2>&1";
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  const std::string said = read_bytes(folder.file("said"));
  INFO(said);
  if (code == 77 || code == 127)
    return note_missing_tool("no PEFT (pip install torch transformers peft; QUIPU_PYTHON names the interpreter)");
  if (!setting("QUIPU_VERBOSE").empty()) WARN(said);
  CHECK(code == 0);
}

}  // namespace quipu::test
