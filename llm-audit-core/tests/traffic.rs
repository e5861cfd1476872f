//! Texts as programs that talk to models have them: what is to be hidden is, and nothing else.
#![cfg(test)]

use llm_audit_core::redact::Redactor;

/// Returns the named texts of a file; a line `=== name` begins each.
fn texts(file: &'static str) -> Vec<(&'static str, String)> {
    let blocks = file.split("=== ").skip(1);
    let text = |block: &'static str| {
        let (name, text) = block.split_once('\n').unwrap();
        (name, text.trim_end().replace("⟪⟫", ""))
    };
    blocks.map(text).collect()
}

/// A piece of a text, and what is to become of it.
#[derive(Debug)]
enum Piece<'t> {
    Stays(&'t str),
    Hidden(&'t str),
    Either,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['«', '‹']) {
        let (before, marked) = rest.split_at(open);
        let close = marked.find(['»', '›']).unwrap();
        let (mark, behind) = marked.split_at(close);
        let value = mark.strip_prefix('«').map_or(Piece::Either, Piece::Hidden);
        pieces.push(Piece::Stays(before));
        pieces.push(value);
        rest = behind.trim_start_matches(['»', '›']);
    }
    pieces.push(Piece::Stays(rest));
    pieces
}

/// Returns what is wrong with what the redactor makes of a text.
fn faults(redactor: &Redactor, marked: &str) -> Vec<String> {
    let plain = marked.replace(['«', '»', '‹', '›'], "");
    let redacted = redactor.redact_json(None, &plain);
    let mut faults = Vec::new();
    let mut rest = redacted.as_ref();
    for piece in pieces(marked) {
        match piece {
            Piece::Stays(text) => match rest.find(text) {
                Some(at) => rest = &rest[at + text.len()..],
                None => faults.push(format!("hidden: {text:?} in {rest:?}")),
            },
            Piece::Hidden(value) => {
                if redacted.contains(value) {
                    faults.push(format!("readable: {value:?}"));
                }
            }
            Piece::Either => {}
        }
    }
    faults
}

#[test]
fn values_in_what_programs_send_are_hidden_and_the_rest_stays() {
    let redactor = Redactor::default();
    let mut all = Vec::new();
    for (name, text) in texts(include_str!("data/traffic.txt")) {
        assert!(text.contains('«'), "{name}");
        all.extend(
            faults(&redactor, &text)
                .into_iter()
                .map(|fault| format!("{name}: {fault}")),
        );
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn what_only_looks_like_a_value_stays() {
    let redactor = Redactor::default();
    let changed: Vec<_> = texts(include_str!("data/look_alikes.txt"))
        .into_iter()
        .filter(|(_, text)| redactor.redact_json(None, text) != *text)
        .map(|(name, text)| (name, redactor.redact_json(None, &text).into_owned()))
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}
