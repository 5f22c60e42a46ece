// Says what was found to hold, or ends the program.
#pragma once

#include <cstdlib>
#include <iostream>

inline void require(bool holds, const char* what) {
  std::cout << (holds ? "ok: " : "NOT SO: ") << what << std::endl;
  if (!holds) std::exit(1);
}

void check_models();
void check_notes();
void check_learner();
