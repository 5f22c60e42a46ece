#!/usr/bin/env python3
"""Checks that headers include only their own layer or lower ones, by <quipu/...> paths, and in no cycle.

    scripts/check_layers.py [INCLUDE_DIR]      (default: include/ of this repository)
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys

# Low to high. Folders of one rank may include each other as long as no cycle arises between the folders.
RANK = {
    "core": 0,
    "io": 1, "text": 1, "activation": 1, "schedule": 1, "optim": 1, "statistics": 1, "data": 1,
    "linear": 2,
    "ffn": 3, "pet": 3,
    "llama": 4,
    "train": 5, "sparsity": 5, "replay": 5, "notes": 5,
    "prosparse": 6, "conpet": 6, "eren": 6,
}
# Folders inside a layer, low to high; "" is the layer's own folder. Where a layer has wings, every folder of it is one.
WINGS = {
    "eren": {"reading": 0, "gate": 1, "": 2, "study": 3, "teach": 4},
}
# report/ stands beside the layers: it sees only core, and only the pipelines may see it.
REPORT_USERS = {"prosparse", "conpet", "eren"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def find_cycle(edges):
    """A list of nodes a, b, ..., a along `edges` (node -> nodes), or None."""
    done = set()
    for start in sorted(edges):
        path, on_path, stack = [], set(), [(start, None)]
        while stack:
            node, neighbours = stack.pop()
            if neighbours is None:
                if node in done:
                    continue
                path.append(node)
                on_path.add(node)
                neighbours = iter(sorted(edges.get(node, ())))
            for other in neighbours:
                if other in on_path:
                    return path[path.index(other):] + [other]
                if other not in done:
                    stack += [(node, neighbours), (other, None)]
                    break
            else:
                done.add(node)
                on_path.discard(node)
                path.pop()
    return None


def wing_of(header):
    """What stands between the layer and the file: "" or a folder, "gate" in eren/gate/gate.hpp."""
    return "/".join(header.split("/")[1:-1])


def allowed_wing(layer, header, target):
    """Inside a layer with wings: includes go down, or stay."""
    rank = WINGS.get(layer)
    return rank is None or rank.get(wing_of(target), -1) <= rank[wing_of(header)]


def allowed(folder, other):
    if folder == other or other == "core":
        return True
    if folder == "report":
        return False
    if other == "report":
        return folder in REPORT_USERS
    return RANK[other] <= RANK[folder]


def check(include):
    """Yields one sentence for each violation below `include`/quipu."""
    root = include / "quipu"
    headers = {str(p.relative_to(root)) for pattern in ("*.hpp", "*.ipp") for p in root.rglob(pattern)}
    if not headers:
        yield f"no headers below {root}"
        return
    files, folders = {}, {}
    for header in sorted(headers):
        folder = header.split("/")[0] if "/" in header else ""
        # An x.ipp is the second half of the x.hpp beside it: one node, so that a cycle through either is found.
        whole = header[: -len("ipp")] + "hpp" if header.endswith(".ipp") and header[: -len("ipp")] + "hpp" in headers else header
        node = files.setdefault(whole, set())
        if folder and folder != "report" and folder not in RANK:
            yield f"{header}: the folder {folder} has no place in the layers"
            continue
        if folder in WINGS and wing_of(header) not in WINGS[folder]:
            yield f"{header}: the folder {folder}/{wing_of(header)} has no place in {folder}"
            continue
        for bracket, path in INCLUDE.findall((root / header).read_text()):
            if bracket == '"':
                yield f'{header} includes "{path}": own headers are included by <quipu/...>'
            if not path.startswith("quipu/"):
                continue
            target = path[len("quipu/"):]
            if target not in headers:
                yield f"{header} includes <{path}>: there is no such header"
                continue
            if target.rsplit(".", 1)[0] != whole.rsplit(".", 1)[0]:
                node.add(target)
            other = target.split("/")[0] if "/" in target else ""
            if not folder or not other:
                # version.hpp belongs to no layer; the umbrella is for users alone.
                if target == "quipu.hpp":
                    yield f"{header} includes <{path}>: the umbrella is for users"
                continue
            if not allowed(folder, other):
                yield f"{header} includes <{path}>: {other} lies above {folder}"
            elif folder == other and not allowed_wing(folder, header, target):
                above, below = (f"{folder}/{wing_of(h)}".rstrip("/") for h in (target, header))
                yield f"{header} includes <{path}>: {above} lies above {below}"
            elif folder != other:
                folders.setdefault(folder, set()).add(other)
    for what, edges in (("headers", files), ("folders", folders)):
        cycle = find_cycle(edges)
        if cycle:
            yield f"cycle of {what}: " + " -> ".join(cycle)


def main():
    include = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "include"
    violations = list(check(include))
    for violation in violations:
        print("check_layers:", violation)
    if violations:
        sys.exit(1)
    print("check_layers: every header includes only its own layer or lower ones")


if __name__ == "__main__":
    main()
