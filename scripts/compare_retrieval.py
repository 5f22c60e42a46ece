#!/usr/bin/env python3
"""Measures quipu's retrieval beside bm25s (numba), SQLite FTS5, faiss and hnswlib, in pairs: every repetition runs
ours, then the peer, on the same tokens and vectors.

    scripts/compare_retrieval.py [--notes DIR] [--n 20000] [--large] [--repetitions 5] [--json FILE]

--notes DIR   folder with EREN's JSON files (default: $QUIPU_SHARED or ../shared, then data/edit/eren)
--large       also a million notes, against FTS5 (some minutes)
The peers are installed once into a virtual environment in the user's cache folder. Rows are medians: case, ours, peer,
unit, ratio (above 1 is better, whatever the unit).
"""
import argparse
import glob
import json
import os
import pathlib
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent
cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "quipu"
PEERS = ["numpy", "bm25s", "numba", "faiss-cpu", "hnswlib"]
K = 5


def in_environment():
    """Runs this script again inside the environment with the peers, made on first use."""
    folder = cache / "peers" / "retrieval-venv"
    python = folder / "bin" / "python"
    if pathlib.Path(sys.prefix) == folder:
        return
    if not (folder / "complete").exists():
        print("installing the retrieval peers (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
        (folder / "complete").touch()
    os.execv(python, [str(python), str(pathlib.Path(__file__).resolve()), *sys.argv[1:]])


def make_notes(folder, n):
    """Statements of the sets, cut at 15 words, then variations with one to three words swapped."""
    base = []
    for name in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(name, encoding="utf-8") as file:
            for record in json.load(file):
                statements = record["edit_statement"]
                for statement in statements if isinstance(statements, list) else [statements]:
                    words = statement.split()
                    if len(words) >= 6:
                        base.append(words[:15])
    if not base:
        sys.exit(f"no statements in {folder}: give --notes")
    base = list({" ".join(words): words for words in base}.values())
    rng = random.Random(1)
    vocabulary = sorted({word for words in base for word in words})
    notes = [list(words) for words in base[:n]]
    while len(notes) < n:
        words = list(rng.choice(base))
        for _ in range(rng.randint(1, 3)):
            words[rng.randrange(len(words))] = rng.choice(rng.choice(base)) if rng.random() < 0.8 else rng.choice(vocabulary)
        notes.append(words)
    word = re.compile(r"\w+")
    tokens = [word.findall(" ".join(words).lower()) for words in notes]
    queries = []
    while len(queries) < 500:
        words = rng.choice(tokens)
        picked = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(3, 6))))
        queries.append([words[i] for i in picked])
    return tokens, queries


def rate(search, queries):
    for query in queries[:20]:
        search(query)
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        for query in queries:
            search(query)
        rates.append(len(queries) / (time.perf_counter() - start))
    return statistics.median(rates)


def bm25s_peer(tokens):
    import bm25s
    index = bm25s.BM25(backend="numba")
    index.index(tokens, show_progress=False)
    return lambda query: index.retrieve([query], k=K, show_progress=False)


def fts5_peer(tokens):
    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table notes using fts5(body)")
    connection.executemany("insert into notes(body) values (?)", ((" ".join(t),) for t in tokens))
    connection.commit()
    sql = f"select rowid, bm25(notes) from notes where notes match ? order by rank limit {K}"
    return lambda query: connection.execute(sql, (" OR ".join(f'"{t}"' for t in query),)).fetchall()


def clustered(n, dimension):
    import numpy
    generator = numpy.random.default_rng(7)
    centres = generator.standard_normal((max(64, n // 200), dimension), dtype=numpy.float32)

    def pick(count):
        x = centres[generator.integers(0, len(centres), count)] + 0.7 * generator.standard_normal((count, dimension), dtype=numpy.float32)
        return x / numpy.linalg.norm(x, axis=1, keepdims=True)

    return pick(n), pick(1000)


def faiss_peer(vectors, queries):
    import faiss
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return rate(lambda q: index.search(q, 10), [queries[i:i + 1] for i in range(200)]), index.search(queries, 10)[1]


def hnswlib_peer(vectors, queries, truth):
    import hnswlib
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16, random_seed=100)
    start = time.perf_counter()
    index.add_items(vectors, num_threads=1)
    built = time.perf_counter() - start
    index.set_ef(64)
    found = index.knn_query(queries, k=10, num_threads=1)[0]
    recall = statistics.mean(len(set(f) & set(t)) / 10 for f, t in zip(found.tolist(), truth.tolist()))
    per_second = rate(lambda q: index.knn_query(q, k=10, num_threads=1), [queries[i:i + 1] for i in range(len(queries))])
    return per_second, built, recall


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = pathlib.Path(os.environ.get("QUIPU_SHARED", root.parent / "shared"))
    parser.add_argument("--notes", default=shared / "data" / "edit" / "eren")
    parser.add_argument("--n", type=int, default=20000)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json")
    parser.add_argument("--program", default=root / "build" / "release" / "benchmarks" / "compare_retrieval_speed")
    options = parser.parse_args()
    program = pathlib.Path(options.program)
    if not program.exists():
        sys.exit("build first: cmake --preset release && cmake --build --preset release --target compare_retrieval_speed")
    in_environment()

    def ours(*arguments):
        return json.loads(subprocess.run([str(program), *map(str, arguments)], check=True, text=True, stdout=subprocess.PIPE).stdout)

    rows = []

    def row(case, pairs, unit, higher_is_better=True):
        mine, peer = (statistics.median(side) for side in zip(*pairs))
        ratios = [a / b if higher_is_better else b / a for a, b in pairs]
        rows.append({"case": case, "ours": mine, "peer": peer, "unit": unit, "ratio": statistics.median(ratios)})
        print(f"{case:45s} ours {mine:12.4g}  peer {peer:12.4g} {unit:10s} ratio {rows[-1]['ratio']:.2f}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write = lambda name, lines: (folder / name).write_text("".join(" ".join(t) + "\n" for t in lines), encoding="utf-8")
        tokens, queries = make_notes(options.notes, options.n)
        write("notes", tokens)
        write("queries", queries)
        label = f"{options.n // 1000}k"
        for name, peer in (("bm25s numba", bm25s_peer), ("FTS5", fts5_peer)):
            search = peer(tokens)
            slow = peer is fts5_peer  # a thousand times slower: a few queries, once
            few = queries[:40] if slow else queries
            repetitions = 1 if slow else options.repetitions
            pairs = [(ours("bm25", folder / "notes", folder / "queries")["queries_s"], rate(search, few)) for _ in range(repetitions)]
            row(f"bm25 {label} top {K}, single queries, {name}", pairs, "queries/s")
        if options.large:
            tokens, queries = make_notes(options.notes, 1_000_000)
            write("notes", tokens)
            write("queries", queries)
            search = fts5_peer(tokens)
            mine = ours("bm25", folder / "notes", folder / "queries")
            times = []
            for query in queries[:20]:
                start = time.perf_counter()
                search(query)
                times.append(1e3 * (time.perf_counter() - start))
            row("bm25 1M top 5, median of single queries, FTS5", [(mine["median_ms"], statistics.median(times))], "ms", False)
            print(f"    {mine['bytes_per_note']:.0f} bytes a note, index built in {mine['index_s']:.1f} s")
        vectors, asked = clustered(20000, 384)
        vectors.tofile(folder / "vectors")
        asked.tofile(folder / "asked")
        flat, graph, build = [], [], []
        for _ in range(min(3, options.repetitions)):
            mine = ours("dense", folder / "vectors", folder / "asked", 384)
            exact, truth = faiss_peer(vectors, asked)
            per_second, built, recall = hnswlib_peer(vectors, asked, truth)
            flat.append((mine["exact_queries_s"], exact))
            graph.append((mine["graph_queries_s"], per_second))
            build.append((mine["graph_build_s"], built))
        row("dense 20k x 384 exact, single queries, faiss", flat, "queries/s")
        row("dense 20k x 384 graph, single queries, hnswlib", graph, "queries/s")
        row("dense 20k x 384 graph, build, hnswlib", build, "s", False)
        row("dense 20k x 384 graph, recall at 10, hnswlib", [(mine["graph_recall"], recall)], "share")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
