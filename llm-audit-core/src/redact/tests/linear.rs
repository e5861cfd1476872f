//! That hostile texts take linear time.

use crate::encode::base64url;
use crate::redact::bytes::steps;
use crate::redact::{Families, Given, Redactor};

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
        "\"",
        "[\"",
        "Q~",
        "SK0",
        ":AA",
        ":",
        "a:",
        "_",
        "_s",
        "/Z",
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
        "user:pass@",
        "cookie: a=b1c2d3e4f5;",
        "mysql -pa1b2c3",
        "mysql -p'a1b2",
        "sshpass -p a1!",
        "auth=('a',\"",
        "auth=(\"a\",'",
        "u:a1b2@tcp(",
        "a1b2@tcp",
        "h:5432:d:u:",
        "h:5432:d:u:p\n",
        "\"auth\":\"YTpi",
        "identified by 'a",
        "password 'a1!",
        "password a1b2c3d4 ",
        "(\"password\", \"a1!",
        "<password a=b ",
        "redis-cli -a x1!",
        "-SecureString \"a",
        "step\n1.2.3.4 ",
        "[EMAIL:k1:",
        "password=[EMAIL:",
        &format!("{}\n", "YWFh".repeat(16)),
        &format!("{}\\n", "YWFh".repeat(19)),
        "a/YWFhYWFhYWFhYWFhYWFhYWFh",
    ] {
        assert_linear(part, |bytes| part.repeat(bytes / part.len()));
    }
    // Lines that begin as text and go on as other bytes, all of them and one in twenty.
    let other = format!(
        "{}\n",
        base64url(&[&b"hello world,"[..], &[0xff; 36]].concat())
    );
    let latin = format!(
        "{}\n",
        base64url(b"gr\xfc\xdfe, and as always the best regards of all of us.")
    );
    assert_eq!([other.len(), latin.len()], [65, 69]);
    let plain = format!("{}\n", "YWFh".repeat(17)).repeat(19);
    for part in [
        &other,
        &latin,
        &other.replace('\n', "\\n"),
        &(latin.clone() + &plain),
    ] {
        assert_linear(part, |bytes| part.repeat(bytes / part.len()));
    }
    for command in ["mysql -p", "mysql -p'", "mysql ", "auth=('u','", "u:"] {
        assert_linear(command, |bytes| {
            format!("{}{}@tcp(", command.repeat(20), "a1".repeat(bytes / 2))
        });
    }
    for [open, close] in [
        ["{\"value\":\"x1\",\"a\":", "}"],
        ["{\"name\":\"password\",\"value\":", "}"],
        ["{\"value\":[", "]}"],
        ["[\"--password\",", "]"],
    ] {
        assert_linear(open, |bytes| {
            let depth = bytes / (open.len() + close.len());
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        });
    }
    // A name is decoded for each value below it.
    for [open, name] in [
        ["{\"type\":\"text\",\"name\":\"", "\",\"value\":["],
        ["{\"", "\":["],
    ] {
        for part in ["a\\n", "-", "_a"] {
            assert_linear(part, |bytes| {
                let (part, ones) = (part.repeat(bytes / 2 / part.len()), "1,".repeat(bytes / 4));
                format!("{open}{part}{name}{ones}1]}}")
            });
        }
    }
    assert_linear("siblings", |bytes| {
        let members = "\"value\":\"x1\",".repeat(bytes / 13);
        format!("{{{members}\"name\":\"password\"}}")
    });
    assert_linear("members", |bytes| {
        let members = (0..bytes / 24).map(|n| format!("\"a{n:06}@example.org\":1"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    });
}

/// Asserts that eight times the text is no more than some ten times the work: matchers count the
/// bytes that they look at, which no busy machine disturbs.
fn assert_linear(name: &str, text: impl Fn(usize) -> String) {
    const BYTES: usize = 3_000;
    /// Where a text has many values, the first are looked for in the rest.
    const LOOKS: usize = 2_000;
    let redactor = Redactor::default();
    let work = |text: String| {
        steps::take();
        drop(redactor.redact_str(&text));
        drop(
            redactor
                .session(&Given::default())
                .json(&text, Families::All, None),
        );
        steps::take()
    };
    let (short, long) = (work(text(BYTES)), work(text(8 * BYTES)));
    assert!(
        long <= 10 * short + 8 * LOOKS,
        "{name}: {short} bytes looked at, then {long}"
    );
}
