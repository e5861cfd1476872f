//! The kit: a log under a policy, everything that can be said to it, and a search of all it wrote.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::claim::Claims;
use super::finding::Findings;
use super::forms::Forms;
use super::marks::each_file;
use super::plant::Planter;
use super::report::Report;
use crate::audit::{Audit, AuditBuilder, builder};
use crate::batch::Batch;
use crate::catalog::Field;
use crate::diagnostics::Diagnostic;
use crate::error::Error;
use crate::event::Event;
use crate::facet::Facet;
use crate::level::Level;
use crate::policy::{Policy, Scope};
use crate::sink::Sink;
use crate::sync::{Arc, Mutex, lock};
use crate::testing::MemorySink;
use crate::vfs::MemVfs;

/// Longer than a test machine needs for some dozens of events.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the journal is when it is in memory.
const DIR: &str = "/audit-log";

/// A trial of a policy: does anything reach an output that the policy keeps in?
///
/// The [module's page](super) says what is planted and where it is looked for.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::leak::{Encoding, Kit, Leak};
/// use llm_audit_core::{Facet, Level, Policy, Retention};
///
/// # let temp = tempfile::tempdir()?;
/// # let dir = temp.path().join("audit-log");
/// let policy = Policy::builder()
///     .facet(Facet::ErrorDetail, Level::Redacted)
///     .retention(Retention::Days30)
///     .build()?;
/// let report = Kit::new().journal(&dir).run(&policy)?;
/// report.assert_clean();
/// assert!(report.arrived.contains("error_body") && !report.arrived.contains("response"));
///
/// // Somebody was told that no texts of errors are kept: the policy does not keep that word.
/// let report = Kit::new().claim(Facet::ErrorDetail, Level::Off).run(&policy)?;
/// let in_plain = |leak: &Leak| leak.finding.encoding == Encoding::Plain;
/// assert!(report.leaks.iter().any(|leak| leak.finding.channel == "error_body" && in_plain(leak)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a kit does nothing until `run` is called"]
pub struct Kit {
    journal: Option<PathBuf>,
    watched: Vec<PathBuf>,
    sinks: Vec<Box<dyn Sink>>,
    given: HashMap<Field, String>,
    claims: Vec<(Facet, Level)>,
}

impl Kit {
    /// Returns a kit whose log has a journal in memory, and one sink in memory.
    pub fn new() -> Self {
        Self {
            journal: None,
            watched: Vec::new(),
            sinks: Vec::new(),
            given: HashMap::new(),
            claims: Vec::new(),
        }
    }

    /// Puts the journal in the directory `dir`, which the kit then searches.
    pub fn journal(mut self, dir: impl Into<PathBuf>) -> Self {
        self.journal = Some(dir.into());
        self
    }

    /// Adds a sink. The directory that a sink of this project writes to is searched; name that of
    /// another one with [`Kit::watch`].
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.watched.extend(sink.directory().map(Path::to_owned));
        self.sinks.push(Box::new(sink));
        self
    }

    /// Searches the directory `dir` too.
    pub fn watch(mut self, dir: impl Into<PathBuf>) -> Self {
        self.watched.push(dir.into());
        self
    }

    /// Records everything as of the tenant `id`, for policies with layers of tenants; as of one
    /// that no policy lists unless set.
    pub fn tenant(mut self, id: impl Into<String>) -> Self {
        self.given.insert(Field::TenantId, id.into());
        self
    }

    /// Records everything as of material with this label, for policies with classification rules;
    /// with one that no policy knows, which counts as the highest, unless set.
    pub fn classification(mut self, label: impl Into<String>) -> Self {
        let label = label.into();
        for field in LABELS {
            self.given.insert(*field, label.clone());
        }
        self
    }

    /// Claims that nothing of `facet` is kept above `level`, whatever the policy says: what people
    /// were promised, beside what is configured.
    pub fn claim(mut self, facet: Facet, level: Level) -> Self {
        self.claims.push((facet, level));
        self
    }

    /// Runs a log under `policy`, plants marks in everything that can be said to it, ends it, has a
    /// damaged copy of its journal recovered, and searches all that was written.
    ///
    /// # Errors
    ///
    /// When the log does not start, or what it wrote cannot be read.
    pub fn run(mut self, policy: &Policy) -> Result<Report, Error> {
        let planter = Planter::new(self.given.clone());
        let claims = self.claims_of(policy);
        let outputs = Outputs::default();
        let ruled = self.sinks_of_rules(policy);
        let memory = MemorySink::named("leak-kit");
        let vfs = MemVfs::new();
        let mut log = outputs
            .log(policy)
            .defaults(planter.scope())
            .sink(memory.clone());
        log = match &self.journal {
            Some(dir) => log.journal(dir),
            None => log.journal(DIR).vfs(Arc::new(vfs.clone())),
        };
        for sink in self.sinks.drain(..) {
            log = log.sink(sink);
        }
        outputs.show(&log);
        outputs.show(&planter.scope());
        let audit = log.spawn()?;
        Forms::new(&audit, &planter, &outputs).run();
        outputs.show(&audit.flush(PATIENCE));
        let orphan = match &self.journal {
            Some(dir) => in_memory(dir)?,
            None => vfs.snapshot(),
        };
        outputs.end(&audit);
        drop(audit);
        recover(outputs.log(policy), policy, &orphan)?;
        outputs.show_batches(&memory.batches());

        let mut search = Search::new(&planter);
        for dir in self.journal.iter().chain(&self.watched) {
            search.dir(dir)?;
        }
        search.files(&vfs, "the journal");
        search.files(&orphan, "the damaged journal");
        search.batches(&memory);
        for text in lock(&outputs.shown).iter() {
            search.bytes(
                "a text of `Debug`, a diagnostic or an error",
                text.as_bytes(),
            );
        }
        let mut report = Report {
            events: memory.events().len(),
            ..Report::default()
        };
        search.end(&mut report, &claims);
        for (sink, mut claims) in ruled {
            for facet in policy
                .sink_rules()
                .get(sink.name())
                .into_iter()
                .flat_map(|f| f.iter())
            {
                claims.narrow(facet, Level::Off);
            }
            let mut search = Search::new(&planter);
            search.batches(&sink);
            search.end(&mut report, &claims);
        }
        Ok(report)
    }

    fn claims_of(&self, policy: &Policy) -> Claims {
        let given = |field| self.given.get(&field).map(String::as_str);
        // What is planted instead is no tenant and no label that a policy knows either.
        let labels = [given(Field::ClassificationFile).unwrap_or("no label of any policy")];
        let tenant = given(Field::TenantId).unwrap_or("no tenant of any policy");
        let scope = Scope::new().tenant(tenant).classification(&labels);
        let mut claims = Claims::of(policy, &scope);
        for (facet, level) in &self.claims {
            claims.narrow(*facet, *level);
        }
        claims
    }

    /// Adds a sink in memory for each sink that the policy withholds facets from and that there is
    /// not, and returns them.
    fn sinks_of_rules(&mut self, policy: &Policy) -> Vec<(MemorySink, Claims)> {
        let mut added = Vec::new();
        for name in policy.sink_rules().keys() {
            if !self.sinks.iter().any(|sink| sink.name() == name) {
                let sink = MemorySink::named(name);
                self.sinks.push(Box::new(sink.clone()));
                added.push((sink, self.claims_of(policy)));
            }
        }
        added
    }
}

const LABELS: &[Field] = &[
    Field::ClassificationFile,
    Field::ClassificationRepo,
    Field::ClassificationGroup,
];

impl Default for Kit {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit")
            .field("journal", &self.journal)
            .field("watched", &self.watched)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// What the log shows to people: `Debug`, errors, diagnostics, reports.
#[derive(Default)]
pub(super) struct Outputs {
    shown: Arc<Mutex<Vec<String>>>,
}

impl Outputs {
    pub(super) fn show(&self, value: &impl fmt::Debug) {
        lock(&self.shown).push(format!("{value:?} {value:#?}"));
    }

    fn log(&self, policy: &Policy) -> AuditBuilder {
        let shown = Arc::clone(&self.shown);
        let hook = move |told: &Diagnostic| lock(&shown).push(format!("{told} {told:?}"));
        builder().policy(policy.clone()).on_diagnostic(hook)
    }

    fn end(&self, audit: &Audit) {
        self.show(audit);
        let report = audit.shutdown(PATIENCE);
        lock(&self.shown).push(report.to_string());
        self.show(&report);
    }

    /// Shows batches, their events, and the errors of reading half of each.
    fn show_batches(&self, batches: &[Batch]) {
        for batch in batches {
            self.show(&(batch, batch.events()));
            for line in batch.lines() {
                let half = line.get(..line.len() / 2).unwrap_or_default();
                if let Err(error) = Event::from_json(half) {
                    lock(&self.shown).push(error.to_string());
                    self.show(&error);
                }
            }
        }
    }
}

/// Copies the files of `dir` as a process leaves them that is killed now.
fn in_memory(dir: &Path) -> Result<MemVfs, Error> {
    let copy = MemVfs::new();
    each_file(dir, &mut |path, content| {
        let name = path.strip_prefix(dir).unwrap_or(path);
        copy.put(&Path::new(DIR).join(name), content);
    })
    .map_err(|error| searching(dir, error))?;
    Ok(copy)
}

/// Damages the journal that a killed process left behind, and has the next start recover it.
fn recover(mut log: AuditBuilder, policy: &Policy, orphan: &MemVfs) -> Result<(), Error> {
    for (path, mut content) in orphan.files() {
        let middle = content.len() / 2;
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
            && let Some(byte) = content.get_mut(middle)
        {
            *byte ^= 0x20;
            orphan.put(&path, content);
        }
    }
    for name in policy.sink_rules().keys() {
        log = log.sink(MemorySink::named(name));
    }
    let audit = log.journal(DIR).vfs(Arc::new(orphan.clone())).spawn()?;
    drop(audit.shutdown(PATIENCE));
    Ok(())
}

fn searching(dir: &Path, error: io::Error) -> Error {
    Error::io(format!("failed to search `{}`", dir.display()), error)
}

/// The search of the outputs for which the same claims hold.
struct Search<'a> {
    planter: &'a Planter,
    findings: Findings,
    places: Vec<String>,
}

impl<'a> Search<'a> {
    fn new(planter: &'a Planter) -> Self {
        Self {
            planter,
            findings: Findings::default(),
            places: Vec::new(),
        }
    }

    fn bytes(&mut self, place: &str, bytes: &[u8]) {
        self.findings
            .append(self.planter.marks.scan_bytes(place, bytes));
        self.places.push(place.to_owned());
    }

    fn dir(&mut self, dir: &Path) -> Result<(), Error> {
        if !fs::exists(dir).map_err(|error| searching(dir, error))? {
            return Ok(());
        }
        each_file(dir, &mut |path, content| {
            self.file(&path.display().to_string(), &content)
        })
        .map_err(|error| searching(dir, error))
    }

    fn files(&mut self, vfs: &MemVfs, place: &str) {
        for (path, content) in vfs.files() {
            self.file(&format!("{place}, {}", path.display()), &content);
        }
    }

    fn file(&mut self, place: &str, content: &[u8]) {
        self.bytes(place, content);
        self.bytes("the name of a file", place.as_bytes());
    }

    fn batches(&mut self, sink: &MemorySink) {
        let place = format!("a batch of the sink `{}`", sink.name());
        for batch in sink.batches() {
            self.bytes(&place, batch.json_lines());
        }
    }

    fn end(self, report: &mut Report, claims: &Claims) {
        report.judge(self.findings, claims, self.planter);
        report.places.extend(self.places);
    }
}
