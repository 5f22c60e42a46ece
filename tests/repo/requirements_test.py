#!/usr/bin/env python3
"""Builds that the library cannot serve end in one plain sentence, whichever header is included first."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import re
import subprocess
import unittest

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"
COMPILER = os.environ.get("CXX", "c++")
LACKING = {
    ("-std=c++17",): "quipu needs C++20: compile with -std=c++20",
    ("-std=c++20", "-ffast-math"): "compile without -ffast-math",
    ("-std=c++20", "-ffinite-math-only"): "compile without -ffast-math and -ffinite-math-only",
    ("-std=c++20", "-fno-exceptions"): "compile without -fno-exceptions",
}


def errors(source, *flags):
    run = subprocess.run([COMPILER, "-fsyntax-only", f"-I{INCLUDE}", "-isystem", "/usr/include/eigen3", *flags, "-x", "c++", "-"],
                         input=source, capture_output=True, text=True)
    return [line for line in run.stderr.splitlines() if "error: " in line], run.stderr


class Requirements(unittest.TestCase):
    def test_the_umbrella_gives_one_error(self):
        for flags, sentence in LACKING.items():
            found, said = errors("#include <quipu/quipu.hpp>\n", *flags)
            self.assertEqual(1, len(found), said[:2000])
            self.assertIn(sentence, found[0])
            self.assertLess(len(said.splitlines()), 8, said)

    def test_a_header_alone_stops_the_compiler_at_once(self):
        for header in ("llama/load.hpp", "text/utf8.hpp", "eren/editor.hpp"):
            for flags, sentence in LACKING.items():
                found, said = errors(f"#include <quipu/{header}>\nint main() {{ return quipu::no::such::thing; }}\n", *flags)
                self.assertIn(sentence, found[0])
                self.assertEqual(["fatal error: "], [re.search(r"fatal error: ", line).group() for line in found[1:]], said[:2000])

    def test_what_is_wanted_is_accepted(self):
        for flags in (("-std=c++20",), ("-std=gnu++20", "-O3", "-fno-math-errno", "-fno-rtti")):
            self.assertEqual([], errors("#include <quipu/core/requirements.hpp>\n#include <quipu/text/utf8.hpp>\n", *flags)[0])

    def test_every_header_reaches_the_requirements(self):
        includes = {p.relative_to(INCLUDE).as_posix(): re.findall(r"^#include <(quipu/[^>]+\.hpp)>", p.read_text(), re.M)
                    for p in INCLUDE.rglob("*.hpp")}
        lacking = [h for h, inner in includes.items() if not inner and h not in ("quipu/core/requirements.hpp", "quipu/version.hpp")]
        self.assertEqual([], lacking, "these include no header of the library: let them include core/requirements.hpp")


if __name__ == "__main__":
    unittest.main()
