//! What is assigned to a name: where the value stands, in source code, configuration, command
//! lines, markup and prose, and whether it can be a secret at all.

use std::ops::Range;

use crate::redact::bytes::{ByteSet, before, byte, has, run, run_back, steps};

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
    /// A space or comma alone: `password 'x'`, `("PASSWORD", "x")`.
    Apart,
}

/// Words that say what a thing is, in nine languages, as they stand behind a name.
const SAYS: &[&str] = &[
    " is ",
    " was ",
    " war ",
    " era ",
    " était ",
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
pub(super) fn assigned(
    text: &[u8],
    at: usize,
    is_option: impl FnOnce() -> bool,
) -> Option<Assigned> {
    let (start, sign) = sign(text, at, is_option)?;
    value(text, start, sign)
}

/// Returns whether something can be assigned to the name that ends at `at`, by the byte behind it.
pub(super) fn may_assign(text: &[u8], at: usize) -> bool {
    const SIGNS: ByteSet = ByteSet::of(b"\\\"'`])* \t\r\n:=>-");
    byte(text, at).is_some_and(|b| b >= 0x80 || SIGNS.contains(b))
}

fn sign(text: &[u8], at: usize, is_option: impl FnOnce() -> bool) -> Option<(usize, Sign)> {
    if let Some(found) = near(text, at) {
        return Some(found);
    }
    if let Some(found) = beside(text, at) {
        return Some(found);
    }
    if byte(text, at) == Some(b' ') && is_option() {
        return Some((at + 1, Sign::Equals));
    }
    if let Some(start) = apart(text, at) {
        return Some((start, Sign::Apart));
    }
    if byte(text, at) != Some(b' ') {
        return None;
    }
    if let Some(start) = element(text, at) {
        return Some((start, Sign::Equals));
    }
    const CLAUSE: ByteSet = ByteSet::ALNUM.and(b" '.@-_()");
    let end = run(text, at, &CLAUSE, MAX_FAR);
    let clause = text.get(at..end)?;
    let colon = (byte(text, end) == Some(b':')).then_some(end - at);
    let says = (0..clause.len()).find(|at| {
        byte(clause, *at) == Some(b' ')
            && [
                &b" is "[..],
                b" lautet ",
                b" ist ",
                b" est ",
                b" es ",
                b" was ",
                b" war ",
                b" era ",
            ]
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

/// Returns where the value begins that only a space parts from the name, as in SQL and in a file of
/// logins, or a comma from the name in quotes: it is in quotes itself, or a word with numbers.
fn apart(text: &[u8], at: usize) -> Option<usize> {
    const WORD: ByteSet = ByteSet::ALNUM.and(b"!#$%&*+-./=?@^_~");
    let is_quote = |at| matches!(byte(text, at), Some(b'"' | b'\''));
    if byte(text, at) == Some(b' ') {
        let end = run(text, at + 1, &WORD, 64);
        let word = text.get(at + 1..end)?;
        let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
        return (is_quote(at + 1) || word.len() >= 8 && digits >= 2).then_some(at + 1);
    }
    let comma = (is_quote(at) && byte(text, at + 1) == Some(b',')).then_some(at + 1)?;
    let start = run(text, comma + 1, &ByteSet::of(b" "), 1);
    is_quote(start).then_some(start)
}

/// Returns where the text of an element begins whose name ends at `at`, behind its attributes.
fn element(text: &[u8], at: usize) -> Option<usize> {
    const NAME: ByteSet = ByteSet::WORD.and(b"-.:");
    const ATTRIBUTES: ByteSet = ByteSet::of(b"<>\n").inverted();
    let name = run_back(text, at, &NAME, 64);
    if before(text, name) != Some(b'<') {
        return None;
    }
    let close = run(text, at, &ATTRIBUTES, 256);
    (byte(text, close) == Some(b'>')).then_some(close + 1)
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
    let escapes = start - 1 - run_back(text, start - 1, &ByteSet::of(b"\\"), 8);
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
        let slashes = end - run_back(text, end, &ByteSet::of(b"\\"), 8);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(marked: &str) -> String {
        let text = marked.replace(['«', '»'], "");
        let at = 1 + text.find('k').unwrap();
        let is_option = text.starts_with("--");
        match assigned(text.as_bytes(), at, || is_option) {
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
        let range = assigned(text.as_bytes(), 1, || false).unwrap().range;
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
}
