//! Secrets known only by the name that they are assigned to, in nine languages.
//!
//! Names of passwords are believed more than those of keys, and these more than `token`: what a
//! value must look like goes by that, and by how it is assigned.

use std::ops::Range;

use super::described::{is_no_secret, is_wordy};
use super::value::{Assigned, Sign, assigned, may_assign, real_end};
use super::word::{PURPOSE_END, Word, Words, name_end};
use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, Mix, before, byte, distinct, is_random, run_back};
use crate::redact::data_type::DataType;
use crate::redact::label::label_end;

pub(super) const PASSWORD: Detector = Detector::find(
    "password",
    DataType::GenericSecret,
    Confidence::Shape,
    &[
        Anchor::Literal("pass"),
        Anchor::Literal("Pass"),
        Anchor::Literal("PASS"),
        Anchor::Between(ByteSet::ANY, "pwd", NAME_END),
        Anchor::Between(ByteSet::ANY, "Pwd", NAME_END),
        Anchor::Between(ByteSet::ANY, "PWD", NAME_END),
        Anchor::Between(NO_LETTER, "pw:", ByteSet::ANY),
        Anchor::Between(NO_LETTER, "pw=", ByteSet::ANY),
        Anchor::Between(NO_LETTER, "pw is", ByteSet::ANY),
        Anchor::Between(NO_LETTER, "PW:", ByteSet::ANY),
        Anchor::Between(NO_LETTER, "PW=", ByteSet::ANY),
        Anchor::Between(NO_LETTER, "mdp", NAME_END),
        Anchor::Between(NO_LETTER, "MDP", NAME_END),
        Anchor::Literal("ennwort"),
        Anchor::Literal("ENNWORT"),
        Anchor::Literal("dentified by"),
        Anchor::Literal("DENTIFIED BY"),
        Anchor::Literal("ontrase"),
        Anchor::Literal("ONTRASE"),
        Anchor::Literal("senha"),
        Anchor::Literal("Senha"),
        Anchor::Literal("SENHA"),
        Anchor::Literal("achtwoord"),
        Anchor::Literal("arola d'ordine"),
        Anchor::Literal("as\u{142}o"),
        Anchor::Literal("パスワード"),
        Anchor::Literal("暗証番号"),
        Anchor::Literal("密码"),
        Anchor::Literal("密碼"),
        Anchor::Literal("口令"),
    ],
    |text, at| {
        static WORDS: Words = Words::new(&[
            Word::part("password", 0),
            Word::part("passwort", 0),
            Word::part("passwd", 0),
            Word::part("passphrase", 0),
            Word::part("passcode", 0),
            Word::part("mot de passe", 7),
            Word::part("palavra-passe", 8),
            Word::whole("pass", 0),
            Word::part("pwd", 0),
            Word::whole("pw", 0),
            Word::whole("mdp", 0),
            Word::part("kennwort", 1),
            Word::whole("identified by", 1),
            Word::part("contraseña", 1),
            Word::part("contraseÑa", 1),
            Word::part("contrasena", 1),
            Word::whole("senha", 0),
            Word::part("wachtwoord", 1),
            Word::part("parola d'ordine", 1),
            Word::part("hasło", 1),
            Word::part("パスワード", 0),
            Word::part("暗証番号", 0),
            Word::part("密码", 0),
            Word::part("密碼", 0),
            Word::part("口令", 0),
        ]);
        find(text, at, &WORDS, is_password)
    },
)
.up_to(real_end)
.named_ending(
    &[
        "password",
        "passwort",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "motdepasse",
        "mdp",
        "kennwort",
        "contrasena",
        "contraseña",
        "senha",
        "wachtwoord",
        "userpass",
        "dbpass",
        "secret",
        "apikey",
        "secretkey",
        "privatekey",
        "encryptionkey",
        "signingkey",
        "masterkey",
        "accesskey",
        "sharedkey",
        "authkey",
        "accesstoken",
        "refreshtoken",
        "authtoken",
        "sessiontoken",
        "securitytoken",
        "bearertoken",
        "apitoken",
        "cvv",
        "cvc",
        "cvv2",
        "securitycode",
        "パスワード",
        "密码",
    ],
    whole,
);

pub(super) const KEY: Detector = Detector::find(
    "secret",
    DataType::GenericSecret,
    Confidence::Shape,
    &[
        Anchor::Literal("ecret"),
        Anchor::Literal("ECRET"),
        Anchor::Between(PURPOSE_END, "key", NAME_END),
        Anchor::Between(PURPOSE_END, "Key", NAME_END),
        Anchor::Between(PURPOSE_END, "KEY", NAME_END),
        Anchor::Literal("eheimnis"),
        Anchor::Literal("chlüssel"),
        Anchor::Literal("clé "),
        Anchor::Literal("clef "),
        Anchor::Between(FIRST_OF_CLAVE, "lave ", ByteSet::ANY),
        Anchor::Literal("hiave "),
        Anchor::Between(FIRST_OF_CLAVE, "have ", ByteSet::ANY),
        Anchor::Literal("シークレット"),
        Anchor::Literal("APIキー"),
        Anchor::Literal("秘密鍵"),
        Anchor::Literal("密钥"),
        Anchor::Literal("密鑰"),
    ],
    |text, at| {
        static WORDS: Words = Words::new(&[
            Word::part("secret", 1),
            Word::part("secreto", 1),
            Word::part("secreta", 1),
            Word::part("geheimnis", 1),
            Word::part("clé secrète", 0),
            Word::part("clé api", 0),
            Word::part("clé d'api", 0),
            Word::part("clef api", 0),
            Word::part("clef d'api", 0),
            Word::part("clave secreta", 1),
            Word::part("clave de acceso", 1),
            Word::part("clave de api", 1),
            Word::part("clave api", 1),
            Word::part("chiave segreta", 1),
            Word::part("chiave api", 1),
            Word::part("chave secreta", 1),
            Word::part("chave de api", 1),
            Word::part("chave api", 1),
            Word::part("シークレット", 0),
            Word::part("APIキー", 0),
            Word::part("秘密鍵", 0),
            Word::part("密钥", 0),
            Word::part("密鑰", 0),
            Word::of_a("key", 0),
            Word::of_a("schlüssel", 1),
        ]);
        find(text, at, &WORDS, is_key)
    },
)
.up_to(real_end);

pub(super) const TOKEN: Detector = Detector::find(
    "token",
    DataType::GenericSecret,
    Confidence::Shape,
    &[
        Anchor::Literal("token"),
        Anchor::Literal("Token"),
        Anchor::Literal("TOKEN"),
        Anchor::Literal("jeton"),
        Anchor::Literal("Jeton"),
        Anchor::Literal("トークン"),
        Anchor::Literal("令牌"),
        Anchor::Literal("redential"),
        Anchor::Literal("REDENTIAL"),
        Anchor::Literal("_auth"),
    ],
    |text, at| {
        static WORDS: Words = Words::new(&[
            Word::part("token", 0),
            Word::part("jeton d'accès", 0),
            Word::part("jeton", 0),
            Word::part("トークン", 0),
            Word::part("令牌", 0),
            Word::part("credentials", 1),
            Word::part("_auth", 0),
        ]);
        find(text, at, &WORDS, is_token)
    },
)
.up_to(real_end)
.named_ending(&["token", "credential", "credentials"], |value| {
    let is_secret = looks_drawn(value) && !is_no_secret(value, false);
    is_secret.then_some(0..value.len())
})
.except(OTHER_TOKENS);

/// `clave` and `chave`, not `slave` and `have`.
const FIRST_OF_CLAVE: ByteSet = ByteSet::of(b"cC");
const NO_LETTER: ByteSet = ByteSet::ALPHA.inverted();
/// What may follow a word that ends a name; see [`name_end`].
const NAME_END: ByteSet = NO_LETTER.and(b"sS");

/// Characters that names of secrets are made of.
const NAME: ByteSet = ByteSet::WORD.and(b"-.");
const MAX_NAME: usize = 48;

fn find(
    text: &[u8],
    at: usize,
    words: &Words,
    is_secret: fn(&Name<'_>, &[u8]) -> bool,
) -> Option<Range<usize>> {
    let word = words.at(text, at)?;
    let end = name_end(text, word.end)?;
    if !may_assign(text, end) {
        return None;
    }
    let start = run_back(text, word.start, &NAME, MAX_NAME);
    if before(text, start) == Some(b'[') && Mix::of(text.get(start..end)?).lower == 0 {
        // The placeholder of a value that was hidden: `[SLACK_TOKEN]: `.
        return None;
    }
    let is_option = byte(text, start) == Some(b'-');
    let assigned = assigned(text, end, is_option)?;
    if label_end(text, assigned.range.start).is_some() {
        return None;
    }
    let value = text.get(assigned.range.clone())?;
    let is_code = assigned.sign == Sign::Equals && !assigned.is_quoted;
    let name = Name {
        text: text.get(start..end)?,
        before: before(text, start),
        is_tight: assigned.range.start == end + 1,
        assigned: &assigned,
    };
    (value.len() >= MIN_VALUE && is_secret(&name, value) && !is_no_secret(value, is_code))
        .then_some(assigned.range)
}

/// A name with what it is assigned.
struct Name<'a> {
    text: &'a [u8],
    before: Option<u8>,
    /// The value begins right behind the sign.
    is_tight: bool,
    assigned: &'a Assigned,
}

const MIN_VALUE: usize = 6;

/// Signs that words are not written with.
const SIGNS: ByteSet = ByteSet::of(b"!#$%^&*+=?@~|");

fn is_password(name: &Name<'_>, value: &[u8]) -> bool {
    let mix = Mix::of(value);
    let letters = mix.upper + mix.lower;
    let inner = value.get(..value.len() - 1).unwrap_or_default();
    let sign_inside = inner.iter().any(|b| SIGNS.contains(*b));
    let is_number = mix.digits == value.len();
    let spaced = value.iter().any(u8::is_ascii_whitespace);
    let mixed = mix.digits > 0 && (letters > 0 || sign_inside) || letters > 0 && sign_inside;
    match name.assigned.sign {
        _ if spaced => false,
        Sign::Equals if name.assigned.is_quoted => !names_itself(value) || mixed,
        Sign::Equals => mixed && !is_identifier(value) || is_number || name.is_setting(),
        Sign::Says => (mixed && !is_technical(value)) || is_number,
        Sign::Apart if name.assigned.is_quoted => {
            mixed && !is_technical(value) && !names_itself(value)
        }
        Sign::Apart => {
            mixed
                && !is_technical(value)
                && !is_identifier(value)
                && (sign_inside || mix.upper > 0 && mix.lower > 0)
        }
        Sign::Far => {
            value.len() >= 8
                && mix.digits > 0
                && letters > 0
                && !is_technical(value)
                && (sign_inside || mix.upper > 0 && mix.lower > 0)
        }
    }
}

fn is_key(name: &Name<'_>, value: &[u8]) -> bool {
    let mix = Mix::of(value);
    if value.iter().any(u8::is_ascii_whitespace) {
        return false;
    }
    match name.assigned.sign {
        Sign::Equals if name.assigned.is_quoted => {
            value.len() >= 8 && mix.has_letters_and_digits() && distinct(value) >= 5
                || value.len() >= 16 && !is_wordy(value) && distinct(value) >= 8
        }
        Sign::Equals => {
            value.len() >= 8
                && mix.has_letters_and_digits()
                && distinct(value) >= 5
                && !is_identifier(value)
        }
        Sign::Says => looks_drawn(value) && !is_technical(value),
        Sign::Far => is_random(value),
        Sign::Apart => name.assigned.is_quoted && is_random(value),
    }
}

/// Tokens of languages and of pages, which are no secrets.
const OTHER_TOKENS: &[&str] = &[
    "page",
    "next",
    "cursor",
    "continuation",
    "sync",
    "eos",
    "bos",
    "pad",
    "unk",
    "mask",
    "stop",
    "design",
];

fn is_token(name: &Name<'_>, value: &[u8]) -> bool {
    let is_given = name.assigned.sign != Sign::Apart || name.assigned.is_quoted;
    is_given && looks_drawn(value) && !holds_any(name.text, OTHER_TOKENS)
}

/// Returns whether `value` is drawn at random rather than written, as far as its length tells.
fn looks_drawn(value: &[u8]) -> bool {
    let mix = Mix::of(value);
    let drawn =
        is_random(value) || value.len() >= 10 && mix.has_letters_and_digits() && !is_wordy(value);
    drawn && !value.iter().any(u8::is_ascii_whitespace)
}

impl Name<'_> {
    /// Returns whether the name is that of a variable of the environment, or of a parameter in a
    /// query or a connection string, which have no quotes around their values.
    fn is_setting(&self) -> bool {
        let is_variable = Mix::of(self.text).lower == 0;
        let is_parameter = matches!(self.before, Some(b'?' | b'&' | b';'));
        self.is_tight && (is_variable || is_parameter)
    }
}

/// Returns whether a value in quotes is the name of what it stands for, as in a form.
fn names_itself(value: &[u8]) -> bool {
    const NAMES: &[&str] = &[
        "passw",
        "kennw",
        "contrase",
        "mot-de-passe",
        "senha",
        "secret",
        "token",
        "user",
    ];
    holds_any(value, NAMES)
}

/// Returns whether one of the words is a part of `text`, in any case.
fn holds_any(text: &[u8], words: &[&str]) -> bool {
    (0..text.len()).any(|at| {
        let first = byte(text, at).map(|b| b.to_ascii_lowercase());
        words.iter().map(|word| word.as_bytes()).any(|word| {
            word.first() == first.as_ref()
                && text
                    .get(at..at + word.len())
                    .is_some_and(|part| part.eq_ignore_ascii_case(word))
        })
    })
}

/// Returns whether `value` reads as an identifier of a program: words, `_` and at most a short
/// number at the end.
fn is_identifier(value: &[u8]) -> bool {
    let mix = Mix::of(value);
    let other = value.iter().rposition(|b| !b.is_ascii_digit());
    let number = value.len() - 1 - other.unwrap_or(0);
    value.iter().all(|b| ByteSet::WORD.contains(*b))
        && is_wordy(value)
        && number == mix.digits
        && number <= 2
        && (value.contains(&b'_') || names_itself(value))
}

/// Words of prose that have digits.
const TECHNICAL: &[&str] = &[
    "1password",
    "2fa",
    "aes",
    "argon2",
    "base64",
    "ed25519",
    "http",
    "ipv4",
    "ipv6",
    "md5",
    "oauth2",
    "pbkdf2",
    "rsa",
    "sha1",
    "sha2",
    "sha5",
    "utf",
    "x509",
];

fn is_technical(value: &[u8]) -> bool {
    TECHNICAL.iter().any(|word| {
        value
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// Returns all of a JSON value whose member names a secret.
fn whole(value: &[u8]) -> Option<Range<usize>> {
    let known = value.trim_ascii();
    let is_secret = !known.is_empty() && !is_no_secret(known, false) && !is_prose(known);
    is_secret.then_some(0..value.len())
}

/// Returns whether `value` is a sentence or a label of a form, not a phrase to log in with: words
/// that speak of the secret, or more of them than one remembers.
fn is_prose(value: &[u8]) -> bool {
    const MAX_PHRASE: usize = 8;
    let words = value.split(|b| *b == b' ').count();
    let letters = !value.iter().any(u8::is_ascii_digit);
    let ends = value.ends_with(b".") || value.ends_with(b"?");
    let begins = value.first().is_some_and(u8::is_ascii_uppercase);
    let speaks = (begins || ends) && names_itself(value);
    words >= 2 && letters && (speaks || ends && words > MAX_PHRASE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, HEX, check, random};

    fn all(marked: &[&str]) {
        let marked: Vec<_> = marked.iter().map(|text| (*text).to_owned()).collect();
        check(DataType::GenericSecret, &marked);
    }

    #[test]
    fn passwords_are_found_in_code_configuration_and_commands() {
        all(&[
            "password=«hunter2»",
            "db_password: \"«correct horse 1»\"x"
                .replace("correct horse 1", "letmein")
                .as_str(),
            "PGPASSWORD=«letmein» psql -h db",
            "postgres?user=a&password=«letmein»&x=1",
            "--password «Dragon6948#» --user svc",
            "{\\\"password\\\":\\\"«p4ss,w0rd»\\\"}",
            "pass: «hunter2», user: x",
            "<password>«hunter2»</password>",
            "user.passwd = '«a(b)c1»';",
            "| **Passwort:** «hunter2» |",
            "spring.datasource.password=«pa55&word»\n",
            "password: «123456»",
            "password=«aB3dE.xY12345abc42»",
            "<input type=\"password\" name=\"password\" value=\"«Winter#91»\">",
            "- name: DB_PASSWORD\n  value: \"«Winter#91»\"\n- name: X",
            "{\"name\":\"DB_PASSWORD\",\"value\":\"«Winter#91»\"}",
            "login ada / pw: «Winter#91» , and PW=«Winter91»",
            "machine db login ada password «Winter91Sun»",
            "ALTER ROLE a PASSWORD '«cedar#Box12»', IDENTIFIED BY '«cedar#Box12»'",
            "define('DB_PASSWORD', '«S0ft-rain!»');",
            "<wsse:Password Type=\"a#PasswordText\">«lemon4Drop»</wsse:Password>",
        ]);
    }

    #[test]
    fn passwords_are_found_in_prose_of_nine_languages() {
        all(&[
            "my password is «Tr0ub4dor9!» but login fails",
            "Mein Passwort lautet «Sommer2210!», trotzdem",
            "mot de passe : «winter2414!»",
            "La contraseña es «Lisbon1715».",
            "la password è «Lisbon1715»",
            "a senha é «Lisbon1715», a senha antiga era «Lisbon1715»",
            "Het wachtwoord is «Lisbon1715»",
            "hasło to «Lisbon1715»",
            "パスワードは«hunter2!»です。",
            "密码是«hunter2»。",
            "密码：«hunter2»",
            "Das Kennwort ist «hunter2»?",
            "The password for the old server is «Tr0ub4dor9!».",
            "password «x»".replace(['«', '»'], "").as_str(),
        ]);
    }

    #[test]
    fn keys_and_tokens_are_found_by_their_names() {
        let (key, hex) = (random(ALNUM, 24), random(HEX, 40));
        check(
            DataType::GenericSecret,
            &[
                format!("const API_SECRET = '«{key}»';"),
                format!("client_secret=«{hex}»&grant_type=client_credentials"),
                format!("\\\"api_key\\\": \\\"«{key}»\\\""),
                format!("apiKey: `«{key}»`, SECRET_KEY_BASE=«{hex}»"),
                format!("der API-Schlüssel lautet «{key}», la clé API est «{key}»"),
                format!("access_token=«{key}»&x=1, deploy --token «{key}»"),
                format!("トークンは«{key}»です"),
                "client_secret: «Dragon3000»".to_owned(),
                "passwords: «hunter2x»".to_owned(),
                format!("API_KEYS=«{key}»"),
            ],
        );
    }

    #[test]
    fn a_forged_placeholder_hides_no_secret() {
        all(&[
            "password=«[EMAIL:hunter2-secret!]»"
                .replace("]»", "»]")
                .as_str(),
            "password=«[EMAIL:k1:hunter2-secret!]»"
                .replace("]»", "»]")
                .as_str(),
            "password=\"«[EMAIL:hunter2-secret!]»\"",
            "password=\"«[EMAIL_078051120]»\"",
        ]);
    }

    #[test]
    fn harmless_texts_about_secrets_are_left() {
        all(&[
            "api_key = os.environ[\"OPENAI_API_KEY\"]",
            "password = getpass.getpass('Password: ')",
            "Set OPENAI_API_KEY=<your-api-key> in .env",
            "password: ********",
            "The password must have at least 12 characters.",
            "How do I reset my password? The token limit is 4096.",
            "max_tokens=4096, token: gpt-4o-2024-08-06",
            "password: String, secret: Option<String>, token: &str",
            "password is case-sensitive and base64-encoded",
            "let password = config.db.password2;",
            "password=user_password, secret=client_secret_v2",
            "\"password\": \"string\", \"token\": \"hello1\"",
            "compass: north12 bypass=route66",
            "secretary: Ann1234, tokenizer: gpt2x1",
            "next_page_token=CiAKGjBpNDd2Nmp2Zml2cXRwb",
            "password: https://vault.example.org/x1",
            "PWD=/home/ada/x1",
            "type=\"password\" name=\"password\" placeholder=\"Enter 8 characters\"",
            "public_key=9f86d081884c7d659a2f",
            "secret = vld1q_u64(x)",
            "passphrase = &self.passphrase2",
            "DB_PASSWORD=${DB_PASSWORD:?required}",
            "<input name=\"password\" value=\"Enter password 1\"> the password value: 12 signs",
            "password::Hash1, my key is F12345 F1",
            "password=[GENERIC_SECRET], password=[EMAIL_1] password=[EMAIL:1234]",
            "password=[EMAIL:k1:00ff00ff00ff00ff00ff00ff00ff00ff]",
            "password \"field\" and [\"password\", \"token\"], password SHA-256, password version 2.0.1",
            "redact('password', 'token2'), [\"password\", \"confirm_password1\"]",
        ]);
    }
}
