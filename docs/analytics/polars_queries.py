"""Questions to the log in polars (2.0 or later). Each function takes the frame of `events` and returns the rows of its answer."""

import json

import polars as pl

LATEST = ["recorded_at", "seq"]


def events(root):
    """The log's Parquet files, whatever versions of the log wrote them."""
    files = f"{root}/v1/*/*.parquet"
    return pl.scan_parquet(files, hive_partitioning=True, missing_columns="insert", extra_columns="ignore")


def calls(log, **equal):
    return log.filter(pl.col("kind") == "interaction").filter(**equal)





def latest(log, kind, column):
    """The last word of late facts of a kind on each event."""
    facts = log.filter(kind=kind).sort(LATEST)
    return facts.group_by(event_id="target_event_id").agg(pl.col(column).last())


def tokens_by_project_and_day(log):
    groups = [pl.col("project_path").fill_null("").alias("project"), pl.col("date").cast(pl.String).alias("day")]
    counted = calls(log).filter(pl.col("total_tokens").is_not_null())
    counted = counted.group_by(groups).agg(calls=pl.len(), tokens=pl.col("total_tokens").sum())
    return counted.sort("project", "day").select("project", "day", "calls", "tokens")


def p95_latency_by_model(log):
    rank = (pl.len() * 0.95).ceil().cast(pl.Int64) - 1
    timed = calls(log, status="ok").drop_nulls(["model", "latency_us"])
    return timed.group_by("model").agg(calls=pl.len(), p95_us=pl.col("latency_us").sort().get(rank)).sort("model")


def top_users(log):
    user = pl.coalesce("user_id", pl.col("digests").map.get("user_id")).alias("user")
    asked = calls(log).with_columns(user).drop_nulls(["total_tokens", "user"])
    asked = asked.group_by("user").agg(calls=pl.len(), tokens=pl.col("total_tokens").sum())
    return asked.sort(["tokens", "user"], descending=[True, False]).head(10)


def blocked_sessions(log):
    failed = pl.col("guardrails").list.eval(pl.element().struct.field("verdict") == "fail").list.sum()
    blocked = calls(log, status="blocked").with_columns(verdicts=failed.cast(pl.Int64))
    return blocked.group_by("session_id").agg(blocked=pl.len(), verdicts=pl.col("verdicts").sum()).sort("session_id")


def prompts_with_a_word(log):
    found = calls(log).filter(pl.col("prompt").str.to_lowercase().str.contains("invoice", literal=True))
    return found.group_by(day=pl.col("date").cast(pl.String)).agg(calls=pl.len()).sort("day")


def late_facts_by_model(log):
    thumb = pl.col("feedback_thumb")
    thumbs = log.filter(kind="feedback").group_by(event_id="target_event_id").agg(up=(thumb == "up").sum(), down=(thumb == "down").sum())
    chats = calls(log, operation="chat").drop_nulls("model").select("event_id", "model")
    facts = [thumbs, latest(log, "correction", "correction"), latest(log, "consent", "training_allowed")]
    for fact in facts:
        chats = chats.join(fact, on="event_id", how="left")
    allowed = pl.col("training_allowed")
    counted = chats.group_by("model").agg(
        calls=pl.len(),
        thumbs_up=pl.col("up").sum(),
        thumbs_down=pl.col("down").sum(),
        corrected=pl.col("correction").count(),
        allowed=allowed.sum(),
        refused=(~allowed).sum(),
    )
    return counted.sort("model")


def facet_coverage_by_day(log):
    redacted = pl.col("absent").map.get("redacted").list.contains("prompt").fill_null(False)
    counted = calls(log, operation="chat").group_by(day=pl.col("date").cast(pl.String)).agg(
        calls=pl.len(),
        prompts=pl.col("prompt").count(),
        responses=pl.col("response").count(),
        users=pl.col("user_id").count(),
        usages=pl.col("total_tokens").count(),
        redacted_prompts=redacted.sum(),
    )
    return counted.sort("day")


def untold_gaps(log):
    numbers = log.drop_nulls("seq").select("writer_id", "seq").unique().sort("writer_id", "seq")
    before = pl.col("seq").shift(1).over("writer_id").fill_null(0)
    gaps = numbers.select("writer_id", first=before + 1, last=pl.col("seq") - 1).filter(pl.col("first") <= pl.col("last"))
    losses = log.filter(pl.col("kind") == "loss", pl.col("loss_sink").is_null())
    losses = losses.select(writer_id="loss_writer_id", seq_from="seq_from", seq_to="seq_to")
    overlap = pl.min_horizontal("last", "seq_to") - pl.max_horizontal("first", "seq_from") + 1
    told = gaps.join(losses, on="writer_id").with_columns(told=overlap).filter(pl.col("told") > 0)
    told = told.group_by("writer_id", "first").agg(pl.col("told").sum())
    untold = pl.col("last") - pl.col("first") + 1 - pl.col("told").fill_null(0)
    gaps = gaps.join(told, on=["writer_id", "first"], how="left").with_columns(untold=untold)
    return gaps.filter(pl.col("untold") > 0).select("writer_id", "first", "last", "untold").sort("writer_id", "first")


def unanswered_prompts(log):
    sent = log.filter(kind="prompt_sent").select("event_id", "model", pl.col("date").cast(pl.String).alias("day"), "target_event_id")
    answered = calls(log).select("event_id")
    return sent.join(answered, left_on="target_event_id", right_on="event_id", how="anti").drop("target_event_id").sort("event_id")


def sft_pairs(log):
    is_text = (pl.element().struct.field("type") == "text") & pl.element().struct.field("content").is_not_null()
    content = pl.element().struct.field("parts").list.eval(pl.element().filter(is_text).struct.field("content"))
    message = pl.struct(role=pl.element().struct.field("role"), content=content.list.join("\n"), texts=content.list.len())
    asked = pl.col("input_messages").list.eval(message)
    answers = calls(log, operation="chat", status="ok").filter(pl.col("finish_reasons") == ["stop"]).drop_nulls(["prompt", "response"])
    last = answers.sort("turn_index", "event_id").group_by("conversation_id").last()
    last = last.select("event_id", "response", "training_allowed", asked=asked)
    last = last.join(latest(log, "correction", "correction"), on="event_id", how="left")
    last = last.join(latest(log, "consent", "training_allowed").rename({"training_allowed": "allowed"}), on="event_id", how="left")
    pairs = last.filter(pl.coalesce("allowed", "training_allowed")).sort("event_id").collect()
    rows, seen = [], set()
    for event_id, asked, answer in pairs.select("event_id", "asked", pl.coalesce("correction", "response")).iter_rows():
        messages = [{"role": m["role"], "content": m["content"]} for m in asked if m["texts"]]
        line = json.dumps({"messages": messages + [{"role": "assistant", "content": answer}]}, ensure_ascii=False)
        if line not in seen:
            seen.add(line)
            rows.append((event_id, line))
    return rows
