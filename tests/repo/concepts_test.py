#!/usr/bin/env python3
"""Optional parts are named concepts: no header decides by a bare `requires`."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BARE = re.compile(r"(?:if\s+constexpr\s*\([^;{]*?|constexpr\s+bool\s+\w+\s*=\s*!?\s*|static_assert\(\s*!?\s*)\brequires\b")


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


class OptionalParts(unittest.TestCase):
    def test_no_bare_requires(self):
        headers = sorted((ROOT / "include").rglob("*.[hi]pp"))
        self.assertTrue(headers)
        for header in headers:
            for found in BARE.findall(without_comments(header.read_text())):
                self.fail(f"{header.relative_to(ROOT)}: '{found}': make it a named concept beside the role that it is optional for")

    def test_the_pattern_finds_them(self):
        for bare in ("if constexpr (requires { f.wishes(); }) {", "} else if constexpr (!requires { typename R::x; }) {",
                     "if constexpr (a<T> &&\n    requires(T& t) { t.b(); }) {", "static constexpr bool has = requires(T t) {",
                     "static_assert(requires { T::x; });"):
            self.assertRegex(bare, BARE)
        for named in ("if constexpr (wishing<T>) {\n} template <class T> requires a<T>", "concept has_x = requires { T::x; };",
                      "constexpr bool all = a<T>;\n  requires b<T>"):
            self.assertNotRegex(named, BARE)


if __name__ == "__main__":
    unittest.main()
