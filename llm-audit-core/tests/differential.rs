//! That the detectors find what one combined regular expression of their shapes finds.

use llm_audit_core::redact::Redactor;
use regex::bytes::Regex;

mod shapes;

#[test]
fn values_are_found_where_one_regular_expression_of_their_shapes_finds_them() {
    let pattern = Regex::new(&shapes::pattern()).unwrap();
    let redactor = Redactor::default();
    let mut random = shapes::Random(7);
    let mut values = 0;
    for round in 0..200 {
        // Near one another and far apart: what is in between decides how blocks are passed.
        let text = random.text(20, 56 + round);
        let spans = redactor.find(&text);
        let matches: Vec<_> = pattern.find_iter(text.as_bytes()).collect();
        assert_eq!(spans.len(), matches.len(), "{text}");
        for (span, found) in spans.iter().zip(matches) {
            let inside = found.start() <= span.start && span.end <= found.end();
            assert!(inside, "{} in {text}", &text[span.start..span.end]);
        }
        values += spans.len();
    }
    assert_eq!(values, 4_000);
}

#[test]
fn the_same_values_are_found_wherever_in_a_block_a_text_begins() {
    let redactor = Redactor::default();
    let mut random = shapes::Random(13);
    for round in 0..12 {
        let text = random.text(8, 20 + 9 * round);
        let expected = redactor.find(&text);
        assert_eq!(expected.len(), 8, "{text}");
        for shift in 1..=65 {
            let mut spans = redactor.find(&(" ".repeat(shift) + &text));
            for span in &mut spans {
                span.start -= shift;
                span.end -= shift;
            }
            assert_eq!(spans, expected, "{shift} before {text}");
        }
    }
}
