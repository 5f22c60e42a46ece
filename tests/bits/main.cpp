// Prints a hash of the exact bytes of some twenty results in each instruction set and with 1, 2 and 3 threads. Two
// commits that print the same lines compute the same bits; scripts/same_bits compares them.
// SPDX-License-Identifier: Apache-2.0
#include <exception>

#include "bits.hpp"

int main() {
  try {
    quipu::bits::record_inference();
    quipu::bits::record_training();
    quipu::bits::record_editing();
  } catch (const std::exception& e) {
    std::cerr << "record_bits: " << e.what() << '\n';
    return 1;
  }
}
