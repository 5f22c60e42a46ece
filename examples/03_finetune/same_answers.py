#!/usr/bin/env python3
"""Opens the adapter that 03_finetune wrote with PEFT and asks whether it gives the same answers.

    same_answers.py RUN BASE      RUN: the --out folder of 03_finetune --check; BASE: the model as a Hugging Face folder in F32

Every token that 03_finetune chose must be PEFT's greedy choice after the same tokens, unless PEFT's best logit and that of the
chosen token are less than 0.05 apart: there rounding decides. Needs torch, transformers and peft.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import sys

import peft
import torch
import transformers

torch.set_num_threads(1)
run, base = pathlib.Path(sys.argv[1]), sys.argv[2]
model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
model = peft.PeftModel.from_pretrained(model, run / "adapter").eval()
same = close = 0
different = []
with open(run / "answers_after.jsonl", encoding="utf-8") as file:
    answers = [json.loads(line) for line in file]
for first in range(0, len(answers), 20):
    rows = [answer["prompt"] + answer["given"][:-1] for answer in answers[first:first + 20]]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])  # causal: what stands after a row changes nothing in it
    with torch.no_grad():
        logits = model(ids).logits
    for number, (answer, row) in enumerate(zip(answers[first:], logits), first):
        begin, given = len(answer["prompt"]) - 1, answer["given"]
        margins = [float(at.max() - at[token]) for at, token in zip(row[begin:begin + len(given)], given)]
        if max(margins) == 0:
            same += 1
        elif max(margins) < 0.05:
            close += 1
        else:
            different.append((number, max(margins)))
print(f"{len(answers)} answers: {same} the same in PEFT, {close} decided by less than 0.05, {len(different)} different {different or ''}")
sys.exit(1 if different or not answers else 0)
