//! JSON that a handler takes and gives, and that says of itself what is to be recorded.

use std::fmt;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use llm_audit_core::{AuditInput, AuditOutput, RequestRecorder, ResponseRecorder};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// axum's `Json`, which `#[audit(input = …, output)]` knows: it is read as
/// [`Json`](llm_audit_core::Json) of the log is.
///
/// # Examples
///
/// ```
/// use llm_audit_clients::server::Json;
/// use serde_json::Value;
///
/// // #[audit(input = body, output)]
/// async fn chat(body: Json<Value>) -> Json<Value> {
///     body
/// }
/// # let _app: axum::Router = axum::Router::new().route("/chat", axum::routing::post(chat));
/// assert_eq!(format!("{:?}", Json("a secret")), "Json(..)");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is one value, for good")]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = JsonRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, JsonRejection> {
        let axum::Json(value) = axum::Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: Serialize> AuditInput for Json<T> {
    fn describe(&self, request: &mut RequestRecorder<'_>) {
        AuditInput::describe(&llm_audit_core::Json(&self.0), request);
    }
}

impl<T: Serialize> AuditOutput for Json<T> {
    fn describe(&self, response: &mut ResponseRecorder<'_>) {
        AuditOutput::describe(&llm_audit_core::Json(&self.0), response);
    }
}

/// Shows nothing of the value.
impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json(..)")
    }
}
