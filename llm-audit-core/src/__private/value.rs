//! Values that `#[audit]` captures, by the kind of their field.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::slot::kind;
use crate::audit::{Audit, AuditGuard};
use crate::event::json::to_json_text;
use crate::id::{EventId, WriterId};
use crate::put::int;
use crate::sorted::tree;
use crate::timestamp::Timestamp;
use crate::usage::Usage;

/// A value that has a text.
#[diagnostic::on_unimplemented(
    message = "`#[audit]` does not know the text of a value of type `{Self}`",
    label = "has no text of its own",
    note = "write `%expr` for the text of its `Display`, `?expr` for that of its `Debug`, or name \
            the part of it that is wanted, such as `prompt = request.text` or `output = out.text`"
)]
pub trait AuditValue {
    /// Returns the text, or `None` when there is nothing to capture.
    fn text(&self) -> Option<Cow<'_, str>>;
}

/// A value that is a count.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes an integer, not a value of type `{Self}`",
    label = "is no integer"
)]
pub trait AuditInt {
    /// Returns the count; a negative number is none.
    fn value(&self) -> Option<u64>;
}

/// A value that is a number.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes a number, not a value of type `{Self}`",
    label = "is no number"
)]
pub trait AuditFloat {
    /// Returns the number.
    fn value(&self) -> Option<f64>;
}

/// A value that is yes or no.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes a `bool`, not a value of type `{Self}`",
    label = "is no `bool`"
)]
pub trait AuditBool {
    /// Returns the value.
    fn value(&self) -> Option<bool>;
}

/// A value that is the identifier of an event.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes an `EventId`, not a value of type `{Self}`",
    label = "is no `EventId`"
)]
pub trait AuditId {
    /// Returns the identifier.
    fn value(&self) -> Option<EventId>;
}

/// A value that is a moment.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes a `Timestamp`, not a value of type `{Self}`",
    label = "is no `Timestamp`"
)]
pub trait AuditTime {
    /// Returns the moment.
    fn value(&self) -> Option<Timestamp>;
}

/// A value that is written as JSON.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes a value that serde can serialise, not one of type \
               `{Self}`",
    label = "does not implement `serde::Serialize`",
    note = "write `%expr` for the text of its `Display`, or `?expr` for that of its `Debug`"
)]
pub trait AuditJson {
    /// Returns the value as JSON text.
    fn value(&self) -> Option<String>;
}

/// A value that is a list of texts.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes a list of texts, not a value of type `{Self}`",
    label = "is no list of texts",
    note = "a string, and arrays, slices, vectors and sets of strings are lists of texts"
)]
pub trait AuditTexts {
    /// Returns the texts.
    fn value(&self) -> Option<Vec<String>>;
}

/// A value that is a list of records `R`.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes a list of `{R}`, not a value of type `{Self}`",
    label = "is no list of `{R}`",
    note = "arrays, slices and vectors are lists"
)]
pub trait AuditList<R> {
    /// Returns the records.
    fn list(&self) -> Option<Vec<R>>;
}

/// A value that holds values of kind `K`, written as `V`, by name.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[audit]` takes values by name, not a value of type `{Self}`",
    label = "has no values of kind `{K}` by name",
    note = "maps with keys that are texts, and arrays, slices and vectors of pairs, hold values by \
            name"
)]
pub trait AuditMap<K, V> {
    /// Returns the values by name.
    fn entries(&self) -> Option<BTreeMap<String, V>>;
}

/// A value that tells the tokens of a call.
#[diagnostic::on_unimplemented(
    message = "`usage` takes a `Usage`, not a value of type `{Self}`",
    label = "is no `Usage`",
    note = "there is a constructor for each way of counting: `Usage::openai(input, output)`, \
            `Usage::anthropic(input, output)`"
)]
pub trait AuditUsage {
    /// Returns the tokens.
    fn usage(&self) -> Option<Usage>;
}

/// A value that leads to a log.
#[diagnostic::on_unimplemented(
    message = "`auditor` takes the handle of a log, not a value of type `{Self}`",
    label = "is no `Audit`"
)]
pub trait Auditor {
    /// Returns the log.
    fn log(&self) -> Option<&Audit>;
}

/// A value whose text is that of its `Display`.
#[derive(Debug)]
pub struct Displayed<'v, T: ?Sized>(&'v T);

/// A value whose text is that of its `Debug`.
#[derive(Debug)]
pub struct Debugged<'v, T: ?Sized>(&'v T);

impl<'v, T: ?Sized> Displayed<'v, T> {
    /// Returns the wrapper of `value`.
    pub const fn new(value: &'v T) -> Self {
        Self(value)
    }
}

impl<T: fmt::Display + ?Sized> AuditValue for Displayed<'_, T> {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.0.to_string()))
    }
}

impl<'v, T: ?Sized> Debugged<'v, T> {
    /// Returns the wrapper of `value`.
    pub const fn new(value: &'v T) -> Self {
        Self(value)
    }
}

impl<T: fmt::Debug + ?Sized> AuditValue for Debugged<'_, T> {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(format!("{:?}", self.0)))
    }
}

impl<T: fmt::Display + ?Sized> Serialize for Displayed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

impl<T: fmt::Debug + ?Sized> Serialize for Debugged<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

macro_rules! texts_borrowed {
    ($($ty:ty)+) => {$(
        impl AuditValue for $ty {
            fn text(&self) -> Option<Cow<'_, str>> {
                Some(Cow::Borrowed(self))
            }
        }
    )+};
}

texts_borrowed!(str String Cow<'_, str>);

macro_rules! texts_displayed {
    ($($ty:ty)+) => {$(
        impl AuditValue for $ty {
            fn text(&self) -> Option<Cow<'_, str>> {
                Some(Cow::Owned(self.to_string()))
            }
        }
    )+};
}

texts_displayed!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char);
texts_displayed!(EventId WriterId Timestamp fmt::Arguments<'_>);

macro_rules! ints {
    ($($ty:ty)+) => {$(
        impl AuditInt for $ty {
            fn value(&self) -> Option<u64> {
                u64::try_from(*self).ok().map(int)
            }
        }

        impl AuditFloat for $ty {
            fn value(&self) -> Option<f64> {
                Some(*self as f64)
            }
        }
    )+};
}

ints!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl AuditFloat for f64 {
    fn value(&self) -> Option<f64> {
        Some(*self)
    }
}

impl AuditFloat for f32 {
    /// Returns the number that is written like this one, so that `0.7` stays `0.7`.
    fn value(&self) -> Option<f64> {
        self.to_string().parse().ok()
    }
}

impl AuditBool for bool {
    fn value(&self) -> Option<bool> {
        Some(*self)
    }
}

impl AuditId for EventId {
    fn value(&self) -> Option<EventId> {
        Some(*self)
    }
}

impl AuditTime for Timestamp {
    fn value(&self) -> Option<Timestamp> {
        Some(*self)
    }
}

impl AuditUsage for Usage {
    fn usage(&self) -> Option<Usage> {
        Some(*self)
    }
}

impl<T: Serialize + ?Sized> AuditJson for T {
    fn value(&self) -> Option<String> {
        Some(to_json_text(self))
    }
}

impl Auditor for Audit {
    fn log(&self) -> Option<&Audit> {
        Some(self)
    }
}

impl Auditor for AuditGuard {
    fn log(&self) -> Option<&Audit> {
        Some(self)
    }
}

/// Implements traits for what leads to a value that implements them, and for `Option`.
macro_rules! through {
    ($($trait:ident $method:ident($($out:tt)+);)+) => {$(
        through!(@all $trait $method [$($out)+] &T, &mut T, Box<T>, Rc<T>, Arc<T>);

        impl<T: $trait> $trait for Option<T> {
            fn $method(&self) -> Option<$($out)+> {
                self.as_ref().and_then(T::$method)
            }
        }
    )+};
    (@all $trait:ident $method:ident $out:tt $($ty:ty),+) => {
        $(through!(@one $trait $method $out $ty);)+
    };
    (@one $trait:ident $method:ident [$($out:tt)+] $ty:ty) => {
        impl<T: $trait + ?Sized> $trait for $ty {
            fn $method(&self) -> Option<$($out)+> {
                (**self).$method()
            }
        }
    };
}

through! {
    AuditBool value(bool);
    AuditFloat value(f64);
    AuditId value(EventId);
    AuditInt value(u64);
    AuditTexts value(Vec<String>);
    AuditTime value(Timestamp);
    AuditUsage usage(Usage);
    AuditValue text(Cow<'_, str>);
    Auditor log(&Audit);
}

fn texts<'t>(texts: impl IntoIterator<Item = &'t (impl AsRef<str> + 't)>) -> Option<Vec<String>> {
    Some(
        texts
            .into_iter()
            .map(|text| text.as_ref().to_owned())
            .collect(),
    )
}

impl AuditTexts for str {
    /// Returns the one text.
    fn value(&self) -> Option<Vec<String>> {
        Some(vec![self.to_owned()])
    }
}

impl AuditTexts for String {
    /// Returns the one text.
    fn value(&self) -> Option<Vec<String>> {
        Some(vec![self.clone()])
    }
}

impl<T: AsRef<str>> AuditTexts for [T] {
    fn value(&self) -> Option<Vec<String>> {
        texts(self)
    }
}

impl<T: AsRef<str>, const N: usize> AuditTexts for [T; N] {
    fn value(&self) -> Option<Vec<String>> {
        texts(self)
    }
}

impl<T: AsRef<str>> AuditTexts for Vec<T> {
    fn value(&self) -> Option<Vec<String>> {
        texts(self)
    }
}

impl<T: AsRef<str>> AuditTexts for BTreeSet<T> {
    fn value(&self) -> Option<Vec<String>> {
        texts(self)
    }
}

impl<T: AsRef<str>, S> AuditTexts for HashSet<T, S> {
    /// Returns the texts sorted, as a set has no order.
    fn value(&self) -> Option<Vec<String>> {
        let mut texts = texts(self)?;
        texts.sort_unstable();
        Some(texts)
    }
}

impl<R: Clone> AuditList<R> for [R] {
    fn list(&self) -> Option<Vec<R>> {
        Some(self.to_vec())
    }
}

impl<R: Clone, const N: usize> AuditList<R> for [R; N] {
    fn list(&self) -> Option<Vec<R>> {
        Some(self.to_vec())
    }
}

impl<R: Clone> AuditList<R> for Vec<R> {
    fn list(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<R, T: AuditList<R> + ?Sized> AuditList<R> for &T {
    fn list(&self) -> Option<Vec<R>> {
        (**self).list()
    }
}

impl<R, T: AuditList<R>> AuditList<R> for Option<T> {
    fn list(&self) -> Option<Vec<R>> {
        self.as_ref().and_then(T::list)
    }
}

/// A value within a map of kind `K`, written as `V`.
pub trait AuditEntry<K, V> {
    /// Returns the value, or `None` when there is nothing to capture.
    fn entry(&self) -> Option<V>;
}

impl<T: AuditFloat + ?Sized> AuditEntry<kind::Float, f64> for T {
    fn entry(&self) -> Option<f64> {
        self.value()
    }
}

impl<T: AuditInt + ?Sized> AuditEntry<kind::Int, u64> for T {
    fn entry(&self) -> Option<u64> {
        self.value()
    }
}

impl<T: Serialize + ?Sized> AuditEntry<kind::Json, String> for T {
    fn entry(&self) -> Option<String> {
        Some(to_json_text(self))
    }
}

impl<T: AuditValue + ?Sized> AuditEntry<kind::Text, String> for T {
    fn entry(&self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }
}

fn entries<'e, K, V, T: AuditEntry<K, V> + 'e>(
    entries: impl IntoIterator<Item = (&'e (impl AsRef<str> + 'e), &'e T)>,
) -> Option<BTreeMap<String, V>> {
    let entries = entries.into_iter();
    Some(tree(entries.filter_map(|(name, v)| {
        Some((name.as_ref().to_owned(), v.entry()?))
    })))
}

impl<K, V, N: AsRef<str>, T: AuditEntry<K, V>> AuditMap<K, V> for BTreeMap<N, T> {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        entries(self)
    }
}

impl<K, V, N: AsRef<str>, T: AuditEntry<K, V>, S> AuditMap<K, V> for HashMap<N, T, S> {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        entries(self)
    }
}

impl<K, V, N: AsRef<str>, T: AuditEntry<K, V>> AuditMap<K, V> for [(N, T)] {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        entries(self.iter().map(|(name, value)| (name, value)))
    }
}

impl<K, V, N: AsRef<str>, T: AuditEntry<K, V>, const L: usize> AuditMap<K, V> for [(N, T); L] {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        self.as_slice().entries()
    }
}

impl<K, V, N: AsRef<str>, T: AuditEntry<K, V>> AuditMap<K, V> for Vec<(N, T)> {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        self.as_slice().entries()
    }
}

impl<K, V, T: AuditMap<K, V> + ?Sized> AuditMap<K, V> for &T {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        (**self).entries()
    }
}

impl<K, V, T: AuditMap<K, V>> AuditMap<K, V> for Option<T> {
    fn entries(&self) -> Option<BTreeMap<String, V>> {
        self.as_ref().and_then(T::entries)
    }
}
