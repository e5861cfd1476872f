"""Compares what a backend of OpenTelemetry holds with the journal that was exported to it, twice.

otel_check.py phoenix|mlflow URL JOURNAL STORE
"""

import collections
import datetime
import json
import os
import pathlib
import sys
import time
import urllib.request

backend, url, journal, store = sys.argv[1:]
SECRETS = [b"ada.planted", b"plantedPlanted"]

events = {}
for path in sorted(pathlib.Path(journal).glob("*.jsonl")):
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event.get("kind") == "interaction":
            events[event["span_id"]] = event
assert len(events) > 40, len(events)


def ask(path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def micros(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(at.timestamp() * 1e6)


def from_phoenix():
    """What Phoenix's REST interface gives, by span id."""
    found, cursor = [], ""
    while cursor is not None:
        page = ask(f"/v1/projects/default/spans?limit=500{cursor}")
        found += page["data"]
        cursor = f"&cursor={page['next_cursor']}" if page.get("next_cursor") else None
    return [
        {
            "span_id": span["context"]["span_id"],
            "trace_id": span["context"]["trace_id"],
            "parent": span["parent_id"],
            "name": span["name"],
            "latency": micros(span["end_time"]) - micros(span["start_time"]),
            "is_error": span["status_code"] == "ERROR",
            "attributes": span["attributes"],
        }
        for span in found
    ]


def from_mlflow():
    """What MLflow's own client gives, by span id."""
    import mlflow

    mlflow.set_tracking_uri(url)
    found = []
    for trace in mlflow.search_traces(locations=["0"], return_type="list", max_results=1000):
        for span in trace.data.spans:
            proto = span.to_dict()
            found.append({
                "span_id": span.span_id,
                "trace_id": f"{span._span.context.trace_id:032x}",
                "parent": span.parent_id,
                "name": span.name,
                "latency": (span.end_time_ns - span.start_time_ns) // 1000,
                "is_error": str(span.status.status_code).endswith("ERROR"),
                "attributes": dict(span.attributes),
            })
    return found


read = {"phoenix": from_phoenix, "mlflow": from_mlflow}[backend]
for _ in range(60):
    spans = read()
    if set(events) <= {span["span_id"] for span in spans}:
        break
    time.sleep(1)

times = collections.Counter(span["span_id"] for span in spans)
assert set(events) <= set(times), f"{len(set(events) - set(times))} of {len(events)} are missing"
assert set(times.values()) == {1}, "a span is there twice"

compared = collections.Counter()
shown = {}
for span in spans:
    event = events.get(span["span_id"])
    if event is None:
        compared["of the log itself and of the export"] += 1
        continue
    attributes = span["attributes"]

    def attribute(name):
        value = attributes.get(name)
        return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value

    def same(what, ours, theirs):
        assert ours == theirs, f"{what} of {span['name']}: {ours!r}, not {theirs!r}"
        compared[what] += 1

    same("trace", event["trace_id"], span["trace_id"])
    same("parent", event.get("parent_span_id"), span["parent"])
    same("latency", micros(event["ended_at"]) - micros(event["started_at"]), span["latency"])
    same("error", event["status"] == "error", span["is_error"])
    if "input_tokens" in event:
        same("input tokens", event["input_tokens"], int(attribute("gen_ai.usage.input_tokens")))
        same("output tokens", event["output_tokens"], int(attribute("gen_ai.usage.output_tokens")))
    if "session_id" in event:
        same("session", event["session_id"], attribute("session.id"))
        same("user", event["user_id"], attribute("user.id"))
    if "input_messages" in event:
        ours = [part["content"] for message in event["input_messages"] for part in message["parts"]]
        theirs = [part["content"] for message in attribute("gen_ai.input.messages") for part in message["parts"]]
        same("messages", ours, theirs)
    if backend == "phoenix" and "input_messages" in event:
        flat = [attributes[f"llm.input_messages.{n}.message.content"] for n in range(len(ours))]
        same("messages, as Phoenix reads them", ours, flat)
        same("input of the list", ours[-1], attributes["input.value"])
    if backend == "mlflow" and "input_messages" in event:
        kind = {"chat": "CHAT_MODEL", "invoke_agent": "AGENT"}[event["operation"]]
        same("kind, as MLflow reads it", kind, attribute("mlflow.spanType").strip('"'))
    if event["operation"] not in shown:
        shown[event["operation"]] = {key: value for key, value in sorted(attributes.items()) if not key.startswith("llm_audit.")}

size = 0
for path in pathlib.Path(store).rglob("*"):
    if path.is_file():
        held = path.read_bytes()
        size += len(held)
        for secret in SECRETS:
            assert secret not in held, f"a planted secret is in {path.name}"
assert size > 100_000, "the store is elsewhere"
assert not any(secret in json.dumps(spans, default=str).encode() for secret in SECRETS)
print(f"{backend}: {len(events)} interactions, each once after two exports; no secret in {size} bytes of its store")
for what, count in compared.items():
    print(f"  {count:4} {what}")
if "SHOWN" in os.environ:
    pathlib.Path(os.environ["SHOWN"]).write_text(json.dumps(shown, indent=1, default=str))
