//! Who asks. Here a proxy in front has checked who it is, and says so in headers that it lets nobody else set;
//! with tokens, a layer around this one verifies them and leaves the claims in the request's extensions.

use axum::http::request::Parts;
use llm_audit::Fields;

pub(crate) fn who(request: &Parts) -> Fields {
    let header = |name: &str| request.headers.get(name)?.to_str().ok();
    let consents = header("x-training-consent") == Some("yes");
    let mut fields = Fields::new()
        .source("support chat")
        .training_allowed(consents);
    if let Some(label) = header("x-classification") {
        fields = fields.classification_group(label);
    }
    if let Some(user) = header("x-user") {
        fields = fields.user_id(user);
    }
    if let Some(tenant) = header("x-tenant") {
        fields = fields.tenant_id(tenant);
    }
    fields
}
