-- Questions to the log in DuckDB (1.3 or later), over the Parquet files of `audit-parquet`. Each begins with its name.

-- events
CREATE OR REPLACE VIEW events AS
SELECT * FROM read_parquet('audit-parquet/v1/*/*.parquet', hive_partitioning = true, union_by_name = true);

-- tokens_by_project_and_day
SELECT coalesce(project_path, '') AS project, CAST(date AS VARCHAR) AS day, count(*) AS calls, sum(total_tokens) AS tokens
FROM events
WHERE kind = 'interaction' AND total_tokens IS NOT NULL
GROUP BY ALL
ORDER BY project, day;

-- p95_latency_by_model
SELECT model, count(*) AS calls, quantile_disc(latency_us, 0.95) AS p95_us
FROM events
WHERE kind = 'interaction' AND status = 'ok' AND model IS NOT NULL AND latency_us IS NOT NULL
GROUP BY model
ORDER BY model;

-- top_users
SELECT coalesce(user_id, digests['user_id']) AS user, count(*) AS calls, sum(total_tokens) AS tokens
FROM events
WHERE kind = 'interaction' AND total_tokens IS NOT NULL AND coalesce(user_id, digests['user_id']) IS NOT NULL
GROUP BY 1
ORDER BY tokens DESC, user
LIMIT 10;

-- blocked_sessions
SELECT session_id, count(*) AS blocked, sum(len(list_filter(guardrails, lambda g: g.verdict = 'fail'))) AS verdicts
FROM events
WHERE kind = 'interaction' AND status = 'blocked'
GROUP BY session_id
ORDER BY session_id;

-- prompts_with_a_word
SELECT CAST(date AS VARCHAR) AS day, count(*) AS calls
FROM events
WHERE kind = 'interaction' AND contains(lower(prompt), 'invoice')
GROUP BY day
ORDER BY day;

-- late_facts_by_model
WITH consents AS (
  SELECT target_event_id AS event_id, arg_max(training_allowed, (recorded_at, seq)) AS allowed
  FROM events WHERE kind = 'consent' GROUP BY target_event_id
), thumbs AS (
  SELECT target_event_id AS event_id, count(*) FILTER (feedback_thumb = 'up') AS up, count(*) FILTER (feedback_thumb = 'down') AS down
  FROM events WHERE kind = 'feedback' GROUP BY target_event_id
), corrections AS (
  SELECT DISTINCT target_event_id AS event_id FROM events WHERE kind = 'correction'
)
SELECT model, count(*) AS calls, CAST(coalesce(sum(up), 0) AS BIGINT) AS thumbs_up, CAST(coalesce(sum(down), 0) AS BIGINT) AS thumbs_down,
       count(corrections.event_id) AS corrected, count(*) FILTER (allowed) AS allowed, count(*) FILTER (NOT allowed) AS refused
FROM events
LEFT JOIN thumbs USING (event_id)
LEFT JOIN corrections USING (event_id)
LEFT JOIN consents USING (event_id)
WHERE kind = 'interaction' AND operation = 'chat' AND model IS NOT NULL
GROUP BY model
ORDER BY model;

-- facet_coverage_by_day
SELECT CAST(date AS VARCHAR) AS day, count(*) AS calls, count(prompt) AS prompts, count(response) AS responses, count(user_id) AS users,
       count(total_tokens) AS usages, count(*) FILTER (list_contains(absent['redacted'], 'prompt')) AS redacted_prompts
FROM events
WHERE kind = 'interaction' AND operation = 'chat'
GROUP BY day
ORDER BY day;

-- untold_gaps
WITH gaps AS (
  SELECT writer_id, coalesce(lag(seq) OVER (PARTITION BY writer_id ORDER BY seq), 0) + 1 AS first, seq - 1 AS last
  FROM (SELECT DISTINCT writer_id, seq FROM events WHERE seq IS NOT NULL)
), losses AS (
  SELECT loss_writer_id AS writer_id, seq_from, seq_to FROM events WHERE kind = 'loss' AND loss_sink IS NULL
), told AS (
  SELECT writer_id, first, last, sum(least(last, seq_to) - greatest(first, seq_from) + 1) AS numbers
  FROM gaps JOIN losses USING (writer_id)
  WHERE seq_from <= last AND seq_to >= first
  GROUP BY ALL
)
SELECT writer_id, first, last, CAST(last - first + 1 - coalesce(numbers, 0) AS BIGINT) AS untold
FROM gaps LEFT JOIN told USING (writer_id, first, last)
WHERE first <= last AND last - first + 1 > coalesce(numbers, 0)
ORDER BY writer_id, first;

-- unanswered_prompts
SELECT sent.event_id, sent.model, CAST(sent.date AS VARCHAR) AS day
FROM events AS sent
ANTI JOIN (SELECT event_id FROM events WHERE kind = 'interaction') AS answered ON answered.event_id = sent.target_event_id
WHERE sent.kind = 'prompt_sent'
ORDER BY sent.event_id;

-- sft_pairs
WITH corrections AS (
  SELECT target_event_id AS event_id, arg_max(correction, (recorded_at, seq)) AS correction
  FROM events WHERE kind = 'correction' GROUP BY target_event_id
), consents AS (
  SELECT target_event_id AS event_id, arg_max(training_allowed, (recorded_at, seq)) AS allowed
  FROM events WHERE kind = 'consent' GROUP BY target_event_id
), answers AS (
  SELECT event_id, conversation_id, turn_index, training_allowed, response,
         list_transform(
           list_filter(input_messages, lambda m: len(list_filter(m.parts, lambda p: p.type = 'text' AND p.content IS NOT NULL)) > 0),
           lambda m: {
             'role': m.role,
             'content': array_to_string(list_transform(list_filter(m.parts, lambda p: p.type = 'text' AND p.content IS NOT NULL), lambda p: p.content), chr(10))
           }) AS asked
  FROM events
  WHERE kind = 'interaction' AND operation = 'chat' AND status = 'ok' AND finish_reasons = ['stop']
    AND prompt IS NOT NULL AND response IS NOT NULL
), last_turns AS (
  SELECT * FROM answers
  QUALIFY row_number() OVER (PARTITION BY conversation_id ORDER BY turn_index DESC, event_id DESC) = 1
), pairs AS (
  SELECT event_id, to_json({'messages': asked || [{'role': 'assistant', 'content': coalesce(correction, response)}]}) AS line
  FROM last_turns LEFT JOIN corrections USING (event_id) LEFT JOIN consents USING (event_id)
  WHERE coalesce(allowed, training_allowed)
)
SELECT min(event_id) AS event_id, CAST(line AS VARCHAR) AS line
FROM pairs
GROUP BY line
ORDER BY event_id;
