"""The answers that the journal gives, by Python's own JSON reader: each question is asked anew, line by line.

`events` takes numbers of writers that are to be left out, as (writer, first, last).
"""

import collections
import glob
import json
import math

# Structure of the journal, which no sink is given.
STRUCTURE = {"segment_opened", "writer_opened", "writer_closed"}


def events(journal, left_out=()):
    found = {}
    for file in sorted(glob.glob(f"{journal}/*.jsonl")):
        for line in open(file, encoding="utf-8"):
            event = json.loads(line)
            gone = any(event["writer_id"] == writer and first <= event.get("seq", 0) <= last for writer, first, last in left_out)
            if event["kind"] not in STRUCTURE and not gone:
                found[event["event_id"]] = event
    return list(found.values())


def day(event):
    return event["recorded_at"][:10]


def model(event):
    return event.get("response_model", event.get("request_model"))


def texts(message):
    return [part["content"] for part in message.get("parts", []) if part.get("type") == "text" and "content" in part]


def prompt(event):
    asked = [texts(message) for message in event.get("input_messages", []) if message.get("role") == "user" and texts(message)]
    return "\n".join(asked[-1]) if asked else None


def response(event):
    said = texts(event["output_messages"][0]) if event.get("output_messages") else []
    return "\n".join(said) if said else None


def calls(log):
    return [event for event in log if event["kind"] == "interaction"]


def chats(log):
    return [event for event in calls(log) if event.get("operation") == "chat"]


def latest(log, kind, field):
    facts = [event for event in log if event["kind"] == kind and field in event]
    return {fact["target_event_id"]: fact[field] for fact in sorted(facts, key=lambda fact: (fact["recorded_at"], fact["seq"]))}


def tokens_by_project_and_day(log):
    counted = collections.Counter()
    tokens = collections.Counter()
    for call in calls(log):
        if "total_tokens" in call:
            key = (call.get("project_path", ""), day(call))
            counted[key] += 1
            tokens[key] += call["total_tokens"]
    return [(*key, counted[key], tokens[key]) for key in sorted(counted)]


def p95_latency_by_model(log):
    timed = collections.defaultdict(list)
    for call in calls(log):
        if call["status"] == "ok" and model(call) is not None and "latency_us" in call:
            timed[model(call)].append(call["latency_us"])
    # The smallest value that at least 95 of 100 do not exceed.
    return [(name, len(times), sorted(times)[math.ceil(len(times) * 95 / 100) - 1]) for name, times in sorted(timed.items())]


def top_users(log):
    used = collections.defaultdict(list)
    for call in calls(log):
        user = call.get("user_id", call.get("digests", {}).get("user_id"))
        if user is not None and "total_tokens" in call:
            used[user].append(call["total_tokens"])
    rows = [(user, len(tokens), sum(tokens)) for user, tokens in used.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0]))[:10]


def blocked_sessions(log):
    sessions = collections.defaultdict(list)
    for call in calls(log):
        if call["status"] == "blocked":
            sessions[call["session_id"]].append(sum(one.get("verdict") == "fail" for one in call.get("guardrails", [])))
    return [(session, len(verdicts), sum(verdicts)) for session, verdicts in sorted(sessions.items())]


def prompts_with_a_word(log):
    return sorted(collections.Counter(day(call) for call in calls(log) if "invoice" in (prompt(call) or "").lower()).items())


def late_facts_by_model(log):
    corrections, consents = latest(log, "correction", "correction"), latest(log, "consent", "training_allowed")
    thumbs = collections.Counter((event["target_event_id"], event.get("feedback_thumb")) for event in log if event["kind"] == "feedback")
    groups = collections.defaultdict(list)
    for call in chats(log):
        if model(call) is not None:
            groups[model(call)].append(call["event_id"])
    return [
        (
            name,
            len(ids),
            sum(thumbs[event, "up"] for event in ids),
            sum(thumbs[event, "down"] for event in ids),
            sum(event in corrections for event in ids),
            sum(consents.get(event) is True for event in ids),
            sum(consents.get(event) is False for event in ids),
        )
        for name, ids in sorted(groups.items())
    ]


def facet_coverage_by_day(log):
    days = collections.defaultdict(list)
    for call in chats(log):
        days[day(call)].append(call)
    return [
        (
            name,
            len(found),
            sum(prompt(call) is not None for call in found),
            sum(response(call) is not None for call in found),
            sum("user_id" in call for call in found),
            sum("total_tokens" in call for call in found),
            sum("prompt" in call.get("absent", {}).get("redacted", []) for call in found),
        )
        for name, found in sorted(days.items())
    ]


def untold_gaps(log):
    told, seen = collections.defaultdict(set), collections.defaultdict(set)
    for event in log:
        if "seq" in event:
            seen[event["writer_id"]].add(event["seq"])
        if event["kind"] == "loss" and "loss_sink" not in event:
            told[event["loss_writer_id"]].update(range(event["seq_from"], event["seq_to"] + 1))
    rows = []
    for writer, seqs in sorted(seen.items()):
        before = 0
        for seq in sorted(seqs):
            untold = [number for number in range(before + 1, seq) if number not in told[writer]]
            if untold:
                rows.append((writer, before + 1, seq - 1, len(untold)))
            before = seq
    return rows


def unanswered_prompts(log):
    answered = {call["event_id"] for call in calls(log)}
    sent = [event for event in log if event["kind"] == "prompt_sent" and event["target_event_id"] not in answered]
    return sorted((event["event_id"], model(event), day(event)) for event in sent)


def sft_pairs(log):
    corrections, consents = latest(log, "correction", "correction"), latest(log, "consent", "training_allowed")
    last_turns = {}
    for call in chats(log):
        is_whole = call["status"] == "ok" and call.get("finish_reasons") == ["stop"]
        if is_whole and prompt(call) is not None and response(call) is not None:
            place = (call.get("turn_index", -1), call["event_id"])
            before = last_turns.get(call.get("conversation_id"))
            if before is None or before[0] < place:
                last_turns[call.get("conversation_id")] = (place, call)
    rows, seen = [], set()
    for call in sorted((call for _, call in last_turns.values()), key=lambda call: call["event_id"]):
        event = call["event_id"]
        messages = [{"role": m["role"], "content": "\n".join(texts(m))} for m in call["input_messages"] if texts(m)]
        messages.append({"role": "assistant", "content": corrections.get(event, response(call))})
        line = json.dumps({"messages": messages}, sort_keys=True)
        if consents.get(event, call.get("training_allowed")) and line not in seen:
            seen.add(line)
            rows.append((event, line))
    return rows
