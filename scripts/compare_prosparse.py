#!/usr/bin/env python3
"""Trains small sparse models with ProSparse and compares losses and sparsity with a reference in PyTorch: the same stream, order and settings.

    scripts/compare_prosparse.py [--full] [--sweep] [--spread] [--search] [--chosen] [--cost] [--threads N] [--results FOLDER] [--json FILE] [--svg FILE]

stories260K, 1,010 stories (from the shared folder): 395,078 tokens to train on in 1,543 windows, 178 windows to validate with; 800 steps of 8
windows in order, AdamW, 20 steps of warm-up, a cosine to 10 %. Without options ReLU alone and lambda up to 2.5; --full adds lambda up to 1, 6
and 15 and runs of 3,000 steps. Rows: case, ours, reference, margin, and whether ours lies within it.

--spread  repeats the first two with a step's windows in two and in four passes: the same sums in another order
--sweep   progressive against constant lambda at equal steps and learning rate, without a reference; --svg draws loss against sparsity
--search  what the recipe of docs/prosparse_results.md was found by: runs that see the last 96 training stories in place of the validation text
--chosen  that recipe with a few lambdas and thresholds on the gate, on the validation text, beside every 800-step point of the reference
--cost    the time of a step with L1, counts and log beside the plain step of the same model with ReLU and with SiLU, in pairs, on a quiet machine
--results keeps every run's figures in a folder, by recipe: a comparison that was interrupted goes on there
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
shared = pathlib.Path(os.environ.get("QUIPU_SHARED", root.parent / "shared"))
STORIES = shared / "data" / "models" / "stories260K"
TEXT = shared / "data" / "text" / "tinystories" / "tiny_stories_944k.txt"

STREAM = {"split": "single_lines", "ascii_only": True, "validation": 0.1}
ENDS, SHARES = [160, 200, 440, 520, 720, 800], [0, .025, .25, .25, 1, 1]
THRESHOLDS = [.05, .1, .15, .2, .3]


def stages(ends, factors):
    return {"kind": "stages", "ends": ends, "factors": factors}


def constant(factor):
    return {"kind": "constant", "factor": factor}


def progressive(largest):
    return stages(ENDS, [share * largest for share in SHARES])


def recipe(kind, **more):
    return {"text": STREAM, "lambda": kind, **more}


def long_recipe(kind, **more):
    return recipe(kind, steps=3000, learning_rate=2e-3, **more)


# Name, recipe, the reference's loss and sparsity in %, and how far ours may be from them.
SHORT = [("relu", recipe(constant(0)), 1.567, .02, 51.1, 1.5),
         ("lambda 2.5", recipe(progressive(2.5)), 1.710, .03, 63.7, 1.5)]
FULL = [(f"lambda {largest}", recipe(progressive(largest)), loss, .03, sparsity, 2)
        for largest, loss, sparsity in ((1, 1.6263, 58.16), (6, 1.8461, 70.62), (15, 2.0397, 79.43))]
LONG = [("3000 relu", long_recipe(constant(0)), 1.7580, .03, 54.1, 2),
        ("3000 constant 1", long_recipe(constant(1)), 1.7994, .03, 73.1, 2),
        ("3000 constant 5", long_recipe(constant(5)), 1.9191, .03, 92.4, 2),
        ("3000 progressive 5", long_recipe(stages([300, 400, 1200, 1500, 2300, 2600], [0, .05, .5, .5, 5, 5])), 1.8303, .03, 74.3, 2),
        ("3000 early sine 2", long_recipe(stages([50, 100, 500, 2500, 3000], [0, .2, 2, 2, 2])), 1.8126, .03, 76.2, 2)]
SWEEP = [(f"progressive {x}", recipe(progressive(x))) for x in (1, 2.5, 6, 15)] + [(f"constant {x}", recipe(constant(x))) for x in (.3, 1, 2.5, 6)]


def then(factor, end, last):
    return {"kind": "stages_then_constant", "ends": [end], "factors": [factor], "end": end, "factor": last}


SCAN = {"stages": {"fatrelu": THRESHOLDS}}
SEARCH = [("constant 1.5", recipe(constant(1.5), **SCAN)),
          ("constant 1.5, rate 2e-3", recipe(constant(1.5), learning_rate=2e-3, **SCAN)),
          ("1.5, from step 641 on 0.5", recipe(then(1.5, 640, .5), **SCAN)),
          ("constant 1.5, rate falls to 0", recipe(constant(1.5), last_rate=0, **SCAN)),
          ("1.5, from step 641 on 0.3, rate 2e-3", recipe(then(1.5, 640, .3), learning_rate=2e-3, **SCAN))]


def chosen(largest):
    """The recipe that the search chose."""
    return recipe(then(largest, 640, largest / 3), stages={"fatrelu": [.02, .05, .075, .1, .15, .2, .3, .4]})


CHOSEN = [.03, .1, 1, 4]
SEARCH += [(f"{x}, from step 641 on a third", chosen(x)) for x in (.03, 4)]  # the ends of the chosen recipe's range


def reference_points():
    """Name, sparsity in % and loss of the reference's 800-step runs and of their thresholds on the gate, from the shared folder. Thresholds were scanned
    on the first windows of the validation text: the run's own two losses bring them to the whole of it."""
    text = (shared / "specs" / "prosparse_small.md").read_text()
    runs = {name: (float(loss), float(sparsity)) for name, loss, sparsity in
            re.findall(r"^\| (\w[\w.]*) \| relu \| 800 \| [\d.]+ \| [\d.]+ \| ([\d.]+) \|(?:[^|]*\|){3} ([\d.]+) \|", text, re.M)}
    found = [(name, sparsity, loss) for name, (loss, sparsity) in runs.items()]
    for name, table in re.findall(r"^(\w[\w.]*)\n\n\| method .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M):
        rows = re.findall(r"^\| (fatrelu|cett_gate) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", table, re.M)
        none = next(float(loss) for method, level, _, loss in rows if method == "fatrelu" and float(level) == 0)
        found += [(f"{name} {method} {level}", float(sparsity), float(loss) * runs[name][0] / none) for method, level, sparsity, loss in rows]
    return found


def run_one(options, settings, held_back=0):
    """The figures of a recipe; from the results folder if they are there."""
    text = json.dumps(settings, sort_keys=True)
    place = pathlib.Path(options.results) / f"{hashlib.sha256(f'{text} {held_back}'.encode()).hexdigest()[:16]}.json" if options.results else None
    if place and place.exists():
        return json.loads(place.read_text())["figures"]
    program = pathlib.Path(options.program)
    if not program.exists():
        sys.exit("build first: cmake --preset release && cmake --build --preset release --target compare_prosparse_run")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "recipe.json"
        file.write_text(text)
        command = [*options.prefix.split(), program, STORIES / "stories260K.bin", STORIES / "tok512.model", TEXT, options.threads, held_back, file]
        said = subprocess.run([str(c) for c in command], check=True, text=True, stdout=subprocess.PIPE).stdout
    figures = json.loads(said)
    if held_back == 0 and (figures["n_training_token"], figures["n_validation_token"]) != (395078, 45716):
        sys.exit(f"another stream than the reference's: {figures['n_training_token']} and {figures['n_validation_token']} tokens")
    if place:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"recipe": settings, "held_back": held_back, "figures": figures}, indent=1) + "\n")
    return figures


def plot(points, path):
    """Loss against sparsity, a line for each kind of lambda."""
    kinds = {}
    for name, loss, sparsity in points:
        kinds.setdefault(name.split()[0], []).append((sparsity, loss, name.split()[-1]))
    xs, ys = [s for _, _, s in points], [y for _, y, _ in points]
    low, high, bottom, top = min(xs) - 3, max(xs) + 3, min(ys) - .05, max(ys) + .05
    x, y = lambda s: 60 + 500 * (s - low) / (high - low), lambda v: 320 - 290 * (v - bottom) / (top - bottom)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="600" height="370" font-family="sans-serif" font-size="12">',
             '<rect width="600" height="370" fill="white"/><path d="M60 20V320H570" fill="none" stroke="black"/>',
             '<text x="270" y="358">sparsity, %</text><text x="18" y="230" transform="rotate(-90 18 230)">validation loss, nats a token</text>']
    parts += [f'<text x="{x(s) - 8:.1f}" y="337">{s}</text>' for s in range(int(low) // 10 * 10 + 10, int(high) + 1, 10)]
    parts += [f'<text x="30" y="{y(v / 10) + 4:.1f}">{v / 10:.1f}</text>' for v in range(int(bottom * 10) + 1, int(top * 10) + 1)]
    for (kind, p), colour in zip(kinds.items(), ("#d62728", "#1f77b4", "#2ca02c")):
        p.sort()
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x(a):.1f},{y(b):.1f}" for a, b, _ in p)}"/>')
        parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/><text x="{x(a) + 5:.1f}" y="{y(b) + 14:.1f}" fill="{colour}">{label}</text>' for a, b, label in p]
        parts.append(f'<text x="{x(p[-1][0]) - 70:.1f}" y="{y(p[-1][1]) - 8:.1f}" fill="{colour}">{kind}</text>')
    pathlib.Path(path).write_text("\n".join(parts + ["</svg>"]) + "\n")


def compare(options):
    rows = []
    for name, settings, loss, loss_margin, sparsity, sparsity_margin in SHORT + (FULL + LONG if options.full else []):
        after = run_one(options, settings)["after"]
        for what, ours, reference, margin in (("loss", after["loss"], loss, loss_margin), ("sparsity %", 100 * after["sparsity"], sparsity, sparsity_margin)):
            rows.append({"case": f"{name}: {what}", "ours": ours, "reference": reference, "margin": margin, "within": abs(ours - reference) <= margin})
            print("{case:34} ours {ours:8.4f}  reference {reference:8.4f}  margin {margin:.2f}".format(**rows[-1]) + ("" if rows[-1]["within"] else "  OUTSIDE"), flush=True)
    return rows


def spread(options):
    rows = []
    for name, settings, *_ in SHORT:
        found = [run_one(options, {**settings, "batch": 8 // n, "passes": n} if n > 1 else settings)["after"] for n in (1, 2, 4)]
        rows.append({"case": f"{name}: spread", "loss": max(f["loss"] for f in found) - min(f["loss"] for f in found),
                     "sparsity": 100 * (max(f["sparsity"] for f in found) - min(f["sparsity"] for f in found))})
        print("{case:34} loss {loss:.4f}  sparsity {sparsity:.2f} points".format(**rows[-1]), flush=True)
    return rows


def points(options, runs, held_back):
    """All points of some runs, those of the thresholds among them."""
    rows = []
    for name, settings in runs:
        figures = run_one(options, settings, held_back)
        for found in [figures["after"], *(figures.get("fatrelu") or [])]:
            at = f", threshold {found['threshold']}" if "threshold" in found else ""
            rows.append({"case": name + at, "loss": found["loss"], "sparsity": 100 * found["sparsity"], "n_dead": figures["n_dead"]})
            print("{case:54} loss {loss:.4f}  sparsity {sparsity:.2f} %  dead neurons {n_dead}".format(**rows[-1]), flush=True)
    return rows


def ours_and_reference(options):
    """Every point of the reference, and the point of ours with no less sparsity that loses least."""
    mine = points(options, [(f"lambda {x}", chosen(x)) for x in CHOSEN], 0)
    rows = []
    for name, sparsity, loss in reference_points():
        best = min((m for m in mine if m["sparsity"] >= sparsity), key=lambda m: m["loss"], default=None)
        rows.append({"case": f"{name}: {sparsity:.2f} %", "reference": loss, "ours": best and best["loss"], "by": best and best["case"],
                     "within": best is not None and best["loss"] <= loss})
        print(f"{rows[-1]['case']:32} reference {loss:.4f}  ours " + (f"{best['loss']:.4f} at {best['sparsity']:.2f} % ({best['case']})" if best else "none")
              + ("" if rows[-1]["within"] else "  WORSE"), flush=True)
    print(f"{sum(row['within'] for row in rows)} of {len(rows)} points of the reference are reached")
    return rows


def cost(options):
    """Medians of pairs; above 1.12 is more than a regularised step may cost."""
    program = root / "build" / "release" / "benchmarks" / "compare_train_speed"
    if not program.exists():
        sys.exit("build first: cmake --preset release && cmake --build --preset release --target compare_train_speed")
    seconds = {kind: [] for kind in ("full", "full_relu", "full_l1")}
    for _ in range(7):
        for kind, found in seconds.items():
            command = [program, kind, STORIES / "stories260K.bin", options.threads, 8, 256, 30, "f32"]
            found.append(json.loads(subprocess.run([str(c) for c in command], check=True, text=True, stdout=subprocess.PIPE).stdout)["seconds"])
    rows = []
    for plain in ("full", "full_relu"):
        ratio = statistics.median(b / a for a, b in zip(seconds[plain], seconds["full_l1"]))
        rows.append({"case": f"step with L1 beside {plain}", "ours": statistics.median(seconds["full_l1"]), "plain": statistics.median(seconds[plain]),
                     "ratio": ratio, "within": ratio <= 1.12})
        print("{case:34} {ours:.4f} s, plain {plain:.4f} s, ratio {ratio:.3f}".format(**rows[-1]))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--spread", action="store_true")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--chosen", action="store_true")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", metavar="FOLDER")
    parser.add_argument("--program", default=root / "build" / "release" / "benchmarks" / "compare_prosparse_run", help=argparse.SUPPRESS)
    parser.add_argument("--prefix", default="", help=argparse.SUPPRESS)
    parser.add_argument("--svg", metavar="FILE")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if not TEXT.exists() or not STORIES.exists():
        sys.exit(f"the shared folder with stories260K and its text is missing: {shared} (QUIPU_SHARED says where it is)")
    if options.sweep:
        rows = points(options, SWEEP, 0)
        if options.svg:
            plot([(row["case"], row["loss"], row["sparsity"]) for row in rows], options.svg)
    elif options.search:
        rows = points(options, SEARCH, 96)
    elif options.chosen:
        rows = ours_and_reference(options)
    else:
        rows = spread(options) if options.spread else cost(options) if options.cost else compare(options)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any(not row.get("within", True) for row in rows))


if __name__ == "__main__":
    main()
