#!/usr/bin/env python3
"""Writes docs/headers.md: every header with the sentence of its `/// @file` line. --check only compares."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include" / "quipu"
PAGE = ROOT / "docs" / "headers.md"


def sentence(path):
    """The text of the comment that begins with `/// @file`, over as many lines as it has."""
    lines = path.read_text().splitlines()
    if not lines or not lines[0].startswith("/// @file "):
        sys.exit(f"list_headers: {path.relative_to(ROOT)} does not begin with '/// @file' and a sentence")
    text = [lines[0].removeprefix("/// @file ")]
    for line in lines[1:]:
        if not line.startswith("///"):
            break
        text.append(line.removeprefix("///").strip())
    return re.sub(r"\s+", " ", " ".join(text)).strip().replace("|", "\\|")


def page():
    folders = {}
    for path in sorted(INCLUDE.rglob("*.hpp")):
        folders.setdefault(path.parent.relative_to(INCLUDE).as_posix(), []).append(path)
    out = ["# Headers", "", "Every header under `include/quipu/` and what it is for; made by `scripts/list_headers.py`."]
    for folder, paths in sorted(folders.items()):
        out += ["", "## " + ("the top" if folder == "." else folder), "", "| header | |", "|---|---|"]
        out += [f"| [{p.name}](../{p.relative_to(ROOT).as_posix()}) | {sentence(p)} |" for p in paths]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/headers.md does not say what the headers say: run scripts/list_headers.py")
    else:
        PAGE.write_text(page())
