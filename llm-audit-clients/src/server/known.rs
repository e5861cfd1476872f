//! What a request says of itself.

use http::header::USER_AGENT;
use http::request::Parts;
use llm_audit_core::Fields;

/// Returns what is known of a request without asking the program.
pub(super) fn fields(parts: &Parts) -> Fields {
    let agent = parts
        .headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let fields = Fields::new();
    let fields = match agent {
        Some(agent) => fields.user_agent(agent),
        None => fields,
    };
    of_axum(parts, fields)
}

#[cfg(feature = "axum")]
fn of_axum(parts: &Parts, mut fields: Fields) -> Fields {
    use std::net::SocketAddr;

    use axum::extract::{ConnectInfo, MatchedPath};

    if let Some(route) = parts.extensions.get::<MatchedPath>() {
        fields = fields.endpoint(format!("{} {}", parts.method, route.as_str()));
    }
    if let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() {
        fields = fields.client_address(peer.ip().to_canonical().to_string());
    }
    fields
}

#[cfg(not(feature = "axum"))]
fn of_axum(_: &Parts, fields: Fields) -> Fields {
    fields
}
