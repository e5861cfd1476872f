//! What requests, answers and chunks of async-openai 0.43 say.

use async_openai::types::chat::{
    CreateChatCompletionRequest, CreateChatCompletionResponse, CreateChatCompletionStreamResponse,
};
use async_openai::types::completions::{CreateCompletionRequest, CreateCompletionResponse};
use async_openai::types::embeddings::{CreateEmbeddingRequest, CreateEmbeddingResponse};
use async_openai::types::responses::{CreateResponse, Response, ResponseStreamEvent};

use super::{AuditInput, AuditOutput, RequestRecorder, ResponseRecorder, json};

macro_rules! inputs {
    ($($ty:ty)+) => {$(
        impl AuditInput for $ty {
            fn describe(&self, request: &mut RequestRecorder<'_>) {
                json::request(self, request);
            }
        }
    )+};
}

macro_rules! outputs {
    ($($ty:ty)+) => {$(
        impl AuditOutput for $ty {
            fn describe(&self, response: &mut ResponseRecorder<'_>) {
                json::answer(self, response);
            }
        }
    )+};
}

inputs! {
    CreateChatCompletionRequest
    CreateCompletionRequest
    CreateEmbeddingRequest
    CreateResponse
}

outputs! {
    CreateChatCompletionResponse
    CreateChatCompletionStreamResponse
    CreateCompletionResponse
    CreateEmbeddingResponse
    Response
    ResponseStreamEvent
}

#[cfg(test)]
mod tests {
    use async_openai::types::chat::{
        ChatCompletionRequestUserMessage, CreateChatCompletionRequest,
    };
    use serde_json::{from_value, json};

    use super::*;
    use crate::catalog::Field;
    use crate::event::{Kind, Operation};
    use crate::facet::Facet;
    use crate::level::Level;
    use crate::policy::Policy;
    use crate::retention::Retention;
    use crate::testing::probe;

    #[test]
    fn requests_answers_and_chunks_say_what_they_are() {
        let facets = [Facet::Model, Facet::Prompt, Facet::Response, Facet::Usage];
        let policy = facets.iter().fold(Policy::builder(), |policy, facet| {
            policy.facet(*facet, Level::Full)
        });
        let (log, probe) = probe(policy.retention(Retention::Days30).build().unwrap()).unwrap();
        let mut call = log.begin(Operation::Chat);
        let message = ChatCompletionRequestUserMessage::from("Why?");
        let request = CreateChatCompletionRequest {
            model: "small".to_owned(),
            messages: vec![message.into()],
            ..Default::default()
        };
        request.describe(&mut RequestRecorder::new(&mut call));
        let reply: CreateChatCompletionResponse = from_value(json!({
            "id": "c-1", "object": "chat.completion", "created": 0, "model": "small-1",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "So."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        }))
        .unwrap();
        reply.describe(&mut ResponseRecorder::new(&mut call));
        call.finish();

        let mut call = log.begin(Operation::Chat);
        for delta in [json!({"content": "So"}), json!({"content": "."})] {
            let chunk: CreateChatCompletionStreamResponse = from_value(json!({
                "id": "c-1", "object": "chat.completion.chunk", "created": 0, "model": "small-1",
                "choices": [{"index": 0, "delta": delta}],
            }))
            .unwrap();
            call.tick();
            chunk.describe(&mut ResponseRecorder::new(&mut call));
        }
        call.finish();

        let events = probe.kind(Kind::Interaction);
        assert_eq!(events[0].prompt().as_deref(), Some("Why?"));
        assert!(events[0].get(Field::TotalTokens).is_some());
        for event in events {
            assert_eq!(event.response().as_deref(), Some("So."));
            assert_eq!(event.response_model(), Some("small-1"));
        }
    }
}
