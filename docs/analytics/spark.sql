-- Questions to the log in Spark (3.5 or later), over the Parquet files of `audit-parquet`. Each begins with its name.

-- events
CREATE OR REPLACE TEMPORARY VIEW events USING parquet OPTIONS (path 'audit-parquet/v1', mergeSchema 'true');

-- tokens_by_project_and_day
SELECT coalesce(project_path, '') AS project, CAST(date AS STRING) AS day, count(*) AS calls, sum(total_tokens) AS tokens
FROM events
WHERE kind = 'interaction' AND total_tokens IS NOT NULL
GROUP BY 1, 2
ORDER BY project, day;

-- p95_latency_by_model
SELECT model, count(*) AS calls, CAST(percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_us) AS BIGINT) AS p95_us
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
SELECT session_id, count(*) AS blocked, sum(size(filter(guardrails, g -> g.verdict = 'fail'))) AS verdicts
FROM events
WHERE kind = 'interaction' AND status = 'blocked'
GROUP BY session_id
ORDER BY session_id;

-- prompts_with_a_word
SELECT CAST(date AS STRING) AS day, count(*) AS calls
FROM events
WHERE kind = 'interaction' AND contains(lower(prompt), 'invoice')
GROUP BY 1
ORDER BY day;

-- late_facts_by_model
WITH consents AS (
  SELECT target_event_id AS event_id, max_by(training_allowed, struct(recorded_at, seq)) AS allowed
  FROM events WHERE kind = 'consent' GROUP BY target_event_id
), thumbs AS (
  SELECT target_event_id AS event_id, count_if(feedback_thumb = 'up') AS up, count_if(feedback_thumb = 'down') AS down
  FROM events WHERE kind = 'feedback' GROUP BY target_event_id
), corrections AS (
  SELECT DISTINCT target_event_id AS event_id FROM events WHERE kind = 'correction'
)
SELECT model, count(*) AS calls, coalesce(sum(up), 0) AS thumbs_up, coalesce(sum(down), 0) AS thumbs_down,
       count(corrections.event_id) AS corrected, count_if(allowed) AS allowed, count_if(NOT allowed) AS refused
FROM events
LEFT JOIN thumbs ON thumbs.event_id = events.event_id
LEFT JOIN corrections ON corrections.event_id = events.event_id
LEFT JOIN consents ON consents.event_id = events.event_id
WHERE kind = 'interaction' AND operation = 'chat' AND model IS NOT NULL
GROUP BY model
ORDER BY model;

-- facet_coverage_by_day
SELECT CAST(date AS STRING) AS day, count(*) AS calls, count(prompt) AS prompts, count(response) AS responses, count(user_id) AS users,
       count(total_tokens) AS usages, count_if(array_contains(absent['redacted'], 'prompt')) AS redacted_prompts
FROM events
WHERE kind = 'interaction' AND operation = 'chat'
GROUP BY 1
ORDER BY day;

-- untold_gaps
WITH gaps AS (
  SELECT writer_id, coalesce(lag(seq) OVER (PARTITION BY writer_id ORDER BY seq), 0) + 1 AS first, seq - 1 AS last
  FROM (SELECT DISTINCT writer_id, seq FROM events WHERE seq IS NOT NULL)
), losses AS (
  SELECT loss_writer_id AS writer_id, seq_from, seq_to FROM events WHERE kind = 'loss' AND loss_sink IS NULL
), told AS (
  SELECT gaps.writer_id, first, last, sum(least(last, seq_to) - greatest(first, seq_from) + 1) AS numbers
  FROM gaps JOIN losses ON losses.writer_id = gaps.writer_id AND seq_from <= last AND seq_to >= first
  GROUP BY 1, 2, 3
)
SELECT gaps.writer_id, gaps.first, gaps.last, gaps.last - gaps.first + 1 - coalesce(numbers, 0) AS untold
FROM gaps LEFT JOIN told ON told.writer_id = gaps.writer_id AND told.first = gaps.first
WHERE gaps.first <= gaps.last AND gaps.last - gaps.first + 1 > coalesce(numbers, 0)
ORDER BY 1, 2;

-- unanswered_prompts
SELECT sent.event_id, sent.model, CAST(sent.date AS STRING) AS day
FROM events AS sent
LEFT ANTI JOIN (SELECT event_id FROM events WHERE kind = 'interaction') AS answered ON answered.event_id = sent.target_event_id
WHERE sent.kind = 'prompt_sent'
ORDER BY sent.event_id;

-- sft_pairs
WITH corrections AS (
  SELECT target_event_id AS event_id, max_by(correction, struct(recorded_at, seq)) AS correction
  FROM events WHERE kind = 'correction' GROUP BY target_event_id
), consents AS (
  SELECT target_event_id AS event_id, max_by(training_allowed, struct(recorded_at, seq)) AS allowed
  FROM events WHERE kind = 'consent' GROUP BY target_event_id
), answers AS (
  SELECT event_id, training_allowed, response,
         transform(
           filter(input_messages, m -> exists(m.parts, p -> p.type = 'text' AND p.content IS NOT NULL)),
           m -> named_struct(
             'role', m.role,
             'content', array_join(transform(filter(m.parts, p -> p.type = 'text' AND p.content IS NOT NULL), p -> p.content), '\n'))) AS asked,
         row_number() OVER (PARTITION BY conversation_id ORDER BY turn_index DESC, event_id DESC) AS back
  FROM events
  WHERE kind = 'interaction' AND operation = 'chat' AND status = 'ok' AND finish_reasons = array('stop')
    AND prompt IS NOT NULL AND response IS NOT NULL
), pairs AS (
  SELECT answers.event_id,
         to_json(named_struct('messages', concat(asked, array(named_struct('role', 'assistant', 'content', coalesce(correction, response)))))) AS line
  FROM answers
  LEFT JOIN corrections ON corrections.event_id = answers.event_id
  LEFT JOIN consents ON consents.event_id = answers.event_id
  WHERE back = 1 AND coalesce(allowed, training_allowed)
)
SELECT min(event_id) AS event_id, line
FROM pairs
GROUP BY line
ORDER BY event_id;
