//! Keys with the published prefix of a vendor.

use super::token::{any, mixed};
use super::{Anchor, Confidence, Detector, Token};
use crate::redact::bytes::{ByteSet, before, byte, has, in_word, is_random, run, run_back};
use crate::redact::data_type::DataType;

pub(super) const OPENAI: Detector = Detector::tokens(
    "openai_key",
    DataType::OpenAiKey,
    &[Token::new("sk-", ByteSet::BASE64URL, 20).checked(|body| {
        // The middle of every key of OpenAI is base64 of `OpenAI`. Others use the form without it.
        !OTHERS.iter().any(|other| has(body, 0, other))
            && (body.windows(MARK.len()).any(|part| part == MARK.as_bytes()) || is_random(body))
    })],
);

const MARK: &str = concat!("T3Blbk", "FJ");
/// What follows `sk-` in the keys that rows below name.
const OTHERS: [&[u8]; 3] = [b"ant-", b"or-v1-", b"lf-"];

pub(super) const ANTHROPIC: Detector = Detector::tokens(
    "anthropic_key",
    DataType::AnthropicKey,
    &[Token::new("sk-ant-", ByteSet::BASE64URL, 20)],
);

pub(super) const GITHUB: Detector = Detector::tokens(
    "github_token",
    DataType::GithubToken,
    &[
        Token::new("ghp_", ByteSet::ALNUM, 36),
        Token::new("gho_", ByteSet::ALNUM, 36),
        Token::new("ghu_", ByteSet::ALNUM, 36),
        Token::new("ghs_", ByteSet::ALNUM, 36),
        Token::new("ghr_", ByteSet::ALNUM, 36),
        Token::new("github_pat_", ByteSet::WORD, 40),
    ],
);

pub(super) const GITLAB: Detector = Detector::tokens(
    "gitlab_token",
    DataType::GitlabToken,
    &[
        Token::new("glpat-", GITLAB_BODY, 20),
        Token::new("gldt-", GITLAB_BODY, 20),
        Token::new("glrt-", GITLAB_BODY, 20),
        Token::new("glcbt-", GITLAB_BODY, 20),
        Token::new("glptt-", GITLAB_BODY, 20),
        Token::new("glft-", GITLAB_BODY, 20),
        Token::new("glimt-", GITLAB_BODY, 20),
        Token::new("glagent-", GITLAB_BODY, 20),
        Token::new("glsoat-", GITLAB_BODY, 20),
        Token::new("gloas-", GITLAB_BODY, 20),
    ],
);

/// Routable tokens have parts joined by full stops.
const GITLAB_BODY: ByteSet = ByteSet::BASE64URL.and(b".");

pub(super) const SLACK: Detector = Detector::tokens(
    "slack_token",
    DataType::SlackToken,
    &[
        Token::new("xoxb-", SLACK_BODY, 20),
        Token::new("xoxp-", SLACK_BODY, 20),
        Token::new("xoxa-", SLACK_BODY, 20),
        Token::new("xoxr-", SLACK_BODY, 20),
        Token::new("xoxs-", SLACK_BODY, 20),
        Token::new("xoxe-", SLACK_BODY, 20),
        Token::new("xoxe.", SLACK_BODY.and(b"."), 20),
        Token::new("xoxo-", SLACK_BODY, 20),
        Token::new("xoxc-", SLACK_BODY, 20),
        Token::new("xoxd-", SLACK_BODY.and(b"%"), 20),
        Token::new("xapp-", SLACK_BODY, 20),
    ],
);

const SLACK_BODY: ByteSet = ByteSet::ALNUM.and(b"-");

/// The path of a web hook is its secret.
pub(super) const SLACK_HOOK: Detector = Detector::find(
    "slack_web_hook",
    DataType::SlackToken,
    Confidence::Prefix,
    &[Anchor::Literal("hooks.slack.com/")],
    |text, at| {
        const PATH: ByteSet = ByteSet::ALNUM.and(b"/");
        let host = at + "hooks.slack.com/".len();
        let start = run(text, host, &ByteSet::ALPHA, 12) + 1;
        let end = run(text, start, &PATH, 128);
        (before(text, start) == Some(b'/') && end - start >= 24).then_some(start..end)
    },
);

pub(super) const STRIPE: Detector = Detector::tokens(
    "stripe_key",
    DataType::StripeKey,
    &[
        Token::new("sk_live_", ByteSet::ALNUM, 10),
        Token::new("sk_test_", ByteSet::ALNUM, 10),
        Token::new("rk_live_", ByteSet::ALNUM, 10),
        Token::new("rk_test_", ByteSet::ALNUM, 10),
        Token::new("whsec_", ByteSet::BASE64, 24),
    ],
);

pub(super) const TWILIO: Detector = Detector::find(
    "twilio_key",
    DataType::TwilioKey,
    Confidence::Prefix,
    &[Anchor::InLongRun(b"S")],
    |text, at| {
        if !has(text, at, b"SK") || in_word(text, at) {
            return None;
        }
        let start = at + "SK".len();
        let end = run(text, start, &ByteSet::LOWER_HEX, 33);
        let whole =
            end == start + 32 && !byte(text, end).is_some_and(|b| b.is_ascii_alphanumeric());
        (whole && mixed(text.get(start..end)?)).then_some(at..end)
    },
);

pub(super) const SENDGRID: Detector = Detector::tokens(
    "sendgrid_key",
    DataType::SendgridKey,
    &[
        Token::new("SG.", ByteSet::BASE64URL.and(b"."), 50).checked(|body| {
            let mut parts = body.split(|byte| *byte == b'.').map(<[u8]>::len);
            matches!(
                (parts.next(), parts.next(), parts.next()),
                (Some(16..=32), Some(32..), None)
            )
        }),
    ],
);

pub(super) const HUGGINGFACE: Detector = Detector::tokens(
    "huggingface_token",
    DataType::HuggingfaceToken,
    &[
        Token::new("hf_", ByteSet::ALNUM, 30).checked(any),
        Token::new("api_org_", ByteSet::ALNUM, 30).checked(any),
    ],
);

pub(super) const NPM: Detector = Detector::tokens(
    "npm_token",
    DataType::NpmToken,
    &[Token::new("npm_", ByteSet::ALNUM, 36)],
);

pub(super) const PYPI: Detector = Detector::tokens(
    "pypi_token",
    DataType::PypiToken,
    &[Token::new("pypi-AgE", ByteSet::BASE64URL, 50)],
);

pub(super) const VENDOR: Detector = Detector::tokens(
    "vendor_key",
    DataType::VendorKey,
    &[
        // Language models and what is used beside them.
        Token::new("gsk_", ByteSet::ALNUM, 40),
        Token::new("pplx-", ByteSet::ALNUM, 40),
        Token::new("xai-", ByteSet::ALNUM, 60),
        Token::new("r8_", ByteSet::ALNUM, 30),
        Token::new("csk-", ByteSet::ALNUM, 40),
        Token::new("nvapi-", ByteSet::BASE64URL, 40),
        Token::new("fw_", ByteSet::ALNUM, 22),
        Token::new("sk-or-v1-", ByteSet::HEX, 40),
        Token::new("sk-lf-", ByteSet::HEX.and(b"-"), 32),
        Token::new("lsv2_", ByteSet::WORD, 40),
        Token::new("pcsk_", ByteSet::WORD, 40),
        Token::new("llx-", ByteSet::ALNUM, 40),
        Token::new("tvly-", ByteSet::ALNUM.and(b"-"), 24),
        Token::new("e2b_", ByteSet::HEX, 32),
        Token::new("dapi", ByteSet::LOWER_HEX, 32).checked(|body| body.len() == 32),
        // Platforms.
        Token::new("lin_api_", ByteSet::ALNUM, 32),
        Token::new("ntn_", ByteSet::ALNUM, 40),
        Token::new("dop_v1_", ByteSet::HEX, 40),
        Token::new("doo_v1_", ByteSet::HEX, 40),
        Token::new("dor_v1_", ByteSet::HEX, 40),
        Token::new("dp.pt.", ByteSet::ALNUM, 40),
        Token::new("dp.st.", ByteSet::WORD.and(b".-"), 40),
        Token::new("dp.ct.", ByteSet::ALNUM, 40),
        Token::new("dp.sa.", ByteSet::ALNUM, 40),
        Token::new("hvs.", ByteSet::BASE64URL, 24),
        Token::new("dckr_pat_", ByteSet::BASE64URL, 24),
        Token::new("glsa_", ByteSet::WORD, 32),
        Token::new("shpat_", ByteSet::HEX, 32),
        Token::new("shpss_", ByteSet::HEX, 32),
        Token::new("sbp_", ByteSet::HEX, 40),
        Token::new("sntrys_", ByteSet::BASE64.and(b"_=-"), 40),
        Token::new("PMAK-", ByteSet::HEX.and(b"-"), 50),
        Token::new("NRAK-", ByteSet::ALNUM, 27),
        Token::new("figd_", ByteSet::BASE64URL, 40),
        Token::new("rubygems_", ByteSet::HEX, 48),
        Token::new("ATATT3", ByteSet::BASE64URL.and(b"="), 60),
        Token::new("AGE-SECRET-KEY-1", ByteSet::UPPER.and(b"0123456789"), 58),
    ],
);

/// A bot of Telegram: its id, a colon, and 35 characters of which two are always `AA`.
pub(super) const TELEGRAM: Detector = Detector::find(
    "telegram_token",
    DataType::VendorKey,
    Confidence::Prefix,
    &[Anchor::InLongRun(b"A")],
    |text, at| {
        let at = at.checked_sub(1).filter(|at| has(text, *at, b":AA"))?;
        let start = run_back(text, at, &ByteSet::DIGIT, 11);
        let end = run(text, at + 1, &ByteSet::BASE64URL, 36);
        let whole = (8..=10).contains(&(at - start)) && end - at - 1 == 35;
        // Paths of the service say `/bot123:AA…`.
        let joined = in_word(text, start) && !has(text, start.saturating_sub(3), b"bot");
        (whole && !joined).then_some(start..end)
    },
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;
    use crate::redact::detectors::Matcher;
    use crate::redact::detectors::tests::{ALNUM, HEX, check, random};

    #[test]
    fn every_prefix_of_the_table_is_found_where_its_text_goes_on() {
        let redactor = Redactor::default();
        for detector in crate::redact::detectors::DETECTORS {
            let Matcher::Tokens(tokens) = detector.matcher else {
                continue;
            };
            for token in tokens {
                let token = sample(token);
                let token = token.as_str();
                for (head, tail) in [
                    ("", ""),
                    ("key=", "&x=1"),
                    ("(\"", "\")"),
                    ("\\\"", "\\\""),
                    ("at ", ", then"),
                    ("x:", "@host"),
                    ("line\\n", "\\n"),
                    ("<", ">"),
                    ("[", "]"),
                    ("'", "';"),
                    ("see ", ". Then"),
                    ("鍵は", "です"),
                ] {
                    let text = format!("{head}{token}{tail}");
                    let spans = redactor.find(&text);
                    let found = spans.iter().any(|span| {
                        &text[span.start..span.end] == token && span.detector == detector.name
                    });
                    assert!(found, "{} in {head}…{tail}: {spans:?}", detector.name);
                }
                let joined = format!("x{token}");
                assert!(redactor.find(&joined).is_empty(), "{}", detector.name);
            }
        }
    }

    /// Returns a token of the shortest body that the row takes.
    fn sample(token: &Token) -> String {
        for alphabet in [HEX, ALNUM, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ".ABC"] {
            for length in 16..160 {
                let mut body = random(alphabet, length);
                for candidate in [body.clone(), {
                    body.insert(22.min(length), '.');
                    body
                }] {
                    let text = format!("{}{candidate}", token.prefix);
                    if token.at(text.as_bytes(), 0) == Some(0..text.len()) {
                        return text;
                    }
                }
            }
        }
        panic!("no sample for {}", token.prefix);
    }

    #[test]
    fn keys_of_openai_have_their_mark_or_look_random() {
        let (a, b) = (random(ALNUM, 20), random(ALNUM, 74));
        check(
            DataType::OpenAiKey,
            &[
                format!("«sk-{a}{MARK}{a}»"),
                format!("«sk-proj-{b}{MARK}{b}»"),
                format!("«sk-{}»", random(HEX, 32)),
                "sk-... sk-your-key-goes-here-please sk-learn-tutorial-for-beginners-2 task-12345678901234567890".to_owned(),
            ],
        );
    }

    #[test]
    fn forms_without_a_prefix_row_are_found() {
        let hook = format!(
            "T{}/B{}/{}",
            random("ABC123", 10),
            random("ABC123", 10),
            random(ALNUM, 24)
        );
        check(
            DataType::SlackToken,
            &[format!("https://hooks.slack.com/services/«{hook}» failed")],
        );
        check(
            DataType::TwilioKey,
            &[format!(
                "twilio api key «SK{}» x SK{}",
                random(HEX, 32),
                random(HEX, 31)
            )],
        );
        check(
            DataType::VendorKey,
            &[format!(
                "«1234567890:AA{}» https://api.telegram.org/bot«123456789:AA{}»/getMe",
                random(ALNUM, 33),
                random(ALNUM, 33)
            )],
        );
    }
}
