"""Checks that pyarrow finds in a server of S3 what is in the journal: upload_check.py JOURNAL HOST:PORT BUCKET/PREFIX [without-prompts]"""

import json
import pathlib
import sys

import pyarrow.dataset
import pyarrow.fs

journal, host, place, *without = sys.argv[1:]
# Structure of the journal, which no sink is given.
STRUCTURE = {"segment_opened", "writer_opened", "writer_closed"}
written = {}
for file in sorted(pathlib.Path(journal).glob("*.jsonl")):
    for line in file.read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # A kill tore it, and nobody was told that it is written.
            continue
        if event["kind"] not in STRUCTURE and "seq" in event:
            texts = [part["content"] for message in event.get("input_messages", []) for part in message["parts"]]
            written[event["writer_id"], event["seq"]] = texts[-1] if texts else None

store = pyarrow.fs.S3FileSystem(access_key="key", secret_key="secret", scheme="http", endpoint_override=host, region="us-east-1")
table = pyarrow.dataset.dataset(place, filesystem=store, format="parquet").to_table(columns=["writer_id", "seq", "prompt"])
found = {(row["writer_id"], row["seq"]): row["prompt"] for row in table.to_pylist()}
assert len(found) == table.num_rows, "an event is there twice"
missing, other = written.keys() - found.keys(), found.keys() - written.keys()
assert not missing and not other, f"{len(missing)} are missing, {len(other)} are nobody's"
assert found == written, "prompts differ"
assert not without or not any(found.values()), "a prompt is still there"
print(f"{len(found)} events in pyarrow")
