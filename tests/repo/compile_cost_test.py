#!/usr/bin/env python3
"""scripts/compile_cost counts what a header pulls in, and sees growth, new headers and lost ones."""
# SPDX-License-Identifier: Apache-2.0
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/compile_cost"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("compile_cost", str(SCRIPT))
compile_cost = importlib.util.module_from_spec(importlib.util.spec_from_loader("compile_cost", loader))
loader.exec_module(compile_cost)


class CompileCost(unittest.TestCase):
    def test_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            include = pathlib.Path(folder).resolve() / "include"
            (include / "quipu").mkdir(parents=True)
            (include / "quipu/a.hpp").write_text("#pragma once\n// a comment\nint a;\nint b;\n\n")
            (include / "quipu/b.hpp").write_text("#pragma once\n#include <cstddef>\n#include <quipu/a.hpp>\nint c;\n")
            now = compile_cost.costs(include)
            self.assertEqual((2, 1), now["a.hpp"][:2])
            self.assertEqual((3, 2), now["b.hpp"][:2])
            self.assertGreater(now["b.hpp"][2], now["a.hpp"][2] + 10)
            table = pathlib.Path(folder) / "table.txt"
            table.write_text(compile_cost.written(now))
            self.assertEqual(now, compile_cost.read(table))

    def test_growth(self):
        before = {"a.hpp": (1000, 10, 50000, 100), "gone.hpp": (1, 1, 0, 0)}
        found = list(compile_cost.grown({"a.hpp": (1201, 15, 72501, 900), "new.hpp": (1, 1, 0, 0)}, before))
        self.assertEqual(5, len(found), found)
        for part in ("own_lines 1201", "own_headers 15", "library_lines 72501", "new.hpp is not in the table", "gone.hpp is in the table"):
            self.assertTrue(any(part in one for one in found), found)
        self.assertEqual([], list(compile_cost.grown({"a.hpp": (1199, 13, 72000, 900), "gone.hpp": (1, 1, 0, 0)}, before)))


if __name__ == "__main__":
    unittest.main()
