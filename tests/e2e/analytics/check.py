"""Asks every reader the same ten questions and compares: check.py JOURNAL PARQUET DOCS [MISSING]

What is right is told by the journal, read with Python's own JSON reader. MISSING is a list of numbers whose Parquet file is gone.
"""

import importlib.util
import json
import os
import pathlib
import sys
import time

journal, root, docs = map(pathlib.Path, sys.argv[1:4])
missing = json.loads(sys.argv[4]) if len(sys.argv) > 4 else []
sys.path[:0] = [str(docs), str(pathlib.Path(__file__).parent.parent)]

import journal_queries
from checks import check, end
from engines import ENGINES, NEEDS, QUESTIONS


def plain(question, rows):
    """Rows as lists; a line of JSON by what it says, whatever the order of its members."""
    rows = [list(row) for row in rows]
    if question == "sft_pairs":
        rows = [[event, json.loads(line)] for event, line in rows]
    return rows


def short(rows):
    first = json.dumps(rows[0], ensure_ascii=False) if rows else ""
    return f"{len(rows)} rows{', the first ' if rows else ''}{first[:150]}"


log = journal_queries.events(journal, missing)
expected = {question: plain(question, getattr(journal_queries, question)(log)) for question in QUESTIONS}
print(f"{len(log)} events in the journal")
for question in QUESTIONS:
    print(f"  {question}: {short(expected[question])}")
for name, engine in ENGINES.items():
    if name in os.environ.get("WITHOUT", "").split(","):
        print(f"skipped: {name}: it is not to be asked")
        continue
    if NEEDS[name] and importlib.util.find_spec(NEEDS[name]) is None:
        print(f"skipped: {name}: {NEEDS[name]} is not installed")
        continue
    began = time.monotonic()
    answers = engine(root, docs)
    print(f"{name}, {time.monotonic() - began:.1f} s")
    for question in QUESTIONS:
        check(question, plain(question, answers[question]), expected[question])
check("a missing file is noticed", bool(expected["untold_gaps"]), bool(missing))
end()
