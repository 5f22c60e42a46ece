#!/usr/bin/env python3
"""Compiles every header alone, with g++ and clang++: each must include what it uses and raise no warning.

    scripts/check_headers.py [--compiler C++]... [HEADER...]     (default: g++ and clang++, all headers)

A compiler that is not installed is an error when it was asked for, and is left out with a word otherwise.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-"]
PACKAGES = ["eigen3", "xtensor", "libpcre2-8"]  # pkg-config's names of libraries with folders of their own


def package_flags():
    """Include folders of the libraries, as system folders: their warnings are not ours."""
    found = subprocess.run(["pkg-config", "--cflags-only-I", *PACKAGES], capture_output=True, text=True)
    return [flag.replace("-I", "-isystem", 1) for flag in found.stdout.split()]


def compile_alone(compiler, header, flags):
    """The compiler's complaint about a source that only includes `header` (twice), or ''."""
    source = f"#include <quipu/{header}>\n" * 2
    run = subprocess.run([compiler, "-I", str(INCLUDE), *flags, *FLAGS], input=source, capture_output=True, text=True)
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
    flags = package_flags()
    jobs = [(compiler, header) for header in headers for compiler in compilers]
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for (compiler, header), complaint in zip(jobs, pool.map(lambda job: compile_alone(*job, flags), jobs)):
            if complaint:
                failures += 1
                print(f"check_headers: {header} does not compile alone with {compiler}:\n{complaint[:3000]}")
    if failures:
        sys.exit(1)
    print(f"check_headers: {len(headers)} headers compile alone with {' and '.join(compilers)}")


if __name__ == "__main__":
    main()
