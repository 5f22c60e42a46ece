#!/usr/bin/env python3
"""Checks that every header is included by a test of its own layer, or that tests/tested_through.txt says what tests it.

    scripts/check_tests.py [ROOT]      (default: this repository)
    scripts/check_tests.py --write     renews the lines `<header> <other header>` of the list; reasons are kept

A line of the list is `<header> <other header>`: the other one includes the first, directly or not, and a test of its layer includes it.
Or `<header> - <reason>`, for a header in which there is nothing to run.
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<quipu/([^>]+)>", re.MULTILINE)


class tree:
    def __init__(self, root):
        headers = root / "include/quipu"
        self.direct = {p.relative_to(headers).as_posix(): set(INCLUDE.findall(p.read_text())) for p in headers.rglob("*.?pp")}
        self.tested = set()  # headers that a test of their layer includes
        for test in sorted((root / "tests").rglob("*.[ch]pp")):
            layer = test.relative_to(root / "tests").parts[0]
            self.tested |= {h for h in INCLUDE.findall(test.read_text()) if h.split("/")[0] == layer}
        path = root / "tests/tested_through.txt"
        lines = [line for line in (path.read_text() if path.exists() else "").splitlines() if line and not line.startswith("#")]
        self.listed = {line.split()[0]: line.split(maxsplit=1)[1] if " " in line else "" for line in lines}

    def headers(self):
        return sorted(h for h in self.direct if h.endswith(".hpp"))

    def includes(self, header, wanted):
        seen, todo = set(), [header]
        while todo:
            for inner in self.direct.get(todo.pop(), ()):
                if inner == wanted:
                    return True
                if inner not in seen:
                    seen.add(inner)
                    todo.append(inner)
        return False

    def problems(self):
        for header in self.headers():
            why = self.listed.get(header)
            if header in self.tested:
                if why is not None:
                    yield f"{header} has a test of its own: take its line from the list"
            elif why is None:
                yield f"{header}: no test of its layer includes it, and the list does not say what tests it"
            elif why == "- ?":
                yield f"{header}: nothing tests it, and the list gives no reason"
            elif why.startswith("- "):
                continue
            elif why not in self.direct or not self.includes(why, header):
                yield f"{header}: the list says it is tested through {why or 'nothing'}, which does not include it"
            elif why not in self.tested:
                yield f"{header}: the list says it is tested through {why}, which has no test of its own"
        for header in self.listed:
            if header not in self.direct:
                yield f"{header} is on the list, but there is no such header"

    def suggestion(self, header):
        users = [h for h in self.headers() if h in self.tested and self.includes(h, header)]
        layer = header.split("/")[0]
        return min(users, key=lambda h: (header not in self.direct[h], h.split("/")[0] != layer, len(self.direct[h]), h), default=None)


    def renewed(self):
        """The list anew; a header for which nothing is found gets a reason to be written: '- ?', which is a problem."""
        lines = ["# Headers without a test of their own, and the header whose tests run them, or a reason (see scripts/check_tests.py)."]
        for header in self.headers():
            if header in self.tested:
                continue
            why = self.listed.get(header, "")
            if not why.startswith("- ") and not (why in self.tested and self.includes(why, header)):
                why = self.suggestion(header) or "- ?"
            lines.append(f"{header} {why}")
        return "\n".join(lines) + "\n"


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    arguments = [a for a in arguments if a != "--write"]
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent
    here = tree(root)
    if not here.headers():
        sys.exit("check_tests: no headers")
    if write:
        (root / "tests/tested_through.txt").write_text(here.renewed())
        here = tree(root)
    problems = list(here.problems())
    for problem in problems:
        print("check_tests:", problem)
    if problems:
        sys.exit("check_tests: scripts/check_tests.py --write renews the list; a header that nothing tests needs a test or a reason")
    print(f"check_tests: {len(here.tested & set(here.headers()))} headers have tests of their own, {len(here.listed)} are tested through others")


if __name__ == "__main__":
    main()
