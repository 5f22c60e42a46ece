"""Where the checks in Python find their data, and how they skip; what tests/support/shared_data.hpp is to the others."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = pathlib.Path(os.environ.get("QUIPU_SHARED") or ROOT.parent / "shared")
STRANGERS = SHARED / "data" / "strangers"


def smollm2():
    """The checkpoint that scripts/fetch_model caches, or where it would lie."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("QUIPU_SMOLLM2") or pathlib.Path(cache, "quipu", "SmolLM2-135M-Instruct.Q4_1.gguf"))


def note_missing_tool(cause):
    """Counts a skip for want of a program or package, which is never a failure."""
    log = os.environ.get("QUIPU_SKIP_LOG")
    if log:
        with open(log, "a") as file:
            file.write(cause + "\n")
    print("SKIPPED:", cause)


def note_skip(cause):
    """Counts a skip for want of data in the summary of scripts/test. True if data is required, so that the skip is a failure."""
    note_missing_tool(cause)
    return os.environ.get("QUIPU_REQUIRE_DATA") == "1"
