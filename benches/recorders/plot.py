#!/usr/bin/env python3
"""Draws how the cost of a call grows: `plot.py MEDIANS.tsv > docs/scaling.svg`.

The medians are those that `recorders scale --save MEDIANS.tsv` writes.
"""

import math
import sys

PANELS = [
    ("Tasks", 2, "tasks on 2 workers"),
    ("Burst", 3, "bytes of a prompt"),
]
# What is drawn of a row, in which colour: the caller's median and the CPU of the whole process.
LINES = [
    ("serde_json", 4, "#888", "6 3", "serde_json, caller"),
    ("llm-audit", 4, "#06c", "", "llm-audit, caller"),
    ("serde_json", 5, "#888", "1 3", "serde_json, process"),
    ("llm-audit", 5, "#c40", "", "llm-audit, process"),
]
WIDTH, HEIGHT, LEFT, TOP, GAP = 380, 260, 70, 30, 90


def main(path):
    rows = [line.split("\t") for line in open(path).read().splitlines()]
    width = LEFT + len(PANELS) * (WIDTH + GAP)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + 120}" font-family="sans-serif" font-size="12">')
    print(f'<rect width="{width}" height="{HEIGHT + 120}" fill="#fff"/>')
    for at, (load, column, title) in enumerate(PANELS):
        panel([row for row in rows if row[1] == load], column, title, LEFT + at * (WIDTH + GAP))
    for at, (_, _, colour, dash, label) in enumerate(LINES):
        x, y = LEFT + at * 190, HEIGHT + 95
        print(f'<line x1="{x}" y1="{y}" x2="{x + 30}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        print(f'<text x="{x + 36}" y="{y + 4}">{label}</text>')
    print("</svg>")


def panel(rows, column, title, left):
    xs = [float(row[column]) for row in rows]
    ys = [max(float(row[at]), 1) for row in rows for at in (4, 5)]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    first, last = math.log10(min(xs)), math.log10(max(xs))

    def x(value):
        return left + WIDTH * (math.log10(value) - first) / (last - first)

    def y(value):
        return TOP + HEIGHT * (high - math.log10(max(value, 1))) / (high - low)

    for power in range(low, high + 1):
        at = y(10**power)
        print(f'<line x1="{left}" y1="{at:.1f}" x2="{left + WIDTH}" y2="{at:.1f}" stroke="#ddd"/>')
        print(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{human(10**power)}</text>')
    for value in sorted(set(xs)):
        print(f'<text x="{x(value):.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{value:g}</text>')
    print(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 40}" text-anchor="middle">{title}; time of a call</text>')
    for name, at, colour, dash, _ in LINES:
        points = sorted((float(row[column]), float(row[at])) for row in rows if row[0] == name)
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        print(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')


def human(nanos):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanos >= size:
            return f"{nanos / size:g} {unit}"
    return f"{nanos:g} ns"


main(sys.argv[1])
