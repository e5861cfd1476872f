//! A future under `#[audit]` is `Send` exactly when it is without it. That is seen when this compiles.
#![cfg(feature = "macros")]
#![allow(
    clippy::future_not_send,
    clippy::manual_async_fn,
    reason = "that is what is tested"
)]

use std::future::{self, Future};
use std::pin::Pin;
use std::rc::Rc;

use async_trait::async_trait;
use llm_audit::audit;

fn is_send<T: Send>(_: T) {}

fn is_not_send<T: Ambiguous<A>, A>(_: T) {}

/// Of what is `Send` there are two implementations, and `A` cannot be inferred.
trait Ambiguous<A> {}

struct Always;
struct WhenSend;

impl<T> Ambiguous<Always> for T {}
impl<T: Send> Ambiguous<WhenSend> for T {}

/// Every shape, around one argument of any type.
macro_rules! shapes {
    ($(#[$audit:meta])? $name:ident) => {
        mod $name {
            use super::*;

            $(#[$audit])?
            pub(super) async fn a_function<T>(value: T) -> T {
                future::ready(()).await;
                value
            }

            $(#[$audit])?
            pub(super) fn a_future<T>(value: T) -> impl Future<Output = T> {
                async move {
                    future::ready(()).await;
                    value
                }
            }

            pub(super) struct Service<T>(pub(super) T);

            impl<T> Service<T> {
                $(#[$audit])?
                pub(super) async fn a_method(&self) {
                    future::ready(()).await;
                }

                $(#[$audit])?
                pub(super) async fn a_method_with_mut(&mut self) {
                    future::ready(()).await;
                }

                $(#[$audit])?
                pub(super) async fn by_value(self) {
                    future::ready(()).await;
                }
            }

            $(#[$audit])?
            pub(super) async fn with_a_local() {
                let local = Rc::new(3);
                future::ready(()).await;
                drop(local);
            }

            $(#[$audit])?
            pub(super) async fn with_an_answer() -> Rc<u8> {
                future::ready(()).await;
                Rc::new(3)
            }

            $(#[$audit])?
            pub(super) fn in_a_box() -> Pin<Box<dyn Future<Output = ()>>> {
                Box::pin(async move {})
            }

            $(#[$audit])?
            pub(super) fn in_a_sendable_box() -> Pin<Box<dyn Future<Output = ()> + Send>> {
                Box::pin(async move {})
            }

            #[async_trait]
            pub(super) trait Asynchronous {
                async fn run(&self);
            }

            #[async_trait]
            impl<T: Sync> Asynchronous for Service<T> {
                $(#[$audit])?
                async fn run(&self) {
                    future::ready(()).await;
                }
            }

            #[async_trait(?Send)]
            pub(super) trait Local {
                async fn run_here(&self);
            }

            #[async_trait(?Send)]
            impl<T> Local for Service<T> {
                $(#[$audit])?
                async fn run_here(&self) {
                    future::ready(()).await;
                }
            }
        }
    };
}

macro_rules! check {
    ($name:ident) => {
        #[test]
        fn $name() {
            use crate::$name::*;

            is_send(a_function(3));
            is_not_send(a_function(Rc::new(3)));
            is_send(a_future(3));
            is_not_send(a_future(Rc::new(3)));
            is_send(Service(3).a_method());
            is_not_send(Service(Rc::new(3)).a_method());
            is_send(Service(3).a_method_with_mut());
            is_not_send(Service(Rc::new(3)).a_method_with_mut());
            is_send(Service(3).by_value());
            is_not_send(Service(Rc::new(3)).by_value());
            is_not_send(with_a_local());
            is_send(with_an_answer());
            is_not_send(in_a_box());
            is_send(in_a_sendable_box());
            is_send(Service(3).run());
            is_not_send(Service(3).run_here());
        }
    };
}

shapes!(without);
shapes!(
    #[audit]
    with
);
shapes!(
    #[audit(guardrail)]
    with_a_verdict
);
shapes!(
    #[audit(tool, prompt = %Rc::new(3), output = %Rc::new(size_of_val(out)), out(total_tokens = *Rc::new(3)))]
    with_values
);

check!(without);
check!(with);
check!(with_a_verdict);
check!(with_values);
