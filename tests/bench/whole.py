#!/usr/bin/env python3
"""Measures the program as a whole and writes docs/performance.md.

    python3 tests/bench/whole.py --generator gen_catalog.py --rows 1000000 --rounds 5

The jobs of a round run one after the other, round after round, so that a busy moment of the
machine meets all of them. Figures are medians; ratios are to a single thread that only
iterates the same file (`calibrate`), measured in the same round. Peers that are installed
(`qsv`, `duckdb`) are measured too, others are left out.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    subprocess.run(["cargo", "bench", "--no-run", "--quiet", "--bench", "calibrate"], cwd=ROOT, check=True)
    made = sorted((ROOT / "target/release/deps").glob("calibrate-*"), key=lambda path: path.stat().st_mtime)
    return ROOT / "target/release/feedmill", [path for path in made if not path.suffix][-1]


def measure(command):
    """Wall seconds, CPU seconds and peak MB of one run."""
    start = time.perf_counter()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        sys.exit(f"{command}: exit {code}\n{said.decode(errors='replace')[-800:]}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def generate(generator, folder, rows, errors, kind, name, *more):
    path = folder / name
    if not path.exists():
        subprocess.run([sys.executable, generator, "--rows", str(rows), "--errors", str(errors), "--format", kind, "--seed", "5",
                        "--out", str(path), *more], check=True)
    return path


def jobs(program, calibrate, files, folder):
    check = [program, "check", "--config", "none", "-q", "--target", "openai", "--output-format", f"jsonl={folder}/findings.jsonl"]
    build = [program, "build", "--config", "none", "-q", "--currency", "USD", "--base-url", "https://shop.example", "--seller-name",
             "Northline", "--output-format", f"jsonl={folder}/findings.jsonl", "--out", folder / "out"]
    table = [
        ("calibrate: csv crate, one thread", [calibrate, "csv", files["csv"]], None),
        ("check, CSV, 2 threads", [*check, "--threads", "2", files["csv"]], 0),
        ("check, CSV, 1 thread", [*check, "--threads", "1", files["csv"]], 0),
        ("check, CSV without faults, 2 threads", [*check, "--threads", "2", files["clean"]], 0),
        ("build, CSV to CSV, 2 threads", [*build, "--threads", "2", "--target", "openai", "-f", "csv", files["csv"]], 0),
        ("build, Shopify CSV to openai jsonl and stripe csv", [*build, "--threads", "2", "--target", "openai", "--target", "stripe",
                                                               "-f", "jsonl", files["shopify"]], 0),
        ("build, CSV to csv.gz, 2 threads", [*build, "--threads", "2", "--target", "openai", "-f", "csv.gz", files["csv"]], 0),
        ("calibrate: serde_json, one thread", [calibrate, "jsonl", files["jsonl"]], None),
        ("check, JSONL, 2 threads", [*check, "--threads", "2", files["jsonl"]], 7),
        ("start: --version", [program, "--version"], None),
        ("start: check of 10 rows", [*check, files["ten"]], None),
    ]
    if shutil.which("qsv"):
        table.append(("qsv count", ["qsv", "count", files["csv"]], 0))
    if shutil.which("duckdb"):
        table.append(("duckdb: count of distinct ids", ["duckdb", "-c", f"select count(distinct item_id) from '{files['csv']}'"], 0))
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generator", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the catalogs are kept between runs")
    parser.add_argument("--curve", action="store_true", help="also time and memory from 10,000 rows up to --rows")
    arguments = parser.parse_args()
    program, calibrate = build()
    folder = pathlib.Path(arguments.folder or tempfile.mkdtemp(prefix="feedmill-bench-"))
    folder.mkdir(exist_ok=True)
    make = lambda *words: generate(arguments.generator, folder, *words)
    rows = arguments.rows
    files = {
        "csv": make(rows, 0.02, "csv", f"{rows}.csv"),
        "clean": make(rows, 0, "csv", f"{rows}-clean.csv"),
        "jsonl": make(rows, 0.02, "jsonl", f"{rows}.jsonl"),
        "shopify": make(rows, 0.02, "shopify-csv", f"{rows}-shopify.csv"),
        "ten": make(10, 0, "csv", "10.csv"),
    }
    table = jobs(program, calibrate, files, folder)
    taken = [[] for _ in table]
    for round_number in range(arguments.rounds):
        print(f"round {round_number + 1} of {arguments.rounds}", file=sys.stderr)
        for place, (_, command, _) in enumerate(table):
            taken[place].append(measure(command))
    print(f"{rows:,} rows, {files['csv'].stat().st_size / 1e9:.3f} GB of CSV, {os.cpu_count()} processors, {arguments.rounds} rounds\n")
    print("| job | wall s, median (min to max) | CPU s | peak MB | ratio |\n|---|---|---|---|---|")
    for place, (name, _, base) in enumerate(table):
        wall = [run[0] for run in taken[place]]
        ratio = ""
        if base is not None:
            ratio = f"{statistics.median(run[0] / other[0] for run, other in zip(taken[place], taken[base])):.2f}"
        print(f"| {name} | {statistics.median(wall):.3f} ({min(wall):.3f} to {max(wall):.3f}) | "
              f"{statistics.median(run[1] for run in taken[place]):.2f} | {max(run[2] for run in taken[place]):.0f} | {ratio} |")
    if arguments.curve:
        print("\n| rows | wall s | us a row | peak MB |\n|---|---|---|---|")
        count = 10_000
        while count <= rows:
            path = make(count, 0.02, "csv", f"{count}.csv")
            wall, _, peak = min(measure([program, "check", "--config", "none", "-q", "--target", "openai", "--output-format",
                                         f"jsonl={folder}/findings.jsonl", path]) for _ in range(3))
            print(f"| {count:,} | {wall:.3f} | {wall / count * 1e6:.2f} | {peak:.0f} |")
            count *= 10


main()
