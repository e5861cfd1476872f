//! Redaction of JSON text (RFC 8259) that keeps it JSON.
//!
//! Strings are redacted one by one, each with the name of the member it belongs to as context; so
//! are the names of members, and long numbers, which become strings where they hold a value.
//! A string that is an object or an array itself is walked too, four levels down. All else is
//! copied as it stands. The walk keeps its own stack, as nesting may be deeper than the thread's.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;
use serde::de::IgnoredAny;

use super::failure::RedactError;
use super::json_text::{decoded, spaces, string_end, value_end};
use super::operator::Operator;
use super::path::{At, PathRule, Paths};
use super::place::Step;
use super::session::{Families, Session};
use super::sibling;

const MAX_NESTED_TEXTS: usize = 4;
/// Shorter numbers hold no value that a detector knows without the name of the member.
const MIN_NUMBER: usize = 8;
/// No longer literal is the name of a value: it is decoded for each value below it.
const MAX_NAME: usize = 512;

/// Returns the redacted text, or `None` when it needs no change; what is not JSON is redacted as
/// text.
pub(super) fn redact(
    session: &mut Session,
    text: &str,
    families: Families,
    name: Option<&str>,
) -> Result<Option<String>, RedactError> {
    let (redactor, facet) = session.redactor();
    let at = redactor.rules(facet).paths.root();
    value(session, text, families, name, &at, MAX_NESTED_TEXTS)
}

/// As [`redact`], of the member `key` of a map that is the document.
pub(super) fn redact_member(
    session: &mut Session,
    text: &str,
    families: Families,
    key: &str,
    is_json: bool,
) -> Result<Option<String>, RedactError> {
    let (redactor, facet) = session.redactor();
    let paths = &redactor.rules(facet).paths;
    let at = member_of_map(paths, key);
    if is_json || paths.rule(&at).is_some() || is_like_container(text) {
        let redacted = value(session, text, families, Some(key), &at, MAX_NESTED_TEXTS)?;
        // Of a text no more than the text is kept: it is no literal.
        return Ok(
            redacted.map(|new| match serde_json::from_str::<String>(&new) {
                Ok(plain) if !is_json && !text.starts_with('"') => plain,
                _ => new,
            }),
        );
    }
    session.leaf(text, families, Some(key))
}

/// Redacts a value that no rule by path is for: an object or array member by member, all else as text.
pub(super) fn walk(
    session: &mut Session,
    text: &str,
    families: Families,
    name: Option<&str>,
) -> Result<Option<String>, RedactError> {
    match is_like_container(text) {
        true => value(session, text, families, name, &At::new(), MAX_NESTED_TEXTS),
        false => session.leaf(text, families, name),
    }
}

/// Keeps the secrets of a value that is taken out.
pub(super) fn learn(
    session: &mut Session,
    text: &str,
    name: Option<&str>,
) -> Result<(), RedactError> {
    session.learn(&decoded_whole(text), name).map(drop)
}

/// Returns whether rules by path are to be applied to `text`, and cannot.
pub(super) fn is_beyond_paths(session: &Session, text: &str) -> bool {
    let (redactor, facet) = session.redactor();
    hides_below(session, text, &redactor.rules(facet).paths.root()) && !is_json(text)
}

/// Returns whether a rule may hide something in `text`, if it is JSON.
fn hides_below(session: &Session, text: &str, at: &At) -> bool {
    if at.is_empty() || session.is_recalling() || !may_begin_container(text) {
        return false;
    }
    let (redactor, facet) = session.redactor();
    redactor.rules(facet).paths.operators().next().is_some()
}

fn is_like_container(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Returns whether `text` begins as an object or array does; a placeholder does not.
fn may_begin_container(text: &str) -> bool {
    let text = text.trim_start();
    let Some(inner) = text.strip_prefix('[') else {
        return text.starts_with('{');
    };
    let first = inner.trim_start().bytes().next();
    first.is_none_or(|b| b.is_ascii_digit() || b"{[]\"-tfn".contains(&b))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Returns whether a rule takes out the member `key` of a map that is the document.
pub(super) fn drops(session: &Session, key: &str) -> bool {
    let (redactor, facet) = session.redactor();
    let paths = &redactor.rules(facet).paths;
    let at = member_of_map(paths, key);
    !session.is_recalling() && paths.rule(&at) == Some(&PathRule::Operate(Operator::Drop))
}

/// Returns where the member `key` of a map is that is the document: where the document is, if a rule
/// hides it as a whole and none is for the member.
fn member_of_map(paths: &Paths, key: &str) -> At {
    let root = paths.root();
    let at = paths.member_of(&root, key);
    match (paths.rule(&at), paths.rule(&root)) {
        (None, Some(PathRule::Operate(_))) => root,
        _ => at,
    }
}

fn value(
    session: &mut Session,
    text: &str,
    mut families: Families,
    name: Option<&str>,
    at: &At,
    nested: usize,
) -> Result<Option<String>, RedactError> {
    if let Some(rule) = rule(session, at) {
        match rule {
            PathRule::Allow => families = Families::SecretsOnly,
            PathRule::Operate(Operator::Drop) => {
                learn(session, text, name)?;
                session.count_dropped();
                return Ok(Some("null".to_owned()));
            }
            PathRule::Operate(operator) => {
                let whole = decoded_whole(text);
                let new = session.operated(&whole, name, is_like_container(text), &operator)?;
                return literal(&new).map(Some);
            }
        }
    }
    let may_be_json = text.trim_start().starts_with([
        '{', '[', '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]);
    if !may_be_json || !is_json(text) {
        if hides_below(session, text, at) {
            return Err(RedactError::NotJson);
        }
        return session.leaf(text, families, name);
    }
    Walk {
        session,
        text,
        families,
        nested,
        outer: name,
        open: Vec::new(),
        name: None,
        root: at,
        out: String::new(),
        copied: 0,
    }
    .run()
}

/// Returns the rule of a path for a value; none where only kept secrets are looked for.
fn rule(session: &Session, at: &At) -> Option<PathRule> {
    if at.is_empty() || session.is_recalling() {
        return None;
    }
    let (redactor, facet) = session.redactor();
    redactor.rules(facet).paths.rule(at).cloned()
}

struct Walk<'w> {
    session: &'w mut Session,
    text: &'w str,
    families: Families,
    nested: usize,
    outer: Option<&'w str>,
    open: Vec<Open>,
    /// The literal with the name of the member whose value is next.
    name: Option<Range<usize>>,
    /// Where the document is.
    root: &'w At,
    out: String,
    /// How far the text stands in `out`, or was replaced there.
    copied: usize,
}

/// An object or array that is open.
struct Open {
    is_object: bool,
    /// The literal with the name of the member that it is the value of.
    name: Option<Range<usize>>,
    /// The last literal in it that names another value.
    sibling: Option<Range<usize>>,
    /// Which detectors run on what is around it.
    families: Families,
    at: At,
    /// Where the last member or element ends that is kept.
    kept_to: Option<usize>,
}

impl Walk<'_> {
    fn run(mut self) -> Result<Option<String>, RedactError> {
        let mut expects_name = false;
        let mut at = 0;
        while let Some(byte) = self.text.as_bytes().get(at) {
            match byte {
                b'}' | b']' => {
                    at += 1;
                    if let Some(closed) = self.open.pop() {
                        self.name = closed.name;
                        self.families = closed.families;
                    }
                    self.leave(at);
                }
                b',' => {
                    expects_name = self.open.last().is_some_and(|open| open.is_object);
                    at += 1;
                }
                b'"' if expects_name => {
                    let end = string_end(self.text, at);
                    self.name = Some(at..end);
                    expects_name = false;
                    // A member that is taken out goes with its name.
                    let path = self.path();
                    if self.dropped(&path) {
                        let colon =
                            memchr(b':', self.rest(end)).map_or(end, |colon| end + colon + 1);
                        let start = colon + spaces(self.rest(colon));
                        at = self.drop(at, start..value_end(self.text, start))?;
                        expects_name = true;
                        continue;
                    }
                    self.session.down(Step::Member);
                    self.string(at..end, None, &At::new())?;
                    self.session.up();
                    at = end;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b':' => at += 1,
                first => {
                    let path = self.path();
                    self.find_name(at);
                    let in_array = self.open.last().is_some_and(|open| !open.is_object);
                    let is_open = matches!(first, b'{' | b'[');
                    if in_array && self.dropped(&path) {
                        at = self.drop(at, at..value_end(self.text, at))?;
                        continue;
                    }
                    let families = self.families;
                    self.enter();
                    let rule = rule(self.session, &path);
                    match rule {
                        Some(PathRule::Operate(operator)) => {
                            let end = value_end(self.text, at);
                            self.operate(at..end, &operator)?;
                            at = end;
                        }
                        _ => {
                            if rule.is_some() {
                                self.families = Families::SecretsOnly;
                            }
                            if is_open {
                                let is_object = *first == b'{';
                                self.open.push(Open {
                                    is_object,
                                    name: self.name.clone(),
                                    sibling: None,
                                    families,
                                    at: path,
                                    kept_to: None,
                                });
                                expects_name = is_object;
                                at += 1;
                                continue;
                            }
                            let end = value_end(self.text, at);
                            let name = self.name.clone();
                            match first {
                                b'"' => self.string(at..end, Some(name), &path)?,
                                b'-' | b'0'..=b'9' => self.number(at..end, name)?,
                                _ => {}
                            }
                            at = end;
                        }
                    }
                    self.families = families;
                    self.leave(at);
                }
            }
        }
        if self.copied == 0 {
            return Ok(None);
        }
        self.out
            .push_str(self.text.get(self.copied..).unwrap_or_default());
        Ok(Some(self.out))
    }

    /// Returns where the paths are for the value that is next.
    fn path(&self) -> At {
        let Some(open) = self.open.last() else {
            return self.root.clone();
        };
        if open.at.is_empty() {
            return At::new();
        }
        let (redactor, facet) = self.session.redactor();
        let paths = &redactor.rules(facet).paths;
        match &self.name {
            Some(name) if open.is_object => {
                let name = decoded(self.text.get(name.clone()).unwrap_or_default());
                paths.member_of(&open.at, &name)
            }
            _ => paths.element_of(&open.at),
        }
    }

    /// Takes the name of the value at `at` from what stands beside it, if there is one: a member
    /// `name` or the like, and in an array the option of a command before it.
    fn find_name(&mut self, at: usize) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let rest = self.text.get(at..).unwrap_or_default();
        let literal = rest.starts_with('"').then(|| at..string_end(self.text, at));
        if !open.is_object {
            let is_option = rest.starts_with("\"-");
            let content = literal.clone().and_then(|literal| self.text.get(literal));
            let is_next = content.is_some_and(sibling::is_long_option);
            let option = std::mem::replace(&mut open.sibling, literal.filter(|_| is_option));
            let outer = open.name.clone();
            let known = option.filter(|option| !is_next && self.knows(option));
            self.name = known.or(outer);
            return;
        }
        let own = self.name.clone().and_then(|name| self.text.get(name));
        let own = own.unwrap_or_default();
        let before = open.sibling.clone();
        if sibling::names(own) {
            // Where a `type` follows, the name counts that says what the value is.
            let is_kept = before.as_ref().is_some_and(|before| self.knows(before));
            if let Some(open) = self.open.last_mut().filter(|_| !is_kept) {
                open.sibling = literal.or(before);
            }
        } else if sibling::is_named(own) {
            let is_known = before.as_ref().is_some_and(|before| self.knows(before));
            // What opens here may be long.
            let is_leaf = !rest.starts_with(['{', '[']);
            let behind = (is_leaf && !is_known)
                .then(|| {
                    let end = value_end(self.text, at);
                    sibling::behind(self.text, end, |name| self.knows(name))
                })
                .flatten();
            let is_better = behind.as_ref().is_some_and(|behind| self.knows(behind));
            let named = match is_better {
                true => behind,
                false => before.or(behind),
            };
            self.name = named.or(self.name.take());
        }
    }

    /// Returns whether a detector knows the name that the literal at `range` is.
    fn knows(&self, range: &Range<usize>) -> bool {
        let name = self.name(Some(range.clone()));
        name.is_some_and(|name| self.session.knows(&name))
    }

    /// Goes into the value that is next.
    fn enter(&mut self) {
        match self.open.last() {
            Some(open) if open.is_object => self.session.down(Step::Member),
            Some(_) => self.session.down(Step::Each),
            None => {}
        }
    }

    /// Leaves a value that ends at `end`, and is kept.
    fn leave(&mut self, end: usize) {
        if let Some(open) = self.open.last_mut() {
            open.kept_to = Some(end);
            self.session.up();
        }
    }

    fn dropped(&self, path: &At) -> bool {
        rule(self.session, path) == Some(PathRule::Operate(Operator::Drop))
    }

    /// Takes out the member or element that begins at `start` and has `value`, with one comma, and
    /// returns where to go on.
    fn drop(&mut self, start: usize, value: Range<usize>) -> Result<usize, RedactError> {
        let end = value.end;
        let name = self.name(self.name.clone());
        let text = self.text.get(value).unwrap_or_default();
        self.enter();
        learn(self.session, text, name.as_deref())?;
        self.session.count_dropped();
        self.session.up();
        let kept_to = self.open.last().and_then(|open| open.kept_to);
        let (from, to) = match kept_to {
            Some(kept_to) => (kept_to, end),
            None => {
                let comma = end + spaces(self.rest(end));
                match self.text.as_bytes().get(comma) {
                    Some(b',') => (start, comma + 1 + spaces(self.rest(comma + 1))),
                    _ => (start, end),
                }
            }
        };
        let between = self.text.get(self.copied..from).unwrap_or_default();
        self.out.push_str(between);
        self.copied = to;
        Ok(to)
    }

    /// Writes what stands for the whole value at `range`.
    fn operate(&mut self, range: Range<usize>, operator: &Operator) -> Result<(), RedactError> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        if text == "null" {
            return Ok(());
        }
        let whole = decoded_whole(text);
        let name = self.name(self.name.clone());
        let is_container = is_like_container(text);
        let new = self
            .session
            .operated(&whole, name.as_deref(), is_container, operator)?;
        if new == *whole && text.starts_with('"') {
            return Ok(());
        }
        self.put(range, &new)
    }

    /// Redacts the string literal at `range`, quotes included; `name` is that of the member whose
    /// value it is, `None` for a name itself.
    fn string(
        &mut self,
        range: Range<usize>,
        name: Option<Option<Range<usize>>>,
        path: &At,
    ) -> Result<(), RedactError> {
        let literal = self.text.get(range.clone()).unwrap_or_default();
        let content = decoded(literal);
        let redacted = match name {
            Some(name) => {
                let name = self.name(name);
                let (name, families) = (name.as_deref(), self.families);
                let nested = is_like_container(&content);
                match self.nested.checked_sub(1).filter(|_| nested) {
                    None if hides_below(self.session, &content, path) => {
                        return Err(RedactError::NotJson);
                    }
                    Some(nested) => value(self.session, &content, families, name, path, nested)?,
                    None => self.session.leaf(&content, families, name)?,
                }
            }
            None => self.session.leaf(&content, self.families, None)?,
        };
        match redacted {
            Some(redacted) => self.put(range, &redacted),
            None => Ok(()),
        }
    }

    fn number(
        &mut self,
        range: Range<usize>,
        name: Option<Range<usize>>,
    ) -> Result<(), RedactError> {
        let literal = self.text.get(range.clone()).unwrap_or_default();
        let name = self.name(name);
        let is_whole = literal.bytes().all(|b| b.is_ascii_digit());
        let is_known = || is_whole && name.as_deref().is_some_and(|n| self.session.knows(n));
        let is_any = self.session.is_recalling() || self.session.looks_for_own();
        if literal.len() < MIN_NUMBER && !is_any && !is_known() {
            return Ok(());
        }
        match self.session.leaf(literal, self.families, name.as_deref())? {
            Some(redacted) => self.put(range, &redacted),
            None => Ok(()),
        }
    }

    /// Writes `content` as a string literal in the place of `range`.
    fn put(&mut self, range: Range<usize>, content: &str) -> Result<(), RedactError> {
        let between = self.text.get(self.copied..range.start).unwrap_or_default();
        self.out.push_str(between);
        self.out.push_str(&literal(content)?);
        self.copied = range.end;
        Ok(())
    }
}

impl<'w> Walk<'w> {
    fn name(&self, name: Option<Range<usize>>) -> Option<Cow<'w, str>> {
        match name {
            Some(name) if name.len() > MAX_NAME => None,
            Some(name) => self.text.get(name).map(decoded),
            None => self.outer.map(Cow::Borrowed),
        }
    }

    fn rest(&self, at: usize) -> &'w [u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }
}

/// Returns what a value stands for: a string's content, the JSON text of anything else.
fn decoded_whole(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    match trimmed.starts_with('"') && serde_json::from_str::<IgnoredAny>(trimmed).is_ok() {
        true => decoded(trimmed),
        false => Cow::Borrowed(trimmed),
    }
}

fn literal(content: &str) -> Result<String, RedactError> {
    serde_json::to_string(content).map_err(|_| RedactError::BadSpan("json"))
}
