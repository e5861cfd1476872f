//! What `#[audit]` captures: what is named, when its facet is on, and nothing else.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail where it stands"
)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use llm_audit::{
    Absence, Audit, Context, Document, Facet, Fields, Intent, Kind, Level, Message, Operation,
    Policy, Retention, Usage, audit,
};

#[path = "../llm-audit-macros/src/table.rs"]
#[allow(dead_code, unreachable_pub, reason = "the test reads the names only")]
mod table;

#[path = "common/recording.rs"]
mod recording;

use recording::{Recording, poll_once};

fn text_of(message: &Message) -> &str {
    message.parts.as_ref().unwrap()[0]
        .content
        .as_deref()
        .unwrap()
}

struct Reply {
    text: String,
    model: &'static str,
    input: u32,
    output: u32,
}

#[test]
fn a_chat_is_captured_by_the_names_of_its_arguments() {
    #[audit(
        auditor = log,
        model = "small",
        system = "Be brief.",
        prompt = question,
        user = user,
        session = Some("s-4"),
        conversation = None::<&str>,
        project = "p-1",
        tenant = "t-1",
        fields(temperature = 0.7_f32, max_tokens = 100, stop_sequences = ["END"]),
        output = out.text,
        out(
            response_model = out.model,
            finish_reasons = vec!["stop"],
            usage = Usage::openai(out.input.into(), out.output.into()),
        ),
    )]
    fn ask(log: &Audit, question: String, user: u64) -> Result<Reply, String> {
        let text = question.to_uppercase();
        drop(question);
        Ok(Reply {
            text,
            model: "small-2",
            input: 6,
            output: 120,
        })
    }

    let recording = Recording::of(&[
        Facet::Model,
        Facet::SystemPrompt,
        Facet::Prompt,
        Facet::User,
        Facet::Session,
        Facet::Project,
        Facet::Groups,
        Facet::RequestConfig,
        Facet::Response,
        Facet::Usage,
    ]);
    ask(&recording.guard, "why?".to_owned(), 17).unwrap();
    let event = recording.event();
    assert_eq!(event.operation(), Some(Operation::Chat));
    assert_eq!(event.request_model(), Some("small"));
    let input = event.input_messages().unwrap();
    assert_eq!(
        input.iter().map(text_of).collect::<Vec<_>>(),
        ["Be brief.", "why?"]
    );
    assert_eq!(input[0].role.as_deref(), Some("system"));
    assert_eq!(input[1].role.as_deref(), Some("user"));
    assert_eq!(event.user_id(), Some("17"));
    assert_eq!(event.session_id(), Some("s-4"));
    assert_eq!(event.conversation_id(), None);
    assert_eq!(event.project_id(), Some("p-1"));
    assert_eq!(event.tenant_id(), Some("t-1"));
    assert_eq!(event.temperature(), Some(0.7));
    assert_eq!(event.max_tokens(), Some(100));
    assert_eq!(event.stop_sequences().unwrap(), ["END"]);
    assert_eq!(text_of(&event.output_messages().unwrap()[0]), "WHY?");
    assert_eq!(event.response_model(), Some("small-2"));
    assert_eq!(event.finish_reasons().unwrap(), ["stop"]);
    assert_eq!(event.total_tokens(), Some(126));
}

#[test]
fn an_expression_is_not_evaluated_when_its_facet_is_off() {
    #[audit(
        auditor = log,
        prompt = noted(evaluated, "prompt"),
        model = noted(evaluated, "model"),
        output = noted(evaluated, "output"),
        out(total_tokens = { noted(evaluated, "usage"); 3 }),
    )]
    fn ask(log: &Audit, evaluated: &Cell<Vec<&'static str>>) {}

    fn noted(evaluated: &Cell<Vec<&'static str>>, name: &'static str) -> &'static str {
        let mut names = evaluated.take();
        names.push(name);
        evaluated.set(names);
        name
    }

    let recording = Recording::of(&[Facet::Model, Facet::Usage]);
    let evaluated = Cell::default();
    ask(&recording.guard, &evaluated);
    assert_eq!(evaluated.take(), ["model", "usage"]);
    let event = recording.event();
    assert_eq!(event.request_model(), Some("model"));
    assert_eq!(event.input_messages(), None);
    assert_eq!(event.output_messages(), None);
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Withheld));
    assert_eq!(event.absence(Facet::Response), Some(Absence::Withheld));
}

#[test]
fn a_policy_of_nothing_evaluates_nothing() {
    #[audit(auditor = log, prompt = never(), output = never())]
    async fn ask(log: &Audit) -> u8 {
        3
    }

    fn never() -> &'static str {
        unreachable!("the policy captures nothing")
    }

    let directory = tempfile::tempdir().unwrap();
    let guard = llm_audit::builder()
        .journal(directory.path())
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    assert_eq!(poll_once(ask(&guard)), Some(3));
    drop(guard.shutdown(Duration::from_secs(10)));
}

#[test]
fn display_and_debug_are_asked_for() {
    #[derive(Debug)]
    #[allow(dead_code, reason = "Debug reads it")]
    struct Request {
        id: u8,
    }

    impl std::fmt::Display for Request {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "request {}", self.id)
        }
    }

    #[audit(auditor = log, prompt = %request, request_model = ?request, output = %out.id)]
    fn ask(log: &Audit, request: Request) -> Option<Request> {
        Some(request)
    }

    let recording = Recording::of(&[Facet::Prompt, Facet::Response, Facet::Model]);
    ask(&recording.guard, Request { id: 3 });
    let event = recording.event();
    assert_eq!(text_of(&event.input_messages().unwrap()[0]), "request 3");
    assert_eq!(event.request_model(), Some("Request { id: 3 }"));
    assert_eq!(text_of(&event.output_messages().unwrap()[0]), "3");
}

#[test]
fn a_tool_is_named_after_its_function_and_its_output_is_the_result() {
    #[audit(tool, auditor = log, tool_arguments = (city, days), output)]
    fn weather(log: &Audit, city: &str, days: u8) -> Result<BTreeMap<&'static str, i8>, String> {
        Ok(BTreeMap::from([("max", 30)]))
    }

    let recording = Recording::of(&[Facet::Tools, Facet::ToolIo]);
    weather(&recording.guard, "Rome", 3).unwrap();
    let event = recording.event();
    assert_eq!(event.operation(), Some(Operation::ExecuteTool));
    assert_eq!(event.tool_name(), Some("weather"));
    assert_eq!(event.tool_arguments(), Some(r#"["Rome",3]"#));
    assert_eq!(event.tool_result(), Some(r#"{"max":30}"#));
}

#[test]
fn an_error_tells_its_code() {
    struct Failed {
        code: &'static str,
        http: u16,
    }

    #[audit(
        auditor = log,
        out(response_id = out),
        err(error_type = "rate_limit", error_code = err.code, http_status = err.http),
    )]
    fn ask(log: &Audit, answer: Result<&'static str, Failed>) -> Result<&'static str, Failed> {
        answer
    }

    let recording = Recording::of(&[Facet::Model]);
    let failed = Failed {
        code: "slow_down",
        http: 429,
    };
    assert!(ask(&recording.guard, Err(failed)).is_err());
    assert!(ask(&recording.guard, Ok("r-1")).is_ok());
    let events = recording.events();
    assert_eq!(events[0].error_type(), Some("rate_limit"));
    assert_eq!(events[0].error_code(), Some("slow_down"));
    assert_eq!(events[0].http_status(), Some(429));
    assert_eq!(events[0].response_id(), None);
    assert_eq!(events[1].error_code(), None);
    assert_eq!(events[1].response_id(), Some("r-1"));
}

#[test]
fn a_name_of_its_own_wins_over_the_function() {
    #[audit(agent, auditor = log, name = "refunds", output)]
    fn run(log: &Audit) -> &'static str {
        "done"
    }

    #[audit(workflow, auditor = log, workflow_name = "nightly")]
    fn r#loop(log: &Audit) {}

    #[audit(step, auditor = log)]
    fn r#match(log: &Audit) {}

    let recording = Recording::of(&[Facet::Source, Facet::Response]);
    run(&recording.guard);
    r#loop(&recording.guard);
    r#match(&recording.guard);
    let events = recording.events();
    assert_eq!(events[0].agent_name(), Some("refunds"));
    assert_eq!(text_of(&events[0].output_messages().unwrap()[0]), "done");
    assert_eq!(events[1].workflow_name(), Some("nightly"));
    assert_eq!(events[2].step_name(), Some("match"));
    assert_eq!(events[2].code_function(), Some("audit_values::match"));
}

#[test]
fn a_retrieval_takes_its_documents() {
    #[audit(retrieval, auditor = log, query = query, output)]
    fn search(log: &Audit, query: &str) -> Vec<Document> {
        vec![Document::default().id("d-1").score(0.5)]
    }

    let recording = Recording::of(&[Facet::Retrieval]);
    search(&recording.guard, "refunds");
    let event = recording.event();
    assert_eq!(event.query(), Some("refunds"));
    assert_eq!(event.documents().unwrap()[0].id.as_deref(), Some("d-1"));
}

#[test]
fn fields_of_every_type_take_the_values_one_would_write() {
    #[audit(
        auditor = log,
        metadata = [("order", 3)],
        metrics = BTreeMap::from([("score", 0.5)]),
        modality_tokens = vec![("image.input".to_owned(), 7_u64)],
        prompt_template_variables = [("name", "Ada")],
        tags = &["a", "b"][..],
        user_roles = std::collections::HashSet::from(["y", "x"]),
        stream = Some(true),
        top_k = -1,
        temperature = 1,
        input_messages = [Message::text("assistant", "hello")],
        target_event_id = parent,
        parent_event_id = parent,
        seed = 7,
    )]
    fn ask(log: &Audit, parent: llm_audit::EventId) {}

    let recording = Recording::of(&[
        Facet::Metadata,
        Facet::Metrics,
        Facet::Usage,
        Facet::Prompt,
        Facet::User,
        Facet::RequestConfig,
    ]);
    let parent = recording.guard.begin(Operation::Step).finish().unwrap();
    ask(&recording.guard, parent);
    let events = recording.events();
    let event = &events[1];
    assert_eq!(event.metadata().unwrap()["order"], "3");
    assert_eq!(event.metrics().unwrap()["score"], 0.5);
    assert_eq!(event.modality_tokens().unwrap()["image.input"], 7);
    assert_eq!(
        event.prompt_template_variables().unwrap()["name"],
        r#""Ada""#
    );
    assert_eq!(event.tags().unwrap(), ["a", "b"]);
    assert_eq!(event.user_roles().unwrap(), ["x", "y"]);
    assert_eq!(event.stream(), Some(true));
    assert_eq!(event.top_k(), None);
    assert_eq!(event.temperature(), Some(1.0));
    assert_eq!(text_of(&event.input_messages().unwrap()[0]), "hello");
    assert_eq!(event.target_event_id(), Some(parent.to_string().as_str()));
    assert_eq!(event.parent_event_id(), Some(parent));
    assert_eq!(event.seed(), Some("7"));
}

#[test]
fn identity_comes_from_the_context() {
    #[audit(auditor = log)]
    fn ask(log: &Audit) {}

    let recording = Recording::of(&[Facet::User]);
    let context = Context::current().with(Fields::new().user_id("u-17"));
    context.enter(|| ask(&recording.guard));
    assert_eq!(recording.event().user_id(), Some("u-17"));
}

#[test]
fn the_installed_log_is_the_default() {
    mod reexported {
        pub(super) mod llm_audit {
            pub(crate) use ::llm_audit::__private;
        }
    }

    #[audit(crate = reexported::llm_audit, model = "small")]
    fn installed_default() {}

    let policy = Policy::builder()
        .facet(Facet::Source, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let guard = llm_audit::builder()
        .policy(policy)
        .journal(directory.path())
        .install()
        .unwrap();
    installed_default();
    let recording = Recording { directory, guard };
    let events = recording.events();
    let function = "audit_values::installed_default";
    let mine = events
        .iter()
        .filter(|event| event.code_function() == Some(function));
    assert_eq!(mine.count(), 1);
}

#[test]
fn the_intent_holds_what_is_known_before_the_body_runs() {
    #[audit(auditor = log, prompt = "why?", output)]
    fn ask(log: &Audit) -> &'static str {
        "because"
    }

    let recording = Recording::with(&[Facet::Prompt, Facet::Response], Intent::Content);
    ask(&recording.guard);
    let events = recording.events();
    let of = |kind: Kind| events.iter().find(|event| *event.kind() == kind).unwrap();
    let (sent, done) = (of(Kind::PromptSent), of(Kind::Interaction));
    assert_eq!(text_of(&sent.input_messages().unwrap()[0]), "why?");
    assert_eq!(sent.output_messages(), None);
    assert_eq!(
        sent.target_event_id(),
        Some(done.event_id().to_string().as_str())
    );
}

#[test]
fn the_attribute_knows_exactly_the_fields_that_a_host_may_set() {
    let mut host: Vec<_> = llm_audit::schema::CATALOG
        .iter()
        .filter(|info| info.host)
        .map(|info| info.name)
        .collect();
    host.sort_unstable();
    assert_eq!(table::FIELDS, host);
}

#[test]
fn the_attribute_knows_every_operation() {
    let mut variants: Vec<_> = table::OPERATIONS
        .iter()
        .filter(|operation| !operation.is_verdict())
        .map(|operation| operation.variant.to_owned())
        .collect();
    let mut all: Vec<_> = Operation::ALL
        .iter()
        .map(|operation| format!("{operation:?}"))
        .collect();
    variants.sort_unstable();
    all.sort_unstable();
    assert_eq!(variants, all);
}
