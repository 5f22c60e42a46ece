#!/usr/bin/env python3
"""Compiles every header alone, with g++ and clang++: each must include what it uses and raise no warning.

    scripts/check_headers.py [--compiler C++]... [HEADER...]     (default: g++ and clang++, all headers)

A compiler that is not installed is an error when it was asked for, and is left out with a word otherwise.
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
PACKAGES = ["eigen3", "xtensor", "libpcre2-8", "libutf8proc"]  # pkg-config's names of libraries with folders of their own
WEIGHTS = {"Eigen": 40, "nlohmann": 40, "xtensor": 40, "immintrin.h": 20}  # by the folder; another library header is 3


def package_flags():
    """Include folders of the libraries, as system folders: their warnings are not ours."""
    found = subprocess.run(["pkg-config", "--cflags-only-I", *PACKAGES], capture_output=True, text=True)
    return [flag.replace("-I", "-isystem", 1) for flag in found.stdout.split()]


def closures(headers):
    """For each of our headers everything that it includes at whatever depth, itself and the library's headers too."""
    direct = {h: re.findall(r"#include <([^>]+)>", (INCLUDE / "quipu" / h).read_text()) for h in headers}
    for h in headers:  # an x.ipp is the second half of x.hpp
        half = INCLUDE / "quipu" / (h[: -len("hpp")] + "ipp")
        if half.exists():
            direct[h] += re.findall(r"#include <([^>]+)>", half.read_text())
    found = {}

    def closure(header):
        if header not in found:
            found[header] = {"quipu/" + header}  # found already in a cycle, which check_layers.py reports
            for name in direct[header]:
                inner = name.removeprefix("quipu/")
                found[header] |= closure(inner) if inner in direct else {name}
        return found[header]

    return {h: closure(h) for h in headers}


def weight(names):
    """About what it costs to read these headers; one of ours is 1."""
    return sum(1 if name.startswith("quipu/") else WEIGHTS.get(name.split("/")[0], 3) for name in names)


def best_bases(closure, count):
    """The headers that save most when they are precompiled for all headers that include them."""
    users = {base: [h for h in closure if h != base and "quipu/" + base in closure[h]] for base in closure}
    saved, chosen = dict.fromkeys(closure, 0), []
    while len(chosen) < count:
        chosen.append(max(sorted(closure), key=lambda base: sum(max(0, weight(closure[base]) - saved[h]) for h in users[base])))
        for h in users[chosen[-1]]:
            saved[h] = max(saved[h], weight(closure[chosen[-1]]))
    return chosen


class checker:
    """Compiles headers with one compiler. Each starts from the largest of `bases` that it includes anyway, precompiled:
    that hides nothing and saves half of the time. For clang++ the libraries' headers are below all of these: what a
    header forgets to include from there shows under g++, which reads the same files."""

    def __init__(self, compiler, closure, folder, flags, bases):
        self.compiler, self.closure, self.folder = compiler, closure, pathlib.Path(folder)
        self.options = [*flags, *FLAGS, "-I", str(INCLUDE)]
        self.clang = "clang" in pathlib.Path(compiler).name
        self.bases = set(bases)
        self.results = {}
        self.libraries = []
        if self.clang and bases:
            names = {name for names in closure.values() for name in names if re.match("[a-z_]+$|nlohmann|Eigen|xtensor|hnswlib|immintrin", name)}
            source = "".join(f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n" for name in sorted(names))
            self.precompile(source, "libraries").check_returncode()
            self.libraries = ["-include-pch", str(self.path("libraries")) + ".pch"]

    def precompile(self, source, name):
        path = self.path(name)
        path.write_text(source)
        form = ["-fpch-instantiate-templates", "-o", f"{path}.pch"] if self.clang else ["-o", f"{path}.gch"]
        return subprocess.run([self.compiler, *self.options, *self.libraries, *form, "-x", "c++-header", str(path)], capture_output=True, text=True)

    def base_of(self, header):
        if header in self.bases:
            return None
        below = [b for b in self.bases if "quipu/" + b in self.closure[header]]
        return max(sorted(below), key=lambda b: weight(self.closure[b]), default=None)

    def path(self, header):
        return self.folder / f"{pathlib.Path(self.compiler).name}-{header.replace('/', '-')}"

    def start(self, pool, header):
        """Bases must be started before the headers that use them, so a header waits only for what runs already."""
        if header not in self.results:
            base = self.base_of(header)
            if base:
                self.start(pool, base)
            self.results[header] = pool.submit(self.compile_alone, header, base)
        return self.results[header]

    def compile_alone(self, header, base):
        """The compiler's complaint about a source that only includes `header` (twice), or ''."""
        source = f"#include <quipu/{header}>\n" * 2
        if header in self.bases:
            run = self.precompile(source, header)
        else:
            start = self.libraries
            if base and not self.results[base].result():
                start = ["-include-pch", f"{self.path(base)}.pch"] if self.clang else ["-include", str(self.path(base)), "-Winvalid-pch"]
            run = subprocess.run([self.compiler, *self.options, *start, "-fsyntax-only", "-x", "c++", "-"], input=source, capture_output=True, text=True)
        return run.stderr if run.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", action="append", help="default: g++ and clang++")
    parser.add_argument("--compiled", action="store_true", help="as for a program that links quipu::compiled")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bases", type=int, default=24, help="headers that are precompiled for the others (default: 24)")
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
    closure = closures(sorted(str(p.relative_to(root)) for p in root.rglob("*.hpp")))
    if unknown := [h for h in headers if h not in closure]:
        sys.exit(f"check_headers: no such header: {', '.join(unknown)}")
    bases = best_bases(closure, args.bases) if len(headers) > args.bases else []
    failures = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        checkers = {c: checker(c, closure, folder, [*package_flags(), *(["-DQUIPU_COMPILED"] if args.compiled else [])], bases) for c in compilers}
        jobs = [(c, h, checkers[c].start(pool, h)) for c in compilers for h in headers]
        for compiler, header, job in jobs:
            if complaint := job.result():
                failures += 1
                print(f"check_headers: {header} does not compile alone with {compiler}:\n{complaint[:3000]}")
    if failures:
        sys.exit(1)
    print(f"check_headers: {len(headers)} headers compile alone with {' and '.join(compilers)}")


if __name__ == "__main__":
    main()
