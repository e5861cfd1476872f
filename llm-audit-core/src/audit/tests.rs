mod durable;
mod fork;
mod fsync;
mod keeping;

use super::*;
use crate::event::{Absence, Event, Status};
use crate::facet::Facet;
use crate::journal::Reader;
use crate::key::Key;
use crate::level::Level;
use crate::policy::{FacetRule, Intent, PolicyBuilder};
use crate::redact::RedactionSettings;
use crate::retention::Retention;
use crate::vfs::MemVfs;

const DIR: &str = "/log";
const SOON: Duration = Duration::from_secs(5);

fn policy() -> PolicyBuilder {
    Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days30)
}

/// Runs a log once in `vfs` under `policy`.
fn run(vfs: &Arc<MemVfs>, policy: Policy, host: impl FnOnce(&Audit)) -> Report {
    let vfs = Arc::clone(vfs) as Arc<dyn crate::vfs::Vfs>;
    let audit = builder()
        .policy(policy)
        .journal(DIR)
        .vfs(vfs)
        .spawn()
        .unwrap();
    host(&audit);
    audit.shutdown(SOON)
}

fn events(vfs: &Arc<MemVfs>) -> Vec<Event> {
    let vfs = Arc::clone(vfs) as Arc<dyn crate::vfs::Vfs>;
    Reader::open_in(vfs, DIR.as_ref())
        .unwrap()
        .events()
        .map(Result::unwrap)
        .collect()
}

fn of_kind(vfs: &Arc<MemVfs>, kind: &Kind) -> Vec<Event> {
    events(vfs)
        .into_iter()
        .filter(|event| event.kind() == kind)
        .collect()
}

#[test]
fn every_start_is_in_the_log_and_names_the_one_before() {
    let vfs = Arc::new(MemVfs::default());
    run(&vfs, policy().build().unwrap(), |_| {}).is_complete();
    run(&vfs, policy().build().unwrap(), |_| {}).is_complete();
    let starts = of_kind(&vfs, &Kind::LogOpened);
    assert_eq!(starts.len(), 2);
    assert_eq!(
        starts
            .iter()
            .filter(|start| start.previous_hash().is_some())
            .count(),
        1
    );
    assert_eq!(of_kind(&vfs, &Kind::LogClosed).len(), 2);
    assert!(of_kind(&vfs, &Kind::PolicyChanged).is_empty());
    let text = starts[0].policy_text().unwrap();
    assert_eq!(
        crate::encode::hex(&crate::seal::sha256(text.as_bytes())),
        starts[0].policy_hash().unwrap()
    );
}

#[test]
fn every_difference_to_the_start_before_is_an_event_of_its_kind() {
    let settings = RedactionSettings {
        allow: vec!["help@example.org".to_owned()],
        ..RedactionSettings::default()
    };
    let rule = FacetRule::new(Level::Redacted).sample(0.5);
    let changes: [(Kind, PolicyBuilder, &str); 5] = [
        (
            Kind::PolicyChanged,
            policy().facet(Facet::User, Level::Full),
            "facets.user.level",
        ),
        (
            Kind::SamplingChanged,
            policy().facet(Facet::Prompt, rule),
            "facets.prompt.sample",
        ),
        (
            Kind::RedactionChanged,
            policy().redaction(settings),
            "redaction.allow",
        ),
        (
            Kind::RetentionChanged,
            policy().retention(Retention::Days90),
            "retention",
        ),
        (
            Kind::KeyRotated,
            policy().key(Key::bytes("k2", &[2; 32]).unwrap()),
            "keys",
        ),
    ];
    for (kind, changed, path) in changes {
        let vfs = Arc::new(MemVfs::default());
        let (before, after) = (policy().build().unwrap(), changed.build().unwrap());
        run(&vfs, before.clone(), |_| {}).is_complete();
        run(&vfs, after.clone(), |_| {}).is_complete();
        let events = of_kind(&vfs, &kind);
        assert_eq!(events.len(), 1, "{kind}");
        assert_eq!(events[0].change_before(), Some(before.hash()));
        assert_eq!(events[0].change_after(), Some(after.hash()));
        let paths = events[0].change_diff().unwrap();
        assert!(
            paths.iter().any(|found| found.starts_with(path)),
            "{kind}: {paths:?}"
        );
    }
}

#[test]
fn a_policy_that_captures_nothing_writes_nothing_and_says_so_once() {
    let vfs = Arc::new(MemVfs::default());
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let audit = builder()
        .journal(DIR)
        .vfs(Arc::clone(&vfs) as Arc<dyn crate::vfs::Vfs>)
        .on_diagnostic(move |diagnostic| heard.lock().unwrap().push(diagnostic.kind))
        .spawn()
        .unwrap();
    for _ in 0..3 {
        let mut call = audit.begin(Operation::Chat);
        assert!(!call.is_recorded() && !call.allows(Facet::Model));
        call.metadata([("never", Never)])
            .finish_reasons(std::iter::from_fn(|| {
                panic!("no iterator runs") as Option<String>
            }));
        assert_eq!(call.finish(), None);
        assert_eq!(audit.feedback("x").record(), None);
    }
    assert!(audit.shutdown(SOON).is_complete());
    assert_eq!(*said.lock().unwrap(), [DiagnosticKind::NothingCaptured]);
    assert_eq!(events(&vfs).len(), 0);
}

struct Never;

impl serde::Serialize for Never {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("nothing is serialised")
    }
}

#[test]
fn the_intent_is_written_before_the_outcome_and_names_it() {
    for (intent, prompt) in [(Intent::Metadata, None), (Intent::Content, Some("why?"))] {
        let vfs = Arc::new(MemVfs::default());
        let policy = policy()
            .facet(Facet::Prompt, Level::Full)
            .key(Key::bytes("k1", &[1; 32]).unwrap())
            .intent(intent);
        let mut id = None;
        run(&vfs, policy.build().unwrap(), |audit| {
            let mut call = audit.begin(Operation::Chat);
            call.request_model("small").prompt("why?").sent();
            id = call.finish();
        })
        .is_complete();
        let sent = of_kind(&vfs, &Kind::PromptSent);
        assert_eq!(sent.len(), 1);
        assert_eq!(
            sent[0].target_event_id(),
            id.map(|id| id.to_string()).as_deref()
        );
        assert_eq!(sent[0].model(), Some("small"));
        assert_eq!(sent[0].prompt().as_deref(), prompt);
        assert!(sent[0].prompt_digest().is_some());
        assert!(sent[0].seq() < of_kind(&vfs, &Kind::Interaction)[0].seq());
    }
}

#[test]
fn a_policy_is_replaced_while_the_log_runs_and_the_log_says_by_whom() {
    let vfs = Arc::new(MemVfs::default());
    let (before, after) = (
        policy().build().unwrap(),
        policy().facet(Facet::User, Level::Full).build().unwrap(),
    );
    run(&vfs, before.clone(), |audit| {
        let speak = || {
            let mut call = audit.begin(Operation::Chat);
            call.user_id("ada").request_model("small");
            call.finish();
        };
        speak();
        assert!(audit.flush(SOON).is_complete());
        audit
            .replace_policy(after.clone(), "ops", "ticket 7")
            .unwrap();
        speak();
        let forever = policy().retention(Retention::Forever).build().unwrap();
        assert!(
            audit
                .replace_policy(forever, "ops", "no")
                .unwrap_err()
                .is_policy()
        );
    })
    .is_complete();
    let users: Vec<_> = of_kind(&vfs, &Kind::Interaction)
        .iter()
        .map(|event| event.user_id().map(str::to_owned))
        .collect();
    assert_eq!(users, [None, Some("ada".to_owned())]);
    let change = &of_kind(&vfs, &Kind::PolicyChanged)[0];
    assert_eq!(
        (change.change_actor(), change.change_reason()),
        (Some("ops"), Some("ticket 7"))
    );
    assert_eq!(change.policy_hash(), Some(after.hash()));
}

#[test]
fn what_comes_after_the_end_is_a_counted_loss() {
    let vfs = Arc::new(MemVfs::default());
    let audit = builder()
        .policy(policy().build().unwrap())
        .journal(DIR)
        .vfs(Arc::clone(&vfs) as Arc<dyn crate::vfs::Vfs>)
        .spawn()
        .unwrap();
    audit.begin(Operation::Chat).finish();
    assert!(audit.shutdown(SOON).is_complete());
    audit.begin(Operation::Chat).finish();
    let counters = audit.counters();
    assert_eq!(
        (counters.admitted, counters.written, counters.lost()),
        (2, 1, 1)
    );
}

#[test]
fn a_call_waits_for_memory_once() {
    let vfs = Arc::new(MemVfs::default());
    let wait = Duration::from_millis(200);
    let policy = policy()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full);
    let audit = builder()
        .policy(policy.build().unwrap())
        .journal(DIR)
        .vfs(Arc::clone(&vfs) as Arc<dyn crate::vfs::Vfs>)
        .overflow(Overflow::block(wait))
        .max_bytes(1 << 20)
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    assert!(audit.flush(SOON).is_complete());
    vfs.limit(Some(0));
    let mut first = audit.begin(Operation::Chat);
    first.prompt("x".repeat(1_000_000));
    first.finish();
    // The disk takes nothing, so the first call's memory does not become free.
    let mut second = audit.begin(Operation::Chat);
    second.request_model("small").chunk("It ");
    let start = std::time::Instant::now();
    for _ in 0..50 {
        second
            .chunk(&"y".repeat(64 << 10))
            .prompt("z".repeat(64 << 10));
    }
    second.finish();
    let waited = start.elapsed();
    assert!(waited < 5 * wait, "{waited:?}");
    vfs.heal();
    assert!(audit.shutdown(SOON).is_complete());
    let events = of_kind(&vfs, &Kind::Interaction);
    assert_eq!(events[1].model(), Some("small"));
    for facet in [Facet::Prompt, Facet::Response] {
        assert_eq!(events[1].absence(facet), Some(Absence::Failed));
    }
}

#[test]
fn a_text_that_fits_without_anything_in_reserve_is_kept() {
    let vfs = Arc::new(MemVfs::default());
    let policy = policy().facet(Facet::Prompt, Level::Full);
    let audit = builder()
        .policy(policy.build().unwrap())
        .journal(DIR)
        .vfs(Arc::clone(&vfs) as Arc<dyn crate::vfs::Vfs>)
        .max_bytes(8 << 20)
        .spawn()
        .unwrap();
    let prompt = "x".repeat(6_800_000);
    let mut call = audit.begin(Operation::Chat);
    call.prompt(prompt.as_str()).request_model("small");
    call.finish();
    assert!(audit.shutdown(SOON).is_complete());
    let events = of_kind(&vfs, &Kind::Interaction);
    assert_eq!(events[0].prompt().as_deref(), Some(prompt.as_str()));
    assert_eq!(events[0].model(), Some("small"));
}

#[test]
fn kinds_of_the_logs_own_cannot_be_recorded_by_a_host() {
    let vfs = Arc::new(MemVfs::default());
    run(&vfs, policy().build().unwrap(), |audit| {
        for kind in Kind::ALL.iter().filter(|kind| !kind.is_capture()) {
            assert_eq!(audit.event(kind.clone()).record(), None, "{kind}");
        }
    })
    .is_complete();
    assert!(of_kind(&vfs, &Kind::Erased).is_empty());
}

#[test]
fn late_facts_name_their_target() {
    let vfs = Arc::new(MemVfs::default());
    let policy = Policy::builder()
        .facet(Facet::Feedback, Level::Redacted)
        .facet(Facet::Evaluation, Level::Full)
        .facet(Facet::Training, Level::Full)
        .retention(Retention::Days30);
    run(&vfs, policy.build().unwrap(), |audit| {
        audit
            .evaluation("t", Evaluation::default().name("relevance").score(0.5))
            .record();
        audit.feedback("t").feedback_thumb("down").record();
        audit.correction("t", "better").record();
        audit.oversight("t", "rejected").record();
        audit.consent("t", false).record();
        let mut connection = audit.model_connection("openai");
        connection.status(Status::Error).http_status(401);
        connection.record();
        audit.skill_triggered("summarise").record();
        audit.guardrail(Guardrail::default().name("pii")).record();
        drop(audit.feedback("never recorded"));
    })
    .is_complete();
    let late: Vec<_> = events(&vfs)
        .into_iter()
        .filter(|e| e.kind().is_capture())
        .collect();
    assert_eq!(late.len(), 8);
    assert_eq!(
        late.iter()
            .filter(|event| event.target_event_id() == Some("t"))
            .count(),
        5
    );
    assert_eq!(late[2].correction(), Some("better"));
    assert_eq!(late[4].training_allowed(), Some(false));
    assert_eq!(
        (late[5].status(), late[5].http_status()),
        (Some(Status::Error), Some(401))
    );
}

#[test]
fn a_log_that_begins_to_capture_later_begins_with_log_opened() {
    let vfs = Arc::new(MemVfs::default());
    let later = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .build()
        .unwrap();
    run(&vfs, Policy::none(), |audit| {
        audit.begin(Operation::Chat).finish();
        audit
            .replace_policy(Policy::none(), "ops", "no change")
            .unwrap();
        audit.replace_policy(later, "ops", "switch on").unwrap();
        audit.begin(Operation::Chat).finish();
    })
    .is_complete();
    let kinds: Vec<_> = events(&vfs)
        .iter()
        .map(|event| event.kind().to_string())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
    assert_eq!(
        (
            count("log_opened"),
            count("interaction"),
            count("log_closed")
        ),
        (1, 1, 1)
    );
    let changes = of_kind(&vfs, &Kind::PolicyChanged);
    let who: Vec<_> = changes.iter().map(|change| change.change_actor()).collect();
    assert_eq!(who, [Some("ops")]);
}

#[test]
fn a_secret_in_the_words_of_an_operator_is_hidden() {
    let vfs = Arc::new(MemVfs::default());
    let secret = concat!(
        "sk-",
        "ant-",
        "api03-",
        "q8ZtW3nVx0KcR5mYb7LpD2sFq8ZtW3nVx0KcR5mYb7LpD2sF"
    );
    let after = policy().facet(Facet::Usage, Level::Full).build().unwrap();
    run(&vfs, policy().build().unwrap(), |audit| {
        audit
            .replace_policy(after, "ops", &format!("key {secret} leaked"))
            .unwrap();
    })
    .is_complete();
    let change = &of_kind(&vfs, &Kind::PolicyChanged)[0];
    assert!(!change.to_json().contains(secret));
    assert!(change.change_reason().unwrap().ends_with("leaked"));
}

pub(super) struct Nowhere(&'static str);

#[async_trait::async_trait]
impl crate::Sink for Nowhere {
    fn name(&self) -> &str {
        self.0
    }

    async fn write(&mut self, batch: &crate::Batch) -> Result<crate::Durable, crate::SinkError> {
        Ok(crate::Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<crate::Durable, crate::SinkError> {
        Ok(crate::Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<crate::Durable, crate::SinkError> {
        Ok(crate::Durable::UNCHANGED)
    }
}

#[test]
fn a_start_with_other_sinks_says_so() {
    let vfs = Arc::new(MemVfs::default());
    for name in ["archive", "archive", "elsewhere"] {
        let audit = builder()
            .policy(policy().build().unwrap())
            .journal(DIR)
            .vfs(Arc::clone(&vfs) as Arc<dyn crate::vfs::Vfs>)
            .sink(Nowhere(name))
            .spawn()
            .unwrap();
        assert!(audit.shutdown(SOON).is_complete());
    }
    let changes = of_kind(&vfs, &Kind::SinkChanged);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].change_diff(), Some(&["sinks".to_owned()][..]));
    let names: Vec<_> = of_kind(&vfs, &Kind::LogOpened)
        .iter()
        .map(|start| start.sinks().unwrap().concat())
        .collect();
    assert_eq!(names.len(), 3);
}
