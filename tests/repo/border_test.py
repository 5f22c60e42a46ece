#!/usr/bin/env python3
"""The border between models and pipelines (llama/language_model.hpp and what is written on it alone) pulls in no kernel."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2] / "include"
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<(quipu/[^>]+)>", re.MULTILINE)
KERNELS = re.compile(r"quipu/(linear|ffn|pet)/|quipu/llama/(session|model|weights|forward|backward|kv_cache|attention)\b")


def reached(header):
    """All headers of the library that `header` pulls in."""
    done, todo = set(), [header]
    while todo:
        for other in INCLUDE.findall((ROOT / todo.pop()).read_text()):
            if other not in done:
                done.add(other)
                todo.append(other)
    return done


class Border(unittest.TestCase):
    def test_no_kernels(self):
        for name in ("language_model", "sequence_input", "sampler", "generate", "generate_together", "score",
                     "hooked_session"):
            with self.subTest(name):
                self.assertEqual([], sorted(h for h in reached(f"quipu/llama/{name}.hpp") if KERNELS.match(h)))

    def test_sessions_have_them(self):
        self.assertTrue(any(KERNELS.match(h) for h in reached("quipu/llama/session.hpp")))


if __name__ == "__main__":
    unittest.main()
