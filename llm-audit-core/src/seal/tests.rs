mod channels;
mod detect;
mod faithful;
mod hiding;
mod leftovers;

use super::*;
use crate::clock::SystemClock;
use crate::event::{Guardrail, Message, Operation, Part, Status};
use crate::facet::{Facet, FacetSet};
use crate::hidden::Hidden;
use crate::id::{EventId, RandomIds};
use crate::key::Key;
use crate::policy::{FacetRule, PolicyBuilder, Preset};
use crate::retention::Retention;
use crate::timestamp::Timestamp;

const MAX_EVENT_BYTES: usize = 1 << 20;

fn key() -> Key {
    Key::bytes("k1", &[7; 32]).unwrap()
}

fn builder() -> PolicyBuilder {
    Policy::builder().retention(Retention::Days30).key(key())
}

fn raw(policy: &Policy, fields: &[(Field, Value)]) -> RawEvent {
    let mut buffers = RawBuffers::default();
    for (field, value) in fields {
        buffers.push(*field, value.clone());
    }
    RawEvent {
        kind: Kind::Interaction,
        operation: Some(Operation::Chat),
        status: Some(Status::Ok),
        event_id: EventId::from_bytes([3; 16]),
        started_at: Timestamp::default(),
        ended_at: Some(Timestamp::from_unix_micros(5)),
        policy: policy.clone(),
        levels: policy.levels(),
        narrowed: Levels::FULL,
        context: None,
        hidden: Hidden::default(),
        offered: FacetSet::EMPTY,
        failed: FacetSet::EMPTY,
        cut: Vec::new(),
        trimmed: Vec::new(),
        reserved: 0,
        buffers,
    }
}

fn sealer(policy: &Policy) -> Sealer {
    Sealer::new(
        Arc::new(RwLock::new(policy.clone())),
        Arc::new(Fields::new()),
        WriterId::from_bytes([4; 16]),
        Arc::new(SystemClock::new()),
        Arc::new(RandomIds::new()),
        MAX_EVENT_BYTES,
    )
}

fn seal(policy: &Policy, fields: &[(Field, Value)]) -> Event {
    sealer(policy).seal(raw(policy, fields), 1).event
}

fn text(field: Field, text: &str) -> (Field, Value) {
    (field, Value::Text(text.to_owned()))
}

fn prompt(text: &str) -> (Field, Value) {
    (
        Field::InputMessages,
        Value::Messages(vec![Message::text("user", text)]),
    )
}

#[test]
fn an_event_is_recorded_when_it_was_handed_in_not_when_it_is_sealed() {
    let policy = builder().build().unwrap();
    let call = sealer(&policy).seal(raw(&policy, &[]), 1).event;
    assert_eq!(call.recorded_at(), Timestamp::from_unix_micros(5));
    let fact = RawEvent {
        kind: Kind::Feedback,
        ended_at: None,
        started_at: Timestamp::from_unix_micros(3),
        ..raw(&policy, &[])
    };
    let fact = sealer(&policy).seal(fact, 2).event;
    assert_eq!(fact.recorded_at(), Timestamp::from_unix_micros(3));
}

#[test]
fn a_facet_that_is_off_leaves_nothing_but_its_absence() {
    let policy = builder().facet(Facet::Model, Level::Full).build().unwrap();
    let event = seal(
        &policy,
        &[
            text(Field::UserId, "ada"),
            text(Field::RequestModel, "small"),
        ],
    );
    assert!(!event.to_json().contains("ada"));
    assert_eq!(event.absence(Facet::User), Some(Absence::Withheld));
    assert_eq!(event.model(), Some("small"));
    assert_eq!(event.policy_hash(), Some(policy.hash()));
}

#[test]
fn a_digested_identity_is_a_pseudonym_and_still_a_key() {
    let policy = builder().facet(Facet::User, Level::Digest).build().unwrap();
    let event = seal(&policy, &[text(Field::UserId, "ada")]);
    let known = crate::KeyRing::from(key()).pseudonyms(Field::UserId, None, "ada");
    assert_eq!(event.user_id(), known.first().map(String::as_str));
}

#[test]
fn digested_content_keeps_size_and_digest_only() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Digest)
        .build()
        .unwrap();
    let event = seal(&policy, &[prompt("tell nobody")]);
    assert!(!event.to_json().contains("nobody"));
    assert_eq!(
        (event.prompt_chars(), event.message_count()),
        (Some(11), Some(1))
    );
    assert!(event.prompt_digest().unwrap().starts_with("h:k1:"));
    assert!(event.digests().unwrap().contains_key("input_messages"));
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Withheld));
}

#[test]
fn a_redacted_facet_hides_personal_data_and_a_full_one_secrets_only() {
    let said = "mail ada@example.org, Authorization: Bearer q8ZtW3nVx0KcR5mYb7LpD2sF";
    for (level, kept) in [(Level::Redacted, false), (Level::Full, true)] {
        let policy = builder().facet(Facet::Prompt, level).build().unwrap();
        let event = seal(&policy, &[prompt(said)]);
        let text = event.prompt().unwrap();
        assert_eq!(text.contains("ada@example.org"), kept, "{text}");
        assert!(!text.contains("q8ZtW3nVx0KcR5mYb7LpD2sF"), "{text}");
        assert_eq!(event.absence(Facet::Prompt), Some(Absence::Redacted));
        assert!(
            event
                .redactions()
                .unwrap()
                .iter()
                .all(|r| r.count == Some(1))
        );
    }
}

/// Returns the texts that are left of a prompt whose one message has these parts.
fn parts_left(level: Level, texts: &[&str]) -> Vec<String> {
    let parts = texts.iter().map(|text| Part::text(*text));
    let message = Message::default().role("user").parts(parts);
    let policy = builder().facet(Facet::Prompt, level).build().unwrap();
    let event = seal(
        &policy,
        &[(Field::InputMessages, Value::Messages(vec![message]))],
    );
    let parts = event.input_messages().unwrap()[0].parts.as_ref().unwrap();
    parts
        .iter()
        .map(|part| part.content.clone().unwrap())
        .collect()
}

#[test]
fn a_value_that_is_split_over_texts_of_a_message_is_hidden_in_all_of_them() {
    for (texts, left) in [
        (
            ["write to ada@exam", "ple.org, please"],
            ["write to [EMAIL]", "[EMAIL], please"],
        ),
        (
            ["4111 1111", " 1111 1111"],
            ["[CREDIT_CARD]", "[CREDIT_CARD]"],
        ),
        (["+49 30 2312", "5123"], ["[PHONE]", "[PHONE]"]),
        (
            ["to jane@smith.family", "-law.example.com"],
            ["to [EMAIL]", "[EMAIL]"],
        ),
        (
            ["my password is ", "hunter2!x, ok"],
            ["my password is ", "[GENERIC_SECRET], ok"],
        ),
        (
            ["{\"to\": \"ada@exam", "ple.org\"}"],
            ["{\"to\": \"[EMAIL]", "[EMAIL]\"}"],
        ),
    ] {
        assert_eq!(parts_left(Level::Redacted, &texts), left);
    }
    let token = [
        "Authorization: Bearer q8ZtW3nVx0Kc",
        "R5mYb7LpD2sF ada@",
        "example.org",
    ];
    let left = parts_left(Level::Full, &token);
    assert_eq!(
        left,
        [
            "Authorization: Bearer [BEARER_TOKEN]",
            "[BEARER_TOKEN] ada@",
            "example.org"
        ]
    );
}

#[test]
fn values_that_are_whole_at_the_end_of_a_text_take_nothing_from_the_next() {
    for (texts, left) in [
        (
            ["write to ada@example.org", "Thanks"],
            ["write to [EMAIL]", "Thanks"],
        ),
        (
            ["[\"4111111111111111\"]", "[4111111111111111]"],
            ["[\"[CREDIT_CARD]\"]", "[\"[CREDIT_CARD]\"]"],
        ),
        (["nothing", "at all"], ["nothing", "at all"]),
    ] {
        assert_eq!(parts_left(Level::Redacted, &texts), left);
    }
}

#[test]
fn secrets_stay_only_where_danger_was_asked_for() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Full)
        .danger_verbatim(Facet::Prompt)
        .build()
        .unwrap();
    let event = seal(&policy, &[prompt("Bearer q8ZtW3nVx0KcR5mYb7LpD2sF")]);
    assert_eq!(
        event.prompt().as_deref(),
        Some("Bearer q8ZtW3nVx0KcR5mYb7LpD2sF")
    );
}

#[test]
fn a_part_has_the_lower_level_of_its_message_and_its_own_facet() {
    let policy = builder()
        .facet(Facet::Response, Level::Full)
        .facet(Facet::ToolIo, Level::Digest)
        .build()
        .unwrap();
    let parts = [
        Part::text("sunny"),
        Part::reasoning("I wonder"),
        Part::tool_call("c1", "weather", &["Oslo"]),
    ];
    let answer = vec![Message::default().role("assistant").parts(parts)];
    let event = seal(&policy, &[(Field::OutputMessages, Value::Messages(answer))]);
    let parts = event.output_messages().unwrap()[0].parts.as_ref().unwrap();
    assert_eq!(parts[0].content.as_deref(), Some("sunny"));
    assert_eq!(parts[1].absent.as_deref(), Some("withheld"));
    assert!(parts[2].digest.is_some() && parts[2].arguments.is_none());
    assert!(!event.to_json().contains("wonder") && !event.to_json().contains("Oslo"));
}

#[test]
fn the_final_tenant_and_classification_decide() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Classification, Level::Full)
        .facet(Facet::Groups, Level::Full)
        .tenant("open", |layer| layer)
        .tenants_default(|layer| layer.facet(Facet::Prompt, Level::Off))
        .classification_order(["public", "secret"])
        .rule("secret", |layer| layer.facet(Facet::Prompt, Level::Digest))
        .unclassified(|layer| layer.facet(Facet::Prompt, Level::Off))
        .build()
        .unwrap();
    let kept = |tenant: &str, label: &str| {
        let fields = [
            prompt("hello"),
            text(Field::TenantId, tenant),
            text(Field::ClassificationFile, label),
        ];
        let event = seal(&policy, &fields);
        assert_ne!(event.policy_hash(), None);
        (
            event.prompt().is_some(),
            event.classification_effective().map(str::to_owned),
        )
    };
    assert_eq!(kept("open", "public"), (true, Some("public".to_owned())));
    assert_eq!(kept("open", "secret"), (false, Some("secret".to_owned())));
    assert_eq!(
        kept("open", "unheard of"),
        (false, Some("secret".to_owned()))
    );
    assert_eq!(kept("other", "public"), (false, Some("public".to_owned())));
}

#[test]
fn a_policy_swapped_in_flight_leaves_the_lower_level_of_both() {
    let before = builder().facet(Facet::Prompt, Level::Full).build().unwrap();
    let after = builder().facet(Facet::Model, Level::Full).build().unwrap();
    for (begun, now) in [(&before, &after), (&after, &before)] {
        let event = sealer(now).seal(raw(begun, &[prompt("hello")]), 1).event;
        assert_eq!(event.prompt(), None);
    }
}

#[test]
fn every_policy_hash_resolves_to_a_text_in_the_log() {
    let policy = builder().preset(Preset::Debug).build().unwrap();
    let mut sealer = sealer(&policy);
    let mut narrowed = raw(&policy, &[]);
    narrowed.narrowed = Levels::FULL.with(Facet::Prompt, Level::Off);
    let event = sealer.seal(narrowed, 1).event;
    let own = sealer.take_pending_own();
    let applied = sealer.own(own.into_iter().next().unwrap(), 2);
    assert_eq!(applied.policy_hash(), event.policy_hash());
    let text = applied.policy_text().unwrap();
    assert_eq!(hex(&sha256(text.as_bytes())), event.policy_hash().unwrap());
    assert!(
        text.contains(policy.hash()) && !text.contains(r#""prompt""#),
        "{text}"
    );
}

#[test]
fn sampling_touches_content_only_and_never_errors() {
    let rule = FacetRule::new(Level::Full).sample(1e-9);
    let policy = builder()
        .facet(Facet::Prompt, rule)
        .facet(Facet::Model, Level::Full)
        .build()
        .unwrap();
    let fields = [prompt("hello"), text(Field::RequestModel, "small")];
    let event = seal(&policy, &fields);
    assert_eq!((event.prompt(), event.model()), (None, Some("small")));
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::SampledOut));
    assert_eq!(event.sample_rate(), Some(1e-9));

    let mut failed = raw(&policy, &fields);
    failed.status = Some(Status::Error);
    assert_eq!(
        sealer(&policy).seal(failed, 1).event.prompt().as_deref(),
        Some("hello")
    );

    let verdict = Guardrail::default().name("toxicity").action("flagged");
    let mut flagged = fields.to_vec();
    flagged.push((Field::Guardrails, Value::Guardrails(vec![verdict])));
    assert_eq!(seal(&policy, &flagged).prompt().as_deref(), Some("hello"));
}

#[test]
fn a_text_over_its_limit_is_cut_and_marked() {
    let rule = FacetRule::new(Level::Full).max_bytes(10);
    let policy = builder().facet(Facet::Prompt, rule).build().unwrap();
    let event = seal(&policy, &[prompt("äöüäöüäöüäöü")]);
    assert_eq!(event.prompt().as_deref(), Some("äöüäö"));
    let truncation = &event.truncations().unwrap()[0];
    assert!(truncation.bytes.unwrap() >= 24 && truncation.digest.is_some());
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Truncated));
}

#[test]
fn an_event_always_fits_in_a_line() {
    let policy = builder().preset(Preset::Debug).build().unwrap();
    let huge = "\u{1}".repeat(MAX_EVENT_BYTES);
    let entries = (0..50_000)
        .map(|n| (format!("key{n}"), format!("\"{n}\"")))
        .collect();
    let fields = [
        prompt(&huge),
        text(Field::RequestModel, "small"),
        text(Field::ErrorMessage, &huge),
        (Field::Metadata, Value::JsonMap(entries)),
    ];
    let event = seal(&policy, &fields);
    assert!(event.to_json().len() <= MAX_EVENT_BYTES);
    assert_eq!(event.model(), Some("small"));
    assert!(
        event.prompt().is_some(),
        "one large part never blanks the rest"
    );
    assert_eq!(event.absence(Facet::Metadata), Some(Absence::Truncated));
}

#[test]
fn inline_media_is_replaced_by_its_size() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Media, Level::Full)
        .build()
        .unwrap();
    let uri = format!("data:image/png;base64,{}", "A".repeat(4_000));
    let part = Part::default().r#type("uri").modality("image").uri(uri);
    let message = Message::default().role("user").parts([part]);
    let event = seal(
        &policy,
        &[(Field::InputMessages, Value::Messages(vec![message]))],
    );
    let part = &event.input_messages().unwrap()[0].parts.as_ref().unwrap()[0];
    assert_eq!(part.mime_type.as_deref(), Some("image/png"));
    assert_eq!((part.uri.as_deref(), part.bytes), (None, Some(3_015)));
}

#[test]
fn outer_fields_fill_gaps_and_inner_ones_win() {
    let mut given = vec![
        text(Field::UserId, "inner"),
        (
            Field::Metadata,
            Value::JsonMap([("a".to_owned(), "1".to_owned())].into()),
        ),
    ];
    let outer = Fields::new()
        .user_id("outer")
        .team("blue")
        .metadata([("a", 2), ("b", 3)]);
    add_missing(&mut given, &outer);
    assert_eq!(super::text(&given, Field::UserId), Some("inner"));
    assert_eq!(super::text(&given, Field::Team), Some("blue"));
    let expected: std::collections::BTreeMap<_, _> = [
        ("a".to_owned(), "1".to_owned()),
        ("b".to_owned(), "3".to_owned()),
    ]
    .into();
    assert!(
        given
            .iter()
            .any(|(_, value)| *value == Value::JsonMap(expected.clone()))
    );
}

#[test]
fn half_a_secret_at_a_cut_is_not_kept() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Redacted)
        .build()
        .unwrap();
    let half = concat!("sk-", "ant-", "api03-abc");
    let said = format!("{} {half}", "word ".repeat(10_000));
    let mut cut = raw(&policy, &[prompt(&said)]);
    cut.cut = vec![(Field::InputMessages, 80_000)];
    let event = sealer(&policy).seal(cut, 1).event;
    let kept = event.prompt().unwrap();
    assert!(kept.starts_with("word") && !kept.contains("api03"));
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Truncated));
}

proptest::proptest! {
    #[test]
    fn the_call_wins_over_its_context_and_that_over_the_process(
        number in 0..crate::schema::CATALOG.len(),
        seed in proptest::prelude::any::<u64>(),
        call in proptest::prelude::any::<bool>(),
        context in proptest::prelude::any::<bool>(),
    ) {
        let info = &crate::schema::CATALOG[number];
        let grows = matches!(
            info.field_type,
            crate::schema::FieldType::Counts
                | crate::schema::FieldType::JsonMap
                | crate::schema::FieldType::Numbers
                | crate::schema::FieldType::TextMap
        );
        // Maps grow member by member; the test above is about them.
        if info.host && !grows {
            let mut values = (0..3).map(|level| distinct(info.field_type, seed % 1_000 + level));
            let mut next = || (info.field, values.next().unwrap());
            let (outer, middle, inner) = (next(), next(), next());
            let fields = |(field, value): (Field, Value)| {
                let mut fields = Fields::new();
                crate::put::PutField::put(&mut fields, field, value);
                fields
            };
            let mut given = Vec::new();
            let mut expected = outer.1.clone();
            if context {
                expected = middle.1.clone();
            }
            if call {
                given.push(inner.clone());
                expected = inner.1;
            }
            if context {
                add_missing(&mut given, &fields(middle));
            }
            add_missing(&mut given, &fields(outer));
            // A span is that of one event, so its id is inherited by none.
            if info.field == Field::SpanId && !call {
                proptest::prop_assert!(given.is_empty());
            } else {
                proptest::prop_assert!(given == [(info.field, expected)], "{}", info.name);
            }
        }
    }
}

/// A value of the type that differs for every number.
fn distinct(field_type: crate::schema::FieldType, number: u64) -> Value {
    use crate::schema::FieldType as T;
    let text = || format!("value {number}");
    match field_type {
        T::Bool => Value::Bool(number.is_multiple_of(2)),
        T::Documents => Value::Documents(vec![crate::Document::default().id(text())]),
        T::Evaluations => Value::Evaluations(vec![crate::Evaluation::default().name(text())]),
        T::Float => Value::Float(number as f64),
        T::Guardrails => Value::Guardrails(vec![Guardrail::default().name(text())]),
        T::Id => Value::Id(EventId::from_bytes([number as u8; 16])),
        T::Int => Value::Int(number),
        T::Json => Value::Json(number.to_string()),
        T::Links => Value::Links(vec![crate::Link::default().event_id(text())]),
        T::Media => Value::Media(vec![crate::MediaItem::default().uri(text())]),
        T::Messages => Value::Messages(vec![Message::text("user", text())]),
        T::Parts => Value::Parts(vec![Part::text(text())]),
        T::Text => Value::Text(text()),
        T::Texts => Value::Texts(vec![text()]),
        T::Time => Value::Time(Timestamp::from_unix_micros(number as i64)),
        T::ToolDefinitions => {
            Value::ToolDefinitions(vec![crate::ToolDefinition::default().name(text())])
        }
        other => panic!("hosts set no {other:?}"),
    }
}

#[test]
fn secrets_stay_only_while_both_policies_say_so() {
    let verbatim = builder()
        .facet(Facet::Prompt, Level::Full)
        .danger_verbatim(Facet::Prompt)
        .build()
        .unwrap();
    let careful = builder().facet(Facet::Prompt, Level::Full).build().unwrap();
    let secret = prompt("Authorization: Bearer q8ZtW3nVx0KcR5mYb7LpD2sF");
    for (begun, now) in [(&verbatim, &careful), (&careful, &verbatim)] {
        let event = sealer(now)
            .seal(raw(begun, std::slice::from_ref(&secret)), 1)
            .event;
        assert!(!event.to_json().contains("q8ZtW3nVx0KcR5mYb7LpD2sF"));
    }
}
