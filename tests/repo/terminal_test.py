#!/usr/bin/env python3
"""The example programs at a terminal, as a person uses them: typed lines, Ctrl-C, narrow windows, output that fails.

    terminal_test.py FOLDER_OF_EXAMPLES
"""
# SPDX-License-Identifier: Apache-2.0
import fcntl
import json
import os
import pathlib
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAMS = pathlib.Path(sys.argv.pop()).resolve()
SENTENCE = "the quick brown fox jumps over the lazy dog. "


def tokenizer_bin():
    """llama2.c's vocabulary: three special tokens, 256 bytes, and the letters of the sentence."""
    tokens = ["<unk>", "\n<s>\n", "\n</s>\n"] + [f"<0x{b:02X}>" for b in range(256)] + sorted(set(SENTENCE))
    packed = b"".join(struct.pack("<fI", 0.0, len(t.encode())) + t.encode() for t in tokens)
    return struct.pack("<I", max(map(len, tokens))) + packed


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, folder, name, *options, columns=120, language="C.UTF-8"):
        self.seen = b""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            environment = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "LANG"}
            os.execve(PROGRAMS / name, [name, *map(str, options)], environment | {"TERM": "xterm", "LANG": language})
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self, seconds=0.2):
        if select.select([self.descriptor], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.descriptor, 65536)
            except OSError:  # the program has ended
                return False
        return True

    def wait_for(self, wanted, seconds=60):
        """Reads until `wanted` came after everything that was waited for before."""
        end = time.monotonic() + seconds
        while (at := self.seen.find(wanted.encode())) < 0:
            if time.monotonic() > end or not self.read():
                raise AssertionError(f"no {wanted!r} in {self.seen[-2000:]!r}")
        taken, self.seen = self.seen[: at + len(wanted.encode())], self.seen[at + len(wanted.encode()):]
        return taken.decode(errors="replace")

    def wait_for_prompt(self):
        """Until the line editor asks, and reads: what comes between the two may be lost."""
        self.wait_for("> ")
        self.drain(0.2)

    def drain(self, seconds):
        """Reads what comes, as a terminal does all the time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.read(left):
            pass

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def interrupt(self):
        os.write(self.descriptor, b"\x03")

    def end(self, seconds=60):
        """What was left to read, and the exit status."""
        end = time.monotonic() + seconds
        while self.read() and time.monotonic() < end:
            pass
        if time.monotonic() >= end:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return self.seen.decode(errors="replace"), os.waitstatus_to_exitcode(status)


class AtTheTerminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "tok.bin").write_bytes(tokenizer_bin())
        (cls.folder / "text.txt").write_text(SENTENCE * 200)
        cls.pretrain = ["--vocabulary", "tok.bin", "--text", "text.txt", "--d-model", 64, "--layers", 2, "--heads", 4, "--kv-heads", 2,
                        "--d-ffn", 128, "--ctx", 128, "--batch", 8, "--learning-rate", 0.01]
        cls.check(cls.run_program("04_pretrain_tiny", *cls.pretrain, "--out", "run", "--steps", 60))
        pairs = [{"prompt": f"say {word}", "answer": "dog fox"} for word in ("over", "the", "lazy", "quick")]
        (cls.folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def run_program(cls, name, *options, **more):
        return subprocess.run([str(PROGRAMS / name), *map(str, options)], capture_output=True, text=True, cwd=cls.folder, timeout=240, **more)

    @staticmethod
    def check(run, status=0):
        if run.returncode != status:
            raise AssertionError(f"{run.args} ended with {run.returncode}:\n{run.stdout[-1000:]}\n{run.stderr[-2000:]}")
        return run

    def chat(self, n_token=20, **more):
        notes = tempfile.mkdtemp(dir=self.folder) + "/notes.db"
        return Terminal(self.folder, "07_eren", "--model", "run/model.gguf", "--notes", notes, "--max-tokens", n_token, **more)

    def test_a_line_with_a_blank_at_its_end(self):
        chat = self.chat()
        chat.wait_for_prompt()
        chat.type("Hi \n")
        chat.wait_for("Hi ")
        chat.wait_for_prompt()
        chat.type("/notes \n")
        chat.wait_for("0 notes")
        chat.type("/quit\n")
        self.assertEqual(0, chat.end()[1])

    def test_umlauts_are_kept_in_any_locale(self):
        for language in ("C.UTF-8", "C"):
            chat = self.chat(language=language)
            chat.wait_for_prompt()
            chat.type("/add Der Bürgermeister von Köln heißt Jürgen.\n")
            chat.wait_for("noted as 1")
            chat.type("/notes\n")
            self.assertIn("Der Bürgermeister von Köln heißt Jürgen.", chat.wait_for("1 notes"))
            chat.type("/quit\n")
            self.assertEqual(0, chat.end()[1])

    def test_commands_that_are_wrong_are_told_and_change_nothing(self):
        chat = self.chat()
        chat.wait_for_prompt()
        chat.type("/add The fox is brown.\n")
        chat.wait_for("noted as 1")
        for line, told in (("/del 1x", "expected the number of a note"), ("/del 99999999999999999999", "expected the number of a note"),
                           ("/foo", "there is no command /foo"), ("/edit", "expected the number of a note"), ("/del 7", "there is no such note"),
                           ("/threshold 2", "expected a probability"), ("/memory maybe", "expected on or off"), ("/import none.csv", "none.csv")):
            chat.type(line + "\n")
            chat.wait_for(told)
        chat.type("/notes\n")
        self.assertIn("The fox is brown.", chat.wait_for("1 notes"))
        chat.type("/history 1\n")
        chat.wait_for("added: The fox is brown.")
        chat.type("/quit\n")
        self.assertEqual(0, chat.end()[1])

    def test_ctrl_c_stops_an_answer_and_not_the_program(self):
        chat = self.chat(100000)
        chat.wait_for_prompt()
        chat.type("the quick\n")
        chat.wait_for("the quick")
        chat.drain(0.1)
        chat.interrupt()
        chat.wait_for_prompt()
        chat.type("/no")  # and drops a line that was begun
        chat.interrupt()
        chat.wait_for("^C")
        chat.wait_for_prompt()
        chat.type("/notes\n")
        chat.wait_for("0 notes")
        chat.wait_for_prompt()
        chat.type("\x04")
        self.assertEqual(0, chat.end()[1])

    def test_01_generate_stops_at_ctrl_c(self):
        program = Terminal(self.folder, "01_generate", "--model", "run/model.gguf", "--completion", "the quick", "--max-tokens", 100000,
                           "--ctx", 128)
        program.wait_for("loaded in")
        program.interrupt()
        said, status = program.end()
        self.assertEqual(0, status, said)
        self.assertIn("generated", said)

    def test_ctrl_c_while_training_saves_and_resuming_gives_the_same_bytes(self):
        tune = ["--model", "run/model.gguf", "--data", "pairs.jsonl", "--plain", "--epochs", 400, "--batch", 2, "--rank", 4, "--save-every", 0,
                "--threads", 1]
        self.check(self.run_program("03_finetune", *tune, "--out", "whole"))
        wanted = (self.folder / "whole/adapter/adapter_model.safetensors").read_bytes()
        stopped = 0
        for attempt in range(10):
            program = Terminal(self.folder, "03_finetune", *tune, "--out", f"cut{attempt}")
            program.wait_for("step ")
            program.drain(random.uniform(0, 0.5))
            program.interrupt()
            said, status = program.end()
            self.assertIn(status, (0, 130), said)
            if status == 130:
                stopped += 1
                self.assertIn("--resume goes on", said)
                self.check(self.run_program("03_finetune", *tune, "--out", f"cut{attempt}", "--resume"))
            self.assertEqual(wanted, (self.folder / f"cut{attempt}/adapter/adapter_model.safetensors").read_bytes())
        self.assertGreater(stopped, 0)

    def test_progress_fits_narrow_and_wide_windows(self):
        for columns in (34, 120):
            program = Terminal(self.folder, "03_finetune", "--model", "run/model.gguf", "--data", "pairs.jsonl", "--plain", "--epochs", 4,
                               "--batch", 2, "--out", f"columns{columns}", columns=columns)
            said, status = program.end()
            self.assertEqual(0, status, said)
            self.assertTrue(self.narrower(said, columns))

    def long_model(self):
        """A model that has room for notes and questions in letters; what it says is noise."""
        if not (self.folder / "long/model.gguf").exists():
            sizes = ["--d-model", 16, "--layers", 1, "--heads", 2, "--kv-heads", 1, "--d-ffn", 32, "--ctx", 2048, "--batch", 1, "--steps", 1]
            (self.folder / "long.txt").write_text(SENTENCE * 1000)
            self.check(self.run_program("04_pretrain_tiny", "--vocabulary", "tok.bin", "--text", "long.txt", *sizes, "--out", "long"))
        return "long/model.gguf"

    def edits(self, n_edit):
        """A set of invented edits in CounterFact-Hard's form, for which the long model is the oracle that it was published with."""
        towns = ("Arlo", "Bern", "Cork", "Dax", "Enna", "Faro", "Gent", "Hof")
        cases = [{"id": i, "edit_statement": f"Person{i} lives in {towns[i % 8]}.", "subject_name": f"Person{i}",
                  "edit_scope": [[f"Where does Person{i} live?", towns[i % 8]], [f"In which town lives Person{i}?", towns[i % 8]]],
                  "edit_scope_true_ans": ["Oslo", "Oslo"],
                  "unrelated": {"neighbor_subj": [f"Where does Somebody{i} live?"], "same_subj": [f"Who is the mother of Person{i}?"]},
                  "unrelated_true_ans": {"neighbor_subj": ["Rome"], "same_subj": ["Eve"]}}
                 for i in range(n_edit)]
        path = self.folder / f"edits{n_edit}.json"
        path.write_text(json.dumps(cases))
        return path.name

    def test_08_eren_evaluate_goes_on_after_ctrl_c_with_the_same_table(self):
        # Enough of them that a fast machine is still at work when it is interrupted.
        line = ["--model", self.long_model(), "--data", self.edits(2400), "--threads", 1]
        for columns in (34, 120):
            program = Terminal(self.folder, "08_eren_evaluate", *line, "--resume", f"answers{columns}.jsonl", columns=columns)
            self.narrower(program.wait_for(" %"), columns)
            program.drain(random.uniform(0, 0.3))
            program.interrupt()
            said, status = program.end()
            self.assertEqual(-signal.SIGINT, status, said)
        answers = self.folder / "answers34.jsonl"
        self.assertTrue(answers.exists())
        def table(*more):  # its last column is the time that a question took
            return [row.split("|")[:-2] for row in self.check(self.run_program("08_eren_evaluate", *line, *more)).stdout.splitlines()]

        whole = table()
        self.assertTrue(any("EREN" in cell for row in whole for cell in row))
        self.assertEqual(whole, table("--resume", answers.name))

    def test_09_train_reader_saves_at_ctrl_c_and_resuming_gives_the_same_bytes(self):
        line = ["--model", self.long_model(), "--data", self.edits(60), "--threads", 1, "--batch", 2, "--rank", 2, "--passes", 200]
        self.check(self.run_program("09_train_reader", *line, "--out", "reader"))
        wanted = (self.folder / "reader/adapter/adapter_model.safetensors").read_bytes()
        for columns in (34, 120):
            program = Terminal(self.folder, "09_train_reader", *line, "--out", f"reader{columns}", columns=columns)
            program.wait_for("\x1b[K")  # the first line of progress, which is shorter in a narrow window
            program.drain(random.uniform(0, 0.3))
            program.interrupt()
            said, status = program.end()
            self.assertEqual(130, status, said)
            self.assertIn("--resume goes on", said)
            self.narrower(said, columns)
            self.check(self.run_program("09_train_reader", *line, "--out", f"reader{columns}", "--resume"))
            self.assertEqual(wanted, (self.folder / f"reader{columns}/adapter/adapter_model.safetensors").read_bytes())

    def test_10_retrieval_at_the_terminal(self):
        for columns in (34, 120):
            said, status = Terminal(self.folder, "10_retrieval", "--data", self.edits(240), "--report", f"rows{columns}", columns=columns).end()
            self.assertEqual(0, status, said)
            self.assertIn("BM25 + n-grams", said)
            self.assertIn("BM25 + n-grams", (self.folder / f"rows{columns}.md").read_text())
        program = Terminal(self.folder, "10_retrieval", "--data", self.edits(4000), "--report", "never")
        program.wait_for("paraphrases")
        program.interrupt()
        self.assertEqual(-signal.SIGINT, program.end()[1])
        self.assertEqual([], list(self.folder.glob("never*")))

    def test_11_convert_leaves_nothing_at_ctrl_c(self):
        """A name with umlauts; wherever the interruption comes, there is the whole file or none."""
        wide = ["--d-model", 768, "--layers", 4, "--heads", 8, "--kv-heads", 8, "--d-ffn", 2048, "--ctx", 64, "--batch", 1, "--steps", 1]
        self.check(self.run_program("04_pretrain_tiny", "--vocabulary", "tok.bin", "--text", "text.txt", *wide, "--out", "wide"))
        line = ["--model", "wide/model.gguf", "--type", "q4_0"]
        self.check(self.run_program("11_convert", *line, "--out", "whole.gguf"))
        wanted = (self.folder / "whole.gguf").read_bytes()
        statuses = set()
        for attempt in range(6):
            out = self.folder / f"für-Jürgen{attempt}.gguf"
            program = Terminal(self.folder, "11_convert", *line, "--out", out.name, columns=(34, 120)[attempt % 2])
            program.drain(0.05 * attempt)
            program.interrupt()
            said, status = program.end()
            statuses.add(status)
            self.assertIn(status, (0, 130, -signal.SIGINT), said)  # the last where it came before the program began
            self.narrower(said, (34, 120)[attempt % 2])
            if out.exists():
                self.assertEqual(wanted, out.read_bytes())
            self.check(self.run_program("11_convert", *line, "--out", out.name, "--overwrite"))
            self.assertEqual(wanted, out.read_bytes())
            self.assertEqual([out.name], [p.name for p in self.folder.iterdir() if out.stem in p.name])  # no beginnings of files
        self.assertIn(130, statuses)

    def narrower(self, said, columns):
        drawn = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\^C", "", part) for part in re.split(r"[\r\n]", said)
                 if "\x1b[K" in part and "; peak memory" not in part]
        self.assertLess(max(map(len, drawn), default=0), columns, drawn)
        return drawn

    def test_output_that_cannot_be_written_is_a_failure(self):
        for name, options in (("01_generate", ["--model", "run/model.gguf", "--completion", "the", "--max-tokens", 5]),
                              ("02_perplexity", ["--model", "run/model.gguf", "--file", "text.txt", "--max-tokens", 64]),
                              ("08_eren_evaluate", ["--model", self.long_model(), "--data", self.edits(4)]),
                              ("09_train_reader", ["--model", self.long_model(), "--data", self.edits(60), "--batch", 4, "--out", "unsaid"]),
                              ("10_retrieval", ["--data", self.edits(4)])):
            with open("/dev/full", "w") as full:
                run = subprocess.run([str(PROGRAMS / name), *map(str, options)], stdout=full, stderr=subprocess.PIPE, text=True, cwd=self.folder)
            self.assertNotEqual(0, run.returncode, name)
            self.assertIn("standard output cannot be written", run.stderr)

    def test_wrong_lines_end_with_status_2(self):
        for program in sorted(p for p in PROGRAMS.iterdir() if re.match(r"\d\d_", p.name) and p.is_file() and os.access(p, os.X_OK)):
            for line in (["--no-such-option"], ["--model"]):
                self.assertEqual(2, subprocess.run([str(program), *line], capture_output=True).returncode, program.name)

    def test_sizes_of_zero_are_refused(self):
        for option in ("--batch", "--accumulate", "--epochs"):
            run = self.run_program("03_finetune", "--model", "run/model.gguf", "--data", "pairs.jsonl", "--out", "zero", option, 0)
            self.assertEqual(1, run.returncode)
            self.assertIn(option, run.stderr)

    def test_03_finetune_leaves_a_log_a_chart_and_the_best_weights(self):
        for pet in ("lora", "ia3", "prefix"):
            self.check(self.run_program("03_finetune", "--model", "run/model.gguf", "--data", "pairs.jsonl", "--plain", "--epochs", 4, "--batch", 1,
                                        "--pet", pet, "--validation", 0.25, "--accumulate", 2, "--schedule", "linear", "--out", pet))
            lines = [json.loads(line) for line in (self.folder / pet / "log.jsonl").read_text().splitlines()]
            self.assertTrue(all({"time", "epoch", "learning_rate", "loss"} <= line.keys() for line in lines))
            self.assertTrue(any("validation_loss" in line for line in lines))
            self.assertIn("<svg", (self.folder / pet / "loss.svg").read_text())
            with_adapter = ["--model", "run/model.gguf", "--adapter", f"{pet}/adapter"]
            self.check(self.run_program("01_generate", *with_adapter, "--completion", "the", "--max-tokens", 5))
            losses = [self.check(self.run_program("02_perplexity", *model, "--file", "text.txt", "--max-tokens", 64, "--window", 32, "--stride", 32)).stdout
                      for model in (with_adapter, ["--model", "run/model.gguf"])]
            self.assertNotEqual(*[text.split()[1] for text in losses])

    def test_conversations_in_pipes(self):
        (self.folder / "more.csv").write_text('text,subject\nThe fox is brown.,fox\n"The dog, they say, is ""lazy"".",dog\n')
        notes = self.folder / "piped.db"
        lines = "/import more.csv\n/notes\n/export out.jsonl\n/export out.csv\n/memory on\nthe quick\n/memory\n/why\n/threshold 0.9\n/quit\n"
        said = self.check(self.run_program("07_eren", "--model", "run/model.gguf", "--notes", notes, "--max-tokens", 5, input=lines)).stdout
        for part in ("2 notes added", 'The dog, they say, is "lazy".', "2 notes written", "on: 1 turns", "own knowledge", "0.9 or more"):
            self.assertIn(part, said)
        self.assertEqual((self.folder / "more.csv").read_text().splitlines()[2].split(",dog")[0],
                         (self.folder / "out.csv").read_text().splitlines()[2].split(",dog")[0])
        self.assertEqual("fox", json.loads((self.folder / "out.jsonl").read_text().splitlines()[0])["subject"])


if __name__ == "__main__":
    unittest.main()
