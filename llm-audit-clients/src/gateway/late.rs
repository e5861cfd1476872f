//! What is said of an event later.

use http::StatusCode;
use llm_audit_core::{Audit, Evaluation, Recorder};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Bytes of the longest identifier of an event, with room for those of other writers.
const MAX_ID: usize = 64;

/// What a member's value is.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    Flag,
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Flag => "true or false",
        }
    }
}

struct Fact {
    /// The last part of the path.
    name: &'static str,
    /// Name and form of each member.
    members: &'static [(&'static str, Form)],
    /// The member without which nothing is said.
    needed: Option<&'static str>,
    say: fn(&Audit, &str, &Map<String, Value>) -> Recorder,
}

const FACTS: &[Fact] = &[
    Fact {
        name: "consent",
        members: &[("training_allowed", Form::Flag)],
        needed: Some("training_allowed"),
        say: |audit, id, said| audit.consent(id, flag(said, "training_allowed") == Some(true)),
    },
    Fact {
        name: "correction",
        members: &[("text", Form::Text)],
        needed: Some("text"),
        say: |audit, id, said| audit.correction(id, text(said, "text").unwrap_or_default()),
    },
    Fact {
        name: "evaluation",
        members: &[
            ("name", Form::Text),
            ("score", Form::Number),
            ("passed", Form::Flag),
            ("label", Form::Text),
            ("explanation", Form::Text),
            ("evaluator", Form::Text),
        ],
        needed: Some("name"),
        say: evaluation,
    },
    Fact {
        name: "feedback",
        members: &[
            ("thumb", Form::Text),
            ("comment", Form::Text),
            ("rating", Form::Number),
            ("accepted", Form::Flag),
            ("edited", Form::Flag),
            ("copied", Form::Flag),
            ("regenerated", Form::Flag),
        ],
        needed: None,
        say: feedback,
    },
];

/// Records what `body` says of the event that `path`, behind `/audit/v1/`, names.
pub(super) fn record(audit: &Audit, path: &str, body: &[u8]) -> Result<(), Refusal> {
    let mut parts = path.split('/');
    let (Some("events"), Some(id), Some(name), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown_path());
    };
    let fact = FACTS.iter().find(|fact| fact.name == name);
    let fact = fact.ok_or_else(unknown_path)?;
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_id) {
        let reason = "the path has no event's identifier; it is in an answer's x-audit-event-id";
        return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
    }
    let said = fact.read(body)?;
    // Where nothing is captured nothing is recorded, which is no error of the client.
    (fact.say)(audit, id, &said).record();
    Ok(())
}

impl Fact {
    /// Returns the members of `body`, which are this fact's and have the forms that they should.
    fn read(&self, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
        let Ok(mut said) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return Err(self.refuse("the body is no JSON object"));
        };
        // Front-ends have members that nobody filled in.
        said.retain(|_, value| !value.is_null());
        for (name, value) in &said {
            let known = self.members.iter().find(|(known, _)| known == name);
            match known {
                None => return Err(self.refuse("the body has a member that is not known")),
                Some((_, form)) if form.fits(value) => {}
                Some((name, form)) => {
                    return Err(self.refuse(&format!("`{name}` is not {}", form.name())));
                }
            }
        }
        match self.needed {
            Some(name) if !said.contains_key(name) => {
                Err(self.refuse(&format!("`{name}` is missing")))
            }
            _ => Ok(said),
        }
    }

    fn refuse(&self, problem: &str) -> Refusal {
        let member = |(name, form): &(&str, Form)| format!("`{name}` ({})", form.name());
        let members: Vec<_> = self.members.iter().map(member).collect();
        let (fact, members) = (self.name, members.join(", "));
        Refusal::bad(format!("{fact}: {problem}; it may have {members}"))
    }
}

fn unknown_path() -> Refusal {
    let names: Vec<_> = FACTS.iter().map(|fact| fact.name).collect();
    let reason = format!(
        "there is no such path; post to /audit/v1/events/{{id}}/ and one of {}",
        names.join(", ")
    );
    Refusal::new(StatusCode::NOT_FOUND, reason)
}

fn text<'a>(said: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    said.get(name)?.as_str()
}

fn flag(said: &Map<String, Value>, name: &str) -> Option<bool> {
    said.get(name)?.as_bool()
}

fn evaluation(audit: &Audit, id: &str, said: &Map<String, Value>) -> Recorder {
    let mut evaluation = Evaluation::default();
    for (name, value) in said {
        let text = value.as_str().unwrap_or_default();
        evaluation = match name.as_str() {
            "name" => evaluation.name(text),
            "score" => evaluation.score(value.as_f64().unwrap_or_default()),
            "passed" => evaluation.passed(value == &Value::Bool(true)),
            "label" => evaluation.label(text),
            "explanation" => evaluation.explanation(text),
            _ => evaluation.evaluator(text),
        };
    }
    audit.evaluation(id, evaluation)
}

fn feedback(audit: &Audit, id: &str, said: &Map<String, Value>) -> Recorder {
    let mut recorder = audit.feedback(id);
    for (name, value) in said {
        let text = value.as_str().unwrap_or_default();
        let flag = value == &Value::Bool(true);
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
    recorder
}
