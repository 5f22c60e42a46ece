/// @file Eigen's Cholesky decomposition, apart from `eigen.hpp` because most of the library does without.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Cholesky>

#include <quipu/core/eigen.hpp>
