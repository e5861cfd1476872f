"""The readers of the log's Parquet files, each answering every question of docs/analytics: engines.ENGINES[name](root, docs)."""

import importlib
import json
import os
import re
import subprocess

QUESTIONS = [
    "tokens_by_project_and_day",
    "p95_latency_by_model",
    "top_users",
    "blocked_sessions",
    "prompts_with_a_word",
    "late_facts_by_model",
    "facet_coverage_by_day",
    "untold_gaps",
    "unanswered_prompts",
    "sft_pairs",
]


def statements(file, root):
    """The named statements of a page of SQL, as it is documented; only the folder is another."""
    text = file.read_text(encoding="utf-8").replace("audit-parquet", str(root))
    return dict(re.findall(r"^-- (\w+)\n(.*?);$", text, re.MULTILINE | re.DOTALL))


def by_sql(file, root, run):
    named = statements(file, root)
    run(named.pop("events"))
    return {question: run(named[question]) for question in QUESTIONS}


def duckdb(root, docs):
    connection = importlib.import_module("duckdb").connect()
    return by_sql(docs / "duckdb.sql", root, lambda sql: connection.execute(sql).fetchall())


def spark(root, docs):
    builder = importlib.import_module("pyspark.sql").SparkSession.builder.master("local[2]")
    for option, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "2g",
    }.items():
        builder = builder.config(option, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        return by_sql(docs / "spark.sql", root, lambda sql: [tuple(row) for row in session.sql(sql).collect()])
    finally:
        session.stop()


def polars(root, _):
    queries = importlib.import_module("polars_queries")
    log = queries.events(root)
    answers = {question: getattr(queries, question)(log) for question in QUESTIONS}
    return {question: answer if isinstance(answer, list) else answer.collect().rows() for question, answer in answers.items()}


def pyarrow(root, _):
    queries = importlib.import_module("pyarrow_queries")
    log = queries.events(root)
    return {question: getattr(queries, question)(log) for question in QUESTIONS}


def llm_audit(root, _):
    lines = subprocess.run([os.environ["QUESTIONS"], root], check=True, capture_output=True, text=True).stdout.splitlines()
    return {answer["question"]: answer["rows"] for answer in map(json.loads, lines)}


ENGINES = {"duckdb": duckdb, "polars": polars, "pyarrow": pyarrow, "spark": spark, "llm-audit": llm_audit}
NEEDS = {"duckdb": "duckdb", "polars": "polars", "pyarrow": "pyarrow", "spark": "pyspark", "llm-audit": None}
