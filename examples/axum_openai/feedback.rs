//! What people say of an answer, by the event that its header named, now or months later.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use llm_audit::EventId;
use serde::Deserialize;

use crate::app::App;

#[derive(Deserialize)]
pub(crate) struct Feedback {
    thumb: String,
    #[serde(default)]
    comment: String,
}

pub(crate) async fn feedback(
    State(app): State<App>,
    Path(event): Path<String>,
    said: Json<Feedback>,
) -> StatusCode {
    let (Ok(event), "up" | "down") = (event.parse::<EventId>(), said.thumb.as_str()) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut fact = app.audit.feedback(event);
    fact.feedback_thumb(&said.thumb)
        .feedback_comment(&said.comment);
    fact.record();
    StatusCode::NO_CONTENT
}
