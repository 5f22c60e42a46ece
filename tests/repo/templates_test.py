#!/usr/bin/env python3
"""The frames that readers are taught with are whole and repeat nothing of the set that judges; the check sees it if not."""
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples/09_train_reader/check_templates.py"
TEMPLATES = ROOT / "examples/09_train_reader/templates.json"
JUDGE = ROOT / "benchmarks/eren/everyday.json"


def check(*files):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, files)], capture_output=True, text=True)


class Templates(unittest.TestCase):
    @unittest.skipUnless(JUDGE.exists(), "no set that judges")
    def test_the_file_is_clean(self):
        run = check(JUDGE, TEMPLATES)
        self.assertEqual(0, run.returncode, run.stdout + run.stderr)

    def test_faults_are_seen(self):
        templates = json.loads(TEMPLATES.read_text(encoding="utf-8"))
        english, chinese = (templates["languages"][name]["relations"][0] for name in ("en", "zh"))
        english.update(value="nothing", colour="red")
        english["notes"] += ["{s} and {nobody} share {v}.", "{s} has one.", "He hid {s's} spare key under the mat with {v}.",
                             "The locksmith left {s's} spare {v}."]
        chinese["notes"].append("{s}前天和昨天在车站看见的{v}")
        judge = {"notes": ["Nothing. The locksmith left Ada Berg's spare key under the mat."],
                 "questions": [{"question": "你昨天在车站看见的那个人是谁？"}]}
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder, name) for name in ("judge.json", "templates.json")]
            for file, content in zip(files, (judge, templates)):
                file.write_text(json.dumps(content), encoding="utf-8")
            run = check(*files)
        self.assertEqual(1, run.returncode, run.stderr)
        for message in ("no such slot: {s} and {nobody}", "without {v}: {s} has one", "no such generator: nothing", "unknown: colour",
                        "(spare key under the mat): He hid", "(all of it): The locksmith", "(昨天在车站看见): {s}"):
            self.assertIn(message, run.stdout)


if __name__ == "__main__":
    unittest.main()
