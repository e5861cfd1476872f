//! Values that are known before a text is searched: the host named them, or a text gave them away.

use memchr::{memchr_iter, memchr2_iter};

use super::bytes::in_word;
use super::data_type::DataType;

/// A value that is hidden wherever it stands by itself.
#[derive(Clone, Debug)]
pub(super) struct Known {
    value: String,
    pub(super) data_type: DataType,
    /// Offset of the byte that is looked for first, and the byte in both cases.
    rare: (usize, u8, u8),
}

/// Shorter values are part of too many words and numbers.
pub(crate) const MIN_KNOWN: usize = 4;

impl Known {
    /// Returns the value, or `None` when it is too short to be looked for.
    pub(super) fn new(value: &str, data_type: DataType) -> Option<Self> {
        let value = value.trim();
        if value.chars().count() < MIN_KNOWN {
            return None;
        }
        let bytes = value.bytes().enumerate();
        let (offset, byte) = bytes.min_by_key(|(_, byte)| commonness(*byte))?;
        Some(Self {
            value: value.to_owned(),
            data_type,
            rare: (offset, byte.to_ascii_lowercase(), byte.to_ascii_uppercase()),
        })
    }

    /// Calls `found` with each place where the value stands in `text`, not within a longer word;
    /// upper and lower case of ASCII are the same.
    pub(super) fn places(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let bytes = text.as_bytes();
        if self.value.len() > bytes.len() {
            return;
        }
        let (offset, lower, upper) = self.rare;
        let mut covered = 0;
        let mut at = |place: usize| {
            let Some(start) = place.checked_sub(offset) else {
                return;
            };
            let end = start + self.value.len();
            let stands = bytes
                .get(start..end)
                .is_some_and(|part| part.eq_ignore_ascii_case(self.value.as_bytes()));
            if stands && start >= covered && is_bounded(text, start, end) {
                covered = end;
                found(start, end);
            }
        };
        match lower == upper {
            true => memchr_iter(lower, bytes).for_each(&mut at),
            false => memchr2_iter(lower, upper, bytes).for_each(&mut at),
        }
    }
}

/// Returns whether no letter or digit stands on either side. Scripts without spaces have no words.
fn is_bounded(text: &str, start: usize, end: usize) -> bool {
    let next = text.get(end..).and_then(|rest| rest.chars().next());
    let previous = text.get(..start).and_then(|rest| rest.chars().next_back());
    // An escape such as `\n` before the value ends in a letter that is none.
    let previous = previous.filter(|c| !c.is_ascii() || in_word(text.as_bytes(), start));
    let joins = |c: char| c.is_alphanumeric() && !is_without_spaces(c);
    !previous.is_some_and(joins) && !next.is_some_and(joins)
}

/// Returns whether `character` is of a script that writes words without spaces: Han, kana, Thai.
const fn is_without_spaces(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Roughly how often a byte stands in text.
fn commonness(byte: u8) -> u8 {
    match byte {
        b'a' | b'e' | b'i' | b'n' | b'o' | b'r' | b's' | b't' | b' ' => 4,
        b'b' | b'f' | b'g' | b'k' | b'p' | b'v' | b'w' | b'y' => 2,
        b'j' | b'q' | b'x' | b'z' => 1,
        b'a'..=b'z' => 3,
        byte if byte.is_ascii_uppercase() => commonness(byte.to_ascii_lowercase()),
        byte if byte.is_ascii_digit() => 1,
        byte if byte.is_ascii() => 0,
        _ => 1,
    }
}

/// Returns what an identifier of a user says about the person: an address, or a name of two or more
/// words; with a name also as it would be written in text.
pub(crate) fn names_in(identifier: &str) -> Vec<(DataType, String)> {
    const MAX: usize = 128;
    let identifier = identifier.trim();
    if identifier.len() > MAX {
        return Vec::new();
    }
    if let Some((local, host)) = identifier.split_once('@') {
        let is_address = !local.is_empty() && host.contains('.') && !host.contains('@');
        let found = is_address.then(|| (DataType::Email, identifier.to_owned()));
        return found.into_iter().collect();
    }
    let words: Vec<_> = identifier.split([' ', '.', '_']).collect();
    let is_word = |word: &&str| {
        word.chars().count() >= 2
            && word
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '\'' | '-'))
    };
    if words.len() < 2 || !words.iter().all(is_word) {
        return Vec::new();
    }
    let spoken = words.join(" ");
    let mut found = vec![(DataType::Person, identifier.to_owned())];
    if spoken != identifier {
        found.push((DataType::Person, spoken));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(value: &str, text: &str) -> Vec<usize> {
        let mut places = Vec::new();
        let known = Known::new(value, DataType::Person).unwrap();
        known.places(text, |start, _| places.push(start));
        places
    }

    #[test]
    fn a_known_value_is_found_as_a_word_of_its_own_whatever_its_case() {
        let text = "Ada Lovelace, ADA LOVELACE; ada lovelaces (ada lovelace)";
        assert_eq!(places("Ada Lovelace", text), [0, 14, 43]);
        assert_eq!(places("Zoë Ö", "Zoë Ö, xZoë Ö, Zoë Öx, zoë Ö"), [0, 29]);
        assert_eq!(places("aaaa", "aaaa aaaaa"), [0]);
        assert!(Known::new("Ada", DataType::Person).is_none());
        assert!(Known::new("   Ada  ", DataType::Person).is_none());
    }

    #[test]
    fn identifiers_that_name_a_person_are_known_and_others_are_not() {
        let names = |id| {
            names_in(id)
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names("ada@example.org"), ["ada@example.org"]);
        assert_eq!(names("Ada Lovelace"), ["Ada Lovelace"]);
        assert_eq!(names("ada.lovelace"), ["ada.lovelace", "ada lovelace"]);
        for id in [
            "u-17", "admin", "4711", "team a", "svc.v2", "@", "a@b", "h:k1:abc",
        ] {
            assert_eq!(names(id), [""; 0], "{id}");
        }
    }
}
