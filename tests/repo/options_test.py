#!/usr/bin/env python3
"""Every combination of the build's options configures; what cannot be is refused by name.

    options_test.py CMAKE C++ WORK_DIR
"""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPTIONS = ["QUIPU_TESTS", "QUIPU_EXAMPLES", "QUIPU_BENCHMARKS", "QUIPU_INSTALL"]
cmake, gcc, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
failures = 0


def configure(folder, compiler, *settings):
    return subprocess.run([cmake, "-G", "Ninja", "-S", str(ROOT), "-B", str(folder), f"-DCMAKE_CXX_COMPILER={compiler}",
                           "-DQUIPU_SHARED=none", *settings], capture_output=True, text=True)


def check(holds, what, said=""):
    global failures
    if not holds:
        failures += 1
        print(f"options_test: this is not so: {what}\n{said[-2000:]}")


def all_combinations(compiler, fuzz):
    """Each in a folder of its own, so that no option is remembered from another; only what cmake learnt of the compiler is."""
    first = work / f"fuzz_{fuzz}"
    run = configure(first, compiler, *(f"-D{o}=OFF" for o in OPTIONS), f"-DQUIPU_FUZZ={fuzz}")
    check(run.returncode == 0, f"QUIPU_FUZZ={fuzz} alone configures", run.stderr)
    known = next((p.parent for p in (first / "CMakeFiles").glob("*/CMakeCXXCompiler.cmake")), None)
    tried = [f"-D{name}={value}" for name, value in
             re.findall(r"^(CMAKE_HAVE_LIBC_PTHREAD|arch_native_supported):INTERNAL=(\w*)", (first / "CMakeCache.txt").read_text(), re.M)]

    def one(values):
        settings = [f"-D{o}={v}" for o, v in zip(OPTIONS, values)] + [f"-DQUIPU_FUZZ={fuzz}"]
        folder = work / ("fuzz_" + fuzz + "_" + "_".join(values))
        if known:
            shutil.copytree(known, folder / "CMakeFiles" / known.name)
        run = configure(folder, compiler, *settings, *tried)
        shutil.rmtree(folder, ignore_errors=True)
        return run, " ".join(settings)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for run, name in pool.map(one, itertools.product(("ON", "OFF"), repeat=len(OPTIONS))):
            check(run.returncode == 0 and "CMake Warning" not in run.stderr, f"{name} configures without a warning", run.stderr)
    return 2 ** len(OPTIONS)


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
count = all_combinations(gcc, "OFF")
if shutil.which("clang++"):
    count += all_combinations("clang++", "ON")
if "clang" not in subprocess.run([gcc, "--version"], capture_output=True, text=True).stdout:
    refused = configure(work / "gcc_fuzz", gcc, "-DQUIPU_FUZZ=ON", *(f"-D{o}=OFF" for o in OPTIONS))
    check(refused.returncode != 0 and "QUIPU_FUZZ needs clang" in refused.stderr, "QUIPU_FUZZ is refused with g++", refused.stderr)

plain = configure(work / "plain", gcc, *(f"-D{o}=OFF" for o in OPTIONS))
cache = (work / "plain/CMakeCache.txt").read_text()
check("CMAKE_BUILD_TYPE:STRING=Release" in cache, "our own programs are built for Release unless something else is asked for")
debug = configure(work / "debug", gcc, "-DCMAKE_BUILD_TYPE=Debug", *(f"-D{o}=OFF" for o in OPTIONS))
check("CMAKE_BUILD_TYPE:STRING=Debug" in (work / "debug/CMakeCache.txt").read_text(), "a build type that is asked for is kept", debug.stderr)

shutil.rmtree(work)
print(f"options_test: {count} combinations of options configure" if not failures else f"options_test: {failures} failures")
sys.exit(failures != 0)
