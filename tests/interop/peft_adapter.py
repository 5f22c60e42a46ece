#!/usr/bin/env python3
"""Opens with PEFT the adapter folders that quipu wrote and compares logits and combinations.

usage: peft_adapter.py EXPECTED.json; exit status 77 if torch, transformers or peft is not installed.
EXPECTED: {"base": FOLDER,
           "cases": [{"name": ..., "folder": FOLDER, "ids": [...], "logits": [...]}, ...],
           "combinations": [{"type": PEFT's combination_type, "parts": [FOLDER, ...], "weights": [...],
                             "density": number or null, "rank": number or null, "folder": FOLDER}, ...]}
"""
# SPDX-License-Identifier: Apache-2.0
import json
import sys

try:
    import peft
    import torch
    import transformers
except ImportError as missing:
    print("SKIPPED: %s (pip install torch transformers peft)" % missing)
    sys.exit(77)


def base_model(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def check_logits(base, case):
    model = peft.PeftModel.from_pretrained(base_model(base), case["folder"]).eval()
    with torch.no_grad():
        logits = model(torch.tensor([case["ids"]])).logits[0].flatten()
    expected = torch.tensor(case["logits"])
    if logits.shape != expected.shape:
        return "%s: %d logits, expected %d" % (case["name"], len(logits), len(expected))
    difference = float((logits - expected).abs().max())
    print("%s: largest difference %.2e" % (case["name"], difference))
    return None if difference < 1e-4 else "%s: logits differ by %g" % (case["name"], difference)


def check_combination(base, case):
    model = peft.PeftModel.from_pretrained(base_model(base), case["parts"][0], adapter_name="part0")
    names = ["part%d" % i for i in range(len(case["parts"]))]
    for name, folder in list(zip(names, case["parts"]))[1:]:
        model.load_adapter(folder, adapter_name=name)
    model.load_adapter(case["folder"], adapter_name="ours")
    model.add_weighted_adapter(names, case["weights"], "theirs", combination_type=case["type"],
                               svd_rank=case["rank"], density=case["density"])
    worst, largest, compared = 0.0, 0.0, 0
    for module in model.modules():
        if isinstance(module, peft.tuners.lora.LoraLayer) and "theirs" in module.lora_A:
            theirs, ours = module.get_delta_weight("theirs"), module.get_delta_weight("ours")
            worst = max(worst, float((theirs - ours).abs().max()))
            largest = max(largest, float(theirs.abs().max()))
            compared += 1
    print("%s: %d layers, largest difference %.2e of %.2e" % (case["type"], compared, worst, largest))
    return None if compared and worst < 1e-4 * largest else "%s: weights differ by %g" % (case["type"], worst)


def main():
    expected = json.load(open(sys.argv[1], encoding="utf-8"))
    torch.set_num_threads(1)
    wrong = [check_logits(expected["base"], case) for case in expected["cases"]]
    wrong += [check_combination(expected["base"], case) for case in expected["combinations"]]
    wrong = [line for line in wrong if line]
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
