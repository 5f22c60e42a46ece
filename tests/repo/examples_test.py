#!/usr/bin/env python3
"""The example programs, one after the other, on a tiny model that the first of them makes.

    examples_test.py FOLDER_OF_EXAMPLES
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = pathlib.Path(sys.argv.pop()).resolve()
SENTENCE = "the quick brown fox jumps over the lazy dog. "


def tokenizer_bin():
    """llama2.c's vocabulary: three special tokens, 256 bytes, and the letters of the sentence."""
    tokens = ["<unk>", "\n<s>\n", "\n</s>\n"] + [f"<0x{b:02X}>" for b in range(256)] + sorted(set(SENTENCE))
    packed = b"".join(struct.pack("<fI", 0.0, len(t.encode())) + t.encode() for t in tokens)
    return struct.pack("<I", max(map(len, tokens))) + packed, len(tokens)


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        vocabulary, n_vocab = tokenizer_bin()
        (cls.folder / "tok.bin").write_bytes(vocabulary)
        (cls.folder / "text.txt").write_text(SENTENCE * 200)
        cls.trained = cls.run_program("04_pretrain_tiny", "--vocabulary", "tok.bin", "--text", "text.txt", "--out", "run", "--vocab", n_vocab,
                                      "--d-model", 64, "--layers", 2, "--heads", 4, "--kv-heads", 2, "--d-ffn", 128, "--ctx", 128,
                                      "--steps", 120, "--batch", 8, "--learning-rate", 0.01, "--prompt", SENTENCE[:10])

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def run_program(cls, name, *options, status=0, **more):
        run = subprocess.run([str(PROGRAMS / name), *map(str, options)], capture_output=True, text=True, cwd=cls.folder, timeout=240, **more)
        if run.returncode != status:
            raise AssertionError(f"{name} ended with {run.returncode}:\n{run.stdout[-1000:]}\n{run.stderr[-2000:]}")
        return run.stdout

    def generate(self, model, *options):
        return self.run_program("01_generate", "--model", model, "--completion", "--prompt", "the quick", "--max-tokens", 30, *options)

    def test_04_pretrain_tiny_learns_the_sentence(self):
        self.assertIn(SENTENCE[:40], self.trained)

    def test_01_generate_goes_on_with_it_from_every_format(self):
        wanted = SENTENCE[9:39]
        self.assertIn(wanted[:25], self.generate("run/model.gguf"))
        self.assertIn(wanted[:25], self.generate("run/model.bin", "--tokenizer", "tok.bin"))
        self.assertIn(wanted[:25], self.generate("run/hf", "--tokenizer", "tok.bin"))
        self.assertEqual(self.generate("run/model.gguf", "--threads", 1), self.generate("run/model.gguf", "--threads", 3))

    def test_01_generate_says_what_is_wrong(self):
        run = subprocess.run([str(PROGRAMS / "01_generate"), "--model", "no.gguf"], capture_output=True, text=True, cwd=self.folder)
        self.assertNotEqual(0, run.returncode)
        self.assertIn("no.gguf", run.stderr)

    def test_02_perplexity_is_low_on_what_was_learnt(self):
        (self.folder / "other.txt").write_text("zq xw vj kp " * 40)
        values = [float(re.match(r"perplexity ([0-9.e+]+) over (\d+) tokens", self.run_program(
            "02_perplexity", "--model", "run/model.gguf", "--file", name, "--window", 64, "--stride", 32))[1]) for name in ("text.txt", "other.txt")]
        self.assertLess(values[0], 1.2)
        self.assertGreater(values[1], 10)

    def test_03_finetune_teaches_another_answer(self):
        pairs = [{"prompt": f"say {word}", "answer": "dog fox"} for word in ("over", "the", "lazy", "quick")]
        (self.folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        said = self.run_program("03_finetune", "--model", "run/model.gguf", "--data", "pairs.jsonl", "--out", "tuned", "--plain", "--full",
                                "--epochs", 40, "--batch", 4, "--learning-rate", 0.003, "--ask", "say over")
        self.assertIn("dog fox", said)

    def test_07_eren_keeps_notes(self):
        commands = "/add The fox is brown.\n/add The dog is lazy.\n/notes\n/edit 2 The dog is quick.\n/history 2\n/del 1\n/undo\n/quit\n"
        said = self.run_program("07_eren", "--model", "run/model.gguf", "--notes", "notes.db", input=commands)
        for part in ("noted as 1", "noted as 2", "The fox is brown.", "changed", "The dog is quick.", "erased", "2 notes"):
            self.assertIn(part, said)
        self.assertIn("The dog is quick.", self.run_program("07_eren", "--model", "run/model.gguf", "--notes", "notes.db", input="/notes\n/quit\n"))

    def test_all_explain_themselves(self):
        for program in sorted(p for p in PROGRAMS.iterdir() if re.match(r"\d\d_", p.name) and p.is_file() and os.access(p, os.X_OK)):
            self.assertIn("--help", self.run_program(program.name, "--help"))
            refused = subprocess.run([str(program), "--no-such-option"], capture_output=True, text=True)
            self.assertNotEqual(0, refused.returncode, program.name)
            self.assertIn("--", refused.stdout + refused.stderr)


if __name__ == "__main__":
    unittest.main()
