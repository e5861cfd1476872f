//! What a function returns instead of running when its call cannot be recorded.

use crate::error::Error;

/// What can say that a call did not take place.
#[diagnostic::on_unimplemented(
    message = "`fail_closed` needs a function that returns a `Result`, not a value of type `{Self}`",
    label = "is no `Result`",
    note = "a call that cannot be recorded does not take place, and its caller has to be told"
)]
pub trait Fallible {
    /// Why something failed.
    type Error;

    /// Returns that something failed.
    fn failed(error: Self::Error) -> Self;
}

impl<T, E> Fallible for Result<T, E> {
    type Error = E;

    fn failed(error: E) -> Self {
        Err(error)
    }
}

/// What can be made of the log's own error.
#[diagnostic::on_unimplemented(
    message = "with `fail_closed` the function returns an `llm_audit::Error` when its call cannot be \
               recorded, and a `{Self}` cannot be made of one",
    label = "does not implement `From<llm_audit::Error>`",
    note = "write `impl From<llm_audit::Error> for {Self}`, or return an error that can hold any \
            other, such as `Box<dyn std::error::Error>`"
)]
pub trait FromError {
    /// Returns what is made of `error`.
    fn from_error(error: Error) -> Self;
}

impl<E: From<Error>> FromError for E {
    fn from_error(error: Error) -> Self {
        error.into()
    }
}

/// Returns `error` as the function's own.
pub fn not_recorded<E: FromError>(error: Error) -> E {
    E::from_error(error)
}
