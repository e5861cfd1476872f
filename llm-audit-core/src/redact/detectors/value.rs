//! What is assigned to a name: where the value stands, in source code, configuration, command
//! lines, markup and prose, and whether it can be a secret at all.

use std::ops::Range;

use memchr::memmem;

use crate::redact::bytes::{
    ByteSet, Mix, before, byte, has, is_placeholder, is_reference, run, steps,
};

/// A value and what leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) range: Range<usize>,
    pub(super) sign: Sign,
    pub(super) is_quoted: bool,
}

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// `=`, `:`, the end of an opening tag, or the space behind an option of a command.
    Equals,
    /// A word such as `is`.
    Says,
    /// Other words, and then one of both.
    Far,
}

/// Words that say what a thing is, in nine languages, as they stand behind a name.
const SAYS: &[&str] = &[
    " is ",
    " was ",
    " is: ",
    " to ",
    " lautet ",
    " ist ",
    " lautet: ",
    " ist: ",
    " est ",
    " est : ",
    " es ",
    " es: ",
    " è ",
    " è: ",
    " é ",
    " é: ",
    " to jest ",
    " to: ",
    "は",
    "是",
    "为",
    "為",
];

/// What a value is judged by; see [`real_end`].
const MAX_VALUE: usize = 256;
/// Words of a clause between a name and what it is said to be.
const MAX_FAR: usize = 48;

/// Returns what is assigned to the name that ends at `at`.
pub(super) fn assigned(text: &[u8], at: usize, is_option: bool) -> Option<Assigned> {
    let (start, sign) = sign(text, at, is_option)?;
    value(text, start, sign)
}

/// Returns whether something can be assigned to the name that ends at `at`, by the byte behind it.
pub(super) fn may_assign(text: &[u8], at: usize) -> bool {
    const SIGNS: ByteSet = ByteSet::of(b"\\\"'`])* \t\r\n:=>-");
    byte(text, at).is_some_and(|b| b >= 0x80 || SIGNS.contains(b))
}

fn sign(text: &[u8], at: usize, is_option: bool) -> Option<(usize, Sign)> {
    if let Some(found) = near(text, at) {
        return Some(found);
    }
    if let Some(found) = beside(text, at) {
        return Some(found);
    }
    if is_option && matches!(byte(text, at), Some(b' ')) {
        return Some((at + 1, Sign::Equals));
    }
    if byte(text, at) != Some(b' ') {
        return None;
    }
    const CLAUSE: ByteSet = ByteSet::ALNUM.and(b" '.@-_()");
    let end = run(text, at, &CLAUSE, MAX_FAR);
    let clause = text.get(at..end)?;
    let colon = (byte(text, end) == Some(b':')).then_some(end - at);
    let says = (0..clause.len()).find(|at| {
        byte(clause, *at) == Some(b' ')
            && [&b" is "[..], b" lautet ", b" ist ", b" est ", b" es "]
                .iter()
                .any(|word| has(clause, *at, word))
    });
    // A new sentence is about something else.
    let far = says.or(colon).filter(|far| {
        let between = clause.get(..*far).unwrap_or_default();
        !between.windows(2).any(|pair| pair == b". ")
    })?;
    let (start, _) = near(text, at + far)?;
    Some((start, Sign::Far))
}

/// Returns where the value begins that stands in a member or attribute beside the name:
/// `name="password" value="…"`, `- name: DB_PASSWORD` and `value: …` in the next line.
fn beside(text: &[u8], at: usize) -> Option<(usize, Sign)> {
    const BETWEEN: ByteSet = ByteSet::of(b"\\\"', \t\r\n");
    const NAMES: &[&[u8]] = &[b"value", b"Value", b"content"];
    let name = run(text, at, &BETWEEN, 48);
    let between = text.get(at..name)?;
    let ends = between.iter().any(|b| matches!(b, b'"' | b'\'' | b'\n'));
    let length = NAMES.iter().find(|known| has(text, name, known))?.len();
    near(text, name + length).filter(|(_, sign)| ends && *sign == Sign::Equals)
}

/// Returns where a value begins whose sign stands at `at`, but for quotes and brackets.
fn near(text: &[u8], at: usize) -> Option<(usize, Sign)> {
    const CLOSE: ByteSet = ByteSet::of(b"\\\"'`])* \t");
    let sign = run(text, at, &CLOSE, 10);
    let assigns = match byte(text, sign) {
        // `::` is part of a path.
        Some(b':') if byte(text, sign + 1) == Some(b':') => return None,
        // `${PASSWORD:?is required}`: what a shell says when there is none.
        Some(b':') if byte(text, sign + 1) == Some(b'?') => return None,
        Some(b':' | b'=') => Some(run(text, sign + 1, &ByteSet::of(b"=>"), 2)),
        Some(b'>') if sign == at => Some(sign + 1),
        Some(b'-') if has(text, sign, b"-> ") => Some(sign + 3),
        _ => None,
    };
    if let Some(start) = assigns {
        return Some((start, Sign::Equals));
    }
    // A quote or bracket that closes the name may stand before the word.
    let word = at
        + text
            .get(at..sign)?
            .iter()
            .position(|b| *b == b' ')
            .unwrap_or(sign - at);
    // All but those of scripts without spaces begin with one, and few letters follow it.
    let begins = match byte(text, word)? {
        b' ' => matches!(
            byte(text, word + 1)?,
            b'e' | b'i' | b'l' | b't' | b'w' | 0xc3
        ),
        first => first >= 0x80,
    };
    if !begins {
        return None;
    }
    SAYS.iter()
        .find(|says| has(text, word, says.as_bytes()))
        .map(|says| (word + says.len(), Sign::Says))
}

/// Returns the value whose quotes, if it has some, begin at `at` or a few spaces on.
fn value(text: &[u8], at: usize, sign: Sign) -> Option<Assigned> {
    const OPEN: ByteSet = ByteSet::of(b"\\\"'`(*");
    // Markdown closes what it emphasises behind the sign.
    let at = if has(text, at, b"** ") { at + 2 } else { at };
    let at = run(text, at, &ByteSet::of(b" \t"), 4);
    // Prefixes of literals: `b"…"`, `@"…"`.
    let prefix = usize::from(
        matches!(byte(text, at), Some(b'b' | b'r' | b'u' | b'@' | b'f'))
            && matches!(byte(text, at + 1), Some(b'"' | b'\'')),
    );
    let start = run(text, at + prefix, &OPEN, 8);
    // An escaped line end is no part of the quote.
    let start = match (before(text, start), byte(text, start)) {
        (Some(b'\\'), Some(b'n' | b'r' | b't' | b'u')) => return None,
        _ => start,
    };
    let quoted = match before(text, start).filter(|_| start > at) {
        Some(quote @ (b'"' | b'\'' | b'`')) => quoted(text, start, quote, MAX_VALUE),
        _ => None,
    };
    let is_quoted = quoted.is_some();
    let end = quoted.unwrap_or_else(|| bare(text, start, MAX_VALUE));
    (end > start).then_some(Assigned {
        range: start..end,
        sign,
        is_quoted,
    })
}

/// Returns where the value of a secret really ends that was judged by its first [`MAX_VALUE`]
/// bytes.
pub(super) fn real_end(text: &[u8], range: &Range<usize>) -> usize {
    if range.len() < MAX_VALUE / 2 {
        return range.end;
    }
    let quote = before(text, range.start).filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    let unspaced = |end: &usize| {
        text.get(range.start..*end)
            .is_some_and(|value| !value.iter().any(u8::is_ascii_whitespace))
    };
    quote
        .and_then(|quote| quoted(text, range.start, quote, text.len()))
        .filter(unspaced)
        .unwrap_or_else(|| bare(text, range.start, text.len()))
        .max(range.end)
}

/// Returns where the value in quotes ends that begins at `start`.
fn quoted(text: &[u8], start: usize, quote: u8, max: usize) -> Option<usize> {
    let escapes =
        start - 1 - crate::redact::bytes::run_back(text, start - 1, &ByteSet::of(b"\\"), 8);
    let window = text.get(start..(start + max).min(text.len()))?;
    steps::add(window.len());
    for (offset, byte) in window.iter().enumerate() {
        let end = start + offset;
        if *byte == b'\n' {
            return None;
        }
        if *byte != quote {
            continue;
        }
        let slashes = end - crate::redact::bytes::run_back(text, end, &ByteSet::of(b"\\"), 8);
        // Inside quotes that are not escaped, a quote that is belongs to the value.
        if slashes <= escapes || escapes > 0 {
            return Some(end - slashes);
        }
    }
    None
}

/// Returns where the value without quotes ends that begins at `start`.
fn bare(text: &[u8], start: usize, max: usize) -> usize {
    let window = text.get(start..).unwrap_or_default();
    let window = window.get(..max).unwrap_or(window);
    let mut end = start;
    for (offset, byte) in window.iter().enumerate() {
        let at = start + offset;
        match byte {
            // Of the characters beyond ASCII, letters of scripts that have spaces between words.
            0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | 0x7f | 0xe0.. => break,
            b'\\' if ends_at_escape(text, at) => break,
            b',' | b';' | b'&' | b'|' if ends_at_separator(text, at) => break,
            _ => end = at + 1,
        }
    }
    steps::add(end - start);
    // The limit may stand inside a character.
    while matches!(byte(text, end), Some(0x80..=0xbf)) {
        end += 1;
    }
    while end > start
        && matches!(
            before(text, end),
            Some(b'.' | b',' | b';' | b':' | b'?' | b')' | b']' | b'}' | b'*' | b'\\')
        )
    {
        end -= 1;
    }
    end
}

fn ends_at_escape(text: &[u8], at: usize) -> bool {
    let sign = run(text, at, &ByteSet::of(b"\\"), 8);
    matches!(
        byte(text, sign),
        Some(b'n' | b'r' | b't' | b'u' | b'"' | b'\'')
    )
}

/// Returns whether the sign at `at` parts the value from what comes next: a space, the end, or
/// another name with its value.
fn ends_at_separator(text: &[u8], at: usize) -> bool {
    const NAME: ByteSet = ByteSet::WORD.and(b"-. ");
    let next = run(text, at + 1, &ByteSet::of(b"\"'"), 1);
    let name = run(text, next, &NAME, 40);
    byte(text, at + 1).is_none_or(|b| b.is_ascii_whitespace() || b == b'\\')
        || (name > next && matches!(byte(text, name), Some(b'=' | b':' | b'"' | b'\'')))
}

/// What stands where a value is described, not given.
const WORDS: &[&str] = &[
    "any",
    "bool",
    "boolean",
    "bytes",
    "char",
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
    "present",
    "redacted",
    "required",
    "secret",
    "secretstr",
    "secretstring",
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
    value.windows(3).any(|part| part == b"***") && shown <= (value.len() - shown).max(8)
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

    fn found(marked: &str) -> String {
        let text = marked.replace(['«', '»'], "");
        let at = 1 + text.find('k').unwrap();
        let is_option = text.starts_with("--");
        match assigned(text.as_bytes(), at, is_option) {
            Some(Assigned { range, .. }) => {
                format!(
                    "{}«{}»{}",
                    &text[..range.start],
                    &text[range.clone()],
                    &text[range.end..]
                )
            }
            None => text,
        }
    }

    #[test]
    fn a_value_is_read_up_to_where_it_ends() {
        for marked in [
            "k=«v1»",
            "k = «v1»;",
            "k: \"«v 1»\"",
            "k\": \"«v1»\",",
            "k\\\": \\\"«v1»\\\"}",
            "k\\\\\\\": \\\\\\\"«v1»\\\\\\\"}",
            "k='«v\"1»'",
            "k=\"«v\\\"1»\"",
            "k => `«v1»`",
            "k := «v1»",
            "k=«v1»&l=w",
            "k=«v1&w»",
            "k=«v1»;l=w",
            "k=«v,1», then",
            "k=«v1»,l=w",
            "k=«v1»\\nnext",
            "<k>«v1»</k>",
            "--k «v1» -x",
            "--k=«v1»",
            "k is «v1».",
            "k (x) is «v1»!",
            "**k:** «v1»",
            "k lautet «v1», ja",
            "kは«v1»です",
            "k: «müll1»",
            "k for the old db is «v1»",
            "k=b\"«v1»\"",
            "k -> «v1»",
            "k=«v1!»",
        ] {
            let expected = marked.replace("»!", "!»");
            assert_eq!(found(marked), expected);
        }
    }

    #[test]
    fn a_limit_inside_a_character_moves_behind_it() {
        let text = format!("k=ab1{}", "é".repeat(130));
        let range = assigned(text.as_bytes(), 1, false).unwrap().range;
        assert!(text.get(range).is_some());
    }

    #[test]
    fn what_is_not_assigned_is_not_read() {
        for text in [
            "k",
            "k v",
            "k::v",
            "k was. Then is v",
            "k=",
            "k: \\n v",
            "k, v=1",
        ] {
            assert_eq!(found(text), text);
        }
    }

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
