#!/usr/bin/env python3
"""Measures quipu's training steps beside PyTorch + PEFT, in pairs: every repetition runs ours, then the peer, each in
a process of its own, on the same weights and sequences.

    scripts/compare_peft.py [--model FILE] [--threads N] [--repetitions N] [--only NAME] [--json FILE]

Cases: LoRA r=4 on q, k and r=8 on all linear layers (ours on the 4-bit weights as they are, the peer on them widened), the full
step, and the full step of stories260K (from the shared folder). Where the processor has products of bf16, both sides run in f32
and in bf16 (ours rounds operands only, the peer the weights and activations too) and the better of each counts. The first losses
in f32 must agree.
The peers are installed once, pinned, into a virtual environment in the user's cache folder. Rows are medians: case, ours,
peer, unit, ratio (above 1 is better, whatever the unit).
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "quipu"
environment = cache / "peers" / "peft-venv"
PEERS = ["torch==2.15.0", "transformers==5.23.0", "peft==0.21.2"]

# What runs in the peer's process.
PEER = r"""
import json, resource, statistics, sys, time
import torch
from transformers import AutoModelForCausalLM
what, folder, threads, n_sequence, n_token, n_step, kind = sys.argv[1:]
n_sequence, n_token, n_step = int(n_sequence), int(n_token), int(n_step)
torch.set_num_threads(int(threads))
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(folder, dtype={"f32": torch.float32, "bf16": torch.bfloat16}[kind])
ids = (torch.arange(n_sequence * n_token) * 7919 + 13) % model.config.vocab_size
ids = ids.reshape(n_sequence, n_token)
if what != "full":
    from peft import LoraConfig, get_peft_model
    everything = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    settings = dict(r=4, lora_alpha=1, target_modules=["q_proj", "k_proj"]) if what == "lora_qk" else dict(r=8, lora_alpha=16, target_modules=everything)
    model = get_peft_model(model, LoraConfig(lora_dropout=0.0, task_type="CAUSAL_LM", **settings))
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
seconds, losses = [], []
for i in range(n_step + 1):
    start = time.perf_counter()
    loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if i:
        seconds.append(time.perf_counter() - start)
    losses.append(loss.item())
print(json.dumps({"seconds": statistics.median(seconds), "first_loss": losses[0], "last_loss": losses[-1],
                  "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, text=True, **options)


def measured(*command):
    return json.loads(run(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()[-1])


def peer_python():
    python = environment / "bin" / "python"
    if not (environment / "complete").exists():
        print("installing PyTorch and PEFT (once, some minutes)", file=sys.stderr)
        run(sys.executable, "-m", "venv", environment)
        run(python, "-m", "pip", "install", "-q", *PEERS)
        (environment / "complete").touch()
    return python


def has_bf16_unit():
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def widened(ours, model, name):
    """The weights in F32 for the peer, written once."""
    folder = cache / "peers" / f"{name}-f32"
    if not (folder / "config.json").exists():
        run(ours, "export", model, folder)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    ours = root / "build" / "release" / "benchmarks" / "compare_train_speed"
    if not ours.exists():
        sys.exit("build first: cmake --preset release && cmake --build --preset release --target compare_train_speed")
    python = peer_python()
    model = options.model or run(root / "scripts" / "fetch_model", stdout=subprocess.PIPE).stdout.strip()
    shared = pathlib.Path(os.environ.get("QUIPU_SHARED", root.parent / "shared"))
    stories = shared / "data" / "models" / "stories260K" / "stories260K.bin"
    name = pathlib.Path(model).stem
    cases = [("lora_qk", model, name, 8, 64, 5), ("lora_all", model, name, 8, 64, 5), ("full", model, name, 8, 64, 3)]
    if stories.exists():
        cases.append(("full", stories, "stories260K", 8, 256, 20))
    else:
        print(f"left out: stories260K (no {stories})", file=sys.stderr)
    kinds = ["f32", "bf16"] if has_bf16_unit() else ["f32"]
    rows = []
    for what, path, label, n_sequence, n_token, n_step in cases:
        case = f"train {what} {label} {n_sequence}x{n_token}"
        if options.only not in case:
            continue
        folder = widened(ours, path, label)
        runs, pairs = [], []
        for _ in range(options.repetitions):
            mine = {kind: measured(ours, what, path, options.threads, n_sequence, n_token, n_step, kind) for kind in kinds}
            theirs = {kind: measured(python, "-c", PEER, what, folder, options.threads, n_sequence, n_token, n_step, kind) for kind in kinds}
            losses = mine["f32"]["first_loss"], theirs["f32"]["first_loss"]
            if abs(losses[0] - losses[1]) > 1e-3 * abs(losses[0]):
                sys.exit(f"{case}: the first losses differ: ours {losses[0]}, the peer's {losses[1]}")
            runs.append((mine, theirs))
            pairs.append([min(side.values(), key=lambda t: t["seconds"]) for side in (mine, theirs)])
        for unit, key in (("s", "seconds"), ("KiB peak", "peak_kib")):
            rows.append({"case": case, "ours": statistics.median(a[key] for a, _ in pairs),
                         "peer": statistics.median(b[key] for _, b in pairs), "unit": unit,
                         "ratio": statistics.median(b[key] / a[key] for a, b in pairs)})
        rows[-2]["seconds"] = {name: {kind: statistics.median(run[side][kind]["seconds"] for run in runs) for kind in kinds}
                               for side, name in enumerate(("ours", "peer"))}
    print(f"{processor()}, {options.threads} threads, {options.repetitions} pairs")
    for row in rows:
        print(f"{row['case']:60} ours {row['ours']:11.4g}  peer {row['peer']:11.4g} {row['unit']:9} ratio {row['ratio']:.2f}"
              + "".join(f"  {name} {kind} {seconds:.4g}" for name, kinds_of in row.get("seconds", {}).items() for kind, seconds in kinds_of.items()))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
