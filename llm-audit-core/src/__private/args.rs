//! The arguments of a function, as one value.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// Arguments by name.
pub type Args = BTreeMap<&'static str, Arg>;

/// The value of an argument, as JSON.
pub struct Arg(Box<RawValue>);

impl Arg {
    /// Returns the JSON of `value`, or `null` when it has none.
    pub fn new<A: AuditArg + ?Sized>(value: &A) -> Self {
        value.arg()
    }
}

impl Serialize for Arg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Shows nothing of the value.
impl fmt::Debug for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arg(..)")
    }
}

/// An argument that `args` captures.
#[diagnostic::on_unimplemented(
    message = "`args` captures what serde can serialise, which an argument of type `{Self}` is not",
    label = "does not implement `serde::Serialize`",
    note = "leave the argument out with `skip(name)`, or capture the text of its `Display` with \
            `args(name = %name)`, that of its `Debug` with `args(name = ?name)`, or a part of it \
            with `args(name = name.part)`"
)]
pub trait AuditArg {
    /// Returns the argument as JSON.
    fn arg(&self) -> Arg;
}

impl<T: Serialize + ?Sized> AuditArg for T {
    fn arg(&self) -> Arg {
        Arg(to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}
