//! What is said of an event later.

use http::StatusCode;
use llm_audit_core::{Audit, Evaluation, Recorder};
use serde_json::Value;

/// Bytes of the longest identifier of an event, with room for those of other writers.
const MAX_ID: usize = 64;

/// Members of a feedback that are true or false.
const FLAGS: [&str; 4] = ["accepted", "copied", "edited", "regenerated"];

type Say = fn(&Audit, &str, &Value) -> Option<Recorder>;

/// The last part of the path, and what is recorded.
const FACTS: &[(&str, Say)] = &[
    ("consent", consent),
    ("correction", correction),
    ("evaluation", evaluation),
    ("feedback", feedback),
];

/// Records what `body` says of the event that `path`, behind `/audit/v1/`, names.
pub(super) fn record(audit: &Audit, path: &str, body: &[u8]) -> StatusCode {
    let mut parts = path.split('/');
    let (Some("events"), Some(id), Some(fact), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return StatusCode::NOT_FOUND;
    };
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let Some((_, say)) = FACTS.iter().find(|(name, _)| *name == fact) else {
        return StatusCode::NOT_FOUND;
    };
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_id) {
        return StatusCode::NOT_FOUND;
    }
    let said = serde_json::from_slice(body)
        .ok()
        .and_then(|body| say(audit, id, &body));
    match said {
        // Where nothing is captured nothing is recorded, which is no error of the client.
        Some(mut recorder) => {
            recorder.record();
            StatusCode::ACCEPTED
        }
        None => StatusCode::BAD_REQUEST,
    }
}

fn consent(audit: &Audit, id: &str, body: &Value) -> Option<Recorder> {
    Some(audit.consent(id, body.get("training_allowed")?.as_bool()?))
}

fn correction(audit: &Audit, id: &str, body: &Value) -> Option<Recorder> {
    Some(audit.correction(id, body.get("text")?.as_str()?))
}

fn evaluation(audit: &Audit, id: &str, body: &Value) -> Option<Recorder> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let mut evaluation = Evaluation::default().name(text("name")?);
    if let Some(score) = body.get("score") {
        evaluation = evaluation.score(score.as_f64()?);
    }
    if let Some(passed) = body.get("passed") {
        evaluation = evaluation.passed(passed.as_bool()?);
    }
    if let Some(label) = text("label") {
        evaluation = evaluation.label(label);
    }
    if let Some(explanation) = text("explanation") {
        evaluation = evaluation.explanation(explanation);
    }
    if let Some(evaluator) = text("evaluator") {
        evaluation = evaluation.evaluator(evaluator);
    }
    Some(audit.evaluation(id, evaluation))
}

fn feedback(audit: &Audit, id: &str, body: &Value) -> Option<Recorder> {
    let body = body.as_object()?;
    let is_known = |(name, value): (&String, &Value)| match name.as_str() {
        "thumb" | "comment" => value.is_string(),
        "rating" => value.is_number(),
        name => FLAGS.contains(&name) && value.is_boolean(),
    };
    if !body.iter().all(is_known) {
        return None;
    }
    let mut recorder = audit.feedback(id);
    for (name, value) in body {
        let text = value.as_str().unwrap_or_default();
        let flag = value.as_bool().unwrap_or_default();
        match name.as_str() {
            "thumb" => recorder.feedback_thumb(text),
            "comment" => recorder.feedback_comment(text),
            "rating" => recorder.feedback_rating(value.as_f64().unwrap_or_default()),
            "accepted" => recorder.feedback_accepted(flag),
            "edited" => recorder.feedback_edited(flag),
            "copied" => recorder.feedback_copied(flag),
            _ => recorder.feedback_regenerated(flag),
        };
    }
    Some(recorder)
}
