//! Legal holds: what no retention takes away.

use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::catalog::Field;
use crate::error::Error;
use crate::event::Event;
use crate::facet::Facet;
use crate::key::KeyRing;
use crate::timestamp::Timestamp;

/// The longest name of a hold, in bytes.
const MAX_NAME: usize = 128;

/// Data that stays, whatever its retention says, until the hold is lifted.
///
/// A subject or a session is named as it stands in the log: where the policy keeps a digest, by the
/// pseudonym, which [`KeyRing::pseudonyms`] gives; [`Hold::person`] takes all of them.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Hold;
///
/// let hold = Hold::subject("matter 7", "u-1");
/// assert_eq!(hold.name(), "matter 7");
/// // Whom it is about is not shown.
/// assert!(!format!("{hold:?}").contains("u-1"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Hold {
    name: String,
    of: Of,
}

/// What is held.
#[derive(Clone, PartialEq, Eq)]
enum Of {
    Subject(String),
    Subjects(Vec<String>),
    Session(String),
    Between(Between),
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Between {
    since: i64,
    before: i64,
}

/// As one map: the name, and what is held under what it is. Flattened by serde this would be read and
/// written by way of a value of any type, at some 40 KiB of code.
impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        match &self.of {
            Of::Subject(id) => map.serialize_entry("subject", id)?,
            Of::Subjects(ids) => map.serialize_entry("subjects", ids)?,
            Of::Session(id) => map.serialize_entry("session", id)?,
            Of::Between(between) => map.serialize_entry("between", between)?,
        }
        map.end()
    }
}

/// The first member that says what is held counts; members that this version does not know are passed
/// over.
impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Hold;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("struct Hold")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hold, A::Error> {
                let (mut name, mut of) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" if name.is_some() => return Err(A::Error::duplicate_field("name")),
                        "name" => name = Some(map.next_value()?),
                        "subject" if of.is_none() => of = Some(Of::Subject(map.next_value()?)),
                        "subjects" if of.is_none() => of = Some(Of::Subjects(map.next_value()?)),
                        "session" if of.is_none() => of = Some(Of::Session(map.next_value()?)),
                        "between" if of.is_none() => of = Some(Of::Between(map.next_value()?)),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
                let of = of.ok_or_else(|| A::Error::custom("a hold says not what it holds"))?;
                Ok(Hold { name, of })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Hold {
    /// Returns the hold `name` on every event of a person: those whose `user_id` or `end_user_id` is
    /// `id`.
    pub fn subject(name: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            of: Of::Subject(id.into()),
        }
    }

    /// Returns the hold `name` on every event of a person, also where the log keeps pseudonyms: `id` is
    /// what the host calls the person. It holds `id` itself, and what stands for it under each of `keys`,
    /// without a tenant and in each of `tenants`. Name every tenant that the person has events in: the
    /// log does not tell them.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Hold, Key, KeyRing};
    ///
    /// let keys = KeyRing::new(Key::bytes("k2", &[2; 32])?).with_old(Key::bytes("k1", &[1; 32])?);
    /// let hold = Hold::person("matter 7", "ada@example.org", &keys, ["acme", "example"]);
    /// assert!(!format!("{hold:?}").contains("ada"));
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn person<'t>(
        name: impl Into<String>,
        id: &str,
        keys: &KeyRing,
        tenants: impl IntoIterator<Item = &'t str>,
    ) -> Self {
        let mut ids = vec![id.to_owned()];
        for tenant in std::iter::once(None).chain(tenants.into_iter().map(Some)) {
            for field in [Field::UserId, Field::EndUserId] {
                ids.extend(keys.pseudonyms(field, tenant, id));
            }
        }
        Self {
            name: name.into(),
            of: Of::Subjects(ids),
        }
    }

    /// Returns the hold `name` on every event whose `session_id` or `conversation_id` is `id`.
    pub fn session(name: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            of: Of::Session(id.into()),
        }
    }

    /// Returns the hold `name` on every event recorded from `since` on and before `before`.
    pub fn between(name: impl Into<String>, since: Timestamp, before: Timestamp) -> Self {
        Self {
            name: name.into(),
            of: Of::Between(Between {
                since: since.as_unix_micros(),
                before: before.as_unix_micros(),
            }),
        }
    }

    /// Returns the name by which it is lifted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns by what it holds, and not whom.
    pub(crate) const fn by(&self) -> &'static str {
        match &self.of {
            Of::Subject(_) | Of::Subjects(_) => "subject",
            Of::Session(_) => "session",
            Of::Between(_) => "time",
        }
    }

    /// # Errors
    ///
    /// When the name is empty or too long, or nothing can be held by it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = match &self.of {
            _ if self.name.is_empty() || self.name.len() > MAX_NAME => {
                "has no name, or one of more than 128 bytes"
            }
            Of::Subject(id) | Of::Session(id) if id.is_empty() => "names nobody",
            Of::Subjects(ids) if ids.iter().any(String::is_empty) => "names nobody",
            Of::Between(Between { since, before }) if since >= before => "ends before it begins",
            _ => return Ok(()),
        };
        Err(Error::configuration(format!(
            "hold `{}` {problem}",
            self.name
        )))
    }

    /// As [`Hold::check`], where the log has digests in the fields of the facets of which `is_digest` is
    /// true.
    ///
    /// # Errors
    ///
    /// As that, and when it names what cannot stand there: it would hold nothing.
    pub(crate) fn check_in(&self, is_digest: impl Fn(Facet) -> bool) -> Result<(), Error> {
        self.check()?;
        let (id, facet, remedy) = match &self.of {
            Of::Subject(id) => (
                id,
                Facet::User,
                "use `Hold::person`, or name the pseudonyms, one a hold,",
            ),
            Of::Session(id) => (id, Facet::Session, "name the pseudonyms, one a hold,"),
            Of::Subjects(_) | Of::Between(_) => return Ok(()),
        };
        if id.starts_with("h:") || !is_digest(facet) {
            return Ok(());
        }
        Err(Error::configuration(format!(
            "hold `{}` names a {} as the host does, and the policy keeps `{facet}` as digests, so it \
             would hold nothing; {remedy} which `KeyRing::pseudonyms` gives for each key and tenant",
            self.name,
            self.by()
        )))
    }

    fn holds(&self, event: &Event) -> bool {
        let is = |value: Option<&str>, id: &str| value == Some(id);
        match &self.of {
            Of::Subject(id) => is(event.user_id(), id) || is(event.end_user_id(), id),
            Of::Subjects(ids) => {
                let is_one = |value: &str| ids.iter().any(|id| id == value);
                event.user_id().is_some_and(is_one) || event.end_user_id().is_some_and(is_one)
            }
            Of::Session(id) => is(event.session_id(), id) || is(event.conversation_id(), id),
            Of::Between(Between { since, before }) => {
                (*since..*before).contains(&event.recorded_at().as_unix_micros())
            }
        }
    }

    /// Whether something recorded at `end` or before it may be held.
    fn may_hold(&self, end: Timestamp) -> bool {
        match &self.of {
            Of::Subject(_) | Of::Subjects(_) | Of::Session(_) => true,
            Of::Between(Between { since, .. }) => *since <= end.as_unix_micros(),
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("name", &self.name)
            .field("by", &self.by())
            .finish_non_exhaustive()
    }
}

/// The holds of a directory before and after a change.
pub(crate) type HoldsChange = (Vec<Hold>, Vec<Hold>);

/// The holds that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    list: Vec<Hold>,
    /// What is held could not be read: so everything is.
    all: bool,
}

impl Holds {
    pub(crate) const fn new(list: Vec<Hold>) -> Self {
        Self { list, all: false }
    }

    /// Returns the holds when nobody knows which there are.
    pub(crate) const fn all() -> Self {
        Self {
            list: Vec::new(),
            all: true,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty() && !self.all
    }

    pub(crate) fn holds(&self, event: &Event) -> bool {
        self.all || self.list.iter().any(|hold| hold.holds(event))
    }

    /// Returns whether something recorded before `end`, of which nothing else is known, may be held.
    pub(crate) fn may_hold(&self, end: Timestamp) -> bool {
        self.all || self.list.iter().any(|hold| hold.may_hold(end))
    }

    pub(crate) const fn is_all(&self) -> bool {
        self.all
    }

    /// Returns these and `others`.
    pub(crate) fn and(mut self, others: &[Hold]) -> Self {
        self.list.extend_from_slice(others);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_one_map_with_what_is_held_under_what_it_is() {
        let between = |from, to| {
            let at = Timestamp::from_unix_micros;
            Hold::between("m", at(from), at(to))
        };
        let persons = Hold {
            name: "m".to_owned(),
            of: Of::Subjects(vec!["a".to_owned(), "b".to_owned()]),
        };
        for (hold, json) in [
            (Hold::subject("m", "u"), r#"{"name":"m","subject":"u"}"#),
            (persons, r#"{"name":"m","subjects":["a","b"]}"#),
            (Hold::session("m", "s"), r#"{"name":"m","session":"s"}"#),
            (
                between(-1, 2),
                r#"{"name":"m","between":{"since":-1,"before":2}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&hold).unwrap(), json);
            assert!(serde_json::from_str::<Hold>(json).unwrap() == hold);
        }
    }

    #[test]
    fn the_first_thing_that_is_held_counts_and_what_is_unknown_is_passed_over() {
        let read = |json| serde_json::from_str::<Hold>(json);
        let hold = read(r#"{"new":[1],"session":"s","subject":7,"name":"m"}"#).unwrap();
        assert!(hold == Hold::session("m", "s"));
        for json in [
            r#"{"name":"m"}"#,
            r#"{"subject":"u"}"#,
            r#"{"name":"m","name":"m","subject":"u"}"#,
            r#"{"name":"m","subject":null}"#,
            r#"{"name":"m","between":{"since":1}}"#,
            r#"["m","u"]"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
