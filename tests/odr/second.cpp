#include <quipu/quipu.hpp>

#include <iostream>

#include "parts.hpp"

int main() {
  // The same inline variables and functions in both units.
  const std::string second = quipu::concat(quipu::version_major, ".", quipu::name_of(quipu::tensor_type::q4_1));
  std::cout << first_part() << ' ' << second << '\n';
  return first_part() == second ? 0 : 1;
}
