"""Checks that other programs find in Parquet files what is in the journal: parquet_check.py JOURNAL PARQUET VIEW.sql

What is in the journal is told by Python's own JSON reader. Every field that an event has is compared, for every event; what
no event has is NULL. Then the same questions are asked of both with SQL.
"""

import collections
import datetime
import glob
import json
import pathlib
import sys

import duckdb
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

from checks import check, end

journal, root, view = map(pathlib.Path, sys.argv[1:])
lines = str(journal / "*.jsonl")
files = str(root / "v1" / "*" / "*.parquet")
DERIVED = {"model", "prompt", "response", "unknown", "date"}
# Structure of the journal, which no sink is given.
STRUCTURE = {"segment_opened", "writer_opened", "writer_closed"}
FLAT = {"kind", "model", "status", "recorded_at", "total_tokens"}
HIDDEN = {"prompt", "response", "user_id", "session_id", "folder_path", "error_message", "correction", "unknown"}


def plain(value, kind):
    """A value of pyarrow as JSON has it: no NULL members, maps as objects, times as text."""
    if value is None:
        return None
    if pyarrow.types.is_timestamp(kind):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if pyarrow.types.is_map(kind):
        return {key: plain(item, kind.item_type) for key, item in value}
    if pyarrow.types.is_list(kind):
        return [plain(item, kind.value_type) for item in value]
    if pyarrow.types.is_struct(kind):
        members = {field.name: plain(value[field.name], field.type) for field in kind}
        return {name: member for name, member in members.items() if member is not None}
    return value


def event_of(row, schema):
    members = {name: plain(row[name], schema.field(name).type) for name in schema.names if name not in DERIVED}
    members = {name: member for name, member in members.items() if member is not None}
    return members | json.loads(row["unknown"] or "{}")


def texts(message):
    return [part["content"] for part in message.get("parts", []) if part.get("type") == "text" and "content" in part]


def derived(event):
    asked = [texts(message) for message in event.get("input_messages", []) if message.get("role") == "user" and texts(message)]
    said = texts(event["output_messages"][0]) if event.get("output_messages") else []
    return {
        "model": event.get("response_model", event.get("request_model")),
        "prompt": "\n".join(asked[-1]) if asked else None,
        "response": "\n".join(said) if said else None,
        "date": event["recorded_at"][:10],
    }


written = {}
for file in sorted(glob.glob(lines)):
    for line in open(file, encoding="utf-8"):
        event = json.loads(line)
        event.pop("crc", None)
        if event["kind"] not in STRUCTURE:
            written[event["event_id"]] = event


def pyarrow_reads():
    dataset = pyarrow.dataset.dataset(root / "v1", format="parquet", partitioning="hive")
    schema = dataset.schema
    found, doubled, wrong, fields = set(), 0, [], set()
    for batch in dataset.to_batches(batch_size=4096):
        for row in batch.to_pylist():
            doubled += row["event_id"] in found
            found.add(row["event_id"])
            event = written.get(row["event_id"])
            if event is None:
                continue
            fields |= event.keys()
            if event_of(row, schema) != event:
                wrong.append(row["event_id"])
            columns = derived(event)
            if {name: str(row[name]) if name == "date" else row[name] for name in columns} != columns:
                wrong.append(row["event_id"])
    check("pyarrow: every event of the journal is there", len(written.keys() - found), 0)
    check("pyarrow: no event more", len(found - written.keys()), 0)
    check("pyarrow: no event twice", doubled, 0)
    check("pyarrow: every field of every event is the same, derived ones follow", wrong[:3], [])
    print(f"          {len(found)} events, {len(fields)} of {len(schema.names) - len(DERIVED)} fields occur")


def footers():
    path = sorted(glob.glob(files))[0]
    file = pyarrow.parquet.ParquetFile(path)
    metadata, group, rows = file.metadata, file.metadata.row_group(0), file.read_row_group(0)
    with_values = {name for name in rows.column_names if rows[name].null_count < group.num_rows}
    columns = [group.column(number) for number in range(group.num_columns)]
    with_statistics = {column.path_in_schema for column in columns if column.is_stats_set}
    check("footer: statistics of flat, harmless columns", FLAT - with_statistics, set())
    hidden = {path for path in with_statistics if path.split(".")[0] in HIDDEN or "." in path}
    check("footer: none of what may be content or identity", hidden, set())
    compressed = {column.path_in_schema.split(".")[0] for column in columns if column.compression == "ZSTD"}
    check("footer: zstd for columns with values, nothing for the others", compressed, with_values)
    check("footer: no other compression", {column.compression for column in columns} - {"ZSTD", "UNCOMPRESSED"}, set())
    keys = {key.decode() for key in metadata.metadata}
    expected = "schema_version writer_version writer_id first_seq last_seq events min_recorded_at max_recorded_at policy_hash"
    check("footer: what the file says of itself", {f"llm_audit.{key}" for key in expected.split()} - keys, set())


def duckdb_reads():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(view.read_text())
    ask = lambda query: connection.execute(query).fetchall()
    check("DuckDB: a prompt, a model and tokens without a join", len(ask(f"SELECT prompt, model, total_tokens FROM '{files}'")), len(written))
    both = lambda select, rest: [
        sorted(ask(f"SELECT {select} FROM {source} {rest}"), key=repr)
        for source in (f"read_parquet('{files}')", f"events('{lines}')")
    ]
    skipped = ", ".join(f"'{kind}'" for kind in sorted(STRUCTURE))
    questions = {
        "events and tokens by model": ("model, count(*), sum(total_tokens)", f"WHERE kind NOT IN ({skipped}) GROUP BY ALL"),
        "kinds and statuses": ("kind, status, count(*)", f"WHERE kind NOT IN ({skipped}) GROUP BY ALL"),
        "tokens by project": ("project_id, sum(input_tokens), sum(output_tokens)", "WHERE kind = 'interaction' GROUP BY ALL"),
        "median latency by model": ("model, median(latency_us)", "WHERE kind = 'interaction' GROUP BY ALL"),
        "prompts with a word": ("count(*)", "WHERE prompt LIKE '%invoice%'"),
        "parts of messages": ("count(*), sum(length(part.content))", ", unnest(input_messages) AS m(message), unnest(message.parts) AS p(part)"),
        "scores": ("score.name, round(avg(score.score), 9)", ", unnest(evaluations) AS e(score) GROUP BY ALL"),
        "absences": ("element_at(absent, 'redacted'), count(*)", f"WHERE kind NOT IN ({skipped}) GROUP BY ALL"),
    }
    for what, question in questions.items():
        of_parquet, of_journal = both(*question)
        check(f"DuckDB: {what}, as in the journal", of_parquet, of_journal)
    days = ask(f"SELECT date::VARCHAR, count(*) FROM read_parquet('{files}') GROUP BY ALL")
    check("DuckDB: days are those of the events", dict(days), dict(collections.Counter(e["recorded_at"][:10] for e in written.values())))


def polars_reads():
    try:
        import polars
    except ImportError:
        print("  skipped: polars is not installed")
        return
    frame = polars.scan_parquet(files, hive_partitioning=True)
    rows = frame.group_by("model").agg(polars.len(), polars.col("total_tokens").sum()).collect().rows()
    expected = collections.defaultdict(lambda: [0, 0])
    for event in written.values():
        of_model = expected[derived(event)["model"]]
        of_model[0] += 1
        of_model[1] += event.get("total_tokens", 0)
    check("polars: events and tokens by model", {model: [n, tokens] for model, n, tokens in rows}, dict(expected))
    parts = frame.select(polars.col("input_messages").explode().struct.field("parts").explode().struct.field("content")).collect()
    longest = max((len(text) for text in parts["content"] if text is not None), default=0)
    contents = (part.get("content", "") for e in written.values() for m in e.get("input_messages", []) for part in m.get("parts", []))
    check("polars: parts of messages", longest, max(map(len, contents), default=0))


if not written:
    sys.exit(f"no event in {lines}")
pyarrow_reads()
footers()
duckdb_reads()
polars_reads()
end()
