//! What stands in the place of a secret without being one: a description, a mask, a template, an
//! expression.

use memchr::memmem;

use crate::redact::bytes::{ByteSet, Mix, before, byte, has, is_placeholder, is_reference, run};

/// What stands where a value is described, not given.
const WORDS: &[&str] = &[
    "any",
    "bool",
    "boolean",
    "bytes",
    "char",
    "contrasena",
    "correct",
    "default",
    "disabled",
    "empty",
    "enabled",
    "expired",
    "false",
    "field",
    "hidden",
    "incorrect",
    "input",
    "integer",
    "invalid",
    "kennwort",
    "missing",
    "nil",
    "no",
    "none",
    "null",
    "number",
    "object",
    "optional",
    "option",
    "password",
    "passwort",
    "present",
    "redacted",
    "required",
    "secret",
    "secretstr",
    "secretstring",
    "senha",
    "string",
    "text",
    "token",
    "true",
    "type",
    "undefined",
    "unknown",
    "valid",
    "varchar",
    "void",
    "wachtwoord",
    "wrong",
    "yes",
];

/// Returns whether `value` is no secret, whatever its name: a placeholder, a mask, a type, a truth
/// value, an address, a path, or in code an expression that yields a value elsewhere.
pub(super) fn is_no_secret(value: &[u8], is_code: bool) -> bool {
    is_placeholder(value)
        || is_word(value)
        || !value.is_ascii() && memmem::find(value, "•".as_bytes()).is_some()
        || is_masked(value)
        || has_template(value)
        || is_address(value)
        || is_path(value.strip_prefix(b".").unwrap_or(value))
        || value.starts_with(b"env:")
        || is_constant(value)
        || (is_code && is_expression(value))
}

fn is_word(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_alphabetic)
        && WORDS
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// Returns whether `value` begins with a scheme and `://`.
fn is_address(value: &[u8]) -> bool {
    const SCHEME: ByteSet = ByteSet::ALNUM.and(b"+-.:");
    let end = run(value, 0, &SCHEME, 32);
    before(value, end) == Some(b':') && has(value, end, b"//")
}

/// Returns whether asterisks hide most of `value`.
fn is_masked(value: &[u8]) -> bool {
    let shown = value.iter().filter(|b| **b != b'*').count();
    let hidden = value.len() - shown;
    hidden >= 3 && shown <= hidden.max(8) && value.windows(3).any(|part| part == b"***")
}

/// Returns whether a part of `value` is filled in elsewhere: `${X}`, `#{x}`, `{{ x }}`, `%(x)s`.
fn has_template(value: &[u8]) -> bool {
    if !value.iter().any(|b| matches!(b, b'{' | b'(')) {
        return false;
    }
    [(b"${", b'}'), (b"#{", b'}'), (b"{{", b'}'), (b"%(", b')')]
        .iter()
        .filter_map(|(open, close)| {
            let at = value.windows(2).position(|pair| pair == *open)? + 2;
            Some((value.get(at..)?, close))
        })
        .any(|(rest, close)| {
            let end = rest.iter().position(|b| b == close);
            let inner = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            is_reference(inner, end.is_some())
        })
}

/// Returns whether `value` is a path from the root: all of it is written, or the first of its
/// names is a word.
fn is_path(value: &[u8]) -> bool {
    const NAME: ByteSet = ByteSet::WORD.and(b"-.~");
    let Some(rest) = value.strip_prefix(b"/") else {
        return false;
    };
    let mut names = rest.split(|b| *b == b'/');
    let written = |name: &[u8]| name.iter().all(|b| NAME.contains(*b)) && is_wordy(name);
    let word = run(rest, 0, &ByteSet::of(b"abcdefghijklmnopqrstuvwxyz"), 32);
    word >= 2 && byte(rest, word) == Some(b'/') || names.all(written)
}

/// Returns whether `value` is a name such as `OPENAI_API_KEY`.
fn is_constant(value: &[u8]) -> bool {
    if !value.contains(&b'_') {
        return false;
    }
    let mix = Mix::of(value);
    mix.lower == 0
        && mix.digits * 4 < value.len()
        && value.iter().all(|b| ByteSet::WORD.contains(*b))
}

/// Returns whether `value` is read from elsewhere: a call, a look-up, a member, a type.
fn is_expression(value: &[u8]) -> bool {
    const PATH: ByteSet = ByteSet::WORD.and(b".:?!");
    let value = value.strip_prefix(b"&").unwrap_or(value);
    let end = run(value, 0, &PATH, usize::MAX);
    let path = value.get(..end).unwrap_or_default();
    if !path
        .first()
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
    {
        return false;
    }
    let is_name = |part: &[u8]| {
        !part.first().is_some_and(u8::is_ascii_digit)
            && (is_wordy(part) || Mix::of(part).lower == 0)
    };
    match byte(value, end) {
        Some(b'(' | b'[' | b'{' | b'<') => true,
        None => path.contains(&b'.') && path.split(|b| !ByteSet::WORD.contains(*b)).all(is_name),
        _ => false,
    }
}

/// Returns whether `value` is written rather than drawn: letters and digits, capitals and small
/// letters take turns as seldom as in words and in names made of words.
pub(super) fn is_wordy(value: &[u8]) -> bool {
    let turns = value
        .windows(2)
        .filter(|pair| {
            let [a, b] = *pair else { return false };
            a.is_ascii_digit() != b.is_ascii_digit()
                && (a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
                || a.is_ascii_lowercase() && b.is_ascii_uppercase()
        })
        .count();
    value.len() <= 3 || (turns + 1) * 3 <= value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_types_and_placeholders_are_no_secrets() {
        for text in [
            "os.environ[\"X\"]",
            "getpass.getpass('Password: ')",
            "String",
            "Option<String>",
            "process.env.KEY2",
            "config.db.password",
            "Some(password)",
            "env:KEY",
            "OPENAI_API_KEY",
            "/run/secrets/x1",
            "********",
            "<password>",
            "${X}",
            "false",
            "SecretString::new(x)",
            "self.token",
            "https://example.org/x1",
            "/home/ada/.ssh/id_9Xk2mQ7",
            "sk-***************x9Qm",
            "app-${X2}-aB3",
            "%(db_password)s",
        ] {
            assert!(is_no_secret(text.as_bytes(), true), "{text}");
        }
        for text in [
            "hunter2",
            "Qn0Za.3No8hL59",
            "aB3dE.xY12345abc42",
            "Tr0ub4dor9!",
            "correct-horse-4698",
            "/9Xk2mQ7bT4vRw8sYz1LnC5dGh3JfKp0",
            "aB3!x://Q9",
            "aB3***xK9qQ7!m",
            "9B3{{xK9q!",
            "9B3%(xK9q!",
            "aB3//x9Qm2Zp",
        ] {
            assert!(!is_no_secret(text.as_bytes(), true), "{text}");
        }
    }
}
