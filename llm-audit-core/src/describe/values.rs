//! Requests and answers that are plain values, or lead to what they are.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{AuditInput, AuditOutput, RequestRecorder, ResponseRecorder};
use crate::__private::{AuditValue, Debugged, Displayed};
use crate::facet::Facet;
use crate::id::{EventId, WriterId};
use crate::timestamp::Timestamp;

/// Implements both traits for values that are a text, which is not made where it is not captured.
macro_rules! texts {
    ($([$($generics:tt)*] $ty:ty;)+) => {$(
        impl $($generics)* AuditInput for $ty {
            fn describe(&self, request: &mut RequestRecorder<'_>) {
                if request.allows(Facet::Prompt)
                    && let Some(text) = self.text()
                {
                    request.user(text);
                }
            }
        }

        impl $($generics)* AuditOutput for $ty {
            fn describe(&self, response: &mut ResponseRecorder<'_>) {
                if response.allows(Facet::Response)
                    && let Some(text) = self.text()
                {
                    response.text(text);
                }
            }
        }
    )+};
}

texts! {
    [] str; [] String; [] Cow<'_, str>; [] fmt::Arguments<'_>;
    [] EventId; [] WriterId; [] Timestamp;
    [] bool; [] char; [] f32; [] f64;
    [] u8; [] u16; [] u32; [] u64; [] u128; [] usize;
    [] i8; [] i16; [] i32; [] i64; [] i128; [] isize;
    [<T: fmt::Display + ?Sized>] Displayed<'_, T>;
    [<T: fmt::Debug + ?Sized>] Debugged<'_, T>;
}

macro_rules! through {
    ($([$($generics:tt)*] $ty:ty, $this:ident => $values:expr;)+) => {$(
        through!(@one AuditInput RequestRecorder [$($generics)*] $ty, $this => $values);
        through!(@one AuditOutput ResponseRecorder [$($generics)*] $ty, $this => $values);
    )+};
    (@one $trait:ident $recorder:ident [$($generics:tt)*] $ty:ty, $this:ident => $values:expr) => {
        impl<T: $trait $($generics)*> $trait for $ty {
            fn describe(&self, recorder: &mut $recorder<'_>) {
                let $this = self;
                for value in $values {
                    value.describe(recorder);
                }
            }
        }
    };
}

through! {
    [+ ?Sized] &T, this => [&**this];
    [+ ?Sized] &mut T, this => [&**this];
    [+ ?Sized] Box<T>, this => [&**this];
    [+ ?Sized] Rc<T>, this => [&**this];
    [+ ?Sized] Arc<T>, this => [&**this];
    [] Option<T>, this => this.iter();
    [, E] Result<T, E>, this => this.iter();
    [] [T], this => this;
    [, const N: usize] [T; N], this => this;
    [] Vec<T>, this => this;
}
