#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check everyday.json: form, sizes, shares, answers found in notes, duplicates; print the table kind x language.

Usage: check_everyday.py [file]. Exit status 1 when something is wrong. Each table cell is answerable/left alone.
Normalised text: lower case, no punctuation (Unicode P* deleted, so $ £ € + stay), no a/an/the, single blanks.
"""
import json, re, sys, unicodedata
from collections import Counter
from pathlib import Path

LANGUAGES = ("en", "de", "es", "zh")
EMPTY, MIXED = {"near-miss", "unrelated"}, {"denied"}  # the other kinds are always answerable
LEAST = {"direct": 1, "paraphrased": 1, "cloze": 1, "corrected": 11, "denied": 1, "long": 1, "two-note": 16,
         "near-miss": 70, "unrelated": 45, "cross-language": 14, "alias": 8}
SHARE = {"en": .45, "de": .20, "es": .17, "zh": .18}
errors = []


def normal(text):
    text = "".join(c for c in text.lower() if unicodedata.category(c)[0] != "P")
    return " ".join(w for w in text.split() if w not in ("a", "an", "the"))


def need(ok, *what):
    if not ok:
        errors.append(" ".join(map(str, what)))


def contained(answer, notes):
    """Whole-word containment; Chinese has no blanks between words, so plain containment there."""
    if any("\u4e00" <= c <= "\u9fff" for c in answer):
        return any(answer in n for n in notes)
    return any(re.search(r"(?<![^\W\u4e00-\u9fff])" + re.escape(answer) + r"(?![^\W\u4e00-\u9fff])", n)
               for n in notes)


data = json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("everyday.json"))
                  .read_text(encoding="utf-8"))
need(list(data) == ["about", "notes", "questions"], "keys", list(data))
notes, questions = data["notes"], data["questions"]
need(all(isinstance(n, str) and n == n.strip() and n for n in notes), "a note is not a trimmed text")
need(len(notes) >= 125, "notes:", len(notes))
need(len(questions) >= 310, "questions:", len(questions))
normal_notes = [normal(n) for n in notes]
for what, texts in (("note", normal_notes), ("question", [normal(q["question"]) for q in questions])):
    for text, count in Counter(texts).items():
        need(count == 1, "duplicate", what, text)
pages = [n for n in notes if len(re.findall(r"[.!?](?=\s|$)|[\u3002\uff01\uff1f]", n)) >= 5]
need(len(pages) >= 8, "page-like notes:", len(pages))
need(any(240 <= len(n.split()) <= 285 for n in pages), "no note of about 260 words")

cells = Counter()
for q in questions:
    text, answers, kind, language = (q.get(k) for k in ("question", "answers", "kind", "language"))
    need(list(q) == ["question", "answers", "kind", "language"] and isinstance(text, str) and text.strip()
         and isinstance(answers, list) and all(isinstance(a, str) and normal(a) for a in answers), "form:", q)
    need(kind in LEAST and language in LANGUAGES, "kind or language:", q)
    need(kind in MIXED or (kind in EMPTY) == (not answers), "answers do not fit the kind:", q)
    forms = [normal(a) for a in answers]
    need(len(set(forms)) == len(forms), "same answer twice:", text, answers)
    need(not forms or any(contained(f, normal_notes) for f in forms), "no answer in a note:", text, answers)
    cells[kind, language, bool(answers)] += 1

total = lambda kind=None, language=None, yes=None: sum(
    n for (k, l, y), n in cells.items() if kind in (None, k) and language in (None, l) and yes in (None, y))
for kind, least in LEAST.items():
    need(total(kind) >= least, "too few", kind, total(kind))
for language, share in SHARE.items():
    need(abs(total(language=language) / len(questions) - share) <= .03, "share of", language)
answerable = total(yes=True) / len(questions)
need(.59 <= answerable <= .65, "answerable:", answerable)

print(f"{'kind':16}" + "".join(f"{l:>9}" for l in LANGUAGES + ("all",)))
for kind in list(LEAST) + [None]:
    print(f"{kind or 'all':16}" + "".join(f"{total(kind, l, True)}/{total(kind, l, False)}".rjust(9)
                                          for l in LANGUAGES + (None,)))
print(f"{len(notes)} notes ({len(pages)} page-like, longest {max(len(n.split()) for n in notes)} words), "
      f"{len(questions)} questions, {answerable:.1%} answerable; languages "
      + ", ".join(f"{l} {total(language=l) / len(questions):.0%}" for l in LANGUAGES))
print("\n".join(errors) or "no errors")
sys.exit(bool(errors))
