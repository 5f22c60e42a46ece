#!/usr/bin/env python3
"""Opens with Hugging Face's tokenizers a tokenizer.json that quipu wrote and compares ids.

usage: tokenizer_json.py TOKENIZER.json EXPECTED.json; exit status 77 if tokenizers is not installed.
EXPECTED: {"around": [ids of an empty text with what is added], "cases": [{"text": ..., "ids": [without it]}, ...]}
"""
# SPDX-License-Identifier: Apache-2.0
import json
import sys

try:
    import tokenizers
except ImportError as missing:
    print("SKIPPED: %s (pip install tokenizers)" % missing)
    sys.exit(77)


def main():
    tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
    expected = json.load(open(sys.argv[2], encoding="utf-8"))
    wrong = 0
    for case in expected["cases"]:
        ids = tokenizer.encode(case["text"], add_special_tokens=False).ids
        if ids != case["ids"]:
            wrong += 1
            if wrong < 5:
                print("%r: expected %s, found %s" % (case["text"], case["ids"], ids))
    around = tokenizer.encode("", add_special_tokens=True).ids
    if around != expected["around"]:
        wrong += 1
        print("around a text: expected %s, found %s" % (expected["around"], around))
    print("%d of %d texts differ" % (wrong, len(expected["cases"])))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
