#!/usr/bin/env python3
"""Counts the instructions of the hot path, which a busy machine does not change, and compares them
with those of the last time that somebody looked: .ci/instructions.tsv.

    .ci/instructions.py            fails when a case takes 5 % more than it did
    .ci/instructions.py bless      writes down what it takes now
    .ci/instructions.py show CASE  where they go, by callgrind_annotate

A case is done so and so many times and twice as often; the difference is what it costs. Two numbers
each: of the thread that makes the calls, and of the log's threads. What the system does, as for a
clock or a write, is not in them.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BASELINE = HERE / "instructions.tsv"
TOLERANCE = 0.05
# Numbers this small are a few instructions of the loop.
SMALL = 8

# How often each case is done.
CASES = {
    "serde_json": 128,
    "borrowed": 128,
    "owned": 128,
    "verbatim": 128,
    "chunk": 2048,
    "macro": 128,
    "no_policy": 2048,
    "load_and_branch": 65536,
    "no_log": 65536,
    "macro_no_log": 65536,
}


def build():
    command = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "instructions", "--message-format=json"]
    out = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [m["executable"] for m in map(json.loads, out.splitlines()) if m.get("executable")][-1]


def counted(program, case, times, directory):
    """Returns the instructions of the caller's thread and of all others."""
    out = pathlib.Path(directory) / f"{case}.{times}"
    valgrind = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}"]
    subprocess.run([*valgrind, program, case, str(times)], check=True, capture_output=True)
    caller = others = 0
    for file in out.parent.glob(f"{out.name}-*"):
        text = file.read_text()
        thread = int(re.search(r"^thread: (\d+)", text, re.M)[1])
        total = int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1])
        caller, others = (caller + total, others) if thread == 1 else (caller, others + total)
    return caller, others


def main():
    program = build()
    with tempfile.TemporaryDirectory() as directory:
        if sys.argv[1:2] == ["show"]:
            counted(program, sys.argv[2], 4 * CASES[sys.argv[2]], directory)
            for file in sorted(pathlib.Path(directory).glob("*-*")):
                subprocess.run(["callgrind_annotate", "--inclusive=yes", str(file)], check=True)
            return 0
        found = {}
        for case, times in CASES.items():
            less, more = (counted(program, case, n, directory) for n in (times, 2 * times))
            found[case] = [round((b - a) / times) for a, b in zip(less, more)]
    if sys.argv[1:] == ["bless"]:
        lines = [f"{case}\t{caller}\t{others}\n" for case, (caller, others) in found.items()]
        BASELINE.write_text("".join(["case\tcaller\tlog\n", *lines]))
    known = {}
    for line in BASELINE.read_text().splitlines()[1:]:
        case, *numbers = line.split("\t")
        known[case] = [int(number) for number in numbers]
    bad = set(found) != set(known)
    print("| case | caller | before | log | before |\n|---|--:|--:|--:|--:|")
    for case, (caller, others) in found.items():
        before = known.get(case, [0, 0])
        print(f"| {case} | {caller} | {before[0]} | {others} | {before[1]} |")
        for now, then in zip((caller, others), before):
            if now > then * (1 + TOLERANCE) + SMALL:
                print(f"{case}: {now} instructions, {then} before; if that is meant: .ci/instructions.py bless")
                bad = True
    return int(bad)


sys.exit(main())
