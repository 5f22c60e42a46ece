/// @file The one place that names xtensor's headers, which moved into folders with release 0.26.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/requirements.hpp>  // C++20, exceptions

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>
#endif
