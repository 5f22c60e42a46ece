// What users write themselves, each in a header of its own, in programs that know the installed library alone.
#include "require.hpp"

int main() {
  check_models();
  check_notes();
  check_learner();
}
