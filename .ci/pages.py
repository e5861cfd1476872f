"""Fails when docs/promises.md or docs/durability.md names a test or a benchmark, or docs/defaults.md a constant, that does not exist.

Both are named in backticks in the last column: `path/to/file.rs::name`, or only a path. A promise that no test holds yet says
`next`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST = r"#\[(?:[\w:]*test|test_case|divan::bench)\b[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn {}\s*\("
CONSTANT = r"\bconst {}:"

wrong = []


def rows(page):
    """The rows of the page's tables, as their first and last cells."""
    for line in (ROOT / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and not set(line) <= set("|-: "):
            yield cells[0], cells[-1]


def look(page, title, reference, pattern):
    path, _, name = reference.partition("::")
    if not (ROOT / path).is_file():
        wrong.append(f"{page}: {title}: no file {path}")
    elif name and not re.search(pattern.format(re.escape(name)), (ROOT / path).read_text()):
        wrong.append(f"{page}: {title}: no {name} in {path}")


held = partly = total = 0
for title, tests in rows("docs/promises.md"):
    if not re.fullmatch(r"[PIU]\d+", title):
        continue
    named = re.findall(r"`([^`]+)`", tests)
    total += 1
    held += bool(named) and "next" not in tests
    partly += bool(named) and "next" in tests
    if not named and not tests.startswith("next"):
        wrong.append(f"docs/promises.md: {title}: neither a test nor `next`")
    for test in named:
        look("docs/promises.md", title, test, TEST)
print(f"{total} promises: {held} held, {partly} in part, {total - held - partly} next")

faults = 0
for title, tests in rows("docs/durability.md"):
    for test in re.findall(r"`([^`]+\.rs::[^`]+)`", tests):
        faults += 1
        look("docs/durability.md", title, test, TEST)
print(f"{faults} tests of durability")

defaults = 0
for title, place in rows("docs/defaults.md"):
    for constant in re.findall(r"`([^`]+)`", place):
        defaults += 1
        look("docs/defaults.md", title, constant, CONSTANT)
print(f"{defaults} defaults")

print(*wrong, sep="\n", end="\n" if wrong else "")
sys.exit(bool(wrong) or not total or not faults or not defaults)
