#!/usr/bin/env python3
"""Writes include/quipu/quipu.hpp: every header that needs no optional library. --check only compares."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
include = root / "include" / "quipu"
targets = (root / "cmake" / "quipu_targets.cmake").read_text()
optional = set()
for line in re.findall(r"set\(QUIPU_COMPONENT_HEADERS_\w+\s+([^)]*)\)", targets):
    optional.update(line.split())

headers = sorted(
    str(p.relative_to(include))
    for p in include.rglob("*.hpp")
    if p.name not in ("quipu.hpp", "requirements.hpp") and str(p.relative_to(include)) not in optional
)
text = (
    "/// @file Everything that needs no optional library; made by scripts/update_umbrella.py.\n"
    "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n\n"
    "#define QUIPU_READS_UMBRELLA\n#include <quipu/core/requirements.hpp>\n#undef QUIPU_READS_UMBRELLA\n\n"
    "// Where the compiler cannot take the library, one error is enough.\n#ifndef QUIPU_REFUSED\n\n"
    + "".join(f"#include <quipu/{h}>\n" for h in headers)
    + "\n#endif\n"
)
umbrella = include / "quipu.hpp"
if "--check" in sys.argv[1:]:
    if not umbrella.exists() or umbrella.read_text() != text:
        sys.exit("include/quipu/quipu.hpp does not list the headers on disk: run scripts/update_umbrella.py")
else:
    umbrella.write_text(text)
