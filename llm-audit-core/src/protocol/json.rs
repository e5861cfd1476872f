//! JSON that is read where it lies: a value is a slice of the text, and only what is asked for is decoded.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::document::{CUT_MARK, Document};
use crate::seal::{TAIL, head};

/// The character that the mark of what was cut stands for.
pub(crate) const CUT: char = '\u{fdd0}';

/// One JSON value within a text that is JSON, and whether the text was cut: only then is a mark of that what it
/// seems to be.
#[derive(Clone, Copy)]
pub(crate) struct Json<'a>(&'a str, bool);

/// Members of an object.
pub(crate) struct Top<'a>(Vec<(Box<str>, Json<'a>)>);

impl<'a> Top<'a> {
    /// Returns what is at the first of `paths` that leads somewhere.
    pub(crate) fn first(&self, paths: &[&str]) -> Option<Json<'a>> {
        paths.iter().find_map(|path| {
            let (name, rest) = match path.split_once('.') {
                Some((name, rest)) => (name, Some(rest)),
                None => (*path, None),
            };
            let (_, value) = self.0.iter().find(|(known, _)| **known == *name)?;
            let value = Some(*value).filter(|value| value.0 != "null")?;
            match rest {
                Some(rest) => value.at(rest),
                None => Some(value),
            }
        })
    }
}

impl<'a> Json<'a> {
    /// Returns the value that `text` is, if it is one.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let raw: &'a RawValue = serde_json::from_str(text).ok()?;
        Some(Self(raw.get(), false))
    }

    /// Returns the value that `text` is, which may lack something if `is_cut`.
    pub(crate) fn parse_cut(text: &'a str, is_cut: bool) -> Option<Self> {
        Some(Self(Self::parse(text)?.0, is_cut))
    }

    /// Returns the last member named `key`, as most servers do where it occurs twice.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        let [found] = self.pick([key]);
        found
    }

    /// Returns the last member of each name, in one walk.
    pub(crate) fn pick<const N: usize>(self, keys: [&str; N]) -> [Option<Self>; N] {
        let mut found = [None; N];
        if self.is_object() {
            self.members(|key, value| {
                let slots = found.iter_mut().zip(keys);
                if let Some((slot, _)) = slots.into_iter().find(|(_, name)| *name == key) {
                    *slot = Some(value);
                }
            });
        }
        found.map(|value| value.filter(|value| value.0 != "null"))
    }

    /// Returns what is at `path`: names with dots between them.
    pub(crate) fn at(self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self, Self::get)
    }

    /// Returns what is at the first of `paths` that leads somewhere.
    pub(crate) fn first(self, paths: &[&str]) -> Option<Self> {
        paths.iter().find_map(|path| self.at(path))
    }

    /// Returns the members that are `wanted`, the last of each name, in one walk over what may be large.
    pub(crate) fn top(self, wanted: impl Fn(&str) -> bool) -> Top<'a> {
        let mut members: Vec<(Box<str>, Self)> = Vec::new();
        self.members(|name, value| {
            if !wanted(name) {
                return;
            }
            members.retain(|(known, _)| **known != *name);
            members.push((name.into(), value));
        });
        Top(members)
    }

    /// Calls `look` with each member.
    pub(crate) fn members(self, mut look: impl FnMut(&str, Self)) {
        if self.is_object() {
            let mut reader = serde_json::Deserializer::from_str(self.0);
            let mut look = |key: &str, value: Self| look(key, Self(value.0, self.1));
            // The text was read as JSON before, so nothing can be wrong with it.
            reader.deserialize_map(Members(&mut look)).ok();
        }
    }

    /// Calls `look` with each element; a value that is no array is its own only element.
    pub(crate) fn each(self, mut look: impl FnMut(Self)) {
        if !self.is_array() {
            return look(self);
        }
        let mut reader = serde_json::Deserializer::from_str(self.0);
        // The text was read as JSON before, so nothing can be wrong with it.
        reader
            .deserialize_seq(Elements(&mut |element: Self| {
                let element = Self(element.0, self.1);
                if !element.is_cut_whole() {
                    look(element);
                }
            }))
            .ok();
    }

    /// Returns the text of a string. Halves of characters in it become the replacement character; of a text
    /// that was cut the end is not there, since it may be half a secret.
    pub(crate) fn str(self) -> Option<Cow<'a, str>> {
        let text = self.decoded()?;
        if !self.is_cut() {
            return Some(text);
        }
        let text = text.trim_end_matches(CUT);
        let most = text.len().saturating_sub(TAIL);
        Some(Cow::Owned(head(text, most).to_owned()))
    }

    /// Returns whether it lacks something, or something in it does.
    pub(crate) fn is_cut(self) -> bool {
        if !self.1 {
            return false;
        }
        let mut ends = self.0.match_indices(CUT_MARK);
        // Behind a backslash that is escaped it is text.
        ends.any(|(at, _)| {
            let before = self.0.get(..at).unwrap_or_default();
            (before.len() - before.trim_end_matches('\\').len()) % 2 == 0
        })
    }

    fn is_cut_whole(self) -> bool {
        self.1
            && self
                .0
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                == Some(CUT_MARK)
    }

    fn decoded(self) -> Option<Cow<'a, str>> {
        if !self.0.starts_with('"') {
            return None;
        }
        let plain = self.0.get(1..self.0.len() - 1)?;
        if !plain.contains('\\') {
            return Some(Cow::Borrowed(plain));
        }
        let mut reader = serde_json::Deserializer::from_str(self.0);
        reader.deserialize_bytes(Characters).ok().map(Cow::Owned)
    }

    pub(crate) fn u64(self) -> Option<u64> {
        let number = serde_json::from_str::<f64>(self.0).ok();
        let whole = || number.filter(|n| n.fract() == 0.0 && (0.0..=9e15).contains(n));
        // Some servers write `12.0`.
        self.0.parse().ok().or_else(|| whole().map(|n| n as u64))
    }

    pub(crate) fn f64(self) -> Option<f64> {
        serde_json::from_str(self.0).ok()
    }

    pub(crate) fn bool(self) -> Option<bool> {
        self.0.parse().ok()
    }

    pub(crate) fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Returns the JSON text as it came.
    pub(crate) const fn text(self) -> &'a str {
        self.0
    }

    /// Returns the JSON text without space between its tokens.
    pub(crate) fn compact(self) -> String {
        compact(self.0).unwrap_or_default()
    }
}

/// Shows the size, never the text.
impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

/// Returns `text` without space between its tokens, if it is JSON.
fn compact(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut document = Document::new(text.len());
    document.feed(text.as_bytes());
    let bytes = document.bytes();
    // Nothing but space and what is nested too deep is left out.
    Json::parse(std::str::from_utf8(bytes).ok()?).map(|json| json.text().to_owned())
}

struct Elements<'f, F>(&'f mut F);

impl<'a, F: FnMut(Json<'a>)> Visitor<'a> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(raw) = elements.next_element::<&'a RawValue>()? {
            self.0(Json(raw.get(), false));
        }
        Ok(())
    }
}

struct Members<'f, F>(&'f mut F);

impl<'a, F: FnMut(&str, Json<'a>)> Visitor<'a> for Members<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<Key<'a>>()? {
            let raw: &'a RawValue = members.next_value()?;
            self.0(&key.0, Json(raw.get(), false));
        }
        Ok(())
    }
}

/// A name that is copied only when it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'a> Visitor<'a> for Name {
            type Value = Key<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// A string as bytes: half a surrogate pair is no error there.
struct Characters;

impl Visitor<'_> for Characters {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json<'_> {
        Json::parse(text).unwrap()
    }

    #[test]
    fn values_are_found_where_they_lie() {
        let body = json(r#" {"a": {"b": [1, {"c": "x\ny"}]}, "n": null, "t": true, "f": 2.0} "#);
        let mut seen = Vec::new();
        body.at("a.b").unwrap().each(|element| {
            seen.push(element.text().to_owned());
        });
        assert_eq!(seen, ["1", r#"{"c": "x\ny"}"#]);
        assert_eq!(json(&seen[1]).get("c").unwrap().str().unwrap(), "x\ny");
        assert!(body.get("n").is_none() && body.get("absent").is_none());
        assert_eq!(body.get("t").unwrap().bool(), Some(true));
        assert_eq!(body.get("f").unwrap().u64(), Some(2));
        let [second, first] = body.pick(["f", "t"]);
        assert_eq!(
            (second.unwrap().text(), first.unwrap().text()),
            ("2.0", "true")
        );
    }

    #[test]
    fn half_a_character_is_replaced_and_deep_nesting_is_read() {
        assert_eq!(
            json(r#""\ud83d x""#).str().unwrap(),
            "\u{fffd}\u{fffd}\u{fffd} x"
        );
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(json(&deep).is_array());
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", json(r#""secret""#)), "Json(8 bytes)");
    }
}
