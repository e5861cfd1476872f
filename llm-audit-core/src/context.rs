//! Ambient identity and parents, without a runtime.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::__private::span::Claim;
use crate::facet::Facet;
use crate::fields::Fields;
use crate::first_event::FirstEvent;
use crate::hidden::Hidden;
use crate::id::EventId;
use crate::level::{Level, Levels};
use crate::redact::DataType;
use crate::sync::{Arc, thread_local};
use crate::trace_parent::TraceParent;

/// What holds for everything that happens within it: fields, a narrower policy, a parent.
///
/// A context is immutable and cheap to clone. It is current while a future that it
/// [scopes](Context::scope) is polled, or while a closure that it [enters](Context::enter) runs; no
/// async runtime is needed. A task that is spawned does not inherit it: hand the future to
/// [`propagate`](crate::propagate) first.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Context, Fields};
///
/// let request = Context::current().with(Fields::new().user_id("u-17").session_id("s-4"));
/// request.enter(|| {
///     let inner = Context::current().with(Fields::new().session_id("s-5"));
///     assert_eq!(format!("{:?}", inner), r#"Context { fields: {"user_id", "session_id"}, parent: None }"#);
/// });
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Frame>>);

pub(crate) struct Frame {
    pub(crate) fields: Fields,
    pub(crate) narrowed: Levels,
    pub(crate) hidden: Hidden,
    pub(crate) parent: Option<Parent>,
    /// Who is told of the first interaction.
    pub(crate) first: Vec<FirstEvent>,
    /// A call that is seen from elsewhere too.
    pub(crate) claim: Option<Claim>,
}

/// The interaction, or another tracer's span, within which an interaction happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    /// `None` for a span of another tracer.
    pub(crate) event_id: Option<EventId>,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Frame>>> = const { RefCell::new(None) };
}

impl Context {
    /// Returns the context that is current on this thread, or an empty one.
    pub fn current() -> Self {
        // While the thread ends there is no context any more.
        Self(
            CURRENT
                .try_with(|current| current.borrow().clone())
                .unwrap_or_default(),
        )
    }

    /// Returns this context with `fields`, which win over fields of the same name.
    #[must_use]
    pub fn with(&self, fields: Fields) -> Self {
        self.changed(|frame| frame.fields = frame.fields.overlaid_with(&fields))
    }

    /// Returns this context with `facet` captured at `level` at most.
    ///
    /// A context can only narrow: a level above what it inherits changes nothing.
    #[must_use]
    pub fn narrow(&self, facet: Facet, level: Level) -> Self {
        self.changed(|frame| {
            frame.narrowed = frame.narrowed.min(Levels::FULL.with(facet, level));
        })
    }

    /// Returns this context with `value` hidden in every event within it, as by
    /// [`Interaction::hide`](crate::Interaction::hide).
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::Context;
    /// use llm_audit_core::redact::DataType;
    ///
    /// let request = Context::current().hiding(DataType::Person, "Ada Lovelace");
    /// assert!(!format!("{request:?}").contains("Ada"));
    /// ```
    #[must_use]
    pub fn hiding(&self, data_type: DataType, value: &str) -> Self {
        self.changed(|frame| frame.hidden.add(data_type, value))
    }

    /// Returns this context, of whose first interaction `first` learns the identifier, as those do that wait for it already.
    #[must_use]
    pub fn noting(&self, first: &FirstEvent) -> Self {
        self.changed(|frame| frame.first.push(first.clone()))
    }

    /// Returns the identifier of the innermost interaction that the context is within.
    pub fn event_id(&self) -> Option<EventId> {
        self.0.as_ref()?.parent.as_ref()?.event_id
    }

    /// Returns this context within a span of another tracer, such as the one that a request's header
    /// `traceparent` names. What is recorded within it is in that span's trace.
    #[must_use]
    pub fn with_trace_parent(&self, parent: &TraceParent) -> Self {
        self.with_parent(Parent {
            event_id: None,
            trace_id: parent.trace_id().to_owned(),
            span_id: parent.span_id().to_owned(),
        })
    }

    /// Returns the span that the context is within: that of the innermost interaction, or of another
    /// tracer. As text it is the header `traceparent` for what the program calls.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Operation, Policy, Preset, builder};
    ///
    /// # let sink = llm_audit_core::testing::MemorySink::new();
    /// let audit = builder().policy(Policy::preset(Preset::Operations)?).sink(sink).spawn()?;
    /// let call = audit.begin(Operation::Chat);
    /// let header = call.context().trace_parent().map(|parent| parent.to_string());
    /// assert!(header.is_some_and(|header| header.starts_with("00-") && header.len() == 55));
    /// # call.finish();
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn trace_parent(&self) -> Option<TraceParent> {
        let parent = self.0.as_ref()?.parent.as_ref()?;
        TraceParent::of(&parent.trace_id, &parent.span_id)
    }

    pub(crate) fn has_parent(&self) -> bool {
        self.0.as_ref().is_some_and(|frame| frame.parent.is_some())
    }

    /// Returns a future that runs `future` with this context as the current one.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(future, self)
    }

    /// Runs `run` with this context as the current one.
    pub fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(self.0.clone());
        run()
    }

    pub(crate) fn with_parent(&self, parent: Parent) -> Self {
        self.changed(|frame| {
            frame.parent = Some(parent);
            // What happens within is another call.
            frame.claim = None;
        })
    }

    /// Returns this context within what is itself the call that a span around tells of.
    pub(crate) fn with_same_call(&self, parent: Parent) -> Self {
        self.changed(|frame| frame.parent = Some(parent))
    }

    /// Returns this context within a call of which `claim` is.
    pub(crate) fn claimable(&self, claim: &Claim) -> Self {
        self.changed(|frame| frame.claim = Some(claim.clone()))
    }

    pub(crate) fn claim(&self) -> Option<&Claim> {
        self.0.as_ref()?.claim.as_ref()
    }

    /// Returns this context without whoever learns of its first interaction.
    pub(crate) fn unnoted(&self) -> Self {
        match &self.0 {
            Some(frame) if !frame.first.is_empty() => self.changed(|frame| frame.first.clear()),
            _ => self.clone(),
        }
    }

    /// Says that `event_id` is an interaction within this context.
    pub(crate) fn note(&self, event_id: EventId) {
        if let Some(frame) = &self.0
            && self.event_id().is_none()
        {
            frame.first.iter().for_each(|first| first.note(event_id));
        }
    }

    /// Returns whether both are the same one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }

    /// Makes this context the current one until another is, and returns the one before.
    pub(crate) fn swap(self) -> Self {
        Self(exchange(self.0))
    }

    /// Returns this context with what `other` narrows.
    pub(crate) fn narrowed_by(self, other: &Self) -> Self {
        match &other.0 {
            Some(frame) if frame.narrowed != Levels::FULL => {
                self.changed(|own| own.narrowed = own.narrowed.min(frame.narrowed))
            }
            _ => self,
        }
    }

    /// Returns this context with more values hidden.
    pub(crate) fn hiding_all(self, hidden: &Hidden) -> Self {
        if hidden.values().is_empty() && !hidden.is_overfull() {
            return self;
        }
        self.changed(|frame| frame.hidden.extend(hidden))
    }

    /// Returns this context, where a span is entered that was made `around` and has `within` as its own: with
    /// the span's parent, claim and whoever waits for its first interaction, and with what both narrow and hide. Who asks is
    /// said where it is entered; where it was made is asked for the rest, unless somebody else asked there.
    pub(crate) fn spanned(&self, around: &Self, within: &Self) -> Self {
        let Some(span) = &within.0 else {
            return self.clone();
        };
        if self.0.is_none() || self.is_same(around) || self.is_same(within) {
            return within.clone();
        }
        self.changed(|frame| {
            if !frame.fields.contradicts(&span.fields) {
                frame.fields = span.fields.overlaid_with(&frame.fields);
            }
            frame.narrowed = frame.narrowed.min(span.narrowed);
            frame.hidden.extend(&span.hidden);
            if let Some(parent) = &span.parent {
                frame.parent = Some(parent.clone());
            }
            frame.claim.clone_from(&span.claim);
            for first in &span.first {
                if !frame.first.iter().any(|known| known.is_same(first)) {
                    frame.first.push(first.clone());
                }
            }
        })
    }

    pub(crate) const fn from_frame(frame: Option<Arc<Frame>>) -> Self {
        Self(frame)
    }

    pub(crate) fn into_frame(self) -> Option<Arc<Frame>> {
        self.0
    }

    fn changed(&self, change: impl FnOnce(&mut Frame)) -> Self {
        let mut frame = match &self.0 {
            Some(frame) => Frame {
                fields: frame.fields.clone(),
                narrowed: frame.narrowed,
                hidden: frame.hidden.clone(),
                parent: frame.parent.clone(),
                first: frame.first.clone(),
                claim: frame.claim.clone(),
            },
            None => Frame {
                fields: Fields::new(),
                narrowed: Levels::FULL,
                hidden: Hidden::default(),
                parent: None,
                first: Vec::new(),
                claim: None,
            },
        };
        change(&mut frame);
        Self(Some(Arc::new(frame)))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let empty = Fields::new();
        f.debug_struct("Context")
            .field(
                "fields",
                self.0.as_ref().map_or(&empty, |frame| &frame.fields),
            )
            .field("parent", &self.event_id())
            .finish()
    }
}

pin_project! {
    /// A future or a stream that runs, and is dropped, within a [`Context`]; made by
    /// [`Context::scope`], [`propagate`](crate::propagate) and [`InContext`](crate::InContext).
    #[must_use = "it does nothing until it is polled"]
    pub struct Scoped<F> {
        frame: Option<Arc<Frame>>,
        // `None` only while this is dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.frame.clone());
            this.future.set(None);
        }
    }
}

impl<F> Scoped<F> {
    pub(crate) fn new(future: F, context: &Context) -> Self {
        Self {
            frame: context.0.clone(),
            future: Some(future),
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.frame.clone());
        match this.future.as_pin_mut() {
            Some(future) => future.poll(task),
            None => Poll::Pending,
        }
    }
}

impl<S: Stream> Stream for Scoped<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let _entered = Entered::new(this.frame.clone());
        match this.future.as_pin_mut() {
            Some(stream) => stream.poll_next(task),
            None => Poll::Pending,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.future.as_ref().map_or((0, None), Stream::size_hint)
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").finish_non_exhaustive()
    }
}

/// Makes a frame current until it is dropped.
struct Entered {
    outer: Option<Arc<Frame>>,
}

impl Entered {
    fn new(frame: Option<Arc<Frame>>) -> Self {
        Self {
            outer: exchange(frame),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        exchange(self.outer.take());
    }
}

fn exchange(frame: Option<Arc<Frame>>) -> Option<Arc<Frame>> {
    CURRENT
        .try_with(|current| current.replace(frame))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Field;
    use crate::propagate;

    fn user(context: &Context) -> Option<String> {
        let frame = context.0.as_ref()?;
        frame.fields.text(Field::UserId).map(str::to_owned)
    }

    #[test]
    fn the_outer_context_is_current_again_after_a_panic() {
        let outer = Context::default().with(Fields::new().user_id("outer"));
        outer.enter(|| {
            let inner = Context::current().with(Fields::new().user_id("inner"));
            let panicked = std::panic::catch_unwind(|| inner.enter(|| panic!("on purpose")));
            assert!(panicked.is_err());
            assert_eq!(user(&Context::current()).as_deref(), Some("outer"));
        });
        assert_eq!(user(&Context::current()), None);
    }

    #[test]
    fn a_context_only_narrows() {
        let context = Context::default()
            .narrow(Facet::Prompt, Level::Digest)
            .narrow(Facet::Prompt, Level::Full);
        assert_eq!(
            context.into_frame().unwrap().narrowed.get(Facet::Prompt),
            Level::Digest
        );
    }

    #[test]
    fn what_a_future_holds_is_dropped_within_its_context() {
        struct Witness(Arc<crate::sync::Mutex<Option<String>>>);
        impl Drop for Witness {
            fn drop(&mut self) {
                *crate::sync::lock(&self.0) = user(&Context::current());
            }
        }
        let seen = Arc::default();
        let witness = Witness(Arc::clone(&seen));
        let future = Context::default()
            .with(Fields::new().user_id("ada"))
            .scope(async move {
                std::future::pending::<()>().await;
                drop(witness);
            });
        drop(future);
        assert_eq!(crate::sync::lock(&seen).as_deref(), Some("ada"));
        assert_eq!(user(&Context::current()), None);
    }

    #[test]
    fn a_scoped_future_is_send_when_its_future_is() {
        fn is_send<T: Send>(_: &T) {}
        is_send(&propagate(async {}));
    }

    #[test]
    fn interleaved_futures_keep_their_own_contexts() {
        let name = |name: &str| Context::default().with(Fields::new().user_id(name));
        let ask = || async {
            tokio::task::yield_now().await;
            user(&Context::current())
        };
        let (first, second) = (name("first").scope(ask()), name("second").scope(ask()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let both = runtime.block_on(async {
            let set = tokio::task::LocalSet::new();
            let (a, b) = (set.spawn_local(first), set.spawn_local(second));
            set.await;
            (a.await.unwrap(), b.await.unwrap())
        });
        assert_eq!(both, (Some("first".to_owned()), Some("second".to_owned())));
    }
}
