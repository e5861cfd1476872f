//! The routes, and the one that answers a question.

use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequestArgs,
};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::feedback::feedback;

#[derive(Deserialize)]
struct Question {
    text: String,
}

#[derive(Serialize)]
struct Answer {
    text: String,
}

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/chat", post(chat))
        .route("/feedback/{event}", post(feedback))
        .with_state(app)
}

/// The answer has the event's identifier in its header `x-audit-event-id`.
async fn chat(
    State(app): State<App>,
    question: Json<Question>,
) -> Result<Json<Answer>, StatusCode> {
    let message = ChatCompletionRequestUserMessage::from(question.0.text);
    let mut request = CreateChatCompletionRequestArgs::default();
    let request = request.model("small").messages([message.into()]).build();
    let request = request.map_err(|_| StatusCode::BAD_REQUEST)?;
    let reply = app.client.chat().create(request).await;
    let reply = reply.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let text = reply
        .choices
        .into_iter()
        .find_map(|choice| choice.message.content);
    Ok(Json(Answer {
        text: text.unwrap_or_default(),
    }))
}
