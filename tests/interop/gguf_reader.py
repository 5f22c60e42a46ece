#!/usr/bin/env python3
"""Reads with gguf-py a file that quipu wrote and compares it with the values that the test names.

usage: gguf_reader.py MODEL.gguf EXPECTED.json; exit status 77 if gguf-py or numpy is not installed.
EXPECTED: {"fields": {key: value}, "tensors": {name: {"type": "Q8_0", "shape": [rows, cols], "values": [...]}}}
"""
# SPDX-License-Identifier: Apache-2.0
import json
import sys

try:
    import gguf
    import numpy
except ImportError as missing:
    print("SKIPPED: %s (pip install gguf)" % missing)
    sys.exit(77)


def main():
    reader = gguf.GGUFReader(sys.argv[1])
    expected = json.load(open(sys.argv[2], encoding="utf-8"))
    wrong = []
    for key, value in expected["fields"].items():
        field = reader.get_field(key)
        found = None if field is None else field.contents()
        if isinstance(value, float):
            if found is None or numpy.float32(found) != numpy.float32(value):
                wrong.append("%s: expected %r, found %r" % (key, value, found))
        elif found != value:
            wrong.append("%s: expected %r, found %r" % (key, value, found))
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    if set(tensors) != set(expected["tensors"]):
        wrong.append("tensor names differ: %s" % sorted(set(tensors) ^ set(expected["tensors"])))
    for name, facts in expected["tensors"].items():
        tensor = tensors.get(name)
        if tensor is None:
            continue
        shape = [int(extent) for extent in reversed(tensor.shape)]
        if tensor.tensor_type.name != facts["type"] or shape != facts["shape"]:
            wrong.append("%s: expected %s %s, found %s %s" % (name, facts["type"], facts["shape"],
                                                            tensor.tensor_type.name, shape))
            continue
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(-1)
        if values.astype(numpy.float32).tolist() != numpy.array(facts["values"], numpy.float32).tolist():
            wrong.append("%s: values differ" % name)
    for line in wrong:
        print(line)
    print("%d fields and %d tensors compared" % (len(expected["fields"]), len(expected["tensors"])))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
