//! Records: values with columns of their own.

use super::value::{Value, ValueRef};
use crate::catalog::FieldType;

/// One column of a [`Record`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Column {
    /// Name in JSONL and Parquet.
    pub name: &'static str,
    /// Type of the value.
    pub column_type: FieldType,
    /// What the column means.
    pub doc: &'static str,
}

impl Column {
    pub(crate) const fn new(name: &'static str, column_type: FieldType, doc: &'static str) -> Self {
        Self {
            name,
            column_type,
            doc,
        }
    }
}

/// A value with columns of its own, such as a message or a verdict. The records of this crate are
/// the only ones.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Guardrail, schema::Record};
///
/// let names: Vec<_> = Guardrail::COLUMNS.iter().map(|column| column.name).collect();
/// assert!(names.contains(&"verdict"));
/// ```
pub trait Record: Default + Sealed {
    /// Name of the record in documents and schemas.
    const NAME: &'static str;

    /// What the record is.
    const DOC: &'static str;

    /// The columns, in the order in which they are written.
    const COLUMNS: &'static [Column];

    /// Returns the value in column number `column`, or `None` when it is absent.
    fn get(&self, column: usize) -> Option<ValueRef<'_>>;

    /// Puts `value` in column number `column` and returns whether it fits there.
    #[doc(hidden)]
    fn put(&mut self, column: usize, value: Value) -> bool;

    /// Takes the value out of column number `column`.
    #[doc(hidden)]
    fn take(&mut self, column: usize) -> Option<Value>;

    /// Returns members that this version does not know, each with its JSON text.
    fn unknown(&self) -> &[(String, String)];

    /// Returns whether a value was given that could not be written as JSON, and forgets it.
    #[doc(hidden)]
    fn take_failed(&mut self) -> bool;

    #[doc(hidden)]
    fn unknown_mut(&mut self) -> &mut Vec<(String, String)>;
}

pub(crate) use sealed::Sealed;

mod sealed {
    /// A type that this crate makes a record of.
    #[expect(
        unnameable_types,
        reason = "what cannot be named cannot be implemented"
    )]
    pub trait Sealed {}
}

/// A record of any type: what goes over columns alone is in a program once, not once for each type.
pub(crate) trait AnyRecord {
    fn columns(&self) -> &'static [Column];

    fn column(&self, column: usize) -> Option<ValueRef<'_>>;

    fn put_column(&mut self, column: usize, value: Value) -> bool;

    fn others_mut(&mut self) -> &mut Vec<(String, String)>;
}

impl<R: Record> AnyRecord for R {
    fn columns(&self) -> &'static [Column] {
        R::COLUMNS
    }

    fn column(&self, column: usize) -> Option<ValueRef<'_>> {
        self.get(column)
    }

    fn put_column(&mut self, column: usize, value: Value) -> bool {
        self.put(column, value)
    }

    fn others_mut(&mut self) -> &mut Vec<(String, String)> {
        self.unknown_mut()
    }
}

/// Returns the name that a raw identifier such as `r#type` stands for.
pub(crate) const fn column_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// Declares a record: a struct of optional columns with chained setters.
macro_rules! record {
    (@type Text) => { String };
    (@type Texts) => { Vec<String> };
    (@type Int) => { u64 };
    (@type Float) => { f64 };
    (@type Bool) => { bool };
    (@type Json) => { String };
    (@type Parts) => { Vec<Part> };
    (@take Text $value:ident) => { $value.into() };
    (@take Texts $value:ident) => { $value.into_iter().map(Into::into).collect() };
    (@take Int $value:ident) => { $value };
    (@take Float $value:ident) => { $value };
    (@take Bool $value:ident) => { $value };
    (@take Parts $value:ident) => { $value.into_iter().collect() };
    (@set Json $this:ident $value:ident) => {{
        let text = crate::event::json::try_json_text($value);
        $this.failed |= text.is_none();
        text
    }};
    (@set $type:ident $this:ident $value:ident) => { Some(record!(@take $type $value)) };
    (@argument Text) => { impl Into<String> };
    (@argument Texts) => { impl IntoIterator<Item = impl Into<String>> };
    (@argument Int) => { u64 };
    (@argument Float) => { f64 };
    (@argument Bool) => { bool };
    (@argument Json) => { &(impl serde::Serialize + ?Sized) };
    (@argument Parts) => { impl IntoIterator<Item = Part> };
    (@borrow Text $value:ident) => { ValueRef::Text($value) };
    (@borrow Texts $value:ident) => { ValueRef::Texts($value) };
    (@borrow Int $value:ident) => { ValueRef::Int(*$value) };
    (@borrow Float $value:ident) => { ValueRef::Float(*$value) };
    (@borrow Bool $value:ident) => { ValueRef::Bool(*$value) };
    (@borrow Json $value:ident) => { ValueRef::Json($value) };
    (@borrow Parts $value:ident) => { ValueRef::Parts($value) };
    (#[doc = $doc:literal] $record:ident { $($name:ident: $type:ident $column_doc:literal;)+ }) => {
        #[doc = $doc]
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $record {
            $(#[doc = $column_doc] pub $name: Option<record!(@type $type)>,)+
            unknown: Vec<(String, String)>,
            /// Whether a value could not be written as JSON; asked once, by the sealer.
            failed: bool,
        }

        impl $record {
            $(
                #[doc = concat!("Returns the record with `", stringify!($name), "`: ", $column_doc)]
                #[must_use]
                pub fn $name(mut self, value: record!(@argument $type)) -> Self {
                    let this = &mut self;
                    this.$name = record!(@set $type this value);
                    self
                }
            )+
        }

        impl crate::event::record::Sealed for $record {}

        impl Record for $record {
            const NAME: &'static str = stringify!($record);

            const DOC: &'static str = $doc.trim_ascii();

            const COLUMNS: &'static [Column] = &[
                $(Column::new(column_name(stringify!($name)), FieldType::$type, $column_doc),)+
            ];

            fn get(&self, column: usize) -> Option<ValueRef<'_>> {
                let mut number = 0..;
                $(
                    if number.next() == Some(column) {
                        return self.$name.as_ref().map(|value| record!(@borrow $type value));
                    }
                )+
                None
            }

            fn put(&mut self, column: usize, value: Value) -> bool {
                let mut number = 0..;
                $(
                    if number.next() == Some(column) {
                        if let Value::$type(value) = value {
                            self.$name = Some(value);
                            return true;
                        }
                        return false;
                    }
                )+
                false
            }

            fn take(&mut self, column: usize) -> Option<Value> {
                let mut number = 0..;
                $(
                    if number.next() == Some(column) {
                        return self.$name.take().map(Value::$type);
                    }
                )+
                None
            }

            fn unknown(&self) -> &[(String, String)] {
                &self.unknown
            }

            fn unknown_mut(&mut self) -> &mut Vec<(String, String)> {
                &mut self.unknown
            }

            fn take_failed(&mut self) -> bool {
                std::mem::take(&mut self.failed)
            }
        }

        /// Shows which columns are present, never what they hold.
        impl std::fmt::Debug for $record {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let present = Self::COLUMNS.iter().enumerate();
                let names = present.filter(|(number, _)| self.get(*number).is_some());
                f.write_str(concat!(stringify!($record), " "))?;
                f.debug_set().entries(names.map(|(_, column)| column.name)).finish()
            }
        }
    };
}

pub(crate) use record;
