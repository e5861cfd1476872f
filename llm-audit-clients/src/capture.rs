//! A log, and how calls are recorded in it.

use std::fmt;

use llm_audit_core::Audit;
use llm_audit_core::protocol::Wire;

/// A log and how calls of models are recorded in it; clones share the connections that are known.
///
/// # Examples
///
/// ```
/// use llm_audit_clients::Capture;
/// use llm_audit_core::protocol::Wire;
/// use llm_audit_core::{Audit, Policy, Preset};
///
/// fn capture(audit: &Audit) -> Capture {
///     // The calls of this client go to a vLLM, with a credential that has a name.
///     Capture::new(audit).wire(Wire::new().provider("vllm").credential_alias("team-a"))
/// }
/// # let sink = llm_audit_core::testing::MemorySink::new();
/// # let audit = llm_audit_core::builder().policy(Policy::preset(Preset::Operations)?).sink(sink).spawn()?;
/// assert!(format!("{:?}", capture(&audit)).contains("vllm"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Capture {
    #[cfg_attr(
        not(any(
            feature = "async-openai",
            feature = "gateway",
            feature = "reqwest-middleware",
            feature = "tower"
        )),
        expect(dead_code, reason = "what an adapter takes")
    )]
    audit: Audit,
    wire: Wire,
    fail_closed: bool,
}

impl Capture {
    /// Returns what records in `audit`.
    pub fn new(audit: &Audit) -> Self {
        Self {
            audit: audit.clone(),
            wire: Wire::new(),
            fail_closed: false,
        }
    }

    /// Sets how the wire is read: the provider's name, the credential's, how much of a body is kept.
    #[must_use]
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Lets no call of a model leave that is not recorded: the request is sent when its intent survives a
    /// power cut, and else the client gets an error.
    #[must_use]
    pub const fn fail_closed(mut self) -> Self {
        self.fail_closed = true;
        self
    }

    /// Begins to record the call that `request` is.
    #[cfg(any(
        feature = "async-openai",
        feature = "gateway",
        feature = "reqwest-middleware",
        feature = "tower"
    ))]
    pub(crate) fn begin(
        &self,
        request: &llm_audit_core::protocol::Request<'_>,
    ) -> impl Future<
        Output = Result<Option<llm_audit_core::protocol::Exchange>, llm_audit_core::Error>,
    > + Send
    + use<> {
        let (durable, begun) = if self.fail_closed {
            (
                Some(self.wire.begin_durable(&self.audit, request)),
                Ok(None),
            )
        } else {
            (None, self.wire.begin(&self.audit, request))
        };
        async move {
            match durable {
                Some(durable) => durable.await,
                None => begun,
            }
        }
    }

    /// Returns the log.
    #[cfg(feature = "gateway")]
    pub(crate) const fn audit(&self) -> &Audit {
        &self.audit
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("wire", &self.wire)
            .field("fail_closed", &self.fail_closed)
            .finish_non_exhaustive()
    }
}
