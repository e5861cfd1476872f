"""Fails when docs/promises.md names a test that does not exist.

A test stands there in backticks: `path/to/file.rs::name`, or only a path, where the file is the test (a script, or an input
that the compiler must refuse). A row without one says `next`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| *(?P<id>[PUI]\d+) *\|.*\|(?P<tests>[^|]*)\|$")
TEST = r"#\[(?:[\w:]*test|test_case|proptest)\b[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn {}\s*\("

rows, held, wrong = 0, 0, []
for line in (ROOT / "docs/promises.md").read_text().splitlines():
    row = ROW.match(line)
    if not row:
        continue
    rows += 1
    tests = re.findall(r"`([^`]+)`", row["tests"])
    held += bool(tests)
    if not tests and row["tests"].strip() != "next":
        wrong.append(f'{row["id"]}: neither a test nor `next`')
    for test in tests:
        path, _, name = test.partition("::")
        file = ROOT / path
        if not file.is_file():
            wrong.append(f'{row["id"]}: no file {path}')
        elif name and not re.search(TEST.format(re.escape(name.split("::")[-1])), file.read_text()):
            wrong.append(f'{row["id"]}: no test {name} in {path}')

print(f"{rows} promises, {held} held by a test that is named")
print(*wrong, sep="\n", end="\n" if wrong else "")
sys.exit(bool(wrong) or not rows)
