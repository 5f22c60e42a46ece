#!/usr/bin/env python3
"""Trains one static learner of ConPET here and in PyTorch + PEFT: the same base, start values, batches and settings, each in a process of its own.

    scripts/compare_conpet.py [--model FILE] [--blocks 0,10,20] [--seeds N] [--quick] [--threads N] [--results FOLDER] [--json FILE]

Three domains of CLINC150 (from the shared folder), one after the other, 200 steps of 16 texts a task, half of them replayed; LoRA of rank 8 on q, v,
up and down, and a head on the mean of a text's rows, without the head over the vocabulary on either side. Ours trains on the 4-bit weights as they
are, the peer on them widened. Ours says what it does (benchmarks/compare/conpet_run.cpp), the peer does the same. Where the processor has products
of bf16 both sides run in f32 and in bf16, and the better of each counts, too.

Rows: case, ours, peer, unit, ratio (of times and memory peer / ours: above 1 is better). The first 20 losses in f32 must be equal to 1e-3, and the
accuracy after the last task within two standard errors of the difference: over the seeds, of one seed that of so many test texts. A time is the mean
of all steps but the first of each task; where modules begin at a higher block that includes the rows below it, which ours computes once a text.

--blocks   first block with a module; a case for each
--quick    20 steps a task, to see that it works
--results  keeps every run's figures in a folder: a comparison that was interrupted goes on there
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from compare_peft import has_bf16_unit, peer_python, processor, root, run, widened

shared = pathlib.Path(os.environ.get("QUIPU_SHARED", root.parent / "shared"))
CLINC150 = shared / "data" / "continual" / "clinc150"
N_TASK, N_LOSS = 3, 20

# What runs in the peer's process.
PEER = r"""
import json, pathlib, resource, sys, time
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

base, plan, threads, kind = sys.argv[1:]
plan = pathlib.Path(plan)
how = json.loads((plan / "plan.json").read_text())
torch.set_num_threads(int(threads))
model = AutoModelForCausalLM.from_pretrained(base, dtype={"f32": torch.float32, "bf16": torch.bfloat16}[kind])
model = PeftModel.from_pretrained(model, plan / "start-0", is_trainable=True)
model.train()
body = model.base_model.model.model  # without the head over the vocabulary
adapter = [p for name, p in model.named_parameters() if "lora_" in name]
assert adapter and all(p.requires_grad for p in adapter)
head = None


def logits(texts):
    # Right padding: with causal attention nothing that follows a text changes its rows.
    longest = max(len(ids) for ids, _, _, _ in texts)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _, _, _ in texts])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _, _, _ in texts])
    mean = torch.zeros(len(texts), 1, longest)
    for i, (_, first, last, _) in enumerate(texts):
        mean[i, 0, first:last] = 1 / (last - first)
    rows = body(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    return head((mean @ rows.float())[:, 0])


losses, seconds = [], []
for task in range(how["n_task"]):
    told = json.loads((plan / f"task-{task}.json").read_text())
    start = load_file(plan / f"start-{task}" / "adapter_model.safetensors")
    weight, bias = (start[f"base_model.model.{how['head']}.{part}"].float() for part in ("weight", "bias"))
    if head is not None:  # grown: old classes as they were learned
        weight[:head.out_features], bias[:head.out_features] = head.weight.data, head.bias.data
    head = torch.nn.Linear(weight.shape[1], told["n_class"])
    head.weight.data, head.bias.data = weight, bias
    groups = [{"params": adapter, "first": how["learning_rate"]}, {"params": list(head.parameters()), "first": how["head_learning_rate"]}]
    optimizer = torch.optim.AdamW(groups, lr=how["learning_rate"], eps=how["eps"], weight_decay=how["weight_decay"], fused=True)
    for step, batch in enumerate(told["batches"]):
        begin = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = group["first"] * how["factors"][len(losses)]
        texts = [told["texts"][i] for i in batch]
        loss = torch.nn.functional.cross_entropy(logits(texts), torch.tensor([label for _, _, _, label in texts]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*adapter, *head.parameters()], how["max_gradient_norm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step > 0:
            seconds.append(time.perf_counter() - begin)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.eval()
n_right, tests = 0, sorted(how["tests"], key=lambda text: len(text[0]))
with torch.no_grad():
    for i in range(0, len(tests), 64):
        texts = tests[i:i + 64]
        n_right += int((logits(texts).argmax(-1) == torch.tensor([label for _, _, _, label in texts])).sum())
print(json.dumps({"losses": losses, "step_seconds": sum(seconds) / max(1, len(seconds)), "n_test": len(tests), "n_right": n_right, "peak_kib": peak}))
"""


def figures(place, *command):
    """What a run prints; from the results folder if it is there."""
    if place.exists():
        return json.loads(place.read_text())
    print(place.stem, file=sys.stderr, flush=True)
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True)
    if done.returncode != 0:  # what the libraries say on the way is of no interest otherwise
        sys.exit(f"{place.stem} failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    part = place.with_suffix(".part")
    part.write_text(json.dumps(found) + "\n")
    part.rename(place)
    return found


def one_seed(options, programs, results, seed, block, kinds):
    """Figures by side and kind."""
    ours, python, base = programs
    # Whatever changes a run is in the name of its figures.
    name = f"{pathlib.Path(options.model).stem} {N_TASK}x{options.steps} seed {seed} block {block} {options.threads} threads"
    plan, found = results / f"{name} plan", {"ours": {}, "peer": {}}
    for kind in kinds:
        command = [ours, options.model, CLINC150, options.threads, seed, N_TASK, options.steps, block, kind]
        found["ours"][kind] = figures(results / f"{name} ours {kind}.json", *command, *([plan] if kind == "f32" else []))
        found["peer"][kind] = figures(results / f"{name} peer {kind}.json", python, "-c", PEER, base, plan, options.threads, kind)
    return found


def loss_row(case, runs):
    """The largest difference counts; the figures are those of the first seed's last loss among the compared."""
    worst = max(abs(a - b) for found in runs for a, b in zip(found["ours"]["f32"]["losses"][:N_LOSS], found["peer"]["f32"]["losses"][:N_LOSS]))
    ours, peer = (runs[0][side]["f32"]["losses"][:N_LOSS][-1] for side in ("ours", "peer"))
    return {"case": f"{case} loss of step {N_LOSS} f32", "ours": ours, "peer": peer, "unit": "nats", "ratio": peer / ours, "largest_difference": worst,
            "within": worst <= 1e-3}


def accuracy_row(case, runs, kind):
    shares = {side: [found[side][kind]["n_right"] / found[side][kind]["n_test"] for found in runs] for side in ("ours", "peer")}
    ours, peer = (statistics.mean(shares[side]) for side in ("ours", "peer"))
    if len(runs) > 1:
        square = sum(statistics.variance(s) for s in shares.values()) / len(runs)
    else:
        square = sum(p * (1 - p) for p in (ours, peer)) / runs[0]["ours"][kind]["n_test"]
    error = square ** .5
    return {"case": f"{case} accuracy {kind}", "ours": 100 * ours, "peer": 100 * peer, "unit": "%", "ratio": ours / peer if peer else 0,
            "standard_error": 100 * error, "within": abs(ours - peer) <= 2 * error}


def cost_row(case, runs, key, unit, kinds):
    """Medians over the seeds, of the better kind of each side where there are several."""
    pairs = [[min(found[side][kind][key] for kind in kinds) for side in ("ours", "peer")] for found in runs]
    return {"case": case, "ours": statistics.median(a for a, _ in pairs), "peer": statistics.median(b for _, b in pairs), "unit": unit,
            "ratio": statistics.median(b / a for a, b in pairs)}


def rows_of(case, runs, kinds):
    rows = [loss_row(case, runs)] + [accuracy_row(case, runs, kind) for kind in kinds]
    for name, some in [(kind, [kind]) for kind in kinds] + ([("better", kinds)] if len(kinds) > 1 else []):
        rows.append(cost_row(f"{case} step {name}", runs, "step_seconds", "s", some))
        rows.append(cost_row(f"{case} memory {name}", runs, "peak_kib", "KiB peak", some))
    return rows


def built(name):
    program = root / "build" / "release" / "benchmarks" / name
    if not program.exists():
        sys.exit(f"build first: cmake --preset release && cmake --build --preset release --target {name}")
    return program


def compare(options, results):
    kinds = options.kinds.split(",") if options.kinds else ["f32", "bf16"] if has_bf16_unit() else ["f32"]
    if kinds[0] != "f32":
        sys.exit("--kinds: f32 comes first, which the batches and losses are compared by")
    programs = [options.program or built("compare_conpet_run"), peer_python(),
                widened(options.export_program or built("compare_train_speed"), options.model, pathlib.Path(options.model).stem)]
    print(f"{processor()}, {options.threads} threads, {options.seeds} seeds, {N_TASK} tasks of {options.steps} steps")
    rows = []
    for block in map(int, options.blocks.split(",")):
        runs = [one_seed(options, programs, results, seed, block, kinds) for seed in range(1, options.seeds + 1)]
        for row in rows_of(f"conpet block {block}", runs, kinds):
            more = "".join(f"  {key.replace('_', ' ')} {row[key]:.2g}" for key in ("largest_difference", "standard_error") if key in row)
            print(f"{row['case']:36} ours {row['ours']:11.4g}  peer {row['peer']:11.4g} {row['unit']:9} ratio {row['ratio']:.2f}{more}"
                  + ("" if row.get("within", True) else "  OUTSIDE"), flush=True)
            rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--blocks", default="0,10,20")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=200, help="a task")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--kinds", default="", help="f32, or f32,bf16; without it what the processor has")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--export-program", help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.steps = 20
    if not CLINC150.exists():
        sys.exit(f"the shared folder with CLINC150 is missing: {shared} (QUIPU_SHARED says where it is)")
    options.model = options.model or run(root / "scripts" / "fetch_model", stdout=subprocess.PIPE).stdout.strip()
    with tempfile.TemporaryDirectory() as scratch:
        results = options.results or pathlib.Path(scratch)
        results.mkdir(parents=True, exist_ok=True)
        rows = compare(options, results)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any(not row.get("within", True) for row in rows))


if __name__ == "__main__":
    main()
