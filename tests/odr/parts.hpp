/// @file What the two units of the program share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

std::string first_part();
