#!/usr/bin/env python3
"""Asks llama.cpp whether it reads the adapter that 03_finetune wrote for it (adapter.gguf) as quipu means it.

    scripts/compare lora [--model FILE] [--facts N] [--threads N] [--run FOLDER]

Trains LoRA on the first N facts of CounterFact-Hard (from the shared folder) with 03_finetune, then lets llama.cpp answer the same
prompts greedily, with and without the adapter. Every answer that quipu gives must be llama.cpp's, byte for byte, but for
the few where rounding decides between two tokens: at least 95 in 100. Without the adapter nearly none may be.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, text=True, **options)


def answer(program, model, threads, prompt, *adapter):
    """What llama.cpp writes after the prompt, up to the end of the line or text."""
    out = run(program, "-m", model, *adapter, "-t", threads, "-p", prompt, "-n", 24, "--temp", 0, "-no-cnv", "--no-display-prompt",
              "--simple-io", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return out.replace(" [end of text]", "").split("\n")[0]


def main(llama_program):
    """llama_program(name): path of a program of llama.cpp, built on first use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--facts", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--run", type=pathlib.Path, help="--out folder of an earlier run, with its facts.jsonl")
    options = parser.parse_args(sys.argv[2:])
    program = llama_program("llama-completion")
    model = options.model or run(root / "scripts" / "fetch_model", stdout=subprocess.PIPE).stdout.strip()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.run or pathlib.Path(scratch)
        if not options.run:
            shared = pathlib.Path(os.environ.get("QUIPU_SHARED", root.parent / "shared"))
            example = root / "examples" / "03_finetune"
            facts = run(sys.executable, example / "counterfact_pairs.py", shared / "data" / "edit" / "eren" / "cfh_filtered.json", options.facts,
                        stdout=subprocess.PIPE).stdout
            (folder / "facts.jsonl").write_text(facts)
            run(root / "build" / "release" / "examples" / "03_finetune", "--model", model, "--data", folder / "facts.jsonl", "--out", folder,
                "--plain", "--check", "--epochs", 16, "--learning-rate", "2e-3", "--threads", options.threads, stderr=subprocess.DEVNULL)
        pairs = [json.loads(line) for line in (folder / "facts.jsonl").read_text().splitlines()]
        given = [json.loads(line)["right"] for line in (folder / "answers_after.jsonl").read_text().splitlines()]
        pairs = [pair for pair, right in zip(pairs, given) if right]
        if not pairs:
            sys.exit("the adapter learned nothing to compare")
        same = bare = 0
        for pair in pairs:
            prompt = pair["prompt"] + "\n"
            same += answer(program, model, options.threads, prompt, "--lora", folder / "adapter.gguf") == pair["answer"]
            bare += answer(program, model, options.threads, prompt) == pair["answer"]
    print(f"{len(pairs)} answers that quipu gives with the adapter: llama.cpp gives {same} of them with it, {bare} without")
    sys.exit(0 if same >= 0.95 * len(pairs) and bare < 0.2 * len(pairs) else 1)
