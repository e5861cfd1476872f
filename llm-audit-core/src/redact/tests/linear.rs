//! That hostile texts take linear time.

use std::time::Duration;

use crate::redact::{Families, Redactor};

#[test]
fn hostile_texts_take_linear_time() {
    // Each is quadratic for a matcher that looks back or ahead without a bound.
    let begin = format!("-----{} PRIVATE KEY-----\n", "BEGIN");
    for part in [
        "@",
        "a@",
        "a.",
        "1",
        "1 ",
        "4111-",
        "://",
        "://a:",
        "sk-",
        "Bearer ",
        "eyJ",
        "ZXlK",
        "-----BEGIN",
        &begin,
        "AKIA",
        "\\",
        "[\"",
        "Q~",
        "SK0",
        ":AA",
        "1234567890",
        "https://a@",
        "\\u",
        "\\u00e9",
        "%25",
        "%E9",
        "\u{200b}",
        "４",
        "YWFh",
        "password=",
        "password=\"",
        "password=a1!",
        "password='a1!",
        "secret=\\\"a1b2c3d4",
        "Pwd=a1;",
        "password a ",
        "token:a",
        "api key is ",
        "cookie: a=b;",
        ":thin:",
        "1//0",
        " -u a:",
        "+ASt",
        "+49 ",
        "(415) ",
        "DE89 ",
        "2001:",
        "ab1:",
        "1.2.",
        "1A1zP1eP5",
        "bc1q",
        "0x52",
        "born 3 ",
        "passport ",
        "MRN ",
        "phone 943 476 ",
        "AB12CD",
    ] {
        assert_linear(part, |bytes| part.repeat(bytes / part.len()));
    }
    assert_linear("members", |bytes| {
        let members = (0..bytes / 24).map(|n| format!("\"a{n:06}@example.org\":1"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    });
}

/// Asserts that eight times the text takes no more than 24 times as long.
fn assert_linear(name: &str, text: impl Fn(usize) -> String) {
    const BYTES: usize = 3_000;
    /// Systems count the time of a thread in steps.
    const STEP: Duration = Duration::from_millis(4);
    let redactor = Redactor::default();
    let time = |text: String| {
        let before = time_on_cpu();
        drop(redactor.redact_str(&text));
        drop(redactor.session(None, "").json(&text, Families::All, None));
        time_on_cpu() - before
    };
    let long = time(text(8 * BYTES));
    let short = time(text(BYTES));
    assert!(
        long < (short + STEP) * 24,
        "{name}: {short:?}, then {long:?}"
    );
}

/// How long this thread has run: a busy machine adds nothing to it.
fn time_on_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = told.split(' ').next().and_then(|nanos| nanos.parse().ok());
    // Where the system does not tell, no time passes and the test only looks for an end.
    Duration::from_nanos(nanos.unwrap_or_default())
}
