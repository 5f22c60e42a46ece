#!/usr/bin/env python3
"""Every source here must fail to compile, with the sentence of its first line ('// says: ...') among the first errors, and must
compile with -DCONTROL, which mends the one fault. Every ladder of the library (a function explain...) has a source here.

    check_compile_fail.py COMPILER INCLUDE_FOLDER...
"""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

compiler, *folders = sys.argv[1:]
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include" / "quipu"
sources = sorted(HERE.glob("*.cpp"))


def says(source):
    return source.read_text().splitlines()[0].removeprefix("// says: ")


def compile_text(text, *options):
    return subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-DQUIPU_COMPILED", *options, *(f"-I{folder}" for folder in folders), "-x", "c++", "-"],
                          input=text, capture_output=True, text=True)


def failure(source):
    """What is wrong with a source, or None."""
    faulty = compile_text(source.read_text(), "-fmax-errors=10" if "clang" not in compiler else "-ferror-limit=10")
    errors = [line for line in faulty.stderr.splitlines() if re.search(r"\berror: ", line)]
    if faulty.returncode == 0:
        return "compiles, but should not"
    if "CONTROL" not in source.read_text():
        return "has no twin that compiles: mend its fault where CONTROL is defined"
    if not any(says(source) in line for line in errors[:3]):  # not after pages of others
        return f"'{says(source)}' is not among the first three errors:\n" + "\n".join(errors[:10])
    return None


def controls():
    """What the compiler says of all twins, in one unit that reads the library once: nothing, if all is well."""
    head, bodies = [], []
    for number, source in enumerate(sources):
        lines = source.read_text().splitlines()
        head += [line for line in lines if line.startswith("#include")]
        bodies += [f"namespace case_{number} {{", f'#line 1 "{source.name}"']
        bodies += ["" if line.startswith("#include") else line for line in lines] + ["}"]
    run = compile_text("\n".join([*dict.fromkeys(head), *bodies, ""]), "-DCONTROL")
    return "" if run.returncode == 0 else run.stderr[:4000]


def ladders():
    """Each ladder, and the roles that it speaks of: what stands before the colon of its sentences."""
    for header in sorted(INCLUDE.rglob("*.hpp")):
        for name, body in re.findall(r"^consteval void (explain\w*)\(\) \{\n(.*?)^\}", header.read_text(), re.M | re.S):
            yield f"{header.relative_to(INCLUDE)}: {name}", re.findall(r'"(\w+: [^"]+)"', body)


failures = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    twins = pool.submit(controls)
    for source, problem in zip(sources, pool.map(failure, sources)):
        failures += problem is not None
        print(f"{source.name}: {problem or says(source)}")
if twins.result():
    failures += 1
    print(f"with -DCONTROL not all compile:\n{twins.result()}")
for ladder, sentences in ladders():
    if not any(sentence.startswith(says(source)) or says(source).startswith(sentence) for source in sources for sentence in sentences):
        failures += 1
        print(f"{ladder}: no source here fails with one of its sentences")
sys.exit(failures != 0)
