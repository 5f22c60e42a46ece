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


def direct(name):
    """The library's headers that a file includes itself."""
    return set(re.findall(r"^#include <quipu/([^>]+\.hpp)>", (include / name).read_text(), re.M))


def insides():
    """Headers that nothing but .ipp files and other such headers include: what they declare, only bodies call."""
    every = [str(p.relative_to(include)) for p in include.rglob("*.hpp") if p.name != "quipu.hpp"]
    doors = {h for h in every if (include / h).with_suffix(".ipp").exists()}
    users = {h: set() for h in every}
    for name in every:
        for target in direct(name) & users.keys():
            users[target].add(name)
    in_bodies = set().union(*(direct(h[: -len("hpp")] + "ipp") for h in doors))
    found = set()
    while True:
        more = {h for h in every if h.split("/")[0] in ("core", "io", "linear", "text") and h not in doors | found
                and users[h] <= found and (users[h] or h in in_bodies)}
        if not more:
            return found
        found |= more


# What only bodies call comes with them, or is compiled already in programs that link quipu::compiled. Of the others those
# that none of them includes bring the rest along.
outer = [h for h in headers if h not in insides()]
included = set().union(*(direct(h) for h in outer))
listed = [h for h in outer if h not in included]

text = (
    "/// @file Everything that needs no optional library; made by scripts/update_umbrella.py.\n"
    "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n\n"
    "#define QUIPU_READS_UMBRELLA\n#include <quipu/core/requirements.hpp>\n#undef QUIPU_READS_UMBRELLA\n\n"
    "// Where the compiler cannot take the library, one error is enough.\n#ifndef QUIPU_REFUSED\n\n"
    "// Those that no other header includes; docs/headers.md lists all.\n"
    + "".join(f"#include <quipu/{h}>\n" for h in listed)
    + "\n#endif\n"
)
umbrella = include / "quipu.hpp"
if "--check" in sys.argv[1:]:
    if not umbrella.exists() or umbrella.read_text() != text:
        sys.exit("include/quipu/quipu.hpp does not list the headers on disk: run scripts/update_umbrella.py")
else:
    umbrella.write_text(text)
