//! What recording a call costs the thread that makes it, and what looking for values costs, in memory.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use llm_audit_core::redact::Redactor;
use llm_audit_core::{Audit, Facet, Level, Operation, Overflow, Policy, Retention};

const PROSE: &str = "The minutes of the meeting are in the usual folder: 12 people came, among them \
two from Tromsø, and the token of the cloakroom is lost. Basic understanding is enough; the key is \
under the mat. Version 2.10.3 was built on 2026-05-20 at 08:30. ";
const CODE: &str = "let token = self.next_token(&mut input)?; // see https://docs.example/a_b-c\n\
if key.is_empty() || password.len() < MIN { return Err(Error::short(stringify!(password))); }\n";
const JSON: &str = r#"{"id":"8d0f7c1e-5a44-4f0e-9a63-0b8b3f5f7a11","ts":1779264000123,"items":[{"sku":"A-10023-77","qty":3,"price":19.99}],"sha":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#;
/// Of bytes, of a sentence, and in characters of full width, with escapes.
const DISGUISED: &str = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4 \
VGhlIHdpbmQgdHVybmVkIGFuZCB0aGUgYm9hdHMgbGF5IGluIHRoZSByZWVkcw== \
Ｔｈｅ ｗｉｎｄ １２ \\u0041 100%25 10\u{a0}000 ";

/// Returns how many allocations the second look at `text` costs, which holds no value.
fn allocations(text: &str) -> u64 {
    let redactor = Redactor::default();
    let look = || assert!(matches!(redactor.redact_str(text), Cow::Borrowed(_)));
    look();
    allocation_counter::measure(look).count_total
}

#[test]
fn a_text_without_a_value_costs_no_allocation() {
    for text in [PROSE, CODE, JSON, "", "a"] {
        assert_eq!(allocations(text), 0, "{text}");
        assert_eq!(allocations(&text.repeat(100)), 0, "many of {text}");
    }
}

#[test]
fn disguises_without_a_value_cost_no_allocation_once_a_thread_has_the_memory() {
    assert_eq!(allocations(DISGUISED), 0);
    assert_eq!(allocations(&DISGUISED.repeat(30)), 0);
}

#[test]
fn a_text_with_a_value_is_copied() {
    let redactor = Redactor::default();
    let text = "write to ada@example.org";
    let counted = allocation_counter::measure(|| drop(redactor.redact_str(text)));
    assert!(counted.count_total > 0, "the counter counts");
}

/// Returns the fewest allocations that ten calls cost a thread which has made such calls before.
fn of_ten_calls(record: fn(&Audit, String)) -> Result<Option<u64>, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let policy = [
        Facet::Model,
        Facet::RequestConfig,
        Facet::Usage,
        Facet::User,
    ]
    .iter()
    .fold(Policy::builder(), |policy, facet| {
        policy.facet(*facet, Level::Full)
    })
    .facet(Facet::Prompt, Level::Redacted)
    .facet(Facet::Response, Level::Redacted)
    .retention(Retention::Days90)
    .build()?;
    let audit = llm_audit_core::builder().policy(policy);
    let audit = audit.journal(directory.path()).spawn()?;
    let round = || {
        let texts: Vec<_> = (0..10).map(|_| PROSE.to_owned()).collect();
        let record = || texts.into_iter().for_each(|text| record(&audit, text));
        let counted = allocation_counter::measure(record);
        // The buffers of these calls are there for the next ones.
        assert!(audit.flush(Duration::from_secs(60)).is_complete());
        counted.count_total
    };
    // A list in a lane grows when more wait in it than ever before.
    Ok((0..50).map(|_| round()).min())
}

#[test]
fn a_call_costs_its_thread_no_allocation() -> Result<(), Box<dyn Error>> {
    let borrowed = of_ten_calls(|audit, text| {
        let mut call = audit.begin(Operation::Chat);
        call.provider("openai")
            .request_model("small")
            .user_id("u-17");
        call.temperature(0.5).input_tokens(6).output_tokens(120);
        call.prompt(text.as_str()).response(text.as_str());
        call.finish();
    })?;
    assert_eq!(borrowed, Some(0));
    let owned = of_ten_calls(|audit, text| {
        let mut call = audit.begin(Operation::Chat);
        call.request_model("small").prompt(text);
        call.finish();
    })?;
    assert_eq!(owned, Some(0));
    Ok(())
}

#[test]
fn open_calls_hold_no_more_memory_than_the_budget_has() -> Result<(), Box<dyn Error>> {
    const BUDGET: usize = 4 << 20;
    const CALLS: usize = 600;
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .retention(Retention::Days90)
        .build()?;
    for bytes in [100, 3_000, 10_000, 40_000] {
        let directory = tempfile::tempdir()?;
        let audit = llm_audit_core::builder()
            .policy(policy.clone())
            .overflow(Overflow::DropNewest)
            .max_bytes(BUDGET);
        let audit = audit.journal(directory.path()).spawn()?;
        let (prompt, answer) = ("w".repeat(bytes), "c".repeat(bytes / 10));
        let mut calls = Vec::with_capacity(CALLS);
        let counted = allocation_counter::measure(|| {
            for _ in 0..CALLS {
                let mut call = audit.begin(Operation::Chat);
                call.request_model("small").prompt(prompt.as_str());
                call.response(answer.as_str());
                calls.push(call);
            }
        });
        let most = BUDGET + BUDGET / 10;
        let held = counted.bytes_max;
        assert!(held <= most as u64, "{held} bytes with prompts of {bytes}");
        // There is room for what is counted, and it is made use of.
        assert!(
            held >= BUDGET as u64 / 2,
            "{held} bytes with prompts of {bytes}"
        );
    }
    Ok(())
}
