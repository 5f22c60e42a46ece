#!/usr/bin/env python3
"""scripts/check_layers.py finds each kind of violation in small trees made for it."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402


class CheckLayers(unittest.TestCase):
    def violations(self, files):
        """files: header -> what it includes."""
        with tempfile.TemporaryDirectory() as folder:
            for header, includes in files.items():
                path = pathlib.Path(folder) / "quipu" / header
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("#pragma once\n" + "".join(f"#include {i}\n" for i in includes))
            return list(check_layers.check(pathlib.Path(folder)))

    def test_right_order_is_accepted(self):
        self.assertEqual([], self.violations({
            "core/error.hpp": ["<string>"], "text/utf8.hpp": ["<quipu/core/error.hpp>"],
            "io/gguf.hpp": ["<quipu/text/utf8.hpp>"], "llama/model.hpp": ["<quipu/io/gguf.hpp>"],
            "eren/editor.hpp": ["<quipu/llama/model.hpp>", "<quipu/report/table.hpp>"], "report/table.hpp": [],
            "quipu.hpp": ["<quipu/llama/model.hpp>"], "version.hpp": []}))

    def assert_found(self, part, files):
        found = self.violations(files)
        self.assertTrue(any(part in one for one in found), found)

    def test_upward_include(self):
        self.assert_found("llama lies above core", {"core/a.hpp": ["<quipu/llama/b.hpp>"], "llama/b.hpp": []})
        self.assert_found("llama lies above ffn", {"ffn/a.hpp": ["  <quipu/llama/b.hpp>"], "llama/b.hpp": []})
        self.assert_found("report lies above llama", {"llama/a.hpp": ["<quipu/report/b.hpp>"], "report/b.hpp": []})
        self.assert_found("io lies above report", {"report/a.hpp": ["<quipu/io/b.hpp>"], "io/b.hpp": []})

    def test_cycles(self):
        self.assert_found("cycle of headers: core/a.hpp -> core/b.hpp -> core/a.hpp",
                          {"core/a.hpp": ["<quipu/core/b.hpp>"], "core/b.hpp": ["<quipu/core/a.hpp>"]})
        self.assert_found("cycle of folders: io -> text -> io",
                          {"io/a.hpp": ["<quipu/text/b.hpp>"], "text/c.hpp": ["<quipu/io/d.hpp>"],
                           "text/b.hpp": [], "io/d.hpp": []})

    def test_wings(self):
        self.assertEqual([], self.violations({
            "eren/reading/prompt.hpp": [], "eren/gate/gate.hpp": ["<quipu/eren/reading/prompt.hpp>"],
            "eren/editor.hpp": ["<quipu/eren/gate/gate.hpp>"], "eren/study/score.hpp": ["<quipu/eren/editor.hpp>"],
            "eren/teach/examples.hpp": ["<quipu/eren/study/score.hpp>", "<quipu/eren/teach/other.hpp>"],
            "eren/teach/other.hpp": []}))
        self.assert_found("eren/gate lies above eren/reading", {
            "eren/reading/reader.hpp": ["<quipu/eren/gate/gate.hpp>"], "eren/gate/gate.hpp": []})
        self.assert_found("eren lies above eren/gate", {
            "eren/gate/gate.hpp": ["<quipu/eren/editor.hpp>"], "eren/editor.hpp": []})
        self.assert_found("eren/study lies above eren", {
            "eren/editor.hpp": ["<quipu/eren/study/score.hpp>"], "eren/study/score.hpp": []})
        self.assert_found("eren/teach lies above eren/study", {
            "eren/study/score.hpp": ["<quipu/eren/teach/examples.hpp>"], "eren/teach/examples.hpp": []})
        self.assert_found("eren/extra has no place in eren", {"eren/extra/a.hpp": []})

    def test_wrong_includes(self):
        self.assert_found("there is no such header", {"core/a.hpp": ["<quipu/core/gone.hpp>"]})
        self.assert_found("included by <quipu/...>", {"core/a.hpp": ['"b.hpp"'], "core/b.hpp": []})
        self.assert_found("no place in the layers", {"extra/a.hpp": []})
        self.assert_found("the umbrella is for users", {"core/a.hpp": ["<quipu/quipu.hpp>"], "quipu.hpp": []})
        self.assert_found("no headers", {})

    def test_implementation_files_count(self):
        self.assert_found("llama lies above linear", {"linear/a.ipp": ["<quipu/llama/b.hpp>"], "llama/b.hpp": []})


if __name__ == "__main__":
    unittest.main()
