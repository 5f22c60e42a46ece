#!/usr/bin/env python3
"""scripts/check_tests.py finds headers that nothing tests, and lines of the list that are not so."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
sys.dont_write_bytecode = True
import check_tests  # noqa: E402

FILES = {
    "include/quipu/core/a.hpp": "", "include/quipu/core/b.hpp": "#include <quipu/core/a.hpp>\n", "include/quipu/io/c.hpp": "",
    "tests/core/b_test.cpp": "#include <quipu/core/b.hpp>\n#include <quipu/io/c.hpp>\n",
}


class CheckTests(unittest.TestCase):
    def problems(self, listed):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**FILES, "tests/tested_through.txt": listed}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return list(check_tests.tree(root).problems())

    def test_a_full_list(self):
        self.assertEqual([], self.problems("core/a.hpp core/b.hpp\nio/c.hpp - two constants\n"))

    def test_what_is_wrong(self):
        for listed, part in (("core/a.hpp core/b.hpp\n", "io/c.hpp: no test of its layer"),
                             ("core/a.hpp io/c.hpp\nio/c.hpp - x\n", "which does not include it"),
                             ("core/a.hpp\nio/c.hpp - x\n", "tested through nothing"),
                             ("core/a.hpp core/b.hpp\nio/c.hpp - x\ncore/b.hpp - x\n", "core/b.hpp has a test of its own"),
                             ("core/a.hpp core/b.hpp\nio/c.hpp - x\ncore/gone.hpp - x\n", "core/gone.hpp is on the list")):
            found = self.problems(listed)
            self.assertEqual(1, len(found), found)
            self.assertIn(part, found[0])


if __name__ == "__main__":
    unittest.main()
