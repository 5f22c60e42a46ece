#!/usr/bin/env python3
"""No header writes or reads numbers with the program's locale; core/number_text.hpp and std::from_chars do without."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCALE = re.compile(r"stringstream|\bstd::(?:sto[dfil]\w*|stoul+|strto\w+|ato[fil]l?|regex|put_money|put_time|locale)\b"
                    r"|#include <(?:sstream|iomanip|regex|locale)>|\bprintf\(|%[-+ #0'*.\d]*[aefgAEFG]\\?\"|std::setprecision|\bstd::format\b")
# to_string of whole numbers knows no locale; of reals it does. Nothing but whole numbers may be given to it.
REAL = re.compile(r"to_string\([^;]*\b(?:double|float)\b")
# What may stay, and why: file -> part of the line.
REASONS = {
    "io/gguf.ipp": "-%05zu-of-%05zu.gguf",  # whole numbers without the flag ' take no grouping
    "text/jinja/formatting.hpp": "a number for %f",  # a message
}


def faults(text, name=""):
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        if (LOCALE.search(code) or REAL.search(code)) and REASONS.get(name, "\0") not in line:
            yield f"{name}:{number}: {line.strip()}"


def main():
    wrong = ["std::ostringstream text;", "x = std::stod(word);", "std::strtod(p, nullptr)", 'std::snprintf(b, n, "%.6g", v);',
             'format(b, "%f")', "std::to_string(double(x))", "#include <sstream>"]
    missed = [w for w in wrong if not list(faults(w))]
    found = [f for p in sorted((ROOT / "include/quipu").rglob("*.[hi]pp")) for f in faults(p.read_text(), p.relative_to(ROOT / "include/quipu").as_posix())]
    for one in found:
        print(f"numbers_test: {one}")
    for one in missed:
        print(f"numbers_test: this would not be seen: {one}")
    print(f"numbers_test: {len(found)} places with the program's locale")
    return bool(found or missed)


sys.exit(main())
