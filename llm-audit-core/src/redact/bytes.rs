//! What matchers share: bounded runs, and the look of a secret.

use std::ops::Range;

pub(super) use super::byte_set::ByteSet;
use super::data_type::is_word_of_type;
use super::label::is_mark;

/// Returns the byte at `at`.
#[inline]
pub(super) fn byte(text: &[u8], at: usize) -> Option<u8> {
    text.get(at).copied()
}

/// Returns the byte before `at`.
#[inline]
pub(super) fn before(text: &[u8], at: usize) -> Option<u8> {
    byte(text, at.checked_sub(1)?)
}

/// Returns the end of the run of `set` that begins at `at`, at most `max` bytes on.
#[inline]
pub(super) fn run(text: &[u8], at: usize, set: &ByteSet, max: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.get(..max).unwrap_or(rest);
    let end = rest.iter().position(|byte| !set.contains(*byte));
    let length = end.unwrap_or(rest.len());
    steps::add(length);
    at + length
}

/// How many bytes matchers look at, for the test that a text costs a bounded number of looks at
/// each of its bytes.
pub(super) mod steps {
    #[cfg(test)]
    std::thread_local! {
        static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[cfg(test)]
    pub(in crate::redact) fn add(count: usize) {
        STEPS.set(STEPS.get() + count);
    }

    #[cfg(not(test))]
    #[inline]
    pub(in crate::redact) const fn add(_count: usize) {}

    /// Returns the steps of this thread since the last call.
    #[cfg(test)]
    pub(in crate::redact) fn take() -> usize {
        STEPS.take()
    }
}

/// Returns the start of the run of `set` that ends before `at`, at most `max` bytes back.
#[inline]
pub(super) fn run_back(text: &[u8], at: usize, set: &ByteSet, max: usize) -> usize {
    let head = text.get(..at).unwrap_or_default();
    let head = head.get(head.len().saturating_sub(max)..).unwrap_or(head);
    let start = head.iter().rposition(|byte| !set.contains(*byte));
    let length = start.map_or(head.len(), |start| head.len() - 1 - start);
    steps::add(length);
    at - length
}

/// Returns the length of the run of digits at `at`, or 24 or more where it is as long as that.
#[inline]
pub(super) fn digits(text: &[u8], at: usize) -> usize {
    let mut rest = text.get(at..).unwrap_or_default();
    let mut length = 0;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let others = !word::digits(u64::from_le_bytes(*word)) & word::HIGH;
        if others != 0 {
            return length + others.trailing_zeros() as usize / 8;
        }
        length += 8;
        if length >= 24 {
            return length;
        }
        rest = tail;
    }
    length + rest.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Eight bytes at a time, in an integer whose lowest byte is the first.
pub(super) mod word {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const LOW: u64 = ONES * 0x7f;
    /// The high bit of each byte.
    pub(in crate::redact) const HIGH: u64 = ONES * 0x80;

    /// Sets the high bit of every byte that is a digit; exact, no carry crosses a byte.
    #[inline]
    pub(in crate::redact) const fn digits(word: u64) -> u64 {
        let low = word & LOW;
        let from_0 = low + ONES * (0x80 - b'0' as u64);
        let past_9 = low + ONES * (0x80 - (b'9' + 1) as u64);
        from_0 & !past_9 & !word & HIGH
    }
}

/// Returns the run of hex digits around `at`, if it has at most four.
#[inline]
pub(super) fn hex_group(text: &[u8], at: usize) -> Option<Range<usize>> {
    const MAX: usize = 4;
    let end = run(text, at, &ByteSet::HEX, MAX + 1);
    if end - at > MAX {
        return None;
    }
    let start = run_back(text, at, &ByteSet::HEX, MAX + 1);
    (end - start <= MAX).then_some(start..end)
}

/// Returns whether a letter or digit stands before `at` that is not the end of an escape.
#[inline]
pub(super) fn in_word(text: &[u8], at: usize) -> bool {
    before(text, at).is_some_and(|byte| byte.is_ascii_alphanumeric()) && !behind_escape(text, at)
}

/// Returns whether `\n` and its like, `\u` with four digits, or `%` with two end at `at`.
#[inline]
pub(super) fn behind_escape(text: &[u8], at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    let sign = |back: usize| before(head, head.len().wrapping_sub(back));
    // Of most words none of these signs is near the end.
    (sign(1) == Some(b'\\') || sign(2) == Some(b'%') || sign(5) == Some(b'\\')) && is_escape(head)
}

fn is_escape(head: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(|b| ByteSet::HEX.contains(*b));
    match head {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', a, b] if hex(&[*a, *b]) => true,
        [.., b'\\', b'u', a, b, c, d] => hex(&[*a, *b, *c, *d]),
        _ => false,
    }
}

/// Returns where a word begins whose run of letters begins at `at`, behind the letters of an
/// escape whose backslash stands before `at`.
pub(super) fn after_escape(text: &[u8], at: usize) -> usize {
    if before(text, at) != Some(b'\\') {
        return at;
    }
    [1, 5]
        .into_iter()
        .map(|letters| at + letters)
        .find(|end| behind_escape(text, *end))
        .unwrap_or(at)
}

/// Returns whether `text` has `prefix` at `at`.
#[inline]
pub(super) fn has(text: &[u8], at: usize, prefix: &[u8]) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(prefix))
}

/// Returns whether the bytes before `at` are `word`, in any case.
pub(super) fn follows(text: &[u8], at: usize, word: &[u8]) -> bool {
    at.checked_sub(word.len())
        .and_then(|start| text.get(start..at))
        .is_some_and(|bytes| bytes.eq_ignore_ascii_case(word))
}

/// Returns where the value begins that is assigned to the name ending at `at`: `name=`, `name: "`,
/// `"name": \"`, `name => '`, `["name"] =`.
///
/// Quotes may carry backslashes, as in JSON inside JSON. Looks at most 24 bytes ahead.
pub(super) fn assigned(text: &[u8], at: usize) -> Option<usize> {
    const SPACE: ByteSet = ByteSet::of(b" \t");
    const CLOSE: ByteSet = ByteSet::of(b"\\\"'`])* \t");
    const OPEN: ByteSet = ByteSet::of(b"\\\"'`(* \t");
    let sign = run(text, at, &CLOSE, 10);
    let mut value = match byte(text, sign)? {
        b':' | b'=' => run(text, sign + 1, &ByteSet::of(b"=>"), 2),
        // In prose: `secret access key is …`.
        b'i' if sign > at && has(text, sign, b"is ") => sign + 3,
        _ => return None,
    };
    value = run(text, value, &SPACE, 4);
    Some(run(text, value, &OPEN, 8))
}

/// Returns whether `value` only stands for a value: `<token>`, `${TOKEN}`, `{{ token }}`,
/// `%s`, `[TOKEN]`, `xxxx`, `****`, `sk-...`, `your-key`. The closing bracket may be cut off.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let Some((first, rest)) = value.split_first() else {
        return true;
    };
    if rest.iter().all(|byte| byte == first) {
        return true;
    }
    match first {
        b'<' => return rest.ends_with(b">"),
        b'{' => return is_reference(rest, rest.ends_with(b"}")),
        b'[' => return is_label(rest),
        _ => {}
    }
    if matches!(first, b'$' | b'%')
        && rest
            .first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'{')
    {
        // `$TOKEN`, `%s`; a password such as `$9x…` or `$a1!…` goes on with other characters.
        let name = rest
            .iter()
            .all(|b| ByteSet::WORD.contains(*b) || matches!(b, b'{' | b'}' | b'%'));
        return name && !rest.iter().any(u8::is_ascii_digit);
    }
    let start = value.get(..4).unwrap_or(value);
    start.eq_ignore_ascii_case(b"your")
        || start.eq_ignore_ascii_case(b"xxxx")
        || (value.len() <= MAX_SHORTENED
            && value.windows(3).any(|window| window == b"...")
            && value
                .iter()
                .all(|b| ByteSet::BASE64URL.contains(*b) || *b == b'.'))
}

/// The longest value of which dots may stand for the rest: `sk-ant-api03-...`.
const MAX_SHORTENED: usize = 20;

/// Returns whether what stands in braces is the name or expression of a value: it has no signs, and
/// digits only behind words. Without its closing brace it has no digits.
pub(super) fn is_reference(inner: &[u8], is_closed: bool) -> bool {
    const NAME: ByteSet = ByteSet::WORD.and(b" .-:>?|$#'\"()[]{}");
    // A conversion of Python: `{password!r}`.
    let inner = inner.strip_suffix(b"}").unwrap_or(inner);
    let inner = match inner {
        [name @ .., b'!', b'r' | b's' | b'a'] => name,
        _ => inner,
    };
    let digits =
        |pair: &[u8]| matches!(pair, [a, b] if a.is_ascii_digit() && b.is_ascii_alphabetic());
    inner.iter().all(|b| NAME.contains(*b))
        && match is_closed {
            true => !inner.windows(2).any(digits),
            false => !inner.iter().any(u8::is_ascii_digit),
        }
}

/// Returns whether `[` and `label` are a placeholder: words, or what an operator writes, such as
/// `[EMAIL]`, `[EMAIL_1]`, `[CREDIT_CARD:1111]`, `[EMAIL]#2`.
fn is_label(label: &[u8]) -> bool {
    let close = label.iter().position(|b| *b == b']');
    let inner = label
        .get(..close.unwrap_or(label.len()))
        .unwrap_or_default();
    let tail = close.and_then(|at| label.get(at + 1..)).unwrap_or_default();
    let ends = match tail {
        [b'#', number @ ..] => number.iter().all(u8::is_ascii_digit),
        tail => tail.is_empty(),
    };
    let number = inner
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let numbered = match inner.split_at_checked(inner.len() - number) {
        Some((words @ [.., b'_'], _)) if number <= 2 => words,
        _ => inner,
    };
    let is_words = |inner: &[u8], set: &ByteSet| inner.iter().all(|b| set.contains(*b));
    let is_written =
        || std::str::from_utf8(inner).is_ok_and(|inner| is_mark(inner, is_word_of_type, |_| true));
    ends && (is_words(numbered, &ByteSet::UPPER.and(b"_"))
        || close.is_some() && is_words(inner, &ByteSet::ALPHA.and(b"_-. "))
        || is_written())
}

/// Counts of the kinds of character in a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix {
    pub(super) upper: usize,
    pub(super) lower: usize,
    pub(super) digits: usize,
}

impl Mix {
    pub(super) fn of(value: &[u8]) -> Self {
        let mut mix = Self::default();
        for byte in value {
            mix.upper += usize::from(byte.is_ascii_uppercase());
            mix.lower += usize::from(byte.is_ascii_lowercase());
            mix.digits += usize::from(byte.is_ascii_digit());
        }
        mix
    }

    pub(super) const fn has_letters_and_digits(self) -> bool {
        self.digits > 0 && self.upper + self.lower > 0
    }

    pub(super) const fn has_all(self) -> bool {
        self.digits > 0 && self.upper > 0 && self.lower > 0
    }
}

/// Returns how many different bytes there are in `value`.
pub(super) fn distinct(value: &[u8]) -> u32 {
    let seen = value.iter().fold([0_u64; 2], |[low, high], byte| {
        let bit = 1 << (byte & 63);
        if byte & 64 == 0 {
            [low | bit, high]
        } else {
            [low, high | bit]
        }
    });
    seen.iter().map(|bits| bits.count_ones()).sum()
}

/// Returns whether `value` looks drawn at random rather than written: no word of a sentence and no
/// name made of words has letters and digits mixed in one long part.
pub(super) fn is_random(value: &[u8]) -> bool {
    let mix = Mix::of(value);
    if !mix.has_letters_and_digits() || distinct(value) < 8 {
        return false;
    }
    let part = value
        .split(|byte| matches!(byte, b'-' | b'_' | b'.'))
        .any(|part| part.len() >= 16 && Mix::of(part).has_letters_and_digits());
    part || (value.len() >= 32 && mix.has_all() && mix.digits >= 2)
}

/// Returns `range` unless it is empty or what it holds is a placeholder.
pub(super) fn real(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let value = text.get(range.clone())?;
    (!is_placeholder(value)).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_from_values() {
        for text in [
            "",
            "<token>",
            "${TOKEN}",
            "$TOKEN",
            "{{ x }}",
            "%s",
            "[JWT]",
            "****",
            "xxxxxxxx",
            "sk-...",
            "your-key",
            "YOUR_KEY",
            "{name}",
            "{{secrets.DB_2}}",
            "{password!r}",
            "[EMAIL]",
            "[EMAIL_1]",
            "[EMAIL:k2:00ff00ff00ff00ff00ff00ff00ff00ff",
            "[CREDIT_CARD:1111]",
            "[EMAIL]#2",
            "[IP_ADDRESS",
            "[your key]",
            "[YOUR_KEY_1]",
            "[SECRET_12",
            "<your-key-1!>",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["$9xT!w", "hunter2", "aB3dE5", "%4fW"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_only_begins_as_a_placeholder_is_a_value() {
        for text in [
            "*7xQ!m2Zp#9",
            "{aB3!xK9q",
            "{aB3!xK9q}",
            "{aB3xK9q}",
            "{hunter2",
            "<aB3!xK9q",
            "[aB3!xK9q]",
            "[A7X9Q2Z]",
            "[EMAIL]x9Q!",
            "[NOTYPE:x9Q!",
            "[EMAIL:hunter2!]",
            "[EMAIL:k2:Zx9_-3",
            "[EMAIL:k2:hunter2!]",
            "[EMAIL_123456]",
            "[YOUR_KEY_123]",
            "[YOUR_KEY1]",
            "x9Q!...m2Zp",
            "x9Qm2Zpx9Qm2Zp...x9Qm2Zp",
        ] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_password_may_begin_as_a_placeholder() {
        for (text, expected) in [
            (
                "postgres://app:*7xQ!m2Zp@db/x",
                "postgres://app:[URL_CREDENTIALS]@db/x",
            ),
            ("password=\"{aB3!xK9q\"", "password=\"[GENERIC_SECRET]\""),
        ] {
            assert_eq!(
                crate::redact::Redactor::default().redact_str(text),
                expected
            );
        }
    }

    #[test]
    fn a_value_is_found_behind_every_way_to_assign() {
        for text in [
            "k=v",
            "k: v",
            "k = \"v",
            "k\": \"v",
            "k\\\": \\\"v",
            "k'] = 'v",
            "k => 'v",
            "k is v",
        ] {
            let at = assigned(text.as_bytes(), 1).unwrap();
            assert_eq!(&text[at..], "v", "{text}");
        }
        for text in ["k", "k v", "kk=v", "k isn't v"] {
            assert_eq!(assigned(text.as_bytes(), 1), None, "{text}");
        }
    }

    #[test]
    fn words_are_not_random() {
        for text in [
            "lighthouse-project-v2-main",
            "this-is-a-long-kebab-case-name-2",
            "aaaaaaaaaaaaaaaaaaaaaaaa1",
        ] {
            assert!(!is_random(text.as_bytes()), "{text}");
        }
        assert!(is_random(b"7f3kQ0zLm2xW9sT1bN"));
    }
}
