#!/usr/bin/env python3
"""Makes question/answer lines from CounterFact-Hard: the first question in scope of the first N records that have one.

    counterfact_pairs.py cfh_filtered.json [N] > facts.jsonl
"""
# SPDX-License-Identifier: Apache-2.0
import itertools
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    records = [record for record in json.load(file) if record["edit_scope"]]
for record in itertools.islice(records, int(sys.argv[2]) if len(sys.argv) > 2 else 200):
    question, answer = record["edit_scope"][0]
    print(json.dumps({"prompt": question, "answer": answer}, ensure_ascii=False))
