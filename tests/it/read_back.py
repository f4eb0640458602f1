"""Reads rendered feeds with Python's own readers and compares them as one table.

    read_back.py FOLDER

Prints the number of rows, then the formats that hold the same: csv, tsv, json, jsonl.gz,
xml, and parquet where pyarrow is there to read it. Exits 0 when all of them do.
"""
import csv
import gzip
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

try:
    from pyarrow import parquet
except ImportError:
    parquet = None

csv.field_size_limit(1 << 30)
folder = Path(sys.argv[1])


def plain(value):
    """A JSON value as the text a delimited cell holds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def delimited(name, delimiter):
    with open(folder / name, encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter=delimiter):
            yield {key: value for key, value in row.items() if value}


def objects(rows):
    return [{key: plain(value) for key, value in row.items()} for row in rows]


def tree():
    for item in ElementTree.parse(folder / "feed.xml").getroot():
        yield {field.tag: field.text for field in item}


tables = {
    "csv": list(delimited("feed.csv", ",")),
    "tsv": list(delimited("feed.tsv", "\t")),
    "json": objects(json.loads((folder / "feed.json").read_text(encoding="utf-8"))),
    "jsonl.gz": objects(map(json.loads, gzip.open(folder / "feed.jsonl.gz", "rt", encoding="utf-8"))),
    "xml": list(tree()),
}
if parquet:
    rows = parquet.read_table(folder / "feed.parquet").to_pylist()
    tables["parquet"] = objects({key: value for key, value in row.items() if value is not None} for row in rows)
first = tables["csv"]
for name, table in tables.items():
    assert len(table) == len(first), (name, len(table), len(first))
    for one, other in zip(first, table):
        assert one == other, (name, one, other)
print(len(first), *tables)
