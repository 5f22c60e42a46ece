#!/usr/bin/env python3
"""The example programs, one after the other, on a tiny model that the first of them makes.

    examples_test.py FOLDER_OF_EXAMPLES
"""
# SPDX-License-Identifier: Apache-2.0
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

from shared_data import STRANGERS, note_missing_tool, note_skip

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
        self.assertIn(wanted[:25], self.generate("run/model.bin"))  # its vocabulary lies beside it
        self.assertIn(wanted[:25], self.generate("run/hf"))
        self.assertEqual(self.generate("run/model.gguf", "--threads", 1), self.generate("run/model.gguf", "--threads", 3))

    def test_01_generate_says_what_is_wrong(self):
        run = subprocess.run([str(PROGRAMS / "01_generate"), "--model", "no.gguf"], capture_output=True, text=True, cwd=self.folder)
        self.assertNotEqual(0, run.returncode)
        self.assertIn("no.gguf", run.stderr)

    def test_01_generate_takes_the_best_token_at_the_edges_of_its_options_or_says_what_it_wants(self):
        """The options that strangers reported, on this model: none may draw another token or be taken for another value."""
        jobs = [json.loads(path.read_text()) for path in STRANGERS.glob("*/input/job.json")] if STRANGERS.is_dir() else []
        lines = [line for job in jobs if job.get("program") == "01_generate" for line in job.get("options", [])]
        if not lines:
            self.assertFalse(note_skip("no shared data folder"), "data required")
            return
        best = self.generate("run/model.gguf")
        for line in lines:
            with self.subTest(line):
                option, value = line.split()
                number = float(value)
                warm = [] if option == "--temperature" else ["--temperature", "1"]
                run = subprocess.run([str(PROGRAMS / "01_generate"), "--model", "run/model.gguf", "--completion", "--prompt", "the quick",
                                      "--max-tokens", "30", *warm, option, value], capture_output=True, text=True, cwd=self.folder, timeout=240)
                if run.returncode:
                    self.assertIn(option.lstrip("-").replace("-", "_"), run.stderr.replace("-", "_"))
                    self.assertRegex(run.stderr, "expected .*, found")
                    self.assertTrue(math.isnan(number) or math.isinf(number) or number in (0, 2), "refused without need")
                elif (option == "--temperature" and number < 1e-9) or (option == "--top-p" and number == 0) or (option == "--top-k" and number == 1):
                    self.assertEqual(best, run.stdout)
                else:
                    self.assertFalse(math.isnan(number), "NaN was taken for a number")

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
        answer = self.run_program("01_generate", "--model", "tuned/model", "--completion", "--prompt", "say over\n", "--max-tokens", 9)
        self.assertIn("dog fox", answer)

    def tune(self, out, *options, status=0):
        """03_finetune with a recipe whose settings `options` may say otherwise, given last."""
        given = dict(zip(options[::2], options[1::2]))
        recipe = {"--model": "run/model.gguf", "--data": "tune.jsonl", "--epochs": 3, "--batch": 2, "--learning-rate": 0.01, "--rank": 2, "--alpha": 4,
                  "--dropout": 0.1, "--seed": 7, "--schedule": "cosine", "--warm-up": 0.25, "--threads": 1, "--pet": "lora", "--targets": "q_proj"}
        flags = [option for option in ("--resume", "--overwrite", "--trust-unrecorded", "--bf16") if option in given]
        line = [str(part) for option, value in {**recipe, **given}.items() if option not in flags for part in (option, value)]
        run = subprocess.run([str(PROGRAMS / "03_finetune"), "--plain", "--out", out, *line, *flags], capture_output=True, text=True,
                             cwd=self.folder, timeout=240)
        self.assertEqual(status, run.returncode, run.stderr[-2000:])
        return run.stderr

    def write_pairs(self, name="tune.jsonl", answer="dog fox"):
        words = ("over", "the", "lazy", "quick")
        (self.folder / name).write_text("".join(json.dumps({"prompt": f"say {w}", "answer": answer}) + "\n" for w in words))

    def test_03_finetune_resumes_the_run_that_it_was_and_no_other(self):
        self.write_pairs()
        self.write_pairs("other.jsonl", "fox dog")
        self.tune("kept")
        folder = self.folder / "kept"
        before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        other = bytearray((self.folder / "run/model.gguf").read_bytes())
        other[-1] ^= 1
        (self.folder / "other.gguf").write_bytes(other)
        changes = [("--model", "other.gguf", "base_model"), ("--data", "other.jsonl", "data"), ("--learning-rate", 0.02, "--learning-rate"),
                   ("--alpha", 8, "--alpha"), ("--rank", 4, "--rank"), ("--dropout", 0, "--dropout"), ("--batch", 1, "--batch"),
                   ("--schedule", "linear", "--schedule"), ("--warm-up", 0.5, "--warm-up"), ("--seed", 8, "--seed"), ("--pet", "dora", "--pet"),
                   ("--targets", "v_proj", "--targets"), ("--weight-decay", 0.5, "--weight-decay"), ("--bf16", "", "--bf16")]
        for option, value, name in changes:
            with self.subTest(option):
                self.assertRegex(self.tune("kept", "--resume", "", option, value, status=1), rf"found (.*; )?{name} ")
                self.assertEqual(before, {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()})
        said = self.tune("kept", status=1)
        self.assertIn("--resume", said)
        self.assertIn("--overwrite", said)
        self.assertIn("one of them", self.tune("kept", "--resume", "", "--overwrite", "", status=1))
        self.assertEqual(before, {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()})
        self.tune("kept", "--resume", "")
        for name in ("last.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
            self.assertEqual(before[folder / name], (folder / name).read_bytes())
        self.tune("kept", "--overwrite", "", "--seed", 8)
        self.assertNotEqual(before[folder / "last.safetensors"], (folder / "last.safetensors").read_bytes())

    def test_03_finetune_goes_on_with_an_earlier_version_only_on_trust(self):
        earlier = pathlib.Path(__file__).resolve().parents[1] / "earlier/finetune"
        shutil.copytree(earlier / "run", self.folder / "earlier")
        line = ["--model", earlier / "model.gguf", "--data", earlier / "pairs.jsonl", "--plain", "--rank", 2, "--targets", "q_proj", "v_proj", "--dropout", 0.1,
                "--epochs", 50, "--batch", 4, "--threads", 1, "--seed", 7, "--out", "earlier", "--resume"]
        refused = subprocess.run([str(PROGRAMS / "03_finetune"), *map(str, line)], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(1, refused.returncode)
        self.assertIn("--trust-unrecorded", refused.stderr)
        self.assertEqual((earlier / "run/last.safetensors").read_bytes(), (self.folder / "earlier/last.safetensors").read_bytes())
        self.run_program("03_finetune", *line, "--trust-unrecorded")
        self.assertEqual(100, len((self.folder / "earlier/log.jsonl").read_text().splitlines()))
        self.run_program("01_generate", "--model", earlier / "model.gguf", "--adapter", earlier / "adapter", "--completion", "a", "--max-tokens", 3)

    def test_three_trainings_on_one_folder_are_one(self):
        self.write_pairs()
        line = [str(PROGRAMS / "03_finetune"), "--model", "run/model.gguf", "--data", "tune.jsonl", "--plain", "--epochs", "60", "--batch", "1",
                "--threads", "1", "--out", "race"]
        runs = [subprocess.Popen(line, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        said = [run.communicate(timeout=240)[1] for run in runs]
        self.assertEqual([0, 1, 1], sorted(run.returncode for run in runs), said)
        for run, text in zip(runs, said):
            if run.returncode:
                self.assertTrue("another trainer" in text or "--resume" in text, text)

    def test_files_of_the_user_in_a_run_folder_stay(self):
        self.write_pairs()
        folder = self.folder / "mine"
        folder.mkdir()
        mine = {folder / name: f"{name} is mine" for name in ("essay.part-2", "last.safetensors.part-7-0", "lock", "notes.txt", "model.part-")}
        for path, text in mine.items():
            path.write_text(text)
        self.tune("mine")
        self.tune("mine", "--overwrite", "")
        self.assertEqual(mine, {path: path.read_text() for path in mine})
        (folder / "log.jsonl").write_text("a thesis without a line feed")
        for what in ("--resume", "--overwrite"):
            self.assertIn("log.jsonl", self.tune("mine", what, "", status=1))
        self.assertEqual("a thesis without a line feed", (folder / "log.jsonl").read_text())

    def test_outputs_that_cannot_be_made_are_refused(self):
        self.write_pairs()
        (self.folder / "in_the_way").write_text("mine")
        self.assertIn("in_the_way", self.tune("in_the_way/run", status=1))
        for out in ("in_the_way/m.gguf", "in_the_way/m.bin", "in_the_way/hf"):
            self.assertIn("in_the_way", self.convert("run/model.gguf", out, status=1))
        self.assertEqual("mine", (self.folder / "in_the_way").read_text())

    def test_a_full_disk_leaves_what_was_there(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], capture_output=True)
        if mounted.returncode:
            self.skipTest("no file system can be mounted here")
        try:
            (disk / "m.gguf").write_bytes(b"old")
            self.assertIn("No space left", self.convert("run/model.gguf", "disk/m.gguf", "--overwrite", "--type", "f32", status=1))
            self.assertEqual(["m.gguf"], [p.name for p in disk.iterdir()])
            self.assertEqual(b"old", (disk / "m.gguf").read_bytes())
            self.write_pairs()
            self.assertIn("No space left", self.tune("disk/run", "--rank", 64, "--targets", "down_proj", status=1))
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            self.assertIn("Read-only", self.convert("run/model.gguf", "disk/m.gguf", "--overwrite", status=1))
            self.assertIn("Read-only", self.tune("disk/other", status=1))
            self.assertEqual(b"old", (disk / "m.gguf").read_bytes())
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_links_and_permissions_of_outputs_stay(self):
        (self.folder / "far").mkdir()
        secret = self.folder / "far/secret.gguf"
        secret.write_bytes(b"old")
        secret.chmod(0o600)
        (self.folder / "near.gguf").symlink_to("far/secret.gguf")
        self.convert("run/model.gguf", "near.gguf", "--overwrite")
        self.assertTrue((self.folder / "near.gguf").is_symlink())
        self.assertEqual((self.folder / "run/model.gguf").read_bytes(), secret.read_bytes())
        self.assertEqual(0o600, secret.stat().st_mode & 0o777)
        piped = subprocess.run([str(PROGRAMS / "11_convert"), "--model", "run/model.gguf", "--out", "/dev/stdout", "--format", "gguf", "--overwrite"],
                               capture_output=True, cwd=self.folder)
        self.assertEqual((self.folder / "run/model.gguf").read_bytes(), piped.stdout, piped.stderr)

    def convert(self, model, out, *options, status=0):
        run = subprocess.run([str(PROGRAMS / "11_convert"), "--model", model, "--out", out, *map(str, options)], capture_output=True, text=True,
                             cwd=self.folder, timeout=240)
        self.assertEqual(status, run.returncode, run.stderr[-2000:])
        return run.stderr

    def test_11_convert_goes_from_every_form_to_every_form(self):
        forms = {"gguf": "run/model.gguf", "bin": "run/model.bin", "hf": "run/hf"}
        parts = {"gguf": [""], "bin": [""], "hf": ["/model.safetensors", "/tokenizer.json"]}
        for origin, model in forms.items():
            for first in forms:
                with self.subTest(f"{origin} to {first}"):
                    there = f"forms/{origin}/{first}" + ("" if first == "hf" else f".{first}")
                    self.convert(model, there)
                    for part in parts[first]:
                        self.assertEqual((self.folder / (forms[first] + part)).read_bytes(), (self.folder / (there + part)).read_bytes(), part)
                    self.assertIn(SENTENCE[9:34], self.generate(there))
                    for back in forms:
                        again = f"forms/{origin}/{first}-{back}/m" + ("" if back == "hf" else f".{back}")
                        self.convert(there, again)
                        for part in parts[back]:
                            self.assertEqual((self.folder / (forms[back] + part)).read_bytes(), (self.folder / (again + part)).read_bytes(), part)

    def test_11_convert_quantises(self):
        sizes = {}
        for kind in ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"):
            self.convert("run/model.gguf", f"types/{kind}.gguf", "--type", kind)
            self.convert(f"types/{kind}.gguf", f"types/{kind}.again.gguf")
            self.assertEqual((self.folder / f"types/{kind}.gguf").read_bytes(), (self.folder / f"types/{kind}.again.gguf").read_bytes())
            sizes[kind] = (self.folder / f"types/{kind}.gguf").stat().st_size
        self.assertIn(SENTENCE[9:34], self.generate("types/q8_0.gguf"))
        self.assertEqual(sorted(sizes.values()), [sizes[k] for k in ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "f16", "bf16", "f32")])
        self.convert("types/q8_0.gguf", "types/wide", "--type", "bf16")
        self.assertIn(SENTENCE[9:34], self.generate("types/wide"))

    def test_11_convert_merges_what_was_learned(self):
        (self.folder / "lora.jsonl").write_text("".join(json.dumps({"prompt": f"say {w}", "answer": "dog fox"}) + "\n" for w in ("over", "the", "lazy")))
        self.run_program("03_finetune", "--model", "run/model.gguf", "--data", "lora.jsonl", "--out", "lora", "--plain", "--epochs", 60, "--batch", 3,
                         "--learning-rate", 0.01)
        ask = ("--completion", "--prompt", "say over\n", "--max-tokens", 9)
        self.assertNotIn("dog fox", self.run_program("01_generate", "--model", "run/model.gguf", *ask))
        for model, out in (("run/model.gguf", "merged.gguf"), ("run/hf", "merged_hf"), ("run/model.bin", "merged/m.bin")):
            self.convert(model, out, "--adapter", "lora/adapter")
            self.assertIn("dog fox", self.run_program("01_generate", "--model", out, *ask))
        self.convert("run/model.gguf", "unmerged.gguf", "--adapter", "lora/adapter:0")
        self.assertEqual((self.folder / "run/model.gguf").read_bytes(), (self.folder / "unmerged.gguf").read_bytes())
        self.assertIn("a colon and a number", self.convert("run/model.gguf", "x.gguf", "--adapter", "lora/adapter:much", status=1))

    def test_an_adapter_writes_what_peft_writes_with_it(self):
        """01, 02 and 07 with --adapter beside transformers and PEFT: the greedy text, the perplexity and a chat's answer."""
        self.write_pairs("peft.jsonl")
        self.run_program("03_finetune", "--model", "run/model.gguf", "--data", "peft.jsonl", "--out", "peft", "--plain", "--epochs", 5, "--batch", 2,
                         "--learning-rate", 0.01, "--rank", 4)
        shutil.copytree(self.folder / "run/hf", self.folder / "peft_base")
        settings = self.folder / "peft_base/tokenizer_config.json"
        form = "{% for m in messages %}{{ m.role }} says {{ m.content }}. {% endfor %}{% if add_generation_prompt %}the{% endif %}"
        settings.write_text(json.dumps({**(json.loads(settings.read_text()) if settings.exists() else {}), "chat_template": form}))
        (self.folder / "peft.txt").write_text("say the lazy dog, quick")
        script = pathlib.Path(__file__).resolve().parents[1] / "interop/peft_text.py"
        run = subprocess.run([os.environ.get("QUIPU_PYTHON") or sys.executable, str(script), "peft_base", "peft/adapter", SENTENCE[:9], "24",
                              (self.folder / "peft.txt").read_text()], capture_output=True, text=True, cwd=self.folder)
        if run.returncode == 77:
            note_missing_tool("no PEFT (pip install torch transformers peft; QUIPU_PYTHON names the interpreter)")
            return
        self.assertEqual(0, run.returncode, run.stderr[-2000:])
        theirs = json.loads(run.stdout.splitlines()[-1])
        self.assertNotEqual(theirs["text"], theirs["plain"])
        self.assertGreater(theirs["margin"], 1e-3)
        ask = ("--prompt", SENTENCE[:9], "--completion", "--max-tokens", 24, "--adapter", "peft/adapter")
        for model in ("peft_base", "run/model.gguf"):
            self.assertEqual(theirs["text"].strip(), self.run_program("01_generate", "--model", model, *ask).strip())
        chat = ("--model", "peft_base", "--adapter", "peft/adapter", "--max-tokens", 24)
        self.assertEqual(theirs["answer"].strip(), self.run_program("01_generate", "--prompt", SENTENCE[:9], *chat).strip())
        self.assertIn(theirs["answer"].strip(), self.run_program("07_eren", "--notes", "peft.db", *chat, input=SENTENCE[:9] + "\n"))
        said = self.run_program("02_perplexity", "--model", "run/hf", "--file", "peft.txt", "--adapter", "peft/adapter")
        ours = float(re.match(r"perplexity ([0-9.e+]+)", said)[1])
        self.assertLess(abs(ours / theirs["perplexity"] - 1), 1e-4)

    def test_11_convert_says_what_is_wrong_and_keeps_what_is_there(self):
        self.convert("run/model.gguf", "converted.gguf")
        self.convert("run/model.gguf", "converted")
        for out, options, word in (("converted.gguf", (), "--overwrite"), ("converted", (), "--overwrite"), ("run/model.gguf", ("--overwrite",), "another place"),
                                   ("converted", ("--format", "gguf", "--overwrite"), "a file"), ("converted.gguf", ("--format", "hf", "--overwrite"), "a folder"),
                                   ("x.safetensors", (), "--format"), ("x.gguf", ("--type", "q4_k"), "Q5_1"), ("x", ("--type", "q8_0"), "BF16"),
                                   ("x/m.bin", ("--type", "f16"), "f32"), ("x.gguf", ("--format", "onnx"), "llama2c"),
                                   ("x/tokenizer.bin", (), "another name")):
            self.assertIn(word, self.convert("run/model.gguf", out, *options, status=1), (out, options))
        bare = self.folder / "bare"
        bare.mkdir()
        (bare / "m.bin").write_bytes((self.folder / "run/model.bin").read_bytes())
        self.assertIn("--tokenizer", self.convert("bare/m.bin", "x.gguf", status=1))
        self.assertFalse([p.name for p in self.folder.iterdir() if p.name.startswith("x.")])
        self.convert("bare/m.bin", "bare/weights.gguf", "--no-tokenizer")
        self.convert("bare/m.bin", "bare/whole.gguf", "--tokenizer", "tok.bin")
        self.assertEqual((self.folder / "run/model.gguf").read_bytes(), (bare / "whole.gguf").read_bytes())
        self.convert("run/model.gguf", "converted", "--overwrite")
        # A disk that takes no more than a part of the file: what was there stays, nothing is left beside it.
        before = {p: p.read_bytes() for p in [self.folder / "converted.gguf", *(self.folder / "converted").iterdir()]}
        for out in ("converted.gguf", "converted"):
            full = f"trap '' XFSZ; ulimit -f 40; exec '{PROGRAMS / '11_convert'}' --model types.gguf --out {out} --overwrite"
            self.convert("run/model.gguf", "types.gguf", "--type", "f16", "--overwrite")
            run = subprocess.run(["bash", "-c", full], capture_output=True, text=True, cwd=self.folder)
            self.assertEqual(1, run.returncode, run.stderr)
            self.assertIn("cannot write", run.stderr)
        self.assertEqual(before, {p: p.read_bytes() for p in [self.folder / "converted.gguf", *(self.folder / "converted").iterdir()]})
        self.assertFalse([p.name for p in self.folder.iterdir() if ".part-" in p.name])

    def test_05_prosparse_makes_a_sparse_model_from_a_recipe_and_again_from_its_report(self):
        lines = [" ".join(SENTENCE.split()[i % 9:] + SENTENCE.split()[:i % 9]) for i in range(300)]
        (self.folder / "lines.txt").write_text("\n".join(lines) + "\n")
        recipe = {"text": {"split": "single_lines", "validation": 0.1}, "steps": 24, "window": 32, "batch": 4, "learning_rate": 0.003, "warm_up": 3,
                  "lambda": {"kind": "stages", "ends": [4, 8, 16], "factors": [0, 0.5, 4]}, "validate_every": 8, "save_every": 4}
        (self.folder / "recipe.json").write_text(json.dumps(recipe))
        line = ["--model", "run/model.gguf", "--text", "lines.txt", "--threads", 2, "--ask", "the quick"]
        said = self.run_program("05_prosparse", *line, "--recipe", "recipe.json", "--out", "sparse")
        self.assertIn("became 'relu'", said)
        report = json.loads((self.folder / "sparse/report.json").read_text())
        self.assertLess(report["after"]["loss"], report["after_substitution"]["loss"])
        self.assertEqual(24, len((self.folder / "sparse/log.jsonl").read_text().splitlines()))
        layers = report["stages"]["Calibration"]["layers"]
        config = json.loads((self.folder / "sparse/model/config.json").read_text())
        self.assertEqual("fatrelu" if layers[0]["mean_threshold"] > 0 else "relu", config["hidden_act"])
        self.assertEqual(layers[0]["mean_threshold"], config.get("hidden_act_param", 0))
        self.assertTrue((self.folder / "sparse/model/predictor.safetensors").exists())
        self.run_program("05_prosparse", *line, "--recipe", "sparse/recipe.json", "--out", "sparse_again")
        self.assertEqual((self.folder / "sparse/model/model.safetensors").read_bytes(), (self.folder / "sparse_again/model/model.safetensors").read_bytes())
        for out, changed, word in (("sparse", {}, "--overwrite"), ("no", {"lamda": 1}, "lamda"), ("no", {"activation": "swoosh"}, "swoosh"),
                                   ("no", {"window": 10 ** 6}, "window"), ("text.txt/no", {}, "text.txt"),
                                   ("no", {"lambda": {"kind": "stages", "ends": [4, 4], "factors": [0, 1]}}, "more than 4")):
            (self.folder / "bad.json").write_text(json.dumps({**recipe, **changed}))
            run = subprocess.run([str(PROGRAMS / "05_prosparse"), *map(str, line), "--recipe", "bad.json", "--out", out], capture_output=True, text=True, cwd=self.folder)
            self.assertEqual(1, run.returncode, out)
            self.assertIn(word, run.stderr)
        self.assertFalse((self.folder / "no").exists())

    def write_tasks(self):
        """Three tasks of two classes, which single words tell apart."""
        words = {"animals": ("fox", "dog"), "moves": ("jumps", "lazy"), "looks": ("quick", "brown")}
        with open(self.folder / "tasks.jsonl", "w") as lines:
            for task, labels in words.items():
                for label in labels:
                    for i in range(12):
                        text = f"{'the' if i % 2 else 'a'} {label} {label if i % 3 else 'over'}"
                        lines.write(json.dumps({"task": task, "label": label, "text": text, "split": "test" if i % 4 == 3 else "train"}) + "\n")

    def conpet(self, *options, **more):
        return self.run_program("06_conpet", "--model", "run/model.gguf", "--threads", 2, *options, **more)

    def files_of(self, folder):
        """What a run leaves, without its times and caches."""
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*"))
                if p.is_file() and p.name not in ("log.jsonl", "output.lock", "lock") and "cache" not in p.parts}

    def test_06_conpet_learns_in_turn_and_a_stopped_run_ends_with_the_same_bytes(self):
        self.write_tasks()
        modes = {"dynamic": ["--mode", "dynamic"], "static": ["--mode", "static", "--method", "ewc"], "dark": ["--mode", "static", "--method", "der_plus_plus"],
                 "limitless": ["--mode", "limitless"]}
        for name, mode in modes.items():
            with self.subTest(name):
                shared = [*mode, "--stream", "tasks.jsonl", "--steps", 12, "--batch", 6, "--rank", 2]
                self.conpet(*shared, "--out", f"whole-{name}")
                for n_task in (1, 2):
                    self.conpet(*shared, "--out", f"parts-{name}", "--tasks", n_task, *(["--resume"] if n_task > 1 else []))
                self.conpet(*shared, "--out", f"parts-{name}", "--resume")
                whole, parts = self.files_of(self.folder / f"whole-{name}"), self.files_of(self.folder / f"parts-{name}")
                self.assertEqual(sorted(whole), sorted(parts))
                self.assertIn("seed-1/learner.json", whole)
                for path, data in whole.items():
                    self.assertEqual(data, parts[path], path)
                again = self.conpet(*shared, "--out", f"parts-{name}", "--resume")
                self.assertIn("| whole |", again)  # nothing left to learn: the table alone
                self.assertEqual(parts, self.files_of(self.folder / f"parts-{name}"))

    def test_06_conpet_answers_and_learns_more(self):
        self.write_tasks()
        more = [{"task": "sky", "label": label, "text": f"the {label} {i}"} for label in ("sun", "moon") for i in range(6)]
        (self.folder / "more.jsonl").write_text("".join(json.dumps(line) + "\n" for line in more))
        for mode in (["--mode", "dynamic"], ["--mode", "static", "--method", "crl"]):
            with self.subTest(mode[1]):
                out = f"asked-{mode[1]}"
                said = self.conpet(*mode, "--stream", "tasks.jsonl", "--steps", 25, "--batch", 6, "--rank", 4, "--learning-rate", 0.01, "--out", out)
                whole = float(re.search(r"3 looks: this task [\d.]+ %, all ([\d.]+) %", said)[1])
                self.assertGreater(whole, 50)  # of six classes
                answers = self.conpet("--out", out, "--predict", input="the fox fox\n\na lazy lazy\n").splitlines()
                self.assertEqual(2, len(answers))
                for answer in answers:
                    label, task, probability, module = answer.split("\t")
                    self.assertIn(label, ("fox", "dog", "jumps", "lazy", "quick", "brown"))
                    self.assertIn(task, ("animals", "moves", "looks"))
                    self.assertTrue(0 <= float(probability) <= 1)
                    self.assertTrue((self.folder / out / "seed-1" / module / "adapter_config.json").exists())
                self.assertIn("learned sky: 4 tasks, 8 classes", self.conpet("--out", out, "--add", "more.jsonl"))
                self.assertEqual(1, len(self.conpet("--out", out, "--predict", input="the sun 1\n").splitlines()))

    def test_06_conpet_repeats_orders_of_the_tasks(self):
        self.write_tasks()
        self.conpet("--mode", "sequential", "--stream", "tasks.jsonl", "--steps", 3, "--batch", 4, "--rank", 2, "--orders", 2, "--out", "orders")
        first, second = (json.loads((self.folder / "orders" / name / "learner.json").read_text()) for name in ("seed-1", "seed-1-order-1"))
        names = [[t["name"] for t in learner["tasks"]] for learner in (first, second)]
        self.assertEqual(sorted(names[0]), sorted(names[1]))
        self.assertNotEqual(names[0], names[1])
        self.assertEqual([0, 1], [row["order"] for row in json.loads((self.folder / "orders" / "results.json").read_text())["runs"]])

    def test_06_conpet_says_what_is_wrong_in_one_line(self):
        self.write_tasks()
        (self.folder / "twice.jsonl").write_text("".join(json.dumps({"task": task, "label": label, "text": f"{label} {i}"}) + "\n"
                                                         for task, label in (("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")) for i in range(3)))
        shared = ["--stream", "tasks.jsonl", "--steps", 2, "--batch", 4, "--rank", 2]
        self.conpet(*shared, "--mode", "joint", "--out", "joint")
        for options, words in (([*shared, "--mode", "nothing"], "limitless"),
                               ([*shared, "--method", "nothing", "--mode", "static"], "a_gem"),
                               ([*shared, "--method", "ewc"], "--mode static or sequential"),
                               ([*shared, "--method", "gem", "--mode", "static", "--strength", 2], "--strength"),
                               ([*shared, "--method", "gem", "--mode", "sequential"], "a replay strategy that keeps texts"),
                               ([*shared, "--mode", "static", "--replay", "reservoir"], "--memory"),
                               ([*shared, "--orders", 0], "--orders"),
                               (["--stream", "twice.jsonl", "--steps", 2, "--mode", "static"], "'x'"),
                               (["--stream", "nowhere.jsonl"], "nowhere.jsonl"),
                               (["--out", "joint", "--add", "tasks.jsonl"], "one task after another"),
                               ([*shared, "--mode", "joint", "--out", "joint"], "--resume"),
                               ([*shared, "--mode", "static", "--out", "joint", "--resume"], "settings.json"),
                               (["--out", "joint", "--show-logits", "animals"], "a dynamic learner"),
                               (["--predict", "--out", "nowhere"], "nowhere")):
            with self.subTest(words=words):
                run = subprocess.run([str(PROGRAMS / "06_conpet"), "--model", "run/model.gguf", *map(str, options)], capture_output=True, text=True,
                                     cwd=self.folder, input="", timeout=240)
                self.assertNotEqual(0, run.returncode)
                said = [line for line in run.stderr.split("\n") if line and not line.startswith("\r")]
                self.assertEqual(1, len(said), run.stderr)
                self.assertIn(words, said[0])

    def test_07_eren_keeps_notes(self):
        commands = "/add The fox is brown.\n/add The dog is lazy.\n/notes\n/edit 2 The dog is quick.\n/history 2\n/del 1\n/undo\n/quit\n"
        said = self.run_program("07_eren", "--model", "run/model.gguf", "--notes", "notes.db", input=commands)
        for part in ("noted as 1", "noted as 2", "The fox is brown.", "changed", "The dog is quick.", "erased", "2 notes"):
            self.assertIn(part, said)
        self.assertIn("The dog is quick.", self.run_program("07_eren", "--model", "run/model.gguf", "--notes", "notes.db", input="/notes\n/quit\n"))

    def test_output_to_a_full_device_is_a_failure(self):
        self.write_pairs()
        lines = {"01_generate": ["--model", "run/model.gguf", "--completion", "--prompt", "the", "--max-tokens", 5],
                 "02_perplexity": ["--model", "run/model.gguf", "--file", "text.txt", "--max-tokens", 64],
                 "03_finetune": ["--model", "run/model.gguf", "--data", "tune.jsonl", "--out", "full3", "--plain", "--epochs", 1],
                 "04_pretrain_tiny": ["--vocabulary", "tok.bin", "--text", "text.txt", "--out", "full4", "--steps", 1, "--d-model", 16, "--layers", 1,
                                      "--heads", 2, "--kv-heads", 1, "--d-ffn", 16, "--ctx", 16],
                 "07_eren": ["--model", "run/model.gguf", "--notes", "full.db"],
                 "11_convert": ["--model", "run/model.gguf", "--out", "/dev/full", "--format", "gguf", "--overwrite"]}
        programs = [p for p in sorted(PROGRAMS.iterdir()) if re.match(r"\d\d_", p.name) and p.is_file() and os.access(p, os.X_OK)]
        for program in programs:
            for line in [["--help"]] + ([lines[program.name]] if program.name in lines else []):
                with self.subTest(f"{program.name} {line[0]}"), open("/dev/full", "w") as full:
                    run = subprocess.run([str(program), *map(str, line)], stdout=full, stderr=subprocess.PIPE, text=True, cwd=self.folder,
                                         input="/notes\n/quit\n", timeout=240)
                    self.assertNotEqual(0, run.returncode)

    def test_all_explain_themselves(self):
        for program in sorted(p for p in PROGRAMS.iterdir() if re.match(r"\d\d_", p.name) and p.is_file() and os.access(p, os.X_OK)):
            self.assertIn("--help", self.run_program(program.name, "--help"))
            refused = subprocess.run([str(program), "--no-such-option"], capture_output=True, text=True)
            self.assertNotEqual(0, refused.returncode, program.name)
            self.assertIn("--", refused.stdout + refused.stderr)


if __name__ == "__main__":
    unittest.main()
