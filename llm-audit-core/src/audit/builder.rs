//! How a log is started.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::opening::opening;
use super::{Audit, AuditGuard, ParentFrom, Shared, installed};
use crate::clock::{Clock, SystemClock};
use crate::diagnostics::{Diagnostic, DiagnosticKind, Diagnostics, Hook};
use crate::error::Error;
use crate::fields::Fields;
use crate::id::{self, Ids, RandomIds};
use crate::inspect::{self, Escalation, Escalations, Inspector, Inspectors};
use crate::journal::{Journal, JournalConfig};
use crate::narrow::Narrowed;
use crate::pipeline::{JournalLog, Log, Overflow, Pipeline, PipelineConfig};
use crate::policy::Policy;
use crate::resources::{Probes, ResourceProbe};
use crate::seal::{Inspection, Sealer};
use crate::sink::Sink;
use crate::sync::{Arc, AtomicBool, Mutex, RwLock};
use crate::trace_parent::TraceParent;
use crate::vfs::{OsVfs, Vfs};

/// Returns a builder of a log, with a policy that captures nothing.
pub fn builder() -> AuditBuilder {
    AuditBuilder {
        policy: Policy::none(),
        journal: None,
        sinks: Vec::new(),
        from_start: BTreeSet::new(),
        defaults: Fields::new(),
        overflow: Overflow::default(),
        max_bytes: DEFAULT_MAX_BYTES,
        max_events: DEFAULT_MAX_EVENTS,
        ack_timeout: DEFAULT_ACK_TIMEOUT,
        start_degraded: false,
        counters_every: None,
        hook: None,
        parent_from: None,
        inspectors: Vec::new(),
        probes: Vec::new(),
        escalation: None,
        clock: Arc::new(SystemClock::new()),
        ids: Arc::new(RandomIds::new()),
        vfs: Arc::new(OsVfs::new()),
    }
}

/// Memory for events on their way.
const DEFAULT_MAX_BYTES: usize = 64 << 20;

/// Events on their way: two seconds of 4,000 a second.
const DEFAULT_MAX_EVENTS: usize = 8_192;

/// How long a disk may take to confirm an event.
const DEFAULT_ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Less holds not even one event of the largest default size and its copy.
const MIN_MAX_BYTES: usize = 1 << 20;

/// More often, telling would be most of the work.
const MIN_COUNTERS_EVERY: Duration = Duration::from_millis(10);

/// The largest event where no journal says otherwise.
const DEFAULT_MAX_EVENT_BYTES: usize = 8 << 20;

/// Everything that a log is started with.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_core::{Operation, Policy, Preset};
///
/// # let directory = tempfile::tempdir()?;
/// let audit = llm_audit_core::builder()
///     .policy(Policy::builder().preset(Preset::Operations).build()?)
///     .journal(directory.path())
///     .spawn()?;
/// audit.begin(Operation::Embeddings).finish();
/// let report = audit.shutdown(Duration::from_secs(5));
/// assert!(report.is_complete());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `spawn` or `install` is called"]
pub struct AuditBuilder {
    policy: Policy,
    journal: Option<JournalChoice>,
    sinks: Vec<Narrowed>,
    /// Sinks that get what the journal holds already.
    from_start: BTreeSet<String>,
    defaults: Fields,
    overflow: Overflow,
    max_bytes: usize,
    max_events: usize,
    ack_timeout: Duration,
    parent_from: Option<ParentFrom>,
    start_degraded: bool,
    counters_every: Option<Duration>,
    hook: Option<Hook>,
    inspectors: Vec<Box<dyn Inspector>>,
    probes: Vec<Box<dyn ResourceProbe>>,
    escalation: Option<inspect::Hook>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    vfs: Arc<dyn Vfs>,
}

enum JournalChoice {
    /// In this directory, kept as long as the policy says.
    ByPolicy(PathBuf),
    Configured(JournalConfig),
}

impl AuditBuilder {
    /// Sets what may be captured; nothing unless set.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Writes the log to the directory `dir`, kept as long as the policy's retention says, or
    /// forever where the policy names none.
    pub fn journal(mut self, dir: impl Into<PathBuf>) -> Self {
        self.journal = Some(JournalChoice::ByPolicy(dir.into()));
        self
    }

    /// Writes the log as `config` says.
    pub fn journal_with(mut self, config: JournalConfig) -> Self {
        self.journal = Some(JournalChoice::Configured(config));
        self
    }

    /// Adds a sink.
    ///
    /// With a journal, a sink that was added under its name before goes on where it was, also after
    /// a restart: it gets every event at least once. A new one gets what happens from now on.
    ///
    /// [`SinkExt::without`](crate::SinkExt::without) and [`only`](crate::SinkExt::only) give it less
    /// than the log, and with it what is kept of events that it never takes.
    pub fn sink(mut self, sink: impl Into<Narrowed>) -> Self {
        self.sinks.push(sink.into());
        self
    }

    /// Adds a sink that, when the journal does not know it, first gets everything that the journal
    /// holds of writers that ended. Without a journal it is as [`AuditBuilder::sink`].
    ///
    /// It is for a destination that is to have the history too; a new destination does not get what
    /// was recorded before anybody thought of it unless it is added by this.
    pub fn sink_from_start(mut self, sink: impl Into<Narrowed>) -> Self {
        let sink = sink.into();
        self.from_start.insert(sink.sink.name().to_owned());
        self.sink(sink)
    }

    /// Sets fields that hold for every event of the process, unless its context or the event
    /// itself says otherwise.
    pub fn defaults(mut self, fields: Fields) -> Self {
        self.defaults = fields;
        self
    }

    /// Sets what happens when there is no room; [`Overflow::Block`] for 100 ms unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets the memory for events that are in flight or not yet written, in bytes; 64 MiB unless
    /// set, at least 1 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many events may be recorded and not yet written; 8,192 unless set, at least 1.
    pub fn max_events(mut self, events: usize) -> Self {
        self.max_events = events;
        self
    }

    /// Sets how long `commit` and `begin_durable` wait at most; 10 seconds unless set.
    ///
    /// A disk that hangs hangs for ever: `Duration::MAX` waits as long.
    pub fn ack_timeout(mut self, limit: Duration) -> Self {
        self.ack_timeout = limit;
        self
    }

    /// Starts also when the journal's directory cannot be used, and says so through the
    /// diagnostics hook; events then go to the sinks alone. Without a sink it is an error all the
    /// same: there would be nothing to write to.
    pub fn start_degraded(mut self, yes: bool) -> Self {
        self.start_degraded = yes;
        self
    }

    /// Sets who is told of the log's own problems; a rate-limited line on standard error unless
    /// set.
    pub fn on_diagnostic(mut self, hook: impl Fn(&Diagnostic) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Has interactions that are within no other one begin within the host's own span, which `hook`
    /// tells. It is called when one begins, on the caller's thread, if anything is captured.
    ///
    /// With feature `otel`, `llm_audit::otel::current_span` is such a hook for OpenTelemetry.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::testing::MemorySink;
    /// use llm_audit_core::{Operation, Policy, Preset, TraceParent, builder};
    ///
    /// let memory = MemorySink::new();
    /// let audit = builder()
    ///     .policy(Policy::preset(Preset::Operations)?)
    ///     .parent_from(|| TraceParent::new([0x4b; 16], [0xf0; 8]))
    ///     .sink(memory.clone())
    ///     .spawn()?;
    /// audit.begin(Operation::Chat).finish();
    /// audit.shutdown(std::time::Duration::from_secs(5));
    /// let events = memory.events();
    /// assert!(events.iter().any(|event| event.parent_span_id() == Some("f0f0f0f0f0f0f0f0")));
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn parent_from(
        mut self,
        hook: impl Fn() -> Option<TraceParent> + Send + Sync + 'static,
    ) -> Self {
        self.parent_from = Some(Arc::new(hook));
        self
    }

    /// Adds one who looks at each event of the host once it is sealed; its findings are events.
    pub fn inspector(mut self, inspector: impl Inspector) -> Self {
        self.inspectors.push(Box::new(inspector));
        self
    }

    /// Adds what fills the facet `resources` of interactions; nothing does unless added. Of several, the
    /// first that knows a value says it, and what the host says of a call itself stands.
    pub fn resources(mut self, probe: impl ResourceProbe) -> Self {
        self.probes.push(Box::new(probe));
        self
    }

    /// Sets who is told of findings that an inspector escalates; nobody unless set.
    ///
    /// It is called on a thread of its own, after the finding was sealed and before it is
    /// written. When 256 findings wait for it, more are not told, and that is counted; the log has
    /// them all the same. What it records through the log is not written. The end of the log waits
    /// for it for a twentieth of a second.
    pub fn on_escalation(mut self, hook: impl Fn(&Escalation) + Send + Sync + 'static) -> Self {
        self.escalation = Some(Arc::new(hook));
        self
    }

    /// Has the diagnostics hook told the counters each time that `interval` has passed, and once more
    /// at the end, as a [`Diagnostic`] of kind [`Counters`](crate::DiagnosticKind::Counters); never
    /// unless set.
    ///
    /// They come from the log's own thread: while a disk keeps it waiting they do not come.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// use llm_audit_core::{Counters, Operation, Policy, Preset, builder};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// let (send, counters) = mpsc::channel::<Counters>();
    /// let audit = builder()
    ///     .policy(Policy::preset(Preset::Operations)?)
    ///     .journal(directory.path())
    ///     .counters_every(Duration::from_secs(60))
    ///     .on_diagnostic(move |told| told.counters.iter().cloned().for_each(|c| drop(send.send(c))))
    ///     .spawn()?;
    /// audit.begin(Operation::Chat).finish();
    /// assert!(audit.shutdown(Duration::from_secs(5)).is_complete());
    /// assert_eq!(counters.try_iter().last().map(|last| last.written), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counters_every(mut self, interval: Duration) -> Self {
        self.counters_every = Some(interval.max(MIN_COUNTERS_EVERY));
        self
    }

    /// Tells `hook` too of the log's own problems.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn also_on_diagnostic(
        mut self,
        hook: impl Fn(&Diagnostic) + Send + Sync + 'static,
    ) -> Self {
        let first = self.hook.take();
        self.on_diagnostic(move |diagnostic| {
            if let Some(first) = &first {
                first(diagnostic);
            }
            hook(diagnostic);
        })
    }

    /// Sets where the time is read; for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where identifiers come from; for tests.
    pub fn ids(mut self, ids: impl Ids) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Sets the file system of the journal; for tests.
    #[doc(hidden)]
    pub fn vfs(mut self, vfs: Arc<dyn Vfs>) -> Self {
        self.vfs = vfs;
        self
    }

    /// Starts the log.
    ///
    /// # Errors
    ///
    /// When there is neither journal nor sink, when two sinks have one name, when the policy names
    /// a sink that there is not, when a number is out of range, or when the journal's directory
    /// cannot be used. Damage that earlier writers left behind is never an error.
    pub fn spawn(self) -> Result<AuditGuard, Error> {
        self.check()?;
        self.check_directories()?;
        let journal = self.journal_config()?;
        let diagnostics = Diagnostics::new(self.hook, Arc::clone(&self.clock));
        let max_event_bytes = journal
            .as_ref()
            .map_or(DEFAULT_MAX_EVENT_BYTES, |config| config.max_event_bytes);
        let writer_id = id::writer_id(self.ids.as_ref(), self.clock.now());
        let mut opened_journal = None;
        let mut previous = None;
        let mut has_history = false;
        if let Some(config) = journal {
            let spool = config.retention().is_none();
            let config = config.schema(super::schema_json());
            let (vfs, clock) = (Arc::clone(&self.vfs), Arc::clone(&self.clock));
            match Journal::open(config, vfs, clock, Arc::clone(&self.ids), writer_id) {
                Ok((journal, opened)) => {
                    for finding in &opened.findings {
                        diagnostics.report(DiagnosticKind::RecoveryFinding, finding.to_string());
                    }
                    has_history = opened.had_history;
                    previous = opened.previous_log_opened;
                    opened_journal = Some((journal, spool));
                }
                Err(error) if self.start_degraded && !self.sinks.is_empty() => {
                    diagnostics.report(DiagnosticKind::Degraded, error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        let names: Vec<String> = self
            .sinks
            .iter()
            .map(|sink| sink.sink.name().to_owned())
            .collect();
        let opening = if self.policy.is_none() && !has_history {
            Vec::new()
        } else {
            opening(&self.policy, &names, previous.as_deref())
        };
        let is_opened = !opening.is_empty();
        let policy = Arc::new(RwLock::new(self.policy.clone()));
        let defaults = Arc::new(self.defaults);
        let sealer = Sealer::new(
            Arc::clone(&policy),
            Arc::clone(&defaults),
            writer_id,
            Arc::clone(&self.clock),
            Arc::clone(&self.ids),
            max_event_bytes,
        )
        .telling(diagnostics.clone());
        let inspectors = Inspectors::new(
            self.inspectors,
            Arc::clone(&self.clock),
            diagnostics.clone(),
        );
        let inspections = inspectors.tally();
        let sealer = if inspectors.is_empty() {
            sealer
        } else {
            let escalations = self.escalation.map(Escalations::spawn).transpose()?;
            sealer.inspected(Inspection {
                inspectors,
                escalations,
            })
        };
        let sealer = if self.probes.is_empty() {
            sealer
        } else {
            let clock = Arc::clone(&self.clock);
            sealer.probed(Probes::new(self.probes, clock, diagnostics.clone()))
        };
        let upkeep = |sink: &Narrowed| Some((sink.sink.name().to_owned(), sink.sink.upkeep()?));
        let upkeeps = self.sinks.iter().filter_map(upkeep).collect();
        let rules = self.policy.sink_rules();
        let sinks = self
            .sinks
            .into_iter()
            .map(|sink| match rules.get(sink.sink.name()) {
                Some(facets) => sink.without(facets.iter()),
                None => sink,
            });
        let config = PipelineConfig {
            overflow: self.overflow,
            max_bytes: self.max_bytes,
            max_events: self.max_events,
            from_start: self.from_start,
            inspections,
            counters_every: self.counters_every,
            ..PipelineConfig::new(
                writer_id,
                Arc::clone(&self.clock),
                Arc::clone(&self.ids),
                diagnostics.clone(),
            )
        };
        let log = opened_journal.map(|(mut journal, spool)| {
            journal.look_after(upkeeps);
            let clock = Arc::clone(&self.clock);
            Box::new(JournalLog::new(journal, spool, clock, diagnostics.clone())) as Box<dyn Log>
        });
        let pipeline = Pipeline::spawn(config, sealer, log, sinks.collect(), opening)?;
        let shared = Shared {
            policy,
            capturing: AtomicBool::new(false),
            said_nothing: AtomicBool::new(false),
            defaults,
            clock: self.clock,
            ids: self.ids,
            pipeline,
            diagnostics,
            max_event_bytes,
            ack_timeout: self.ack_timeout,
            parent_from: self.parent_from,
            writer_id,
            replacing: Mutex::new(()),
            sinks: names,
            opened: AtomicBool::new(is_opened),
        };
        shared.set_capturing(!self.policy.is_none());
        for warning in self.policy.warnings() {
            shared
                .diagnostics
                .report(DiagnosticKind::PolicyWarning, warning.to_string());
        }
        let shared = Arc::new(shared);
        installed::started(&shared);
        Ok(AuditGuard::new(Audit(shared)))
    }

    /// Starts the log and makes it the process's default, for code that has no handle.
    ///
    /// The default holds a handle of its own: dropping the guard does not switch auditing off.
    ///
    /// # Errors
    ///
    /// As [`AuditBuilder::spawn`], and when a log is installed that is not shut down.
    pub fn install(self) -> Result<AuditGuard, Error> {
        let guard = self.spawn()?;
        installed::install(&guard)?;
        Ok(guard)
    }

    fn check(&self) -> Result<(), Error> {
        if self.journal.is_none() && self.sinks.is_empty() {
            return Err(Error::configuration(
                "the log has neither a journal nor a sink; call `journal(dir)` or `sink(..)`",
            ));
        }
        if self.max_bytes < MIN_MAX_BYTES {
            return Err(Error::configuration(format!(
                "max_bytes is {}, less than {MIN_MAX_BYTES} bytes",
                self.max_bytes
            )));
        }
        if self.max_events == 0 {
            return Err(Error::configuration("max_events is 0, less than 1"));
        }
        let names: Vec<&str> = self.sinks.iter().map(|sink| sink.sink.name()).collect();
        for rule in self.policy.sink_rules().keys() {
            if !names.contains(&rule.as_str()) {
                return Err(Error::policy(format!(
                    "the policy has a rule for sink `{rule}`, and there is no such sink; the \
                     sinks are: {}",
                    names.join(", ")
                )));
            }
        }
        let is_double = |name: &&&str| names.iter().filter(|own| own == name).count() > 1;
        match names.iter().filter(is_double).min() {
            Some(name) => Err(Error::configuration(format!(
                "two sinks have the name `{name}`; give each its own"
            ))),
            None => Ok(()),
        }
    }

    /// What a sink wrote beside the journal's segments would be read as part of the log.
    fn check_directories(&self) -> Result<(), Error> {
        let journal = match &self.journal {
            None => return Ok(()),
            Some(JournalChoice::ByPolicy(dir)) => dir.as_path(),
            Some(JournalChoice::Configured(config)) => config.dir(),
        };
        let mut dirs = self
            .sinks
            .iter()
            .map(|sink| (sink.sink.name(), sink.sink.directory()));
        let shared = dirs.find(|(_, dir)| dir.is_some_and(|dir| is_same_directory(dir, journal)));
        match shared {
            Some((name, _)) => Err(Error::configuration(format!(
                "sink `{name}` has the journal's directory `{}`; leave the sink out, the journal \
                 is that log, or give it a directory of its own",
                journal.display()
            ))),
            None => Ok(()),
        }
    }

    fn journal_config(&self) -> Result<Option<JournalConfig>, Error> {
        let by_policy = self.policy.retentions();
        let holds = self.policy.holds().to_vec();
        match &self.journal {
            None => Ok(None),
            Some(JournalChoice::ByPolicy(dir)) => {
                let config = JournalConfig::keep(dir, by_policy.whole());
                Ok(Some(config.retaining(by_policy).holding(holds)))
            }
            Some(JournalChoice::Configured(config)) => {
                let retentions = match config.retention() {
                    Some(kept) => self.policy.retentions_or(kept),
                    None => by_policy,
                };
                if let Some(kept) = config.retention()
                    && kept != retentions.whole()
                {
                    return Err(Error::configuration(format!(
                        "the journal keeps its segments {kept}, the policy says {}; make them \
                         equal, or use `journal(dir)`",
                        retentions.whole()
                    )));
                }
                Ok(Some(config.clone().retaining(retentions).holding(holds)))
            }
        }
    }
}

/// Compares what the paths lead to, or the paths where one leads nowhere yet.
fn is_same_directory(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

impl fmt::Debug for AuditBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditBuilder")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
