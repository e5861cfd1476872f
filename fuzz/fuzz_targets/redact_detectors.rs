//! Every detector, told where to look by pieces of what announces values: spans stand in the text,
//! what is found passes the check that its format has, and a valid value is found in any line.

#![no_main]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::redact::{Redactor, Span};

/// What announces values, detector by detector.
const ANNOUNCE: &[&str] = &[
    "",
    "@",
    "ada@",
    ".org ",
    "+49 30 ",
    "(415) 555-",
    "phone ",
    "4111 1111 1111 1111",
    "378282246310005",
    "DE89",
    "DE89 3704 0044 ",
    "203.0.113.",
    "2001:db8::",
    "fe80:",
    "00:1b:44:11:3a:",
    "0011.2233.",
    "SSN ",
    "123-45-6789",
    "NHS ",
    "943 476 5919",
    "NIR ",
    "BSN ",
    "CPF ",
    "529.982.247-25",
    "PESEL ",
    "DNI ",
    "passport ",
    "Reisepass ",
    "旅券",
    "born ",
    "Geburtsdatum: ",
    "生年月日",
    "1980-03-04",
    "1EG4-TE5-MK73",
    "NPI ",
    "1234567893",
    "DEA ",
    "AB1234563",
    "MRN ",
    "patient_id: ",
    "bc1q",
    "0x",
    "1A1zP1",
    "addr1",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "ZXlK",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----",
    "Bearer ",
    "Basic ",
    "curl -u ",
    "Authorization: ",
    "x-api-key: ",
    "sk-",
    "sk-proj-",
    "T3BlbkFJ",
    "sk-ant-api03-",
    "AKIA",
    "aws_secret ",
    "AIza",
    "GOCSPX-",
    "ya29.",
    "1//0",
    "AccountKey=",
    "SharedAccessKey=",
    "sig=",
    "8Q~",
    "ghp_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "hooks.slack.com/services/",
    "sk_live_",
    "whsec_",
    "SK",
    "SG.",
    "hf_",
    "npm_",
    "pypi-AgE",
    "gsk_",
    "lsv2_",
    "123456789:AA",
    "postgres://ada:",
    "://",
    "Password=",
    "Pwd=",
    "scott/tiger@",
    "Cookie: ",
    "Set-Cookie: sid=",
    "password: ",
    "passwd=",
    "api_key = \"",
    "token=",
    "\"secret\":\"",
    "contraseña es ",
    "密码是",
    "value=\"",
    "\\u00",
    "%",
    "\\n",
    "\n",
    "\"",
    "'",
    "\u{200b}",
    "Ａ",
    "[PASSPORT]",
    "${",
    "{{",
    "<",
    ">",
    " ",
];

/// Further than words say what a number is, as `step` does.
const APART: &str = "\n----------------------------------------------------------------\nvalue ";

fuzz_target!(|input: (Vec<(u8, &str)>, u64, u32)| {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    let redactor = REDACTOR.get_or_init(Redactor::default);
    let (pieces, number, address) = input;
    let mut text = String::new();
    for (announce, rest) in pieces {
        text.push_str(ANNOUNCE[usize::from(announce) % ANNOUNCE.len()]);
        text.push_str(rest);
    }
    let found = redactor.find(&text);
    let mut end = 0;
    for (index, span) in found.iter().enumerate() {
        assert!(end <= span.start && span.start < span.end, "{span:?}");
        let value = text
            .get(span.start..span.end)
            .expect("characters are whole");
        // What a finding leaves of another is no whole value.
        let touches = |one: &Span, next: &Span| {
            text.get(one.end..next.start)
                .is_some_and(|between| !between.contains(|c: char| !c.is_whitespace()))
        };
        let is_cut = index
            .checked_sub(1)
            .is_some_and(|last| touches(&found[last], span))
            || found.get(index + 1).is_some_and(|next| touches(span, next));
        if !is_cut {
            check(span, value);
        }
        end = span.end;
    }
    assert_eq!(redactor.find(&text), found, "it is found again");
    for value in valid(number, address) {
        let line = format!("{text}{APART}{value} .");
        let start = text.len() + APART.len();
        // Findings that overlap it may part it.
        let hidden_to = redactor.find(&line).iter().fold(start, |to, span| {
            let goes_on = span.start <= to && to < span.end;
            if goes_on { span.end } else { to }
        });
        let hidden = hidden_to >= start + value.len();
        assert!(hidden || is_open(&text), "{value} behind {text:?}");
    }
});

/// Checks a value that stands as it is by the rule of its format.
fn check(span: &Span, value: &str) {
    let is_disguised = !value.is_ascii() || value.contains(['%', '\\', '=']) || value.len() > 64;
    if is_disguised {
        return;
    }
    let digits = || {
        value
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|b| u32::from(b - b'0'))
    };
    match span.detector {
        "ipv4" => assert!(value.parse::<Ipv4Addr>().is_ok(), "{span:?} {value}"),
        "ipv6" => {
            let address = value.split('%').next().unwrap_or_default();
            assert!(address.parse::<Ipv6Addr>().is_ok(), "{span:?} {value}");
        }
        "email" if value.is_ascii() && value.contains('@') => {
            let (local, host) = value.rsplit_once('@').expect("an at sign");
            assert!(!local.is_empty() && host.contains('.'), "{span:?} {value}");
        }
        "credit_card"
            if value
                .bytes()
                .all(|b| b.is_ascii_digit() || b" -".contains(&b)) =>
        {
            assert!(luhn(digits()), "{span:?} {value}");
        }
        "iban"
            if value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b' ') =>
        {
            assert_eq!(iban_rest(&value.replace(' ', "")), 1, "{span:?} {value}");
        }
        _ => {}
    }
}

/// Returns values that are valid by construction.
fn valid(number: u64, address: u32) -> Vec<String> {
    let card = format!("4{:014}", number % 100_000_000_000_000);
    let card = (0..10).map(|check| format!("{card}{check}"));
    let mut card = card.filter(|card| luhn(card.bytes().map(|b| u32::from(b - b'0'))));
    let account = format!("{:018}", number % 1_000_000_000_000_000_000);
    let check = 98 - iban_rest(&format!("DE00{account}"));
    // Public networks only: others may stand for the host itself, or for none.
    let [_, b, c, d] = address.to_be_bytes();
    vec![
        card.next().expect("one of ten digits fits"),
        format!("DE{check:02}{account}"),
        format!("81.{b}.{c}.{}", d.max(1)),
        format!("u{number}@example.org"),
        format!("2a02:{b:x}:{c:x}:1::{:x}", u32::from(d) + 1),
    ]
}

/// Returns whether something begins in the text that goes on to its end, and over it.
fn is_open(text: &str) -> bool {
    text.contains("-----BEGIN") || text.ends_with(|c: char| !c.is_whitespace())
}

fn luhn(digits: impl DoubleEndedIterator<Item = u32>) -> bool {
    let doubled = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        });
    doubled.sum::<u32>() % 10 == 0
}

/// Returns the rest of the number that an IBAN stands for, by 97.
fn iban_rest(iban: &str) -> u32 {
    let (head, tail) = iban.split_at(4);
    tail.chars().chain(head.chars()).fold(0, |rest, sign| {
        let digit = sign.to_digit(36).unwrap_or_default();
        (rest * if digit > 9 { 100 } else { 10 } + digit) % 97
    })
}
