//! What kind of value a function returned, found out by method resolution.
//!
//! A call such as `(&Returned(&answer)).returned()` resolves to the trait that is implemented for
//! `Returned` itself where there is one, and else to that for `&Returned`. In a generic function
//! only the bounds that are written down count.

use std::convert::Infallible;
use std::fmt;

use super::call::Call;

/// The value that a function returned.
pub struct Returned<'r, T>(&'r T);

/// The value that a function returned, or that was within its `Ok`.
pub struct Present<'r, T>(&'r T);

/// The value that was within an `Err`.
pub struct Failure<'r, E>(&'r E);

impl<'r, T> Returned<'r, T> {
    /// Returns the wrapper of `value`.
    pub const fn new(value: &'r T) -> Self {
        Self(value)
    }
}

impl<'r, T> Present<'r, T> {
    /// Returns the wrapper of `value`.
    pub const fn new(value: &'r T) -> Self {
        Self(value)
    }
}

impl<'r, E> Failure<'r, E> {
    /// Returns the wrapper of `error`.
    pub const fn new(error: &'r E) -> Self {
        Self(error)
    }
}

/// Returned values that are a `Result`.
pub trait ReturnedResult {
    /// The value of an `Ok`.
    type Value;
    /// The value of an `Err`.
    type Error;

    /// Returns what was returned.
    fn returned(&self) -> Result<Self::Value, Self::Error>;
}

impl<'r, T, E> ReturnedResult for Returned<'r, Result<T, E>> {
    type Value = &'r T;
    type Error = &'r E;

    fn returned(&self) -> Result<&'r T, &'r E> {
        self.0.as_ref()
    }
}

/// Returned values of every other kind.
pub trait ReturnedValue {
    /// The value.
    type Value;

    /// Returns what was returned.
    fn returned(&self) -> Result<Self::Value, &'static Infallible>;
}

impl<'r, T> ReturnedValue for &Returned<'r, T> {
    type Value = &'r T;

    fn returned(&self) -> Result<&'r T, &'static Infallible> {
        Ok(self.0)
    }
}

/// Values that are an `Option`.
pub trait PresentOption {
    /// The value of a `Some`.
    type Value;

    /// Returns the value, if there is one.
    fn present(&self) -> Option<Self::Value>;
}

impl<'r, T> PresentOption for Present<'r, Option<T>> {
    type Value = &'r T;

    fn present(&self) -> Option<&'r T> {
        self.0.as_ref()
    }
}

/// Values of every other kind.
pub trait PresentValue {
    /// The value.
    type Value;

    /// Returns the value.
    fn present(&self) -> Option<Self::Value>;
}

impl<'r, T> PresentValue for &Present<'r, T> {
    type Value = &'r T;

    fn present(&self) -> Option<&'r T> {
        Some(self.0)
    }
}

/// Errors that have a text.
pub trait FailWithText {
    /// Says that an item of `call`'s stream is the error.
    fn failed(&self, call: &mut Call);

    /// Records that `call` failed, with the type and the text of the error.
    fn fail(&self, call: Call);
}

impl<E: fmt::Display> FailWithText for Failure<'_, E> {
    fn failed(&self, call: &mut Call) {
        call.failed(self.0);
    }

    fn fail(&self, call: Call) {
        call.fail(self.0);
    }
}

/// Errors that have none.
pub trait FailWithType {
    /// Says that an item of `call`'s stream is the error.
    fn failed(&self, call: &mut Call);

    /// Records that `call` failed, with the type of the error.
    fn fail(&self, call: Call);
}

impl<E> FailWithType for &Failure<'_, E> {
    fn failed(&self, call: &mut Call) {
        call.failed_as::<E>();
    }

    fn fail(&self, call: Call) {
        call.fail_as::<E>();
    }
}

impl<T> fmt::Debug for Returned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Returned(..)")
    }
}

impl<T> fmt::Debug for Present<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Present(..)")
    }
}

impl<E> fmt::Debug for Failure<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failure(..)")
    }
}
