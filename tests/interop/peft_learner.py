#!/usr/bin/env python3
"""Opens with PEFT the modules of a learner that quipu saved, and a module with a `score` head, and compares final states and logits.

usage: peft_learner.py EXPECTED.json; exit status 77 if torch, transformers or peft is not installed.
EXPECTED: {"base": FOLDER,
           "modules": [{"folder": FOLDER, "head": NAME, "texts": [{"ids": [...], "first": row, "last": row, "states": [...], "logits": [...]}, ...]}, ...],
           "scores": [{"folder": FOLDER, "n_class": number, "texts": [{"ids": [...], "logits": [...]}, ...]}, ...]}
A module's head is applied to the mean of rows first .. last - 1; a score head is transformers' own, on the last row.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import sys

try:
    import peft
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as missing:
    print("SKIPPED: %s (pip install torch transformers peft)" % missing)
    sys.exit(77)


def difference(found, expected, what):
    """The largest, or infinity if there are other numbers of values."""
    expected = torch.tensor(expected)
    if found.flatten().shape != expected.shape:
        print("%s: %d values, expected %d" % (what, found.numel(), expected.numel()))
        return float("inf")
    return float((found.flatten() - expected).abs().max())


def check_module(base, case):
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(model, case["folder"]).eval()
    tensors = load_file(pathlib.Path(case["folder"]) / "adapter_model.safetensors")
    weight, bias = (tensors["base_model.model.%s.%s" % (case["head"], part)] for part in ("weight", "bias"))
    states = logits = changed = 0.0
    for text in case["texts"]:
        ids = torch.tensor([text["ids"]])
        rows = model.base_model.model.model(input_ids=ids).last_hidden_state[0]
        with model.disable_adapter():
            changed = max(changed, float((model.base_model.model.model(input_ids=ids).last_hidden_state[0] - rows).abs().max()))
        states = max(states, difference(rows, text["states"], "states"))
        logits = max(logits, difference(weight @ rows[text["first"]:text["last"]].mean(0) + bias, text["logits"], "logits"))
    print("%s: states differ by %.2e, logits by %.2e; the module changes states by %.2e" % (case["folder"], states, logits, changed))
    return states < 1e-4 and logits < 1e-4 and changed > 1e-2


def check_score(base, case):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=case["n_class"], dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(model, case["folder"]).eval()
    worst = 0.0
    for text in case["texts"]:
        worst = max(worst, difference(model(input_ids=torch.tensor([text["ids"]])).logits[0], text["logits"], "logits"))
    print("%s: logits differ by %.2e" % (case["folder"], worst))
    return worst < 1e-4


@torch.no_grad()
def main():
    expected = json.load(open(sys.argv[1], encoding="utf-8"))
    torch.set_num_threads(1)
    right = [check_module(expected["base"], case) for case in expected["modules"]]
    right += [check_score(expected["base"], case) for case in expected["scores"]]
    sys.exit(0 if right and all(right) else 1)


if __name__ == "__main__":
    main()
