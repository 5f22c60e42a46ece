#!/usr/bin/env python3
"""Hostile files meet the readers: hostile_test.py PROGRAM SCRATCH [--sanitized] [GROUP ...]

PROGRAM is tests/hostile. Every file of the shared data's hostile/hostile.tar.xz is read in a process of its own. It must be refused
by one printable sentence, or run, within 2 CPU seconds and 500 MB; and what this script makes ten times as large, within twelve
times the time. With --sanitized the same program, built with the sanitizers, must report nothing; time and memory do not count.
Prints a table of groups: files, refused, run, the worst CPU seconds and MB, the longest message. Files are unpacked into SCRATCH."""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from shared_data import SHARED, note_skip

MOST_SECONDS, MOST_MB, LONGEST_MESSAGE, MOST_GROWTH = 2.0, 500, 2000, 12
ARCHIVE = SHARED / "data" / "hostile" / "hostile.tar.xz"
PRINTABLE = re.compile(r"[\x20-\x7e\u00a1-\ufffd\n]*", re.S)  # no control characters, and nothing that is no UTF-8


class Result:
    """What one process did: status, CPU seconds, peak memory in MB, message, and what is wrong with that."""

    def __init__(self, program, group, path, sanitized):
        with tempfile.TemporaryFile() as out:
            def limits():
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
            environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=0:max_allocation_size_mb=2000",
                               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
            child = subprocess.Popen([program, group, path], stdout=subprocess.DEVNULL, stderr=out, env=environment, preexec_fn=limits)
            _, raw, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(raw)
            out.seek(0)
            self.raw = out.read(1 << 20)
        self.status, self.seconds, self.mb = child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        self.message = self.raw.decode("utf-8", "replace")
        self.wrong = []
        if self.status not in (0, 1):
            how = signal.Signals(-self.status).name if self.status < 0 else f"status {self.status}"
            self.wrong.append(how + ": " + ascii(self.message[:3000]))
        if self.status == 1 and not PRINTABLE.fullmatch(self.message) or "\ufffd" in self.message:
            self.wrong.append("control characters: " + ascii(self.message[:300]))
        if self.status == 1 and len(self.raw) > LONGEST_MESSAGE:
            self.wrong.append(f"a message of {len(self.raw)} bytes: " + ascii(self.message[:200]))
        if self.status == 1 and not self.message:
            self.wrong.append("refused without a word")
        if not sanitized and self.seconds > MOST_SECONDS:
            self.wrong.append(f"{self.seconds:.1f} CPU seconds")
        if not sanitized and self.mb > MOST_MB:
            self.wrong.append(f"{self.mb:.0f} MB")


def unpack(scratch):
    """The archive's files, unpacked once for each version of it."""
    stamp, facts = scratch / "unpacked", ARCHIVE.stat()
    version = f"{facts.st_size} {facts.st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == version:
        return scratch / "files"
    shutil.rmtree(scratch / "files", ignore_errors=True)
    (scratch / "files").mkdir(parents=True)
    subprocess.run(["tar", "-xJf", ARCHIVE, "-C", scratch / "files"], check=True)
    for folder in (scratch / "files" / "hf").glob("*_chat_is_dir"):  # archives keep no empty folders
        (folder / "chat_template.jinja").mkdir()
    stamp.write_text(version)
    return scratch / "files"


def cases(files):
    """(group, file or folder) of every case. What several cases share, such as a shard outside of all, is none itself."""
    for group in sorted(p for p in files.iterdir() if p.is_dir()):
        for entry in sorted(group.iterdir()):
            if group.name == "hf" and not entry.is_dir():
                continue
            yield group.name, entry


def read_copy(program, group, entry, scratch, sanitized):
    """Reads a copy: databases and logs are written to, and what they refuse must keep its bytes."""
    if group not in ("sqlite", "log", "jsonl"):
        return Result(program, group, entry, sanitized)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        copy = pathlib.Path(folder, entry.name)
        shutil.copyfile(entry, copy)
        result = Result(program, group, copy, sanitized)
        if group == "log" and copy.read_bytes() != entry.read_bytes():
            result.wrong.append("the file's bytes were changed")
        return result


# Files of any size. Each makes one of `n` parts in `folder` and returns (group, path); ten times n must take at most twelve times
# as long. The small one must be so large that neither starting the program counts nor that it fits into a processor's cache.

def safetensors(path, entries, metadata=None):
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, shape, raw in entries:
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensors(folder, n):
    """Siblings in one JSON object: the header of a safetensors file with n empty tensors."""
    safetensors(folder / "model.safetensors", [(f"extra.{i}", [0], b"") for i in range(n)])
    (folder / "config.json").write_text(json.dumps(
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1,
         "num_attention_heads": 2, "vocab_size": 10, "max_position_embeddings": 32, "hidden_act": "silu", "rms_norm_eps": 1e-5}))
    return "hf", folder


def list_of_objects(folder, n):
    """Siblings in one JSON array, as a gate's numbers."""
    path = folder / "gate.json"
    path.write_text(json.dumps({"format": "quipu gate 1", "keys": {"model": "m", "tokenizer": "t", "prompt": "p"}, "names": [{"a": 1}] * n}))
    return "gate", path


def vocabulary(folder, added, merges=(), **more):
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, **more.pop("vocab", {})}, "merges": list(merges)}
    n = len(model["vocab"])
    tokens = [{"id": n + i, "content": text, "special": special, **manners} for i, (text, special, manners) in enumerate(added)]
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({"added_tokens": tokens, "model": model,
                                "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}, **more}))
    return "vocab", path


def special_tokens(folder, n):
    return vocabulary(folder, [(f"a{i}", i % 2 == 0, {}) for i in range(n)])


def long_special_tokens(folder, n):
    """One long run of letters in tokens that share their beginnings: letters and memory grow as the text's size."""
    return vocabulary(folder, [("a" * 40 + f"{i:06}" + "a" * 40, True, {}) for i in range(n)])


def stripping_tokens(folder, n):
    return vocabulary(folder, [(f"<{i}>", True, {"lstrip": True, "rstrip": True, "single_word": i % 2 == 0}) for i in range(n)])


def post_processor(folder, n):
    names = [f"<{i}>" for i in range(n)]
    step = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": names[-1]}}, {"Sequence": {"id": "A"}}],
            "special_tokens": {name: {"id": name, "ids": [2 + i]} for i, name in enumerate(names)}}
    return vocabulary(folder, [(name, True, {}) for name in names], post_processor={"type": "Sequence", "processors": [step]})


def merges(folder, n):
    words = {"a" + "b" * 3 + str(i): 2 + i for i in range(n)}
    return vocabulary(folder, [], [["a", "b"]], vocab={**words, "ab": n + 2, **{f"ab{i}": n + 3 + i for i in range(n)}})


def adapter(folder, patterns):
    (folder / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "r": 8, "target_modules": "all-linear", "rank_pattern": patterns}))
    safetensors(folder / "adapter_model.safetensors", [])
    return "peft", folder


def rank_names(folder, n):
    return adapter(folder, {f"model.layers.{i}.self_attn.q_proj": 4 for i in range(n)})


def rank_expressions(folder, n):
    return adapter(folder, {f".*layers\\.{i}\\..*q_proj": 4 for i in range(n)})


def template(text):
    def make(folder, n):
        path = folder / "chat.jinja"
        path.write_text(text * n)
        return "template", path
    return make


def pieces(folder, n):
    def field(number, value):
        if isinstance(value, bytes):
            return bytes([number << 3 | 2]) + varint(len(value)) + value
        return bytes([number << 3]) + varint(value)

    def varint(value):
        out = b""
        while value >= 128:
            out, value = out + bytes([value % 128 + 128]), value // 128
        return out + bytes([value])
    texts = [(b"<unk>", 2), (b"<s>", 3), (b"</s>", 3)] + [(b"a%d" % i, 4 if i % 2 else 1) for i in range(n)]
    path = folder / "tokenizer.model"
    path.write_bytes(b"".join(field(1, field(1, text) + field(3, kind)) for text, kind in texts) + field(2, field(3, 2)))
    return "vocab", path


def notes(folder, n):
    path = folder / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": f"The colour of house {i} is red.", "tags": [str(i)]}) + "\n" for i in range(n)))
    return "jsonl", path


def tags(folder, n):
    path = folder / "notes.jsonl"
    path.write_text(json.dumps({"text": "a", "tags": [f"t{i}" for i in range(n)]}) + "\n")
    return "jsonl", path


def settings(folder, n):
    path = folder / "run.safetensors"
    safetensors(path, [], {f"setting.{i}": "0" for i in range(n)})
    return "ckpt", path


GROWTH = [("tensors in a header", tensors, 20_000), ("objects in a list", list_of_objects, 120_000), ("settings", settings, 60_000),
          ("special tokens", special_tokens, 4_000), ("long special tokens", long_special_tokens, 1_000),
          ("tokens that strip blanks", stripping_tokens, 4_000), ("post-processor's tokens", post_processor, 4_000),
          ("merges", merges, 4_000), ("names with ranks", rank_names, 30_000), ("expressions with ranks", rank_expressions, 100),
          ("pieces", pieces, 10_000), ("notes", notes, 2_000), ("tags", tags, 20_000),
          ("marks: print", template("{{a}}"), 15_000), ("marks: if", template("{% if a %}b{% endif %}"), 4_000),
          ("marks: set", template("{% set a = b %}"), 6_000), ("marks: for", template("{%for a in b%}{%endfor%}"), 4_000),
          ("marks: comments", template("{# a #}\n"), 12_000), ("marks: stripped", template("  {{- '' -}}  \n"), 6_000),
          ("marks: opened", template("{{ a\n"), 10_000), ("marks: raw", template("{% raw %} {% endraw %}"), 4_000),
          ("marks: half an end", template("{%raw%}{% endra"), 6_000), ("marks: text", template("<|im_start|>system\\n"), 5_000),
          ("marks: names", template("{{ a.b['c'](d)|e }}"), 5_000), ("marks: macros", template("{%macro a(b)%}{{b}}{%endmacro%}"), 3_000)]


def made_folder(parent, name):
    folder = pathlib.Path(parent, str(name))
    folder.mkdir()
    return folder


def times(small, large):
    """How many times as long the larger one took; the start of the program is taken to be 0.02 s."""
    return large.seconds / max(small.seconds, 0.02)


def growth(program, scratch, sanitized):
    """Rows of the second table and what is wrong."""
    rows, wrong = [], []
    for name, make, n in GROWTH:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            cases_of_two = [make(made_folder(folder, size), size) for size in (n, 10 * n)]
            results = [Result(program, *case, sanitized) for case in cases_of_two]
            for _ in range(0 if sanitized else 4):  # the quickest of a few: other programs run beside this one
                if times(*results) <= MOST_GROWTH:
                    break
                results = [min(one, Result(program, *case, sanitized), key=lambda r: r.seconds)
                           for one, case in zip(results, cases_of_two)]
        for result, size in zip(results, (n, 10 * n)):
            # The larger one may take its twelve times as long; of memory it has as much as everything.
            wrong += [f"{name} x {size}: {one}" for one in result.wrong if size == n or "CPU seconds" not in one]
        small, large = (one.seconds for one in results)
        ratio = times(*results)
        rows.append((name, n, small, large, ratio, results[1].mb, results[1].status))
        if not sanitized and ratio > MOST_GROWTH:
            wrong.append(f"{name}: {n} in {small:.2f} s, {10 * n} in {large:.2f} s, {ratio:.0f} times as long")
    return rows, wrong


def main():
    arguments = [a for a in sys.argv[1:] if a != "--sanitized"]
    sanitized = "--sanitized" in sys.argv
    program, scratch, only = pathlib.Path(arguments[0]).resolve(), pathlib.Path(arguments[1]).resolve(), arguments[2:]
    scratch.mkdir(parents=True, exist_ok=True)
    known = subprocess.run([program, "--groups"], capture_output=True, text=True, check=True).stdout.split()
    wrong, table = [], {}
    if ARCHIVE.exists():
        todo = [(group, entry) for group, entry in cases(unpack(scratch)) if not only or group in only]
        wrong += [f"group {group}: tests/hostile/main.cpp has no reader for it" for group in sorted({g for g, _ in todo} - set(known))]
        # Two at a time; CPU time is counted a process.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda case: read_copy(program, *case, scratch, sanitized), todo))
        for (group, entry), result in zip(todo, results):
            row = table.setdefault(group, {"files": 0, "refused": 0, "run": 0, "seconds": (0, ""), "mb": (0, ""), "message": 0})
            row["files"] += 1
            row["refused"] += result.status == 1
            row["run"] += result.status == 0
            row["seconds"] = max(row["seconds"], (result.seconds, entry.name))
            row["mb"] = max(row["mb"], (result.mb, entry.name))
            row["message"] = max(row["message"], len(result.raw) if result.status == 1 else 0)
            wrong += [f"{group}/{entry.name}: {one}" for one in result.wrong]
            if entry.name.split(".")[0].endswith("_good") and result.status != 0:
                wrong.append(f"{group}/{entry.name}: refused: {ascii(result.message[:300])}")
        print("| group | files | refused | run | worst CPU s | worst MB | longest message |\n|---|---|---|---|---|---|---|")
        for group, row in sorted(table.items()):
            print(f"| {group} | {row['files']} | {row['refused']} | {row['run']} | {row['seconds'][0]:.2f} {row['seconds'][1]} "
                  f"| {row['mb'][0]:.0f} {row['mb'][1]} | {row['message']} |")
    elif note_skip(f"no hostile files at {ARCHIVE}"):
        wrong.append("the hostile files are required")
    if not only or "growth" in only:
        rows, more = growth(program, scratch, sanitized)
        wrong += more
        print("\n| of | parts | CPU s | CPU s for ten times as many | times | MB | status |\n|---|---|---|---|---|---|---|")
        for name, n, small, large, ratio, mb, status in rows:
            print(f"| {name} | {n} | {small:.3f} | {large:.3f} | {ratio:.1f} | {mb:.0f} | {status} |")
    for one in wrong:
        print("WRONG", one)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
