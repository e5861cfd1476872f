//! Secrets known only by the name that they are assigned to, in nine languages.
//!
//! Names of passwords are believed more than those of keys, and these more than `token`: what a
//! value must look like goes by that, and by how it is assigned.

use std::ops::Range;

use super::described::{is_no_secret, is_wordy};
use super::value::{Assigned, Sign, assigned, may_assign, real_end};
use super::word::{PURPOSE_END, Word, Words, name_end};
use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, Mix, before, byte, distinct, is_random, run, run_back};
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
        Anchor::Between(&(ByteSet::ANY, "pwd", NAME_END)),
        Anchor::Between(&(ByteSet::ANY, "Pwd", NAME_END)),
        Anchor::Between(&(ByteSet::ANY, "PWD", NAME_END)),
        Anchor::Between(&(NO_LETTER, "pw:", ByteSet::ANY)),
        Anchor::Between(&(NO_LETTER, "pw=", ByteSet::ANY)),
        Anchor::Between(&(NO_LETTER, "pw is", ByteSet::ANY)),
        Anchor::Between(&(NO_LETTER, "PW:", ByteSet::ANY)),
        Anchor::Between(&(NO_LETTER, "PW=", ByteSet::ANY)),
        Anchor::Between(&(NO_LETTER, "mdp", NAME_END)),
        Anchor::Between(&(NO_LETTER, "MDP", NAME_END)),
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
        Anchor::Between(&(PURPOSE_END, "key", NAME_END)),
        Anchor::Between(&(PURPOSE_END, "Key", NAME_END)),
        Anchor::Between(&(PURPOSE_END, "KEY", NAME_END)),
        Anchor::Literal("eheimnis"),
        Anchor::Literal("chlüssel"),
        Anchor::Literal("clé "),
        Anchor::Literal("clef "),
        Anchor::Between(&(FIRST_OF_CLAVE, "lave ", ByteSet::ANY)),
        Anchor::Literal("hiave "),
        Anchor::Between(&(FIRST_OF_CLAVE, "have ", ByteSet::ANY)),
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
    let start = || run_back(text, word.start, &NAME, MAX_NAME);
    let assigned = assigned(text, end, || byte(text, start()) == Some(b'-'))?;
    let start = start();
    if before(text, start) == Some(b'[') && Mix::of(text.get(start..end)?).lower == 0 {
        // The placeholder of a value that was hidden: `[SLACK_TOKEN]: `.
        return None;
    }
    let own = behind_labels(text, &assigned.range);
    let value = text.get(own..assigned.range.end)?;
    let is_code = assigned.sign == Sign::Equals && !assigned.is_quoted;
    let name = Name {
        text: text.get(start..end)?,
        before: text.get(..start)?,
        is_tight: assigned.range.start == end + 1,
        assigned: &assigned,
    };
    let is_found =
        value.len() >= MIN_VALUE && is_secret(&name, value) && !is_no_secret(value, is_code);
    let Range { start, end } = assigned.range;
    // Brackets around a value are hidden together.
    let closes = is_code && byte(text, start) == Some(b'[') && byte(text, end) == Some(b']');
    is_found.then_some(start..end + usize::from(closes))
}

/// Returns where the value at `range` goes on behind the placeholders that it begins with: what
/// stands for a value is none, and what follows it may be one.
fn behind_labels(text: &[u8], range: &Range<usize>) -> usize {
    const BETWEEN: ByteSet = ByteSet::of(b" ,;/|&+-");
    let mut at = range.start;
    let mut next = Some(at);
    while let Some(end) = next.and_then(|next| label_end(text, next)) {
        at = end.min(range.end);
        next = Some(run(text, at, &BETWEEN, 4)).filter(|next| *next < range.end);
    }
    at
}

/// A name with what it is assigned.
struct Name<'a> {
    text: &'a [u8],
    /// The text before it.
    before: &'a [u8],
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
        _ if spaced || !name.is_command() => false,
        Sign::Equals if name.assigned.is_quoted => !names_itself(value) || mixed,
        Sign::Equals => mixed && !is_identifier(value) || is_number || name.is_setting(),
        Sign::Says => (mixed && !is_technical(value)) || is_number,
        Sign::Apart if name.assigned.is_quoted => {
            mixed && !is_technical(value) && !names_itself(value)
        }
        Sign::Apart => mixed && name.is_login() && !is_technical(value) && !is_identifier(value),
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
    let mixed = Mix::of(value).has_letters_and_digits();
    let drawn = || is_random(value) || value.len() >= 10 && !is_wordy(value);
    mixed && drawn() && !value.iter().any(u8::is_ascii_whitespace)
}

impl Name<'_> {
    /// Returns whether the name is that of a variable of the environment, or of a parameter in a
    /// query or a connection string, which have no quotes around their values.
    fn is_setting(&self) -> bool {
        let is_variable = Mix::of(self.text).lower == 0;
        let is_parameter = matches!(self.before, [.., b'?' | b'&' | b';']);
        self.is_tight && (is_variable || is_parameter)
    }

    /// Returns whether the name is none of SQL, or stands in a command of it with a value in quotes.
    fn is_command(&self) -> bool {
        const COMMANDS: &[&str] = &["alter", "create", "grant"];
        const OBJECTS: &[&str] = &["user", "role", "to"];
        if !matches!(self.text, [.., b' ', b'b' | b'B', b'y' | b'Y']) {
            return true;
        }
        let assigned = self.assigned;
        let near = self.near();
        let holds = |words: &[&str]| {
            near.split(|b| !b.is_ascii_alphanumeric())
                .any(|near| is_one_of(near, words))
        };
        assigned.sign == Sign::Apart && assigned.is_quoted && holds(COMMANDS) && holds(OBJECTS)
    }

    /// Returns whether a login stands before the name, as in `.netrc`: `login ada password …`.
    fn is_login(&self) -> bool {
        const LOGINS: &[&str] = &["login", "machine", "username"];
        const AND: &[&str] = &[
            "a", "and", "e", "en", "et", "o", "oder", "or", "ou", "und", "y",
        ];
        let mut words = self
            .near()
            .rsplit(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let mut user = words.next();
        let with = user == Some(b"with");
        if with {
            user = words.next();
        }
        let is_name = user.is_some_and(|word| !is_one_of(word, AND));
        let login = words.next().unwrap_or_default();
        let is_login = is_one_of(login, LOGINS) || with && login == b"user";
        is_name && is_login && self.text == b"password"
    }

    /// Returns the end of the text before the name.
    fn near(&self) -> &[u8] {
        const REACH: usize = 160;
        let from = self.before.len().saturating_sub(REACH);
        self.before.get(from..).unwrap_or_default()
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

/// Returns whether `text` is one of the words, in any case.
fn is_one_of(text: &[u8], words: &[&str]) -> bool {
    words
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
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
mod tests;
