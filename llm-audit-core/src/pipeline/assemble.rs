//! A pipeline before its threads start.

use std::time::Duration;

use super::worker::RESERVE_BLOCK;
use super::*;
use crate::diagnostics::DiagnosticKind;

/// So long a start waits for the disk to confirm the lock and the numbers set aside.
const FIRST_SYNC: Duration = Duration::from_secs(1);

/// What [`assemble`] makes.
pub(super) type Parts<S> = (Arc<Shared<S>>, Worker<S>, Vec<outlet::Outlet>);

/// Makes everything but the threads.
pub(super) fn assemble<S: Seal>(
    config: PipelineConfig,
    sealer: S,
    mut log: Option<Box<dyn Log>>,
    sinks: Vec<Narrowed>,
    opening: Vec<OwnEvent>,
) -> Result<Parts<S>, Error> {
    if log.is_none() && sinks.is_empty() {
        return Err(Error::configuration(
            "a log needs a journal or a sink; add one to the builder",
        ));
    }
    let names: Vec<_> = sinks
        .iter()
        .map(|sink| sink.sink.name().to_owned())
        .collect();
    let mut numbered = names.iter().enumerate();
    let is_known = |number, name| names.iter().take(number).any(|known| known == name);
    if let Some((_, name)) = numbered.find(|(number, name)| is_known(*number, *name)) {
        return Err(Error::configuration(format!(
            "two sinks are named `{name}`; give each a name of its own"
        )));
    }
    let bell = Arc::new(Bell::default());
    let ledger = Arc::new(Ledger::new(&names, config.writer_id));
    let common = Common {
        ledger: Arc::clone(&ledger),
        worker: Arc::clone(&bell),
        clock: Arc::clone(&config.clock),
        ids: config.ids,
        diagnostics: config.diagnostics.clone(),
        own: config.writer_id,
    };
    let starts = names.iter().map(|name| SinkStart {
        name: name.clone(),
        from_start: config.from_start.contains(name),
    });
    let starts: Vec<_> = starts.collect();
    let first = FIRST_SEQ + opening.len() as u64;
    let spooled = match &mut log {
        Some(log) => log.start_sinks(&starts)?,
        None => None,
    };
    if let Some(log) = &mut log {
        // Without it a crash would leave no trace of what it lost. Behind the cursors: a loss that recovery
        // tells of a writer whom none of them names would go to no sink.
        log.reserve(first + config.max_events as u64 + RESERVE_BLOCK)?;
    }
    if let Some(log) = &log
        && let Err(error) = log.disk().sync(FIRST_SYNC)
    {
        let message = format!("a power cut may lose events without a trace: {error}");
        let degraded = DiagnosticKind::Degraded;
        common.diagnostics.report(degraded, message);
    }
    let mut behind = Vec::new();
    if let Some(spooled) = &spooled {
        for (sink, cursor) in spooled.cursors.iter().enumerate() {
            ledger.sink(sink, |book| book.go_on(cursor));
            let (spool, ledger) = (spooled.spool.clone(), Arc::clone(&ledger));
            behind.push(Behind {
                catch_up: CatchUp::new(spool, sink, ledger, config.writer_id, cursor),
                dead_letters: spooled.dead_letters.clone(),
            });
        }
    }
    let spool = spooled.map(|spooled| spooled.spool);
    let (fanout, outlets) = Fanout::new(
        sinks,
        behind,
        config.sink_backlog_bytes,
        config.retry,
        &common,
    )?;
    let budget = Budget::new(
        config.overflow,
        config.max_bytes,
        config.max_events,
        Arc::clone(&bell),
        config.process.clone(),
    );
    let budget = match log.as_ref().and_then(|log| log.kept_bytes()) {
        Some(_) => budget.beside_a_journal(),
        None => budget,
    };
    let shared = Arc::new(Shared {
        lanes: Lanes::new(first),
        ledger,
        budget: Arc::new(budget),
        bell,
        control: Control::default(),
        pool: Pool::within(config.max_bytes),
        disk: log.as_ref().map(|log| log.disk()),
        sinks: names,
        backlogs: fanout.backlogs().to_vec(),
        max_events: config.max_events as u64,
        writer_id: config.writer_id,
        deadlines: Arc::new(Deadlines::new(
            Arc::clone(&config.clock),
            config.process.clone(),
        )),
        clock: config.clock,
        diagnostics: config.diagnostics,
        process: config.process,
        forked: AtomicU64::new(0),
        reentrant: AtomicU64::new(0),
        degraded: AtomicBool::new(false),
        troubled: AtomicBool::new(false),
        expiring: AtomicBool::new(false),
        redaction_nanos: AtomicU64::new(0),
        withheld: AtomicU64::new(0),
        inspections: config.inspections,
    });
    let mut worker = Worker::new(
        Arc::clone(&shared),
        sealer,
        log,
        spool,
        fanout,
        opening,
        FIRST_SEQ,
    );
    worker.counters_every = config.counters_every;
    worker.reserve();
    Ok((shared, worker, outlets))
}
