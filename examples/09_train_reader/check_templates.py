#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check templates.json: form, slots, generators, counts and shares, and that no frame repeats a sentence of a judge.

Usage: check_templates.py [JUDGE.json [TEMPLATES.json]]. Exit status 1 when something is wrong. The judge has notes and
questions (benchmarks/eren/everyday.json); its sentences are compared, never printed. A frame is reported if a run of words
between its slots that stands in a sentence of the judge has five words (Chinese: seven characters), or is all that the frame
has beside its slots and three words (Chinese: five characters), the slots inside standing for anything short. Frames with {p} are looked at with every phrase.
"""
import itertools
import json
import re
import sys
from collections import Counter
from pathlib import Path

SHARE = {"en": 45, "de": 20, "es": 17, "zh": 18}
LEAST = {"en": 90, "de": 45, "es": 45, "zh": 45}  # relations
FIELDS = {"notes": ("s", "s's", "v"), "questions": ("s", "s's"), "cloze": ("s", "s's"), "denied": ("s", "s's", "v"),
          "asking": ("s", "s's", "v"), "phrase": ("s", "s's")}
COMMON = {"notes": ("p", "v"), "questions": ("p",), "cloze": ("p",), "denied": ("p", "v"),
          "asking": ("p", "v"), "chatter": ()}
ALIASES = {"notes": ("s", "s's", "a"), "asked_alias": ("s", "s's"), "asked_name": ("a", "a's")}
KEYS = {"key", "held_back", "subjects", "value", "theme", "also", "tells", "hop"} | set(FIELDS)
RANGE = re.compile(r"\d+\.\.\d+(/[1-9]\d*)?")
SLOT = re.compile(r"\{([^{}]*)\}")
errors = []


def need(ok, *what):
    if not ok:
        errors.append(" ".join(map(str, what)))


def texts(value):
    return [value] if isinstance(value, str) else value


def check_frame(where, frame, generators, own):
    """The slots that are generators; says what is no slot."""
    need(frame == frame.strip() and frame, where, "a frame is empty or has blanks around it:", repr(frame))
    need(not set("{}") & set(SLOT.sub("", frame)), where, "braces:", frame)
    used = [s for s in SLOT.findall(frame) if s not in own]
    for slot in used:
        need(slot in generators or RANGE.fullmatch(slot), where, "no such slot:", frame)
    return {s for s in used if s in generators}


def check_form(name, language):
    """All frames of a language, as (place, text); counts what is wrong."""
    generators, frames, used = language["generators"], [], set()
    for key, entries in generators.items():
        need(len(set(entries)) == len(entries) or any("{" in e for e in entries), name, key, "an entry twice")
        for entry in entries:
            inner = check_frame(f"{name} {key}", entry, generators, ())
            need(key not in inner, name, key, "names itself")

    def add(where, all_frames, own, needed):
        for frame in texts(all_frames):
            used.update(check_frame(where, frame, generators, own))
            for slot in needed:
                need(any(s in frame for s in (f"{{{slot}}}", f"{{{slot}'s}}")), where, f"without {{{slot}}}:", frame)
            frames.append((where, frame))

    aliases, relations = language["aliases"], language["relations"]
    phrases = [r["phrase"] for r in relations if "phrase" in r]
    for field, own in COMMON.items():
        needed = [s for s in own if s in "pv"]
        add(f"{name} {field}", language[field], own, needed)
    # A frame with a phrase is looked at with all of them.
    both = [(w, f) for w, f in frames if "{p}" in f]
    frames[:] = [(w, f) for w, f in frames if "{p}" not in f]
    frames += [(w, f.replace("{p}", p)) for (w, f), p in itertools.product(both, phrases)]
    for field, own in ALIASES.items():
        add(f"{name} aliases.{field}", aliases[field], own, ["s", "a"] if field == "notes" else own[-1][:1])
    used |= {aliases["generator"], *aliases["subjects"]}
    for key, count in Counter(r["key"] for r in relations).items():
        need(count == 1, name, key, "twice")
    for relation in relations:
        where = f"{name} {relation['key']}"
        need(set(relation) <= KEYS, where, "unknown:", *sorted(set(relation) - KEYS))
        for generator in [relation["value"], *relation["subjects"]]:
            need(generator in generators, where, "no such generator:", generator)
        used |= {relation["value"], *relation["subjects"]}
        for field, own in FIELDS.items():
            if field in relation:
                add(f"{where} {field}", relation[field], own, [s for s in ("s", "v") if s in own])
        need(len(relation["notes"]) >= 2, where, "too few notes")
        need(len(relation["questions"]) >= 2, where, "too few questions")
        need(relation["denied"], where, "nothing denied")
        for field in ("notes", "questions", "denied"):
            need(len(set(relation[field])) == len(relation[field]), where, "a frame twice in", field)
    while True:
        inner = {s for key in used if key in generators for e in generators[key] for s in SLOT.findall(e) if s in generators}
        if inner <= used:
            break
        used |= inner
    need(used >= set(generators), name, "generators that nothing uses:", *sorted(set(generators) - used))
    return frames


def words(text, chinese):
    return re.findall(r"\w", text) if chinese else re.findall(r"[\w'’]+", text.casefold())


def judged(path):
    """The sentences of the judge as words and as characters, one a line, words with blanks around them."""
    judge = json.loads(Path(path).read_text(encoding="utf-8"))
    sentences = [s for t in judge["notes"] + [q["question"] for q in judge["questions"]]
                 for s in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", t) if s.strip()]
    return ("\n".join(f" {' '.join(words(s, False))} " for s in sentences), "\n".join("".join(words(s, True)) for s in sentences))


def repeats(frame, chinese, judge):
    """The run that the frame has from the judge, or none."""
    parts = [words(part, chinese) for part in SLOT.sub("\0", frame).split("\0")]
    least, whole, join = (7, 5, "".join) if chinese else (5, 3, lambda run: f" {' '.join(run)} ")
    text = judge[1 if chinese else 0]
    if sum(map(len, parts)) >= whole:
        # Slots inside stand for up to 45 characters, those at the ends for anything.
        inner = ("" if chinese else r"\b") + r"[^\n]{1,45}?" + ("" if chinese else r"\b")
        if re.search(inner.join(re.escape(join(part)) for part in parts if part), text):
            return "all of it"
    for run in parts:
        for i in range(len(run) - least + 1):
            if join(run[i:i + least]) in text:
                return join(run[i:i + least]).strip()
    return None


def main():
    templates = json.loads(Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("templates.json")).read_text(encoding="utf-8"))
    languages = templates["languages"]
    need(list(languages) == list(SHARE), "languages", *languages)
    judge = judged(sys.argv[1]) if len(sys.argv) > 1 else None
    held_back = {}
    print(f"{'':4}{'relations':>10}{'held back':>10}{'frames':>8}{'with phrases':>13}{'fillers':>8}")
    for name, language in languages.items():
        frames, relations = check_form(name, language), language["relations"]
        need(language["share"] == SHARE[name], name, "share", language["share"])
        need(len(relations) >= LEAST[name], name, "relations:", len(relations))
        for r in relations:
            need(held_back.setdefault(r["key"], r.get("held_back", False)) == r.get("held_back", False), name, r["key"], "is held back in one language only")
        held = sum(r.get("held_back", False) for r in relations)
        need(.15 <= held / len(relations) <= .25, name, "held back:", held)
        own = sum(len(texts(r[f])) for r in relations for f in FIELDS if f in r)
        print(f"{name:4}{len(relations):10}{held:10}{own:8}{len(frames):13}{sum(map(len, language['generators'].values())):8}")
        for where, frame in sorted(set(frames)) if judge else ():
            if found := repeats(frame, name == "zh", judge):
                errors.append(f"{where}: as the judge ({found}): {frame}")
    print("\n".join(errors) or "no errors")
    return bool(errors)


sys.exit(main())
