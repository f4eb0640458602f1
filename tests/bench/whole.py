#!/usr/bin/env python3
"""Measures the program as a whole and prints the tables of docs/performance.md.

    python3 tests/bench/whole.py --generator gen_catalog.py --rows 1000000 --rounds 5 --peers
    python3 tests/bench/whole.py --generator gen_catalog.py --curve 10000000
    python3 tests/bench/whole.py --generator gen_catalog.py --scorer score.py
    python3 tests/bench/whole.py --generator gen_catalog.py --instructions

The jobs of a round run one after the other, round after round, so that a busy moment of the
machine meets all of them. Figures are medians; ratios are to a single thread that only
iterates the same file (`calibrate`), measured in the same round. `pigz` is measured where it is
installed; for the other tools see `peers.py`.
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile

import peers

ROOT = pathlib.Path(__file__).resolve().parents[2]


# The level of gzip that the program writes with.
LEVEL = 6
PIGZ = "pigz -p 2, the feed"
PEER_ROUNDS = 2


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    made = subprocess.run(["cargo", "bench", "--no-run", "--bench", "calibrate", "--message-format", "json"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE).stdout
    said = [json.loads(line) for line in made.splitlines()]
    calibrate = [one["executable"] for one in said if one.get("executable") and one["target"]["name"] == "calibrate"]
    return ROOT / "target/release/feedmill", calibrate[-1]


# A process begins with the memory of the one that starts it, so a small one stands between.
LAUNCH = """import json, os, sys, time
start = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
took = time.perf_counter() - start
print(json.dumps([os.waitstatus_to_exitcode(status), took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))"""


def measure(command, most=1):
    """Wall seconds, CPU seconds and peak MB of one run, which may exit with so much."""
    words = [sys.executable, "-S", "-E", "-c", LAUNCH, *map(str, command)]
    run = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    code, *figures = json.loads(run.stdout or "[-1]")
    if not 0 <= code <= most:
        sys.exit(f"{command}: exit {code}\n{run.stderr[-800:]}")
    return tuple(figures)


def generate(generator, folder, rows, errors, kind, name, *more):
    path = folder / name
    if not path.exists():
        subprocess.run([sys.executable, generator, "--rows", str(rows), "--errors", str(errors), "--format", kind, "--seed", "5",
                        "--out", str(path), *more], check=True)
    return path


def database(table, path):
    """The rows of a CSV file in the table `products` of an SQLite file."""
    if not path.exists():
        with open(table, newline="", encoding="utf-8", errors="replace") as file, sqlite3.connect(path) as into:
            rows = csv.reader(file)
            names = next(rows)
            into.execute(f"create table products ({', '.join(f'{json.dumps(name)} text' for name in names)})")
            whole = (row for row in rows if len(row) == len(names))
            into.executemany(f"insert into products values ({', '.join('?' * len(names))})", whole)
    return path


def jobs(program, calibrate, files, folder):
    check = [program, "check", "--config", "none", "-q", "--target", "openai", "--output-format", f"jsonl={folder}/findings.jsonl"]
    shop = ["-q", "--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline", "--output-format",
            f"jsonl={folder}/findings.jsonl"]
    two = ["--threads", "2"]
    # A folder each: what one job has written is not for another to replace.
    build = lambda form, source: [program, "build", "--config", "none", *shop, *two, "--target", "openai", "-f", form,
                                  "--out", folder / f"out-{source}-{form}", files[source]]
    targets = folder / "targets.toml"
    targets.write_text("".join(f'[[target]]\nname = "{name}"\nspec = "{name}"\nformat = "{form}"\n'
                               for name, form in (("openai", "jsonl"), ("stripe", "csv"))))
    table = [
        ("csv crate, iterate", [calibrate, "csv", files["csv"]], None),
        ("check, CSV, 2 threads", [*check, *two, files["csv"]], 0),
        ("check, CSV, 1 thread", [*check, "--threads", "1", files["csv"]], 0),
        ("check, CSV, 5 % of the rows broken", [*check, *two, files["broken"]], 0),
        ("check, CSV, no row broken", [*check, *two, files["clean"]], 0),
        ("build, CSV to CSV", build("csv", "csv"), 0),
        ("build, CSV to CSV, gzip", build("csv.gz", "csv"), 0),
        ("csv crate, iterate the Shopify export", [calibrate, "csv", files["shopify"]], None),
        ("build, Shopify CSV to two targets", [program, "build", "--config", targets, *shop, *two, "--out", folder / "out-two",
                                               files["shopify"]], 7),
        ("serde_json, each line", [calibrate, "jsonl", files["jsonl"]], None),
        ("check, JSONL", [*check, *two, files["jsonl"]], 9),
        ("quick-xml, events", [calibrate, "xml", files["xml"]], None),
        ("build, XML to CSV", build("csv", "xml"), 11),
        ("parquet crate, rows", [calibrate, "parquet", files["parquet"]], None),
        ("check, Parquet", [*check, *two, files["parquet"]], 13),
        ("sqlx, rows of SQLite", [calibrate, "sqlite", files["sqlite"]], None),
        ("check, SQLite", [*check, *two, files["sqlite"], "--table", "products"], 15),
        ("--version", [program, "--version"], None),
        ("check of 10 rows", [*check, files["ten"]], None),
    ]
    if shutil.which("pigz"):
        plain = folder / "plain.csv"
        measure(build("csv", "csv"))
        with open(plain, "wb") as whole:
            for part in sorted((folder / "out-csv-csv/openai").glob("feed*.csv")):
                with open(part, "rb") as shard:
                    shutil.copyfileobj(shard, whole, 1 << 20)
        table.append((PIGZ, ["sh", "-c", f"pigz -p 2 -{LEVEL} -c {plain} > {folder}/plain.csv.gz"], 0))
    return table


def instructions(program, feed, export, folder):
    """Instructions of small jobs: the same on a busy machine, so that what a change costs can be seen."""
    quiet = ["--config", "none", "-q", "--threads", "1", "--output-format", f"jsonl={folder}/findings.jsonl"]
    build = [program, "build", *quiet, "--currency", "USD", "--base-url", "https://shop.example", "--seller-name", "Northline", "--out",
             folder / "out", "--target", "openai", "-f", "csv"]
    print("| job, 20,000 rows | instructions, millions |\n|---|---|")
    for name, command in (("check, CSV", [program, "check", *quiet, "--target", "openai", feed]), ("build, CSV to CSV", [*build, feed]),
                          ("build, Shopify CSV to CSV", [*build, export])):
        words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.out", *map(str, command)]
        said = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
        counted = [line for line in said.splitlines() if "Collected" in line]
        print(f"| {name} | {int(counted[0].split(':')[1]) / 1e6:,.0f} |")


def curve(program, make, folder, most):
    """Time and memory from 10,000 rows up, and the largest with its groups scattered in little memory."""
    check = [program, "check", "--config", "none", "-q", "--target", "openai", "--output-format", f"jsonl={folder}/findings.jsonl"]
    counts = [count for count in (10_000, 100_000, 1_000_000, 10_000_000) if count <= most]
    print("| rows | wall s | us a row | peak MB |\n|---|---|---|---|")
    for count in counts:
        path = make(count, 0.02, "csv", f"{count}.csv")
        wall, _, peak = min(measure([*check, path]) for _ in range(3 if count <= 1_000_000 else 1))
        print(f"| {count:,} | {wall:.3f} | {wall / count * 1e6:.2f} | {peak:.0f} |", flush=True)
        if count == 10_000_000:
            path.unlink()
    path = make(most, 0.02, "csv", f"{most}-scattered.csv", "--scatter")
    wall, _, peak = measure([*check, "--memory", "64M", path])
    print(f"| {most:,}, groups scattered, `--memory 64M` | {wall:.3f} | {wall / most * 1e6:.2f} | {peak:.0f} |")
    path.unlink()


def score(program, make, folder, scorer, rows):
    """What the generator broke on purpose against what `check` finds, in several settings; the findings are to be
    the same for all, and the same bytes for any number of threads. In little memory they come in another order."""
    path = make(rows, 0.05, "csv", f"{rows}-broken.csv")
    seen = []
    for more in (["--threads", "1"], ["--threads", "2"], ["--threads", "2", "--memory", "16M"]):
        found = folder / "found.jsonl"
        measure([program, "check", "--config", "none", "-q", "--target", "openai", "--output-format", f"jsonl={found}", *more, path])
        print(" ".join(more), flush=True)
        subprocess.run([sys.executable, scorer, "--faults", f"{path}.faults.json", "--findings", found], check=True)
        lines = found.read_bytes().splitlines()
        seen.append((lines, sorted(lines)))
    alone, threads, little = seen
    print("1 and 2 threads:", "the same bytes" if alone[0] == threads[0] else "they DIFFER")
    print("little memory:", "the same findings" if alone[1] == little[1] else "they DIFFER")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generator", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the catalogs are kept between runs")
    parser.add_argument("--peers", action="store_true", help="also other tools, fetched if missing")
    parser.add_argument("--instructions", action="store_true", help="only count instructions of 20,000 rows with callgrind")
    parser.add_argument("--curve", type=int, metavar="ROWS", help="only time and memory from 10,000 rows up to so many")
    parser.add_argument("--scorer", help="only compare findings with the faults that were made")
    arguments = parser.parse_args()
    program, calibrate = build()
    folder = pathlib.Path(arguments.folder or tempfile.mkdtemp(prefix="feedmill-bench-"))
    folder.mkdir(exist_ok=True)
    make = lambda *words: generate(arguments.generator, folder, *words)
    rows = arguments.rows
    if arguments.instructions:
        return instructions(program, make(20_000, 0.02, "csv", "20000.csv"), make(20_000, 0.02, "shopify-csv", "20000-shopify.csv"), folder)
    if arguments.curve:
        return curve(program, make, folder, arguments.curve)
    if arguments.scorer:
        return score(program, make, folder, arguments.scorer, rows)
    files = {
        "csv": make(rows, 0.02, "csv", f"{rows}.csv"),
        "clean": make(rows, 0, "csv", f"{rows}-clean.csv"),
        "broken": make(rows, 0.05, "csv", f"{rows}-broken.csv"),
        "xml": make(rows // 10, 0.02, "google-xml", f"{rows // 10}.xml"),
        "parquet": folder / f"{rows // 10}.parquet",
        "jsonl": make(rows, 0.02, "jsonl", f"{rows}.jsonl"),
        "shopify": make(rows, 0.02, "shopify-csv", f"{rows}-shopify.csv"),
        "ten": make(10, 0, "csv", "10.csv"),
    }
    tenth = make(rows // 10, 0.02, "csv", f"{rows // 10}.csv")
    files["sqlite"] = database(tenth, folder / f"{rows // 10}.sqlite")
    if not files["parquet"].exists():
        measure([program, "build", "--config", "none", "-q", "--target", "openai", "-f", "parquet", "--out", folder / "parquet", tenth])
        shutil.copy(folder / "parquet/openai/feed.parquet", files["parquet"])
    table = jobs(program, calibrate, files, folder)
    own = len(table)
    if arguments.peers:
        lines = make(rows // 10, 0.02, "jsonl", f"{rows // 10}.jsonl")
        table += [(name, command, 0) for name, command in peers.jobs(program, folder, files["csv"], tenth, lines)]
    taken = [[] for _ in table]
    for round_number in range(arguments.rounds):
        print(f"round {round_number + 1} of {arguments.rounds}", file=sys.stderr)
        # The slowest of the others take minutes.
        for place, (_, command, _) in enumerate(table if round_number < PEER_ROUNDS else table[:own]):
            taken[place].append(measure(command, 1 if place < own else 0))
    print(f"{rows:,} rows, {files['csv'].stat().st_size / 1e9:.3f} GB of CSV, {os.cpu_count()} processors, {arguments.rounds} rounds\n")
    print("| job | wall s, median (min to max) | CPU s | peak MB | ratio | CPU ratio |\n|---|---|---|---|---|---|")
    for place, (name, _, base) in enumerate(table):
        wall = [run[0] for run in taken[place]]
        ratio = " | "
        if base is not None:
            against = lambda what: statistics.median(run[what] / other[what] for run, other in zip(taken[place], taken[base]))
            ratio = f"{against(0):.2f} | {against(1):.2f}"
        print(f"| {name} | {statistics.median(wall):.3f} ({min(wall):.3f} to {max(wall):.3f}) | "
              f"{statistics.median(run[1] for run in taken[place]):.2f} | {max(run[2] for run in taken[place]):.0f} | {ratio} |")
    by_name = {name: [run[0] for run in runs] for (name, _, _), runs in zip(table, taken)}
    if PIGZ in by_name:
        rounds = zip(by_name["build, CSV to CSV, gzip"], by_name["build, CSV to CSV"], by_name[PIGZ])
        extra = statistics.median((packed - plain) / pigz for packed, plain, pigz in rounds)
        print(f"\nWhat gzip adds to a build, against pigz on the same bytes: {extra:.2f}")


main()
