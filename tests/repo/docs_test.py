#!/usr/bin/env python3
"""What the documents name exists: links, headers, tests, scripts. C++ fences compile."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(p for p in ROOT.glob("**/*.md") if "build" not in p.relative_to(ROOT).parts)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for document in DOCUMENTS:
            for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
                self.assertTrue((document.parent / link).exists(), f"{document.relative_to(ROOT)}: {link}")

    def test_named_files_exist(self):
        for document in DOCUMENTS:
            text = document.read_text()
            for name in re.findall(r"(?<![\w/.])((?:include|tests|scripts|examples|benchmarks|docs|cmake)/[\w./]*\w)", text):
                self.assertTrue((ROOT / name).exists(), f"{document.relative_to(ROOT)}: {name}")
            if document.name in ("concepts.md", "equations.md"):
                for name in re.findall(r"(?<![\w/.])([a-z_]+/[\w]+\.(?:hpp|ipp))", text):
                    self.assertTrue((ROOT / "include/quipu" / name).exists(), f"{document.relative_to(ROOT)}: {name}")

    def test_every_example_and_component_is_in_the_readme(self):
        readme = (ROOT / "README.md").read_text()
        for example in sorted(p.name for p in (ROOT / "examples").iterdir() if (p / "main.cpp").exists()):
            self.assertIn(f"examples/{example}/README.md", readme)
        components = re.findall(r"^quipu_component\((\w+)", (ROOT / "cmake/quipu_targets.cmake").read_text(), re.M)
        for component in components:
            self.assertIn(f"`{component}`", readme)

    def test_fences_compile(self):
        """A ```cpp fence is a program: lines with # and namespaces first, the rest as the body of a function. All of them are
        compiled in one unit, each in a namespace of its own, so that the library is read once. A fence whose first line is
        `// from FILE` stands in that file, line for line."""
        head, bodies = [], []
        for document in DOCUMENTS:
            name = document.relative_to(ROOT).as_posix()
            text = document.read_text()
            self.assertNotRegex(text, r"(?m)^```(c\+\+|C\+\+|cc|hpp|c)$", f"{name}: a fence of C++ is called cpp")
            for number, fence in enumerate(re.findall(r"^```cpp\n(.*?)^```", text, re.M | re.S)):
                lines = fence.splitlines()
                if source := re.match(r"// from (\S+)$", lines[0]):
                    self.assertIn("".join(line.strip() for line in lines[1:]),
                                  "".join(line.strip() for line in (ROOT / source[1]).read_text().splitlines()),
                                  f"{name}: not as in {source[1]}")
                    continue
                head += [line for line in lines if line.startswith("#")]
                outside = [line for line in lines if re.match(r"namespace \w+ = ", line)]
                body = [line for line in lines if line not in outside and not line.startswith("#")]
                bodies += [f"namespace fence_{len(bodies)} {{", *outside, "void body() {", f'#line 1 "{name}, fence {number + 1}"', *body, "}", "}"]
        self.assertTrue(bodies)
        source = "\n".join([*dict.fromkeys(head), *bodies, ""])
        run = subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", "-DQUIPU_COMPILED", "-Werror=unused-result", f"-I{ROOT / 'include'}",
                              "-I/usr/include/eigen3", "-x", "c++", "-"], input=source, capture_output=True, text=True)
        self.assertEqual(0, run.returncode, run.stderr[:2000])

    def test_concepts_are_complete(self):
        """Every concept that a user may model is a row; the has_... parts are not."""
        table = (ROOT / "docs/concepts.md").read_text()
        for header in sorted((ROOT / "include/quipu").rglob("*.hpp")):
            for name in re.findall(r"^concept (\w+) =", header.read_text(), re.M):
                if not re.search(r"(^|_)(has|reads)_", name) and name not in INTERNAL:
                    self.assertIn(f"{name}`", table, f"{header.relative_to(ROOT)}: concept {name}")


# Concepts between our own headers, which users do not meet.
INTERNAL = {"encodes_with", "editable_rows", "cacheable_retriever", "fingerprinted_store", "holds_module", "changes_weights", "shares_peft_type",
            "counts_virtual_tokens", "counts_values", "objective_batch", "gathers_from", "steps_on", "objective_on"}

if __name__ == "__main__":
    unittest.main()
