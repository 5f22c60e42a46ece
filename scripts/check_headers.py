#!/usr/bin/env python3
"""Compiles every header alone, with g++ and clang++: each must include what it uses and raise no warning.

    scripts/check_headers.py [--compiler C++]... [HEADER...]     (default: g++ and clang++, all headers)

A compiler that is not installed is an error when it was asked for, and is left out with a word otherwise.
clang++ finds the standard library and nlohmann/json precompiled, which saves most of its time: what a
header forgets to include from there shows under g++, which reads the same files.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror"]
PACKAGES = ["eigen3", "xtensor", "libpcre2-8"]  # pkg-config's names of libraries with folders of their own


def package_flags():
    """Include folders of the libraries, as system folders: their warnings are not ours."""
    found = subprocess.run(["pkg-config", "--cflags-only-I", *PACKAGES], capture_output=True, text=True)
    return [flag.replace("-I", "-isystem", 1) for flag in found.stdout.split()]


def precompiled(compiler, flags, folder):
    """Options that give clang++ what our headers include from the standard library, read once; [] for others."""
    if "clang" not in pathlib.Path(compiler).name:
        return []
    names = {name for path in INCLUDE.rglob("*.hpp") for name in re.findall(r"#include <([a-z_]+|nlohmann/json.hpp)>", path.read_text())}
    source = "".join(f"#include <{name}>\n" for name in sorted(names))
    target = str(pathlib.Path(folder) / f"{pathlib.Path(compiler).name}.pch")
    subprocess.run([compiler, *flags, *FLAGS, "-fpch-instantiate-templates", "-x", "c++-header", "-", "-o", target], input=source, text=True, check=True)
    return ["-include-pch", target]


def compile_alone(compiler, header, flags):
    """The compiler's complaint about a source that only includes `header` (twice), or ''."""
    source = f"#include <quipu/{header}>\n" * 2
    run = subprocess.run([compiler, "-I", str(INCLUDE), *flags, *FLAGS, "-fsyntax-only", "-x", "c++", "-"], input=source, capture_output=True, text=True)
    return run.stderr if run.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", action="append", help="default: g++ and clang++")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("headers", nargs="*", help="below include/quipu")
    args = parser.parse_args()

    compilers = args.compiler or ["g++", "clang++"]
    missing = [c for c in compilers if shutil.which(c) is None]
    if missing and (args.compiler or len(missing) == len(compilers)):
        sys.exit(f"check_headers: not installed: {', '.join(missing)}")
    for compiler in missing:
        print(f"check_headers: {compiler} is not installed and was left out")
    compilers = [c for c in compilers if c not in missing]

    root = INCLUDE / "quipu"
    headers = args.headers or sorted(str(p.relative_to(root)) for p in root.rglob("*.hpp"))
    if not headers:
        sys.exit(f"check_headers: no headers below {root}")
    packages = package_flags()
    failures = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        flags = {compiler: packages + precompiled(compiler, packages, folder) for compiler in compilers}
        jobs = [(compiler, header, flags[compiler]) for header in headers for compiler in compilers]
        for (compiler, header, _), complaint in zip(jobs, pool.map(lambda job: compile_alone(*job), jobs)):
            if complaint:
                failures += 1
                print(f"check_headers: {header} does not compile alone with {compiler}:\n{complaint[:3000]}")
    if failures:
        sys.exit(1)
    print(f"check_headers: {len(headers)} headers compile alone with {' and '.join(compilers)}")


if __name__ == "__main__":
    main()
