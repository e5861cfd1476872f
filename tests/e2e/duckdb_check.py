"""Checks that other programs find in a log what is in it: duckdb_check.py DIR VIEW.sql

What is in it is told by Python's own JSON reader, line by line. Every check that applies to the log is run; late kinds are
checked where the log has them after line 25,000 of a file.
"""

import collections
import glob
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pyarrow
import pyarrow.json

from checks import check, end

LATE = 25_000
directory, view = map(pathlib.Path, sys.argv[1:])
pattern = str(directory / "*.jsonl")
files = sorted(glob.glob(pattern))

# (file, line number, event)
events = [(file, number, json.loads(line)) for file in files for number, line in enumerate(open(file, encoding="utf-8"), 1)]
groups = collections.defaultdict(lambda: [0, 0])
for _, _, event in events:
    if event["kind"] == "interaction":
        group = groups[event.get("project_id"), event.get("response_model", event.get("request_model"))]
        group[0] += 1
        group[1] += event.get("total_tokens", 0)
groups = {key: tuple(value) for key, value in groups.items()}


def late(name):
    """The first event with the member `name`, if it comes late in its file."""
    number, event = next(((number, event) for _, number, event in events if name in event), (0, None))
    return event if number > LATE else None


def connect():
    connection = duckdb.connect()
    connection.execute(view.read_text())
    return connection


def grouped(connection, source):
    return {
        (project, model): (count, tokens)
        for project, model, count, tokens in connection.execute(
            "SELECT project_id, model, count(*), coalesce(sum(total_tokens), 0)"
            " FROM events($source) WHERE kind = 'interaction' GROUP BY ALL",
            {"source": source},
        ).fetchall()
    }


def one(connection, query, *values):
    return connection.execute(query, [pattern, *values]).fetchone()


def duckdb_reads():
    connection = connect()
    check("DuckDB: every line is an event", one(connection, "SELECT count(*) FROM events(?)"), (len(events),))
    check("DuckDB: count and tokens by project and model", grouped(connection, pattern), groups)
    kinds = dict(connection.execute("SELECT kind, count(*) FROM events(?) GROUP BY ALL", [pattern]).fetchall())
    check("DuckDB: kinds, unknown ones too", kinds, dict(collections.Counter(event["kind"] for _, _, event in events)))
    types = {row[0]: row[1] for row in connection.execute("DESCRIBE SELECT * FROM events(?)", [pattern]).fetchall()}
    missing = {name for _, _, event in events for name in event} - set(types) - {"crc"}
    check("DuckDB: every member of the catalogue has a column", {name for name in missing if "2030" not in name}, set())
    check("DuckDB: times are times", types["recorded_at"].split()[0], "TIMESTAMP")

    if event := late("tool_arguments"):
        row = one(connection, "SELECT tool_arguments::JSON ->> 'city', tool_result FROM events(?) WHERE event_id = ?", event["event_id"])
        check("DuckDB: a late tool call", row, (json.loads(event["tool_arguments"])["city"], event["tool_result"]))
        row = one(connection, "SELECT count(*) FROM (SELECT unnest(output_messages, recursive := true) FROM events(?)), unnest(parts) AS p(part) WHERE part.type = 'tool_call'")
        tool_parts = sum(
            part["type"] == "tool_call"
            for _, _, event in events
            for message in event.get("output_messages", [])
            for part in message.get("parts", [])
        )
        check("DuckDB: late tool parts inside messages", row, (tool_parts,))
    if event := late("correction"):
        row = one(connection, "SELECT c.correction, i.response FROM events($1) c JOIN events($1) i ON i.event_id = c.target_event_id WHERE c.kind = 'correction'")
        target = next(e for _, _, e in events if e["event_id"] == event["target_event_id"])
        check("DuckDB: a late correction joins its event", row, (event["correction"], target["output_messages"][0]["parts"][0]["content"]))
    keys = collections.Counter()
    for _, _, event in events:
        keys.update((key, value) for key, value in event.get("metadata", {}).items())
    found = connection.execute(
        "SELECT entry.key, entry.value, count(*) FROM (SELECT unnest(map_entries(metadata)) AS entry FROM events(?)) GROUP BY ALL", [pattern]
    ).fetchall()
    check("DuckDB: metadata of several types", {(key, value): count for key, value, count in found}, dict(keys))

    # A log that is being written, or whose writer was killed: the last line is cut.
    with tempfile.TemporaryDirectory() as scratch:
        for file in files:
            shutil.copy(file, scratch)
        with open(pathlib.Path(scratch, pathlib.Path(files[-1]).name), "a", encoding="utf-8") as torn:
            torn.write('{"schema_version":1,"event_id":"019b76da')
        source = f"{scratch}/*.jsonl"
        check("DuckDB: a cut last line costs no other", grouped(connection, source), groups)
        cut = connection.execute("SELECT sum(lines) FROM unreadable_lines(?)", [source]).fetchone()
        check("DuckDB: the cut line is counted", cut, (1,))


def pyarrow_reads():
    schema = pyarrow.schema(
        [(name, pyarrow.string()) for name in ("kind", "project_id", "request_model", "response_model", "correction")]
        + [("total_tokens", pyarrow.int64()), ("recorded_at", pyarrow.timestamp("us", "UTC"))]
    )
    tables = [
        pyarrow.json.read_json(
            file,
            read_options=pyarrow.json.ReadOptions(block_size=32 << 20),
            parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        ).select(schema.names)
        for file in files
    ]
    rows = pyarrow.concat_tables(tables)
    check("pyarrow: every line is a row, with its time", len(rows) - rows["recorded_at"].null_count, len(events))
    found = collections.defaultdict(lambda: [0, 0])
    for row in rows.to_pylist():
        if row["kind"] == "interaction":
            group = found[row["project_id"], row["response_model"] or row["request_model"]]
            group[0] += 1
            group[1] += row["total_tokens"] or 0
    check("pyarrow: count and tokens by project and model", {key: tuple(value) for key, value in found.items()}, groups)
    corrections = [event["correction"] for _, _, event in events if "correction" in event]
    check("pyarrow: corrections", [text for text in rows["correction"].to_pylist() if text is not None], corrections)


def jq_reads():
    if not shutil.which("jq"):
        print("  skipped: jq is not installed")
        return
    program = '[inputs] | [length, (map(select(.kind == "interaction") | .total_tokens // 0) | add // 0)] | @csv'
    out = subprocess.run(["jq", "-rn", program, *files], check=True, capture_output=True, text=True).stdout.strip()
    check("jq: events and tokens", out, f"{len(events)},{sum(tokens for _, tokens in groups.values())}")


if not events:
    sys.exit(f"no event in {pattern}")
duckdb_reads()
pyarrow_reads()
jq_reads()
end()
