//! One setter for each field that a host may set, for everything that takes fields.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::catalog::Field;
use crate::event::Value;
use crate::raw::Scalar;
use crate::sorted::tree;

/// What takes fields. `accepts` is asked before a value is built or copied.
pub(crate) trait PutField {
    /// Returns whether anything is kept at all. Setters ask this first, and in place: most hosts
    /// that switch auditing off do so for good.
    fn is_on(&self) -> bool;

    /// Returns whether a value of `field` would be kept.
    fn accepts(&mut self, field: Field) -> bool;

    /// Puts `text` in `field`, in place of what was there.
    fn put_text(&mut self, field: Field, text: &str);

    /// Puts a value of one word in `field`, in place of what was there.
    fn put_scalar(&mut self, field: Field, scalar: Scalar) {
        self.put(field, scalar.value());
    }

    /// Puts `value` in `field`; lists of records and maps grow, other values are replaced.
    fn put(&mut self, field: Field, value: Value);

    /// Notes that a value of `field` was offered and could not be taken.
    fn put_failed(&mut self, field: Field);
}

/// Runs code of the host that auditing alone calls, such as an iterator that a setter was given. A
/// panic in it costs the value, not the host's call.
pub(crate) fn contained<T>(build: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(build)).ok()
}

/// Returns the text of `value`, or `None` when its `Display` fails or panics.
pub(crate) fn display_text<T: fmt::Display + ?Sized>(value: &T) -> Option<String> {
    contained(|| {
        let mut text = String::new();
        write!(text, "{value}").ok().map(|()| text)
    })
    .flatten()
}

/// Puts the pairs that could be written as JSON, and notes those that could not.
pub(crate) fn put_json_map(
    this: &mut impl PutField,
    field: Field,
    pairs: impl FnOnce() -> Vec<(String, Option<String>)>,
) {
    let Some(pairs) = contained(pairs) else {
        return this.put_failed(field);
    };
    let given = pairs.len();
    let pairs = pairs.into_iter();
    let map = tree(pairs.filter_map(|(key, text)| Some((key, text?))));
    if map.len() < given {
        this.put_failed(field);
    }
    this.put(field, Value::JsonMap(map));
}

/// Adds `value` to `present`: lists of records and maps grow, other values are replaced.
pub(crate) fn merge(present: &mut Value, value: Value) {
    match (present, value) {
        (Value::Counts(map), Value::Counts(more)) => map.extend(more),
        (Value::Documents(list), Value::Documents(more)) => list.extend(more),
        (Value::Evaluations(list), Value::Evaluations(more)) => list.extend(more),
        (Value::Guardrails(list), Value::Guardrails(more)) => list.extend(more),
        (Value::JsonMap(map), Value::JsonMap(more)) => map.extend(more),
        (Value::Links(list), Value::Links(more)) => list.extend(more),
        (Value::Media(list), Value::Media(more)) => list.extend(more),
        (Value::Messages(list), Value::Messages(more)) => list.extend(more),
        (Value::Numbers(map), Value::Numbers(more)) => map.extend(more),
        (Value::Parts(list), Value::Parts(more)) => list.extend(more),
        (Value::TextMap(map), Value::TextMap(more)) => map.extend(more),
        (Value::ToolDefinitions(list), Value::ToolDefinitions(more)) => list.extend(more),
        (present, value) => *present = value,
    }
}

/// Returns whether `present` grows with what is put beside it.
pub(crate) const fn grows(present: &Value) -> bool {
    matches!(
        present,
        Value::Counts(_)
            | Value::Documents(_)
            | Value::Evaluations(_)
            | Value::Guardrails(_)
            | Value::JsonMap(_)
            | Value::Links(_)
            | Value::Media(_)
            | Value::Messages(_)
            | Value::Numbers(_)
            | Value::Parts(_)
            | Value::TextMap(_)
            | Value::ToolDefinitions(_)
    )
}

/// Generates the setters of a type that implements [`PutField`]: `with_catalog!(setters Type
/// by_value)` for setters that take and return the type, `by_reference` for a mutable reference.
macro_rules! setters {
    ([$target:ident $mode:ident] $($who:ident $section:ident {
        $($variant:ident $name:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        /// One setter for each field that a host may set. Of a facet that is off, the value is
        /// neither built nor copied. Lists of records and maps grow with each call; other values
        /// are replaced.
        impl $target {
            $($($crate::put::setters!(@$mode $who $variant $name $type $doc);)+)+
        }
    };
    (@$mode:ident own $($rest:tt)*) => {};
    (@by_reference host $variant:ident $name:ident $type:ident $doc:literal) => {
        #[doc = concat!("Sets `", stringify!($name), "`: ", $doc)]
        #[inline]
        pub fn $name(&mut self, value: $crate::put::setters!(@argument $type)) -> &mut Self {
            use $crate::put::PutField as _;
            if self.is_on() && self.accepts($crate::Field::$variant) {
                $crate::put::setters!(@put $type self $crate::Field::$variant, value);
            }
            self
        }
    };
    (@by_value host $variant:ident $name:ident $type:ident $doc:literal) => {
        #[doc = concat!("Sets `", stringify!($name), "`: ", $doc)]
        #[must_use]
        pub fn $name(mut self, value: $crate::put::setters!(@argument $type)) -> Self {
            let this = &mut self;
            $crate::put::setters!(@put $type this $crate::Field::$variant, value);
            self
        }
    };
    (@argument Bool) => { bool };
    (@argument Counts) => { impl IntoIterator<Item = (impl Into<String>, u64)> };
    (@argument Documents) => { impl IntoIterator<Item = $crate::Document> };
    (@argument Evaluations) => { impl IntoIterator<Item = $crate::Evaluation> };
    (@argument Float) => { f64 };
    (@argument Guardrails) => { impl IntoIterator<Item = $crate::Guardrail> };
    (@argument Id) => { $crate::EventId };
    (@argument Int) => { u64 };
    (@argument Json) => { &(impl serde::Serialize + ?Sized) };
    (@argument JsonMap) => { impl IntoIterator<Item = (impl Into<String>, impl serde::Serialize)> };
    (@argument Links) => { impl IntoIterator<Item = $crate::Link> };
    (@argument Media) => { impl IntoIterator<Item = $crate::MediaItem> };
    (@argument Messages) => { impl IntoIterator<Item = $crate::Message> };
    (@argument Numbers) => { impl IntoIterator<Item = (impl Into<String>, f64)> };
    (@argument Parts) => { impl IntoIterator<Item = $crate::Part> };
    (@argument Text) => { impl AsRef<str> };
    (@argument TextMap) => {
        impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>
    };
    (@argument Texts) => { impl IntoIterator<Item = impl Into<String>> };
    (@argument Time) => { $crate::Timestamp };
    (@argument ToolDefinitions) => { impl IntoIterator<Item = $crate::ToolDefinition> };
    (@put Text $this:ident $field:expr, $value:ident) => {
        $crate::put::PutField::put_text(&mut *$this, $field, $value.as_ref())
    };
    (@put Bool $this:ident $field:expr, $value:ident) => {
        $crate::put::PutField::put_scalar(&mut *$this, $field, $crate::raw::Scalar::bool($value))
    };
    (@put Float $this:ident $field:expr, $value:ident) => {
        $crate::put::PutField::put_scalar(&mut *$this, $field, $crate::raw::Scalar::float($value))
    };
    (@put Int $this:ident $field:expr, $value:ident) => {
        $crate::put::PutField::put_scalar(&mut *$this, $field, $crate::raw::Scalar::int($crate::put::int($value)))
    };
    (@put Time $this:ident $field:expr, $value:ident) => {
        $crate::put::PutField::put_scalar(&mut *$this, $field, $crate::raw::Scalar::time($value))
    };
    (@put JsonMap $this:ident $field:expr, $value:ident) => {
        $crate::put::put_json_map(&mut *$this, $field, move || {
            let pairs = $value.into_iter();
            pairs
                .map(|(key, value)| (key.into(), $crate::event::json::try_json_text(&value)))
                .collect()
        })
    };
    (@put $type:ident $this:ident $field:expr, $value:ident) => {
        match $crate::put::setters!(@build $type $value) {
            Some(value) => $crate::put::PutField::put(&mut *$this, $field, value),
            None => $crate::put::PutField::put_failed(&mut *$this, $field),
        }
    };
    (@build Json $value:ident) => {
        $crate::event::json::try_json_text($value).map($crate::schema::Value::Json)
    };
    (@build Id $value:ident) => { Some($crate::schema::Value::Id($value)) };
    (@build $type:ident $value:ident) => {
        $crate::put::contained(move || {
            $crate::schema::Value::$type($crate::put::setters!(@convert $type $value))
        })
    };
    (@convert Counts $value:ident) => {
        $crate::sorted::tree(
            $value.into_iter().map(|(name, count)| (name.into(), $crate::put::int(count))),
        )
    };
    (@convert Numbers $value:ident) => {
        $crate::sorted::tree($value.into_iter().map(|(name, number)| (name.into(), number)))
    };
    (@convert TextMap $value:ident) => {
        $crate::sorted::tree($value.into_iter().map(|(key, value)| (key.into(), value.into())))
    };
    (@convert Texts $value:ident) => { $value.into_iter().map(Into::into).collect() };
    (@convert $records:ident $value:ident) => { $value.into_iter().collect() };
}

pub(crate) use setters;

/// Every engine has signed integers of 64 bits; not every one has unsigned ones.
pub(crate) const fn int(value: u64) -> u64 {
    if value > i64::MAX as u64 {
        i64::MAX as u64
    } else {
        value
    }
}
