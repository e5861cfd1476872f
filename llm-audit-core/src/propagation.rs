//! Contexts across tasks, threads and services.

use std::future::Future;

use futures_core::Stream;

use crate::context::{Context, Scoped};
use crate::trace_parent::TraceParent;

/// The header of W3C Trace Context that names a span.
const TRACEPARENT: &str = "traceparent";

/// Puts a future or a stream in a [`Context`].
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Context, Fields, InContext};
///
/// let request = Context::current().with(Fields::new().user_id("u-17"));
/// let task = async { format!("{:?}", Context::current()) }.in_context(&request);
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert!(runtime.block_on(async { tokio::spawn(task).await })?.contains("user_id"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait InContext: Sized {
    /// Returns this, polled and dropped within `context`.
    fn in_context(self, context: &Context) -> Scoped<Self>;

    /// Returns this, polled and dropped within the context of the caller, wherever it goes.
    fn in_current_context(self) -> Scoped<Self> {
        self.in_context(&Context::current())
    }
}

impl<T> InContext for T {
    fn in_context(self, context: &Context) -> Scoped<Self> {
        Scoped::new(self, context)
    }
}

/// Returns a future that runs `future` within the context of the caller, wherever it is spawned: with
/// `tokio::spawn`, on a `JoinSet`, on another runtime.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Context, Fields, propagate};
///
/// let task = Context::default()
///     .with(Fields::new().user_id("u-17"))
///     .enter(|| propagate(async { format!("{:?}", Context::current()) }));
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert!(runtime.block_on(task).contains("user_id"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn propagate<F: Future>(future: F) -> Scoped<F> {
    future.in_current_context()
}

/// Returns a closure that runs `run` within the context of the caller, on whatever thread: for
/// `spawn_blocking`, `std::thread::spawn`, `rayon::spawn` and `rayon::join`.
///
/// A closure that runs more than once, such as that of a parallel iterator, enters the context each
/// time: `let context = Context::current();` before, `context.enter(|| …)` in it.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Context, Fields, propagate_fn};
///
/// let request = Context::current().with(Fields::new().user_id("u-17"));
/// let work = request.enter(|| propagate_fn(|| format!("{:?}", Context::current())));
/// let seen = std::thread::spawn(work).join().expect("it does not panic");
/// assert!(seen.contains("user_id"));
/// ```
pub fn propagate_fn<T, F: FnOnce() -> T>(run: F) -> impl FnOnce() -> T + use<T, F> {
    let context = Context::current();
    move || context.enter(run)
}

impl Context {
    /// Returns a stream that polls `stream` with this context as the current one: for the body of a
    /// response, which is read after its handler has returned.
    pub fn scope_stream<S: Stream>(&self, stream: S) -> Scoped<S> {
        Scoped::new(stream, self)
    }

    /// Returns this context within the span that the headers of a request name, or as it is where they
    /// name none. `header` returns the value of a header by its name.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use llm_audit_core::Context;
    ///
    /// let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let headers = HashMap::from([("traceparent", value)]);
    /// let request = Context::current().extract(|name| headers.get(name));
    ///
    /// let mut sent = HashMap::new();
    /// request.inject(|name, value| drop(sent.insert(name, value.to_owned())));
    /// assert_eq!(sent["traceparent"], value);
    /// ```
    #[must_use]
    pub fn extract<V: AsRef<[u8]>>(&self, header: impl FnOnce(&'static str) -> Option<V>) -> Self {
        let parent = header(TRACEPARENT).and_then(|value| {
            let text = std::str::from_utf8(value.as_ref()).ok()?;
            text.trim().parse::<TraceParent>().ok()
        });
        parent.map_or_else(|| self.clone(), |parent| self.with_trace_parent(&parent))
    }

    /// Hands `set` the name and the value of each header that says in which span a request is sent:
    /// none outside of any interaction. Call it within the interaction, or on its context.
    pub fn inject(&self, mut set: impl FnMut(&'static str, &str)) {
        if let Some(parent) = self.trace_parent() {
            set(TRACEPARENT, &parent.to_string());
        }
    }
}
