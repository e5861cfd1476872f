"""Questions to the log in pyarrow (20 or later). Each function takes the dataset of `events` and returns the rows of its answer.

pyarrow filters and reads columns; what it cannot group, such as nested values, is counted in Python.
"""

import collections
import json
import math

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

CALLS = pc.field("kind") == "interaction"
CHATS = CALLS & (pc.field("operation") == "chat")


def events(root):
    """The log's Parquet files, whatever versions of the log wrote them."""
    found = ds.dataset(f"{root}/v1", format="parquet", partitioning=ds.partitioning(pa.schema([("date", pa.string())]), flavor="hive"))
    schemas = [pq.read_schema(file) for file in found.files]
    return found.replace_schema(pa.unify_schemas([*schemas, found.schema], promote_options="permissive"))


def rows(log, columns, where):
    """The values of some columns, event by event."""
    return log.to_table(columns=columns, filter=where).to_pylist()


def latest(log, kind, column):
    """The last word of late facts of a kind on each event."""
    facts = rows(log, ["target_event_id", "recorded_at", "seq", column], pc.field("kind") == kind)
    return {fact["target_event_id"]: fact[column] for fact in sorted(facts, key=lambda fact: (fact["recorded_at"], fact["seq"]))}


def tokens_by_project_and_day(log):
    used = log.to_table(columns=["project_path", "date", "total_tokens"], filter=CALLS & pc.field("total_tokens").is_valid())
    used = used.set_column(0, "project", pc.fill_null(used["project_path"], ""))
    counted = used.group_by(["project", "date"]).aggregate([("total_tokens", "count"), ("total_tokens", "sum")])
    return list(zip(*counted.sort_by([("project", "ascending"), ("date", "ascending")]).to_pydict().values()))


def p95_latency_by_model(log):
    timed = collections.defaultdict(list)
    for call in rows(log, ["model", "latency_us"], CALLS & (pc.field("status") == "ok")):
        if call["model"] is not None and call["latency_us"] is not None:
            timed[call["model"]].append(call["latency_us"])
    return [(model, len(times), sorted(times)[math.ceil(len(times) * 0.95) - 1]) for model, times in sorted(timed.items())]


def top_users(log):
    calls, tokens = collections.Counter(), collections.Counter()
    for call in rows(log, ["user_id", "digests", "total_tokens"], CALLS & pc.field("total_tokens").is_valid()):
        user = call["user_id"] or dict(call["digests"] or []).get("user_id")
        if user is not None:
            calls[user] += 1
            tokens[user] += call["total_tokens"]
    first = sorted(tokens, key=lambda user: (-tokens[user], user))[:10]
    return [(user, calls[user], tokens[user]) for user in first]


def blocked_sessions(log):
    blocked, verdicts = collections.Counter(), collections.Counter()
    for call in rows(log, ["session_id", "guardrails"], CALLS & (pc.field("status") == "blocked")):
        blocked[call["session_id"]] += 1
        verdicts[call["session_id"]] += sum(guardrail["verdict"] == "fail" for guardrail in call["guardrails"] or [])
    return [(session, blocked[session], verdicts[session]) for session in sorted(blocked)]


def prompts_with_a_word(log):
    found = log.to_table(columns=["date"], filter=CALLS & pc.match_substring(pc.field("prompt"), "invoice", ignore_case=True))
    return sorted(collections.Counter(found["date"].to_pylist()).items())


def late_facts_by_model(log):
    corrected, allowed = latest(log, "correction", "correction"), latest(log, "consent", "training_allowed")
    thumbs = collections.Counter()
    for fact in rows(log, ["target_event_id", "feedback_thumb"], pc.field("kind") == "feedback"):
        thumbs[fact["target_event_id"], fact["feedback_thumb"]] += 1
    counted = collections.defaultdict(lambda: [0] * 6)
    for call in rows(log, ["event_id", "model"], CHATS & pc.field("model").is_valid()):
        event = call["event_id"]
        facts = (1, thumbs[event, "up"], thumbs[event, "down"], event in corrected, allowed.get(event) is True, allowed.get(event) is False)
        counted[call["model"]] = [sum(pair) for pair in zip(counted[call["model"]], facts)]
    return [(model, *counts) for model, counts in sorted(counted.items())]


def facet_coverage_by_day(log):
    counted = collections.defaultdict(lambda: [0] * 6)
    for call in rows(log, ["date", "prompt", "response", "user_id", "total_tokens", "absent"], CHATS):
        has = [call[column] is not None for column in ("prompt", "response", "user_id", "total_tokens")]
        redacted = "prompt" in dict(call["absent"] or []).get("redacted", [])
        counted[call["date"]] = [sum(pair) for pair in zip(counted[call["date"]], (1, *has, redacted))]
    return [(day, *counts) for day, counts in sorted(counted.items())]


def untold_gaps(log):
    losses = rows(log, ["loss_writer_id", "seq_from", "seq_to"], (pc.field("kind") == "loss") & pc.field("loss_sink").is_null())
    numbers = collections.defaultdict(set)
    for event in rows(log, ["writer_id", "seq"], pc.field("seq").is_valid()):
        numbers[event["writer_id"]].add(event["seq"])
    gaps = []
    for writer, seqs in sorted(numbers.items()):
        ends = [0, *sorted(seqs)]
        for first, last in ((before + 1, seq - 1) for before, seq in zip(ends, ends[1:]) if seq > before + 1):
            of_writer = (loss for loss in losses if loss["loss_writer_id"] == writer)
            told = sum(max(0, min(last, loss["seq_to"]) - max(first, loss["seq_from"]) + 1) for loss in of_writer)
            if last - first + 1 > told:
                gaps.append((writer, first, last, last - first + 1 - told))
    return gaps


def unanswered_prompts(log):
    answered = {call["event_id"] for call in rows(log, ["event_id"], CALLS)}
    sent = rows(log, ["event_id", "model", "date", "target_event_id"], pc.field("kind") == "prompt_sent")
    return sorted((event["event_id"], event["model"], event["date"]) for event in sent if event["target_event_id"] not in answered)


def text_of(message):
    texts = [part["content"] for part in message["parts"] or [] if part["type"] == "text" and part["content"] is not None]
    return "\n".join(texts) if texts else None


def sft_pairs(log):
    corrections, consents = latest(log, "correction", "correction"), latest(log, "consent", "training_allowed")
    columns = ["event_id", "conversation_id", "turn_index", "finish_reasons", "prompt", "response", "training_allowed", "input_messages"]
    answers = rows(log, columns, CHATS & (pc.field("status") == "ok"))
    answers = [a for a in answers if a["finish_reasons"] == ["stop"] and a["prompt"] is not None and a["response"] is not None]
    answers.sort(key=lambda a: (-1 if a["turn_index"] is None else a["turn_index"], a["event_id"]))
    last_turns = {a["conversation_id"]: a for a in answers}
    lines = {}
    for answer in sorted(last_turns.values(), key=lambda a: a["event_id"]):
        event = answer["event_id"]
        if consents.get(event, answer["training_allowed"]):
            asked = [{"role": m["role"], "content": text_of(m)} for m in answer["input_messages"] if text_of(m) is not None]
            said = {"role": "assistant", "content": corrections.get(event, answer["response"])}
            lines.setdefault(json.dumps({"messages": [*asked, said]}, ensure_ascii=False), event)
    return [(event, line) for line, event in lines.items()]
