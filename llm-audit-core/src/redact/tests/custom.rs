//! Detectors of one's own: what they see, what they may do, and what becomes of those that err.

use super::Families;
use crate::facet::Facet;
use crate::redact::{
    Confidence, DataType, Detector, DetectorContext, Family, Findings, Given, Operator,
    RedactError, Redactor, Session,
};
use crate::sync::{Arc, Mutex, lock};
use crate::testing::ManualClock;

type Find = Box<dyn Fn(&str, &mut Findings) + Send + Sync>;

/// The facet of a text, and the name that it is the value of.
type Seen = (Option<Facet>, Option<String>);

struct Own {
    types: Vec<DataType>,
    find: Find,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Own {
    fn new(find: impl Fn(&str, &mut Findings) + Send + Sync + 'static) -> Self {
        Self {
            types: vec![DataType::Person],
            find: Box::new(find),
            seen: Arc::default(),
        }
    }

    fn word(word: &'static str) -> Self {
        Self::new(move |text, findings| {
            for (start, found) in text.match_indices(word) {
                findings.add(start..start + found.len(), DataType::Person);
            }
        })
    }
}

impl Detector for Own {
    fn name(&self) -> &str {
        "own"
    }

    fn data_types(&self) -> Vec<DataType> {
        self.types.clone()
    }

    fn find(&self, text: &str, context: &DetectorContext<'_>, findings: &mut Findings) {
        lock(&self.seen).push((context.facet, context.name.map(str::to_owned)));
        (self.find)(text, findings);
    }
}

fn session(own: Own) -> Session {
    let redactor = Redactor::builder().detector(own).build().unwrap();
    let mut session = redactor.session(&Given::default());
    session.enter(Some(Facet::Prompt), &[]);
    session
}

#[test]
fn a_detector_of_ones_own_sees_texts_of_facets_at_level_redacted_only() {
    let own = Own::word("Ada");
    let seen = Arc::clone(&own.seen);
    let mut session = session(own);
    let full = session.text("Ada", Families::SecretsOnly, None);
    assert_eq!(full, Ok(None));
    session.enter(None, &[]);
    assert_eq!(session.text("Ada", Families::All, None), Ok(None));
    assert!(lock(&seen).is_empty());
    session.enter(Some(Facet::ToolIo), &[]);
    let new = session
        .json(r#"{"to":"Ada"}"#, Families::All, None)
        .unwrap();
    assert_eq!(new.unwrap(), r#"{"to":"[PERSON]"}"#);
    let seen = lock(&seen);
    assert!(
        seen.contains(&(Some(Facet::ToolIo), Some("to".to_owned()))),
        "{seen:?}"
    );
}

#[test]
fn a_detector_that_panics_lies_or_finds_too_much_has_its_text_withheld() {
    let jwt = DataType::Jwt;
    let cases: Vec<(Own, RedactError)> = vec![
        (
            Own::new(|_, _| panic!("on purpose")),
            RedactError::Panicked("own"),
        ),
        (
            Own::new(|t, f| f.add(0..t.len() + 1, DataType::Person)),
            RedactError::BadSpan("own"),
        ),
        (
            Own::new(|_, f| f.add(1..2, DataType::Person)),
            RedactError::BadSpan("own"),
        ),
        (
            Own::new(|_, f| f.add(3..3, DataType::Person)),
            RedactError::BadSpan("own"),
        ),
        #[expect(clippy::reversed_empty_ranges, reason = "a detector may name one")]
        (
            Own::new(|_, f| f.add(5..3, DataType::Person)),
            RedactError::BadSpan("own"),
        ),
        (
            Own::new(|_, f| f.add(usize::MAX..usize::MAX, DataType::Person)),
            RedactError::BadSpan("own"),
        ),
        (
            Own::new(move |_, f| f.add(0..2, jwt)),
            RedactError::BadType("own"),
        ),
        (
            Own::new(|_, f| (0..70_000).for_each(|_| f.add(0..2, DataType::Person))),
            RedactError::TooMany("own"),
        ),
    ];
    for (own, expected) in cases {
        let mut session = session(own);
        assert_eq!(
            session.text("é is a letter", Families::All, None),
            Err(expected)
        );
        assert!(!expected.to_string().contains("letter"), "{expected}");
    }
}

#[test]
fn a_slow_detector_has_its_text_withheld_and_later_content_too() {
    let clock = Arc::new(ManualClock::new());
    let slow = Arc::clone(&clock);
    let own = Own::new(move |_, _| slow.advance(std::time::Duration::from_secs(6)));
    let redactor = Redactor::builder().detector(own).build().unwrap();
    let mut session = redactor.session(&Given {
        clock: Some(clock),
        ..Given::default()
    });
    session.enter(Some(Facet::Prompt), &[]);
    let mut text = || session.text("hello", Families::All, None);
    assert_eq!(text(), Err(RedactError::Slow("own")));
    assert_eq!(text(), Err(RedactError::Late));
    session.enter(Some(Facet::Model), &[]);
    assert_eq!(session.text("small", Families::SecretsOnly, None), Ok(None));
}

#[test]
fn findings_overlap_like_those_of_built_in_detectors_and_leave_nothing_over() {
    let all = |confidence| {
        Own::new(move |text, findings| {
            findings.add_with(0..text.len(), DataType::Person, confidence);
        })
    };
    let text = "Ada Lovelace 4111 1111 1111 1111 x";
    for (confidence, expected) in [
        (Confidence::Valid, "[PERSON]"),
        (Confidence::Shape, "[PERSON] [CREDIT_CARD] [PERSON]"),
    ] {
        let new = session(all(confidence)).text(text, Families::All, None);
        assert_eq!(new, Ok(Some(expected.to_owned())));
    }
}

#[test]
fn types_of_ones_own_have_operators_by_name_and_by_family() {
    let staff = DataType::custom("staff_number", Family::Pii).unwrap();
    let mut own = Own::new(move |text, findings| findings.add(0..text.len(), staff));
    own.types = vec![staff];
    let own = Arc::new(Mutex::new(Some(own)));
    let take = || lock(&own).take().unwrap();
    let redactor = Redactor::builder()
        .operator(Family::Pii, Operator::Redact)
        .operator(staff, Operator::Numbered)
        .detector(take())
        .build()
        .unwrap();
    assert_eq!(redactor.redact_str("x17"), "[STAFF_NUMBER_1]");
    assert_eq!(redactor.redact_str("[STAFF_NUMBER_1]"), "[STAFF_NUMBER_1]");
    assert_eq!(redactor.settings().operators["staff_number"], "numbered");
}

#[test]
fn names_of_detectors_and_families_of_types_must_be_clear() {
    let error = |own: Own| {
        let built = Redactor::builder()
            .detector(own)
            .detector(Own::word("x"))
            .build();
        built.unwrap_err().to_string()
    };
    assert!(error(Own::word("x")).contains("redaction.detectors.own: another detector"));
    let mut untyped = Own::word("x");
    untyped.types.clear();
    assert!(error(untyped).contains("declares no type"));
    let (pii, secret) = [Family::Pii, Family::Secret]
        .map(|family| DataType::custom("badge", family).unwrap())
        .into();
    let mut two = Own::word("x");
    two.types = vec![pii, secret];
    let built = Redactor::builder().detector(two).build().unwrap_err();
    assert!(
        built.to_string().contains("redaction.detectors.badge"),
        "{built}"
    );
}

#[cfg(feature = "regex")]
#[test]
fn a_pattern_of_a_secret_runs_at_level_full_too() {
    let pattern = crate::redact::Pattern::new("deploy_key", r"dk-[a-z]{8}").unwrap();
    let redactor = Redactor::builder()
        .pattern(pattern.secret().unwrap())
        .build()
        .unwrap();
    let mut session = redactor.session(&Given::default());
    session.enter(Some(Facet::Prompt), &[]);
    let new = session.text("use dk-abcdefgh", Families::SecretsOnly, None);
    assert_eq!(new, Ok(Some("use [DEPLOY_KEY]".to_owned())));
}
