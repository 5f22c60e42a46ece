#!/usr/bin/env python3
"""Installs quipu and builds a program of somebody else with it, in every way that the documentation promises.

    check_install.py BUILD_DIR SOURCE_DIR WORK_DIR CMAKE C++ VERSION
"""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import subprocess
import sys

build, source, work = (pathlib.Path(p) for p in sys.argv[1:4])
cmake, compiler, version = sys.argv[4:7]
consumer = pathlib.Path(__file__).resolve().parent
expected = "quipu " + ".".join(version.split(".")[:2]) + ", ids 2 1 0"


def run(*command, ok=True, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if (done.returncode == 0) != ok:
        print(done.stdout, done.stderr, sep="\n")
        sys.exit(f"check_install: {'failed' if ok else 'should have failed'}: {' '.join(map(str, command))}")
    return done.stdout + done.stderr


def require(holds, what):
    if not holds:
        sys.exit(f"check_install: this is not so: {what}")
    print("check_install:", what)


def consume(via, prefix, expect=expected, **defines):
    folder = work / via
    settings = [f"-DQUIPU_VIA={via}", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}"]
    settings += [f"-D{name}={value}" for name, value in defines.items()]
    configured = run(cmake, "-G", "Ninja", "-S", consumer, "-B", folder, *settings)
    run(cmake, "--build", folder)
    require(expect in run(folder / "consumer", cwd=folder), f"a program builds and runs by way of '{via}'")
    return configured


shutil.rmtree(work, ignore_errors=True)
installed, prefix = work / "installed", work / "moved elsewhere"
run(cmake, "--install", build, "--prefix", installed)
installed.rename(prefix)  # nothing may remember where it was installed
headers = {p.relative_to(prefix / "include") for p in (prefix / "include").rglob("*.?pp")}
sources = {p.relative_to(source / "include") for p in (source / "include").rglob("*.?pp")}
require(headers <= sources and pathlib.Path("quipu/quipu.hpp") in headers, "headers are installed where they belong")
package = next(prefix.rglob("quipuConfig.cmake")).parent
components = {p.stem for p in package.glob("quipu_*.cmake")} - {"quipu_compiled"}
if {"quipu_core", "quipu_utf8proc", "quipu_sqlite", "quipu_hnswlib"} <= components:
    require(headers == sources, "with all components every header is installed")
for path in package.glob("*.cmake"):
    require(str(source) not in path.read_text() and str(build) not in path.read_text(),
            f"{path.name} names no folder of the build")

consume("package", prefix, QUIPU_WANTED_VERSION=version)
if "quipu_sqlite" in components:
    consume("sqlite", prefix, expected + ", notes 0")
if os.environ.get("QUIPU_FULL"):  # it compiles the whole library, as our own programs do anyway
    consume("compiled", prefix, expected + ", no model", CMAKE_BUILD_TYPE="Debug")
hint = "quipu: no CMAKE_BUILD_TYPE is set"
require(hint in consume("everything", prefix), "a build without a type is told what it costs")
require(hint in consume("subdirectory", prefix, QUIPU_SOURCE=source), "so is one that has the sources")
require(hint not in consume("fetched", prefix, expected + ", no model", QUIPU_SOURCE=source, CMAKE_BUILD_TYPE="Release"),
        "one with a type is not, and its own warnings at -O3 find nothing in the library")

refused = run(cmake, "-G", "Ninja", "-S", consumer, "-B", work / "missing", "-DQUIPU_VIA=missing",
              f"-DCMAKE_PREFIX_PATH={prefix}", ok=False)
require("teleport" in refused, "a component that was not installed is refused by name")
refused = run(cmake, "-G", "Ninja", "-S", consumer, "-B", work / "newer", "-DQUIPU_VIA=package",
              "-DQUIPU_WANTED_VERSION=99.0", f"-DCMAKE_PREFIX_PATH={prefix}", ok=False)
require("99.0" in refused, "a version that is not there is refused")

moved = prefix.rename(work / "moved")  # without spaces, at which pkg-config's flags are split below
env = dict(os.environ, PKG_CONFIG_PATH=str(next(moved.rglob("quipu.pc")).parent))
require(run("pkg-config", "--modversion", "quipu", env=env).strip() == version, "pkg-config knows the version")
pkg_config_packages = {p.stem for p in moved.rglob("quipu*.pc")}
require(pkg_config_packages == {"quipu"} | {name.replace("_", "-") for name in components}, "pkg-config has a package a component")


def by_pkg_config(package, expect, *options):
    flags = run("pkg-config", "--cflags", "--libs", package, env=env).split()
    run(compiler, "-std=c++20", *options, consumer / "main.cpp", *flags, "-o", work / "by_pkg_config")
    require(expect in run(work / "by_pkg_config"), f"a program builds and runs by way of pkg-config's {package}")


by_pkg_config("quipu-core", expected)
if "quipu_sqlite" in components:
    by_pkg_config("quipu", expected + ", notes 0", "-DWITH_SQLITE")
shutil.rmtree(work)
