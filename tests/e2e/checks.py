"""Checks that say what they found, and how they all ended."""

import sys

failures = 0


def check(what, found, expected):
    global failures
    if found == expected:
        print(f"  ok      {what}")
    else:
        failures += 1
        print(f"  failed  {what}:\n    found    {found!r}\n    expected {expected!r}"[:2000])


def end():
    sys.exit(bool(failures))
