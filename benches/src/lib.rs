//! The work that every measurement does: one call of a model, with 38 fields and some 3.5 KB.
//!
//! Texts are borrowed from the application, as they are there: a recorder has to copy or serialise
//! them before it returns.

pub mod batches;
mod text;

use llm_audit_core::{Audit, Facet, Level, Operation, Policy, Retention};
use serde::Serialize;

pub use text::{CLEAN, CODE, JSON, PROSE, repeated};

/// Declares the fields of a call once: name, type and value, save for prompt and response.
///
/// Hands them to the macro `$callback`, after `[$argument…]`.
#[macro_export]
macro_rules! call {
    ($callback:ident! $($argument:tt)*) => {
        $callback! {
            [$($argument)*]
            trace_id: &'static str = "4bf92f3577b34da6a3ce929d0e0e4736",
            span_id: &'static str = "00f067aa0ba902b7",
            parent_span_id: &'static str = "53995c3f42cd8ad8",
            user_id: &'static str = "user-00042",
            tenant_id: &'static str = "tenant-7",
            team: &'static str = "assistants",
            project_id: &'static str = "project-00117",
            session_id: &'static str = "session-6a1f0d93",
            conversation_id: &'static str = "conversation-27b1c3",
            turn_index: u64 = 4,
            provider: &'static str = "openai",
            request_model: &'static str = "small-2026-05",
            response_model: &'static str = "small-2026-05-13",
            response_id: &'static str = "resp_68f1c9a4b2e03377",
            server_address: &'static str = "models.example.com",
            server_port: u64 = 443,
            service_tier: &'static str = "default",
            temperature: f64 = 0.7,
            top_p: f64 = 0.95,
            max_tokens: u64 = 1_024,
            seed: &'static str = "42",
            stream: bool = true,
            input_tokens: u64 = 512,
            output_tokens: u64 = 256,
            cache_read_input_tokens: u64 = 128,
            total_tokens: u64 = 768,
            time_to_first_chunk_us: u64 = 184_221,
            attempt: u64 = 1,
            cache_hit: bool = false,
            service_name: &'static str = "helpdesk",
            service_version: &'static str = "3.14.2",
            environment: &'static str = "production",
            region: &'static str = "eu-north-1",
            endpoint: &'static str = "/v1/tickets/{id}/answer",
            agent_name: &'static str = "triage",
            prompt_template_id: &'static str = "answer-ticket",
        }
    };
}

macro_rules! define {
    ([] $($name:ident: $type:ty = $value:expr,)+) => {
        /// A call as the application knows it.
        #[derive(Clone, Debug, Serialize)]
        #[non_exhaustive]
        pub struct Call {
            $(#[doc = stringify!($name)] pub $name: $type,)+
            /// What was asked: 2,304 bytes.
            pub prompt: String,
            /// What was answered: 1,024 bytes.
            pub response: String,
        }

        impl Default for Call {
            fn default() -> Self {
                Self {
                    $($name: $value,)+
                    prompt: repeated(PROSE, 2_304),
                    response: repeated(CLEAN, 1_024),
                }
            }
        }
    };
}

macro_rules! set {
    ([$interaction:ident $call:ident] $($name:ident: $type:ty = $value:expr,)+) => {
        $interaction $(.$name($call.$name))+
    };
}

macro_rules! trace {
    ([$call:ident] $($name:ident: $type:ty = $value:expr,)+) => {
        tracing::info!(
            $($name = $call.$name,)+
            prompt = $call.prompt.as_str(),
            response = $call.response.as_str(),
        )
    };
}

call!(define!);

/// Records `call` in `audit`: begin, set, finish.
pub fn record(audit: &Audit, call: &Call) {
    let mut interaction = audit.begin(Operation::Chat);
    call!(set! interaction call);
    interaction
        .prompt(call.prompt.as_str())
        .response(call.response.as_str());
    interaction.finish();
}

/// Records `call` in `audit`, and gives its texts away.
pub fn record_owned(audit: &Audit, call: Call) {
    let mut interaction = audit.begin(Operation::Chat);
    call!(set! interaction call);
    interaction.prompt(call.prompt).response(call.response);
    interaction.finish();
}

/// Records `call` with `tracing`.
pub fn trace(call: &Call) {
    call!(trace! call);
}

/// Returns the policy that keeps all of a [`Call`], with its texts redacted.
///
/// # Errors
///
/// When the policy is no good.
pub fn policy() -> Result<Policy, llm_audit_core::Error> {
    let policy = METADATA.iter().fold(Policy::builder(), |policy, facet| {
        policy.facet(*facet, Level::Full)
    });
    policy
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Response, Level::Redacted)
        .retention(Retention::Days90)
        .build()
}

/// Returns the policy that keeps all of a [`Call`] as it is: no detector runs.
///
/// # Errors
///
/// When the policy is no good.
pub fn verbatim() -> Result<Policy, llm_audit_core::Error> {
    let facets = METADATA.iter().chain(&[Facet::Prompt, Facet::Response]);
    let policy = facets.fold(Policy::builder(), |policy, facet| {
        policy.facet(*facet, Level::Full).danger_verbatim(*facet)
    });
    policy.retention(Retention::Days90).build()
}

/// The facets of what a [`Call`] has beside prompt and response.
const METADATA: [Facet; 10] = [
    Facet::User,
    Facet::Groups,
    Facet::Project,
    Facet::Session,
    Facet::Model,
    Facet::RequestConfig,
    Facet::Usage,
    Facet::Timing,
    Facet::Routing,
    Facet::Source,
];
