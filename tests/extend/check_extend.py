#!/usr/bin/env python3
"""Policies of a user's own are small, include what docs/concepts.md names for their role alone, and work with the
installed library.

    check_extend.py BUILD_DIR WORK_DIR CMAKE C++
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import shutil
import subprocess
import sys

build, work = (pathlib.Path(p) for p in sys.argv[1:3])
cmake, compiler = sys.argv[3:5]
here = pathlib.Path(__file__).resolve().parent
LONGEST = 80

# A user's file, and the rows of docs/concepts.md that it stands for.
ROLES = {
    "ffn_kernel.hpp": ["ffn::ffn_kernel"],
    "pet_kind.hpp": ["pet::pet_module", "pet::peft_policy"],
    "retriever.hpp": ["notes::note_retriever"],
    "schedule.hpp": ["schedule::schedule_policy"],
    "storage.hpp": ["llama::storage_policy", "llama::type_choosing_storage"],
    "gate_feature.hpp": ["eren::gate_feature_on"],
    "note_store.hpp": ["notes::note_store"],
    "sampler_step.hpp": ["sampling step"],
}


def named_headers(concepts, row):
    lines = [line for line in concepts.splitlines() if line.startswith("|") and row in line.split("|")[1]]
    if len(lines) != 1:
        sys.exit(f"check_extend: docs/concepts.md has {len(lines)} rows for {row}")
    return set(re.findall(r"[\w/]+\.hpp", lines[0].split("|")[2]))


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr, sep="\n")
        sys.exit(f"check_extend: failed: {' '.join(map(str, command))}")
    return done.stdout


concepts = (here.parents[1] / "docs" / "concepts.md").read_text()
failures = 0
print(f"{'role':<34} {'lines':>5} files")
for name, rows in ROLES.items():
    text = (here / name).read_text()
    allowed = set().union(*(named_headers(concepts, row) for row in rows))
    included = set(re.findall(r"#include <quipu/([^>]+)>", text))
    n_line = len(text.splitlines())
    print(f"{rows[-1]:<34} {n_line:>5}     1")
    if n_line > LONGEST:
        failures += 1
        print(f"check_extend: {name} has {n_line} lines, more than {LONGEST}")
    for header in sorted(included - allowed):
        failures += 1
        print(f"check_extend: {name} includes {header}, which its row in docs/concepts.md does not name")
    if re.search(r'#include "', text):
        failures += 1
        print(f"check_extend: {name} is not one file")
if failures:
    sys.exit(1)

shutil.rmtree(work, ignore_errors=True)
run(cmake, "--install", build, "--prefix", work / "installed")
run(cmake, "-G", "Ninja", "-S", here, "-B", work / "build", f"-DCMAKE_PREFIX_PATH={work / 'installed'}",
    f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0")
run(cmake, "--build", work / "build")
print(run(work / "build" / "extend"), end="")
shutil.rmtree(work)
