#!/usr/bin/env python3
"""The example programs under the limits of a system: no threads left, files that shrink, pipes and devices as files.

    limits_test.py FOLDER_OF_EXAMPLES
"""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import pwd
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
from make_corpus import tiny_llama
from shared_data import note_skip

PROGRAMS = pathlib.Path(sys.argv.pop()).resolve()


class Limits(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.folder.chmod(0o755)
        self.model = self.folder / "model.gguf"
        self.model.write_bytes(tiny_llama("llama"))

    def tearDown(self):
        self.temporary.cleanup()

    def generate(self, *options, model=None, program=PROGRAMS, **more):
        return subprocess.run([str(program / "01_generate"), "--model", str(model or self.model), "--completion", "--prompt", "a",
                               "--max-tokens", "2", *options], capture_output=True, text=True, timeout=60, **more)

    def test_the_model_runs(self):
        run = self.generate("--threads", "2")
        self.assertEqual(0, run.returncode, run.stderr)

    def test_threads_that_cannot_start(self):
        """An ordinary user's limit of processes and threads; root has none, so a root process becomes nobody."""
        program, nobody = PROGRAMS, None
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody").pw_uid
            program = self.folder  # where nobody may read it
            shutil.copy(PROGRAMS / "01_generate", program)

        def become_ordinary():
            if nobody is not None:
                os.setgroups([])
                os.setresgid(nobody, nobody, nobody)
                os.setresuid(nobody, nobody, nobody)
            resource.setrlimit(resource.RLIMIT_NPROC, (8, 8))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        run = self.generate("--threads", "64", program=program, preexec_fn=become_ordinary)
        if run.returncode == 0:
            self.assertFalse(note_skip("no limit of threads for this user"), "the limit is required")
            return
        self.assertEqual(1, run.returncode, run.stderr)
        self.assertRegex(run.stderr, "thread_team: expected 64 threads .*, found that the system starts no more than [1-8] ")

    def test_a_model_truncated_while_it_is_mapped(self):
        run = subprocess.Popen([str(PROGRAMS / "07_eren"), "--model", str(self.model), "--notes", str(self.folder / "notes.db"),
                                "--threads", "1", "--max-tokens", "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        run.stdin.write("/notes\n")
        run.stdin.flush()
        # Until it has opened the model and waits for the next line.
        end = time.monotonic() + 60
        while time.monotonic() < end and "model.gguf" not in pathlib.Path(f"/proc/{run.pid}/maps").read_text():
            time.sleep(0.02)
        time.sleep(0.5)
        os.truncate(self.model, 0)
        _, said = run.communicate("Hello.\n", timeout=60)
        self.assertEqual(1, run.returncode, said)
        self.assertIn(f"error: {self.model}: expected the file as it was when it was opened, found it shorter", said)

    def test_pipes_devices_and_folders_are_no_files(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for path, what in ((pipe, "a named pipe"), ("/dev/zero", "a device"), ("/dev/null", "a device")):
            run = self.generate(model=path)
            self.assertEqual(1, run.returncode)
            self.assertIn(f"expected a regular file, found {what}", run.stderr)
            run = self.generate("--tokenizer", str(path))
            self.assertEqual(1, run.returncode)
            self.assertIn(f"expected a regular file, found {what}", run.stderr)
            run = subprocess.run([str(PROGRAMS / "03_finetune"), "--model", str(self.model), "--data", str(path), "--out", str(self.folder / "out"),
                                  "--plain"], capture_output=True, text=True, timeout=60)
            self.assertEqual(1, run.returncode)
            self.assertIn(f"expected a regular file, found {what}", run.stderr)
        run = self.generate(model=self.folder)
        self.assertEqual(1, run.returncode)
        self.assertIn("expected a folder with config.json", run.stderr)


if __name__ == "__main__":
    unittest.main()
