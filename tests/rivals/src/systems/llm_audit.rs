//! This project, at its defaults.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use llm_audit::{
    AuditBuilder, AuditGuard, Batch, Clock, Durable, Facet, Level, Operation, Overflow, Policy,
    Retention, Sink, SinkError, SystemClock, Timestamp,
};

use super::{Said, System};
use crate::scenario::{Beyond, FarEnd, Scenario};
use crate::work::Call;

struct Log {
    audit: AuditGuard,
    clock: MovedClock,
}

/// At its defaults; with a collector as second output where the scenario has one.
pub fn start(
    dir: &Path,
    scenario: &Scenario,
    far_end: &FarEnd,
) -> Result<Box<dyn System>, Box<dyn Error>> {
    let mut builder = builder(dir)?;
    let clock = MovedClock::default();
    if scenario.has_far_end() {
        fs::create_dir_all(dir.join(COLLECTOR))?;
        builder = builder
            .clock(clock.clone())
            .sink(Collector::new(dir, far_end.clone())?);
    }
    let audit = builder.spawn()?;
    Ok(Box::new(Log { audit, clock }))
}

/// Turning away what there is no room for, instead of making the program wait.
pub fn start_dropping(
    dir: &Path,
    _: &Scenario,
    _: &FarEnd,
) -> Result<Box<dyn System>, Box<dyn Error>> {
    let audit = builder(dir)?.overflow(Overflow::DropNewest).spawn()?;
    let clock = MovedClock::default();
    Ok(Box::new(Log { audit, clock }))
}

/// The directory of the collector's files, within that of the scenario.
pub const COLLECTOR: &str = "collector";
/// The directory of the log.
pub const LOG: &str = "log";
/// What this project is called.
pub const PACKAGE: &str = "llm-audit";

/// Opens the log once more, as the next start of a program does, with a collector that works, and
/// ends it.
pub fn reopen(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = builder(dir)?;
    if dir.join(COLLECTOR).exists() {
        builder = builder.sink(Collector::new(dir, FarEnd::new(&Beyond::Nothing))?);
    }
    let report = builder.spawn()?.shutdown(Duration::from_secs(60));
    if report.is_complete() {
        Ok(())
    } else {
        Err(report.to_string().into())
    }
}

fn builder(dir: &Path) -> Result<AuditBuilder, Box<dyn Error>> {
    let policy = Policy::builder()
        .facet(Facet::Session, Level::Full)
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Usage, Level::Full)
        .facet(Facet::Prompt, Level::Redacted)
        .retention(Retention::Days90)
        .build()?;
    Ok(llm_audit::builder().policy(policy).journal(dir.join(LOG)))
}

impl System for Log {
    fn record(&self, call: &Call) {
        let mut interaction = self.audit.begin(Operation::Chat);
        interaction
            .session_id(call.id.as_str())
            .request_model(call.model)
            .input_tokens(call.input_tokens)
            .prompt(call.prompt);
        interaction.finish();
    }

    fn pass(&self, time: Duration) {
        let micros = time.as_micros() as u64;
        self.clock.ahead.fetch_add(micros, Ordering::Relaxed);
    }

    fn end(self: Box<Self>, grace: Duration) -> Vec<Said> {
        let counters = self.audit.shutdown(grace).counters;
        let mut said = vec![missing(counters.lost(), counters.pending)];
        if let Some(sink) = counters.sink(COLLECTOR) {
            said.push(missing(sink.lost(), sink.pending));
        }
        said
    }
}

/// What is on its way when the program ends is lost with it.
fn missing(lost: u64, pending: u64) -> Said {
    let words = match pending {
        0 => format!("report: lost {lost}"),
        _ => format!("report: lost {lost}, pending {pending}"),
    };
    Said {
        lost: Some(lost + pending),
        noticed: lost + pending > 0,
        words,
    }
}

/// The system's clock, moved ahead.
#[derive(Clone, Debug, Default)]
struct MovedClock {
    system: Arc<SystemClock>,
    ahead: Arc<AtomicU64>,
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::Relaxed) as i64;
        Timestamp::from_unix_micros(self.system.now().as_unix_micros() + ahead)
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic() + Duration::from_micros(self.ahead.load(Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct Collector {
    file: File,
    far_end: FarEnd,
}

impl Collector {
    fn new(dir: &Path, far_end: FarEnd) -> io::Result<Self> {
        let path = dir.join(COLLECTOR).join("events.jsonl");
        let file = File::options().append(true).create(true).open(path)?;
        Ok(Self { file, far_end })
    }
}

#[async_trait::async_trait]
impl Sink for Collector {
    fn name(&self) -> &str {
        COLLECTOR
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        if self.far_end.hangs() {
            std::future::pending::<()>().await;
        }
        if self.far_end.is_down() {
            return Err(SinkError::retry("the collector is down"));
        }
        let failed = |_| SinkError::retry("the collector's disk");
        self.file.write_all(batch.json_lines()).map_err(failed)?;
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}
