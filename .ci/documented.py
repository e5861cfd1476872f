"""Fails when a public type, trait or function is in no example, or may fail and does not say when.

Reads the JSON that rustdoc writes for each published crate: documented.py FILE.json…
An item is shown by a block of Rust in its own documentation, in that of one of its methods or of a function whose signature has
it, or by one elsewhere, such as a page of the guide, that names it and asserts something.
"""

import json
import pathlib
import re
import sys

KINDS = {"struct", "enum", "trait", "function", "proc_macro"}
BLOCK = re.compile(r"^ *```(?:rust|no_run)?\n(.*?)^ *```", re.M | re.S)

docs = {file: json.loads(file.read_text()) for file in map(pathlib.Path, sys.argv[1:])}
examples = "\n".join(
    block
    for doc in docs.values()
    for item in doc["index"].values()
    for block in BLOCK.findall(item["docs"] or "")
    if "assert" in block
)
named = set(re.findall(r"\w+", examples))
wrong = []
count = 0
for doc in docs.values():
    index = doc["index"]
    impls = [item["inner"]["impl"] for item in index.values() if "impl" in item["inner"]]
    # What a trait asks for, its page says.
    implemented = {id for impl in impls if impl["trait"] for id in impl["items"]}
    within = {id for item in index.values() for kind in ("impl", "trait") for id in item["inner"].get(kind, {}).get("items", [])}
    shown = {
        number
        for item in index.values()
        if "function" in item["inner"] and BLOCK.search(item["docs"] or "")
        for number in re.findall(r'"id": (\d+)', json.dumps(item["inner"]["function"]["sig"]))
    }
    for item in index.values():
        (kind, inner), = item["inner"].items()
        if item["crate_id"] != 0 or kind not in KINDS or item["id"] in implemented or item["name"] == "Sealed":
            continue
        place = item["span"] or {"filename": "", "begin": [0]}
        where = f'{place["filename"]}:{place["begin"][0]}: {item["name"]}'
        text = item["docs"] or ""
        if kind == "function" and re.search(r'"path": "(\w+::)*Result"', json.dumps(inner["sig"]["output"])[:200]) and "# Errors" not in text:
            wrong.append(f"{where}: no `# Errors`")
        if item["id"] in within:
            continue
        count += 1
        own = {id for number in inner.get("impls", []) for id in index[str(number)]["inner"]["impl"]["items"] if str(number) in index}
        methods = [index[str(id)]["docs"] or "" for id in own | set(inner.get("items", [])) if str(id) in index]
        if not any(BLOCK.search(text) for text in [text, *methods]) and item["name"] not in named and str(item["id"]) not in shown:
            wrong.append(f"{where}: no example")

print(f"{count} types, traits and functions")
print(*sorted(wrong), sep="\n", end="\n" if wrong else "")
sys.exit(bool(wrong) or not count)
