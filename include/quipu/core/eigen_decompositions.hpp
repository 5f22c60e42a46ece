/// @file Eigen's matrix decompositions, apart from `eigen.hpp` because they take long to compile.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/QR>
#include <Eigen/SVD>

#include <quipu/core/eigen.hpp>
