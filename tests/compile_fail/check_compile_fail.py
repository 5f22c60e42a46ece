#!/usr/bin/env python3
"""Every source here must fail to compile, with the sentence of its first line ('// says: ...') among the errors.

    check_compile_fail.py COMPILER INCLUDE_FOLDER...
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import subprocess
import sys

compiler, *folders = sys.argv[1:]
failures = 0
for source in sorted(pathlib.Path(__file__).parent.glob("*.cpp")):
    wanted = source.read_text().splitlines()[0].removeprefix("// says: ")
    # The plain sentence must come among the first errors, not behind pages of others.
    run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", *(f"-I{folder}" for folder in folders), str(source)],
                         capture_output=True, text=True)
    errors = [line for line in run.stderr.splitlines() if re.search(r"\berror: ", line)]
    if run.returncode == 0:
        failures += 1
        print(f"{source.name}: compiles, but should not")
    elif not any(wanted in line for line in errors[:3]):
        failures += 1
        print(f"{source.name}: '{wanted}' is not among the first three errors:\n" + "\n".join(errors[:10]))
    else:
        print(f"{source.name}: {wanted}")
sys.exit(failures != 0)
