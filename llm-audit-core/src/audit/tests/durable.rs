//! Waiting for one event, and operations that do not take place unrecorded.

use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::*;
use crate::__private::{Call, Place};
use crate::commit::Ack;
use crate::vfs::{Fault, Op, Vfs};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_millis(100);

pub(super) fn spawn(vfs: &Arc<MemVfs>, limit: Duration) -> AuditGuard {
    builder()
        .policy(policy().facet(Facet::Prompt, Level::Full).build().unwrap())
        .journal(DIR)
        .vfs(Arc::clone(vfs) as Arc<dyn Vfs>)
        .ack_timeout(limit)
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap()
}

pub(super) fn request(call: &mut Interaction) {
    call.request_model("small").prompt("why?");
}

/// Runs a future on a runtime that has neither timers nor input and output.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Returns the captured events that a power cut would leave.
fn after_power_cut(vfs: &MemVfs) -> Vec<Event> {
    let mut left = events(&Arc::new(vfs.after_power_cut()));
    left.retain(|event| event.kind().is_capture());
    left
}

fn captured(vfs: &Arc<MemVfs>) -> Vec<(Kind, Option<Status>, Option<String>)> {
    let captured = events(vfs)
        .into_iter()
        .filter(|event| event.kind().is_capture());
    captured
        .map(|event| {
            let error_type = event.error_type().map(str::to_owned);
            (event.kind().clone(), event.status(), error_type)
        })
        .collect()
}

#[test]
fn a_synced_event_survives_a_power_cut_and_the_receipt_names_it() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    for _ in 0..3 {
        let call = audit.begin(Operation::Chat);
        let event_id = call.event_id();
        let receipt = block_on(call.commit(Ack::Synced)).unwrap();
        assert_eq!(Some(receipt.event_id), event_id);
        assert_eq!(receipt.writer_id, audit.writer_id());
        let left = after_power_cut(&vfs);
        let event = left
            .iter()
            .find(|event| event.event_id() == receipt.event_id);
        assert_eq!(event.unwrap().seq(), Some(receipt.seq));
    }
}

#[test]
fn a_late_fact_can_be_waited_for() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let mut connection = audit.model_connection("openai");
    connection.status(Status::Error);
    let receipt = connection.commit_blocking(Ack::Synced).unwrap();
    assert_eq!(after_power_cut(&vfs)[0].event_id(), receipt.event_id);
    let error = connection.commit_blocking(Ack::Synced).unwrap_err();
    assert!(error.is_refused() && error.is_not_durable(), "{error}");
}

#[test]
fn a_failure_can_be_committed_too() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let mut call = audit.begin(Operation::Chat);
    call.failed(&"x".parse::<u8>().unwrap_err());
    call.commit_blocking(Ack::Written).unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.outcome(Status::Partial);
    call.commit_blocking(Ack::Queued).unwrap();
    audit.begin(Operation::Chat).outcome(Status::Cancelled);
    assert!(audit.shutdown(SOON).is_complete());
    let statuses: Vec<_> = captured(&vfs)
        .into_iter()
        .map(|(_, status, _)| status)
        .collect();
    let expected = [Status::Error, Status::Partial, Status::Cancelled];
    assert_eq!(statuses, expected.map(Some));
}

#[test]
fn a_commit_that_is_dropped_leaves_the_event_recorded() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    drop(audit.begin(Operation::Chat).commit(Ack::Synced));
    let mut polled = audit.begin(Operation::Chat).commit(Ack::Synced);
    vfs.hang(Op::SyncData);
    let mut context = Context::from_waker(Waker::noop());
    drop(std::pin::Pin::new(&mut polled).poll(&mut context));
    drop(polled);
    vfs.heal();
    let report = audit.shutdown(SOON);
    assert!(
        report.is_complete() && report.counters.written == 2,
        "{report}"
    );
}

#[test]
fn a_disk_that_hangs_ends_every_wait_at_its_limit() {
    for op in [Op::SyncData, Op::Write] {
        let vfs = Arc::new(MemVfs::new());
        let audit = spawn(&vfs, LIMIT);
        vfs.hang(op);
        let start = Instant::now();
        let error = block_on(audit.begin(Operation::Chat).commit(Ack::Synced)).unwrap_err();
        assert!(
            error.is_timeout() && error.is_not_durable(),
            "{op:?}: {error}"
        );
        let error = audit
            .begin(Operation::Chat)
            .commit_blocking(Ack::Synced)
            .unwrap_err();
        assert!(error.is_timeout(), "{op:?}: {error}");
        let begun = block_on(audit.begin_durable(Operation::Chat, request));
        assert!(begun.unwrap_err().is_timeout(), "{op:?}");
        assert!(start.elapsed() >= LIMIT * 3 && start.elapsed() < PATIENCE);
        vfs.heal();
        assert!(audit.shutdown(SOON).is_complete());
        let statuses: Vec<_> = captured(&vfs)
            .into_iter()
            .map(|(_, status, _)| status)
            .collect();
        assert_eq!(statuses.len(), 4, "{op:?}: {statuses:?}");
    }
}

#[test]
fn a_limit_beyond_all_time_is_none_and_breaks_nothing() {
    for limit in [Duration::MAX, Duration::MAX / 2, Duration::MAX / 4 * 3] {
        let vfs = Arc::new(MemVfs::new());
        let audit = spawn(&vfs, limit);
        drop(
            audit
                .begin_durable_blocking(Operation::Chat, request)
                .unwrap(),
        );
        block_on(audit.begin(Operation::Chat).commit(Ack::Synced)).unwrap();
        let call = audit.begin(Operation::Chat);
        call.commit_blocking(Ack::Synced).unwrap();
        assert!(audit.flush(limit).is_complete());
        assert!(audit.run_retention(limit).is_complete());
        let report = audit.shutdown(limit);
        assert!(report.closed && report.is_complete(), "{report}");
    }
}

#[test]
fn what_the_log_does_not_have_is_not_waited_for() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let error = audit
        .begin(Operation::Chat)
        .commit_blocking(Ack::delivered("nowhere"));
    let error = error.unwrap_err();
    assert!(
        error.is_configuration() && error.is_not_durable(),
        "{error}"
    );
    assert_eq!(audit.flush(SOON).counters.written, 1);

    let audit = builder()
        .policy(policy().build().unwrap())
        .sink(Nowhere("archive"))
        .spawn()
        .unwrap();
    for ack in [Ack::Written, Ack::Synced] {
        let error = audit
            .begin(Operation::Chat)
            .commit_blocking(ack)
            .unwrap_err();
        assert!(error.is_refused() && error.is_not_durable(), "{error}");
    }
    let ack = Ack::delivered("archive");
    let receipt = audit.begin(Operation::Chat).commit_blocking(ack.clone());
    assert_eq!(receipt.unwrap().ack, ack);
    assert_eq!(audit.counters().written, 3);
}

#[test]
fn an_operation_begins_when_its_intent_survives_a_power_cut() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let mut call = block_on(audit.begin_durable(Operation::Chat, request)).unwrap();
    let left = after_power_cut(&vfs);
    assert_eq!(left.len(), 1);
    let (intent, target) = (&left[0], call.event_id().unwrap().to_string());
    assert_eq!(*intent.kind(), Kind::PromptSent);
    assert_eq!(intent.target_event_id(), Some(target.as_str()));
    // The policy says nothing of intents, so the prompt itself stands in the interaction alone.
    assert_eq!((intent.model(), intent.prompt()), (Some("small"), None));
    assert_eq!(intent.absence(Facet::Prompt), Some(Absence::Withheld));

    call.sent();
    call.commit_blocking(Ack::Synced).unwrap();
    let left = after_power_cut(&vfs);
    let kinds: Vec<_> = left.iter().map(|event| event.kind().clone()).collect();
    assert_eq!(kinds, [Kind::PromptSent, Kind::Interaction]);
    assert_eq!(left[1].prompt().as_deref(), Some("why?"));
}

#[test]
fn an_operation_that_is_not_waited_for_is_cancelled() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    drop(audit.begin_durable(Operation::Chat, request));
    drop(
        audit
            .begin_durable_blocking(Operation::Chat, request)
            .unwrap(),
    );
    assert!(audit.shutdown(SOON).is_complete());
    let statuses: Vec<_> = captured(&vfs)
        .into_iter()
        .map(|(_, status, _)| status)
        .collect();
    let expected = [None, Some(Status::Cancelled), None, Some(Status::Abandoned)];
    assert_eq!(statuses, expected);
}

#[test]
fn what_cannot_be_durable_does_not_begin_and_leaves_nothing() {
    let vfs = Arc::new(MemVfs::new());
    let refused = |audit: &Audit| {
        let error = audit
            .begin_durable_blocking(Operation::Chat, request)
            .unwrap_err();
        assert!(error.is_not_durable(), "{error}");
        error
    };
    assert!(
        run(&vfs, Policy::none(), |audit| assert!(
            refused(audit).is_refused()
        ))
        .is_complete()
    );
    let audit = spawn(&vfs, PATIENCE);
    assert!(audit.shutdown(SOON).is_complete());
    assert!(refused(&audit).is_closed());
    assert_eq!(captured(&vfs), []);

    let audit = builder()
        .policy(policy().build().unwrap())
        .sink(Nowhere("archive"));
    let audit = audit.spawn().unwrap();
    assert!(refused(&audit).is_refused());
    assert_eq!(audit.counters().admitted, 0);
}

#[test]
fn an_intent_without_room_is_a_counted_loss_and_nothing_more() {
    let vfs = Arc::new(MemVfs::new());
    let audit = builder()
        .policy(policy().build().unwrap())
        .journal(DIR)
        .vfs(Arc::clone(&vfs) as Arc<dyn Vfs>)
        .max_events(1)
        .overflow(Overflow::DropNewest)
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    vfs.hang(Op::Write);
    audit.begin(Operation::Chat).finish();
    let error = audit
        .begin_durable_blocking(Operation::Chat, request)
        .unwrap_err();
    assert!(error.is_refused() && error.is_not_durable(), "{error}");
    vfs.heal();
    let report = audit.shutdown(SOON);
    assert_eq!(
        (report.counters.admitted, report.counters.lost()),
        (2, 1),
        "{report}"
    );
    assert_eq!(captured(&vfs).len(), 1);
}

#[test]
fn while_the_journal_cannot_be_written_no_durable_operation_begins() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    vfs.limit(Some(0));
    // Who waits is told as soon as the write has failed, not when its time is over.
    let error = audit
        .begin_durable_blocking(Operation::Chat, request)
        .unwrap_err();
    assert!(error.is_io() && error.is_not_durable(), "{error}");
    // The failure is known by now, so nobody waits for it again.
    let error = audit
        .begin_durable_blocking(Operation::Chat, request)
        .unwrap_err();
    assert!(error.is_refused() && error.is_not_durable(), "{error}");
    vfs.heal();
    while audit
        .begin_durable_blocking(Operation::Chat, request)
        .is_err()
    {
        crate::sync::thread::sleep(LIMIT);
    }
    assert!(audit.shutdown(SOON).is_complete());
    let interaction =
        |status, error: Option<&str>| (Kind::Interaction, Some(status), error.map(str::to_owned));
    let intent = || (Kind::PromptSent, None, None);
    assert_eq!(
        captured(&vfs),
        [
            intent(),
            interaction(Status::Error, Some("not_recorded")),
            intent(),
            interaction(Status::Abandoned, None),
        ]
    );
}

#[test]
fn an_intent_that_the_disk_does_not_confirm_stops_the_operation() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    assert!(audit.flush(SOON).is_complete());
    vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    let error = block_on(audit.begin_durable(Operation::Chat, request)).unwrap_err();
    assert!(error.is_io() && error.is_not_durable(), "{error}");
    vfs.heal();
    let report = audit.shutdown(SOON);
    assert_eq!(report.counters.lost(), 0);
    let last = captured(&vfs).pop().unwrap();
    assert_eq!(last.1, Some(Status::Error));
    assert_eq!(last.2.as_deref(), Some("not_recorded"));
}

#[test]
fn an_event_whose_file_fails_once_is_durable_in_another_and_comes_once() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    assert!(audit.flush(SOON).is_complete());
    vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    let receipt = audit
        .begin(Operation::Chat)
        .commit_blocking(Ack::Synced)
        .unwrap();
    let left = after_power_cut(&vfs);
    assert!(
        left.iter()
            .any(|event| event.event_id() == receipt.event_id)
    );
    assert!(audit.shutdown(SOON).is_complete());
    assert_eq!(captured(&vfs).len(), 1);
}

#[test]
fn the_log_knows_and_tells_when_it_is_degraded_and_when_no_more() {
    for (trouble, op) in [(Some(0), None), (None, Some(Op::SyncData))] {
        let vfs = Arc::new(MemVfs::new());
        let told = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&told);
        let audit = builder()
            .policy(policy().build().unwrap())
            .journal(DIR)
            .vfs(Arc::clone(&vfs) as Arc<dyn Vfs>)
            .on_diagnostic(move |diagnostic| lock(&hook).push(diagnostic.kind))
            .spawn()
            .unwrap();
        let until = |degraded: bool| {
            let start = Instant::now();
            while audit.counters().is_degraded != degraded {
                assert!(start.elapsed() < PATIENCE, "{op:?}");
                audit.begin(Operation::Chat).finish();
                drop(audit.flush(LIMIT));
            }
        };
        until(false);
        assert_eq!(*lock(&told), []);
        vfs.limit(trouble);
        if let Some(op) = op {
            vfs.fail_one_in(op, Fault::Io, 1);
        }
        until(true);
        vfs.heal();
        until(false);
        drop(audit.shutdown(SOON));
        let told = lock(&told);
        assert_eq!(told.first(), Some(&DiagnosticKind::Degraded), "{op:?}");
        assert!(
            told.contains(&DiagnosticKind::Recovered),
            "{op:?}: {told:?}"
        );
    }
}

#[test]
fn the_log_counts_its_own_work() {
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let mut open = audit.begin(Operation::Chat);
    open.prompt("x".repeat(100_000));
    let held = audit.counters().memory_bytes;
    assert!(held >= 100_000, "{held}");
    let receipt = open.commit_blocking(Ack::Synced).unwrap();
    let counters = audit.counters();
    assert!(counters.synced_up_to >= Some(receipt.seq));
    assert!(counters.redaction > Duration::ZERO);
    assert_eq!(audit.flush(SOON).counters.memory_bytes, 0);
}

#[test]
fn an_instrumented_call_that_is_closed_says_whether_it_may_take_place() {
    static PLACE: Place = Place::new("host::ask", "src/host.rs", 7);
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let call = |log: Option<Audit>| Call::begin_closed_future(Operation::Chat, &PLACE, |_| log);

    let mut none = call(None);
    assert!(!none.is_recorded());
    assert!(none.sent_durable_blocking().unwrap_err().is_refused());
    let mut recorded = call(Some(audit.handle()));
    assert!(recorded.is_recorded());
    block_on(recorded.sent_durable()).unwrap();
    assert_eq!(after_power_cut(&vfs).len(), 1);
    recorded.finish();

    let mut late = call(Some(audit.handle()));
    vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    assert!(late.sent_durable_blocking().unwrap_err().is_not_durable());
    drop(late);
    vfs.heal();
    drop(audit.shutdown(SOON));
    let mut closed = call(Some(audit.handle()));
    assert!(block_on(closed.sent_durable()).unwrap_err().is_closed());
    drop(closed);
    let told: Vec<_> = captured(&vfs)
        .into_iter()
        .map(|(_, status, error)| (status, error))
        .collect();
    let not_recorded = Some("not_recorded".to_owned());
    let expected = [(None, None), (Some(Status::Ok), None)];
    let refused = [(None, None), (Some(Status::Error), not_recorded)];
    assert_eq!(told, [expected, refused].concat());
}

#[test]
fn the_futures_can_move_to_other_threads() {
    fn assert_send<T: Send + Unpin + 'static>(future: T) -> T {
        future
    }
    let vfs = Arc::new(MemVfs::new());
    let audit = spawn(&vfs, PATIENCE);
    let text = String::from("borrowed by the request alone");
    let begin = assert_send(audit.begin_durable(Operation::Chat, |call| {
        call.prompt(text.as_str());
    }));
    let call = block_on(begin).unwrap();
    let mut commit = assert_send(call.commit(Ack::Synced));
    block_on(&mut commit).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(
        std::pin::Pin::new(&mut commit).poll(&mut context),
        Poll::Pending
    ));
}

#[test]
fn a_log_is_not_started_on_a_full_disk_and_leaves_nothing_half_made() {
    let vfs = Arc::new(MemVfs::new());
    vfs.limit(Some(0));
    let log = builder().policy(policy().build().unwrap()).journal(DIR);
    let log = log.vfs(Arc::clone(&vfs) as Arc<dyn Vfs>);
    let error = log.on_diagnostic(|_| {}).spawn().unwrap_err();
    assert!(error.is_io(), "{error}");
    let left: Vec<_> = vfs.files().into_keys().collect();
    let is_temporary = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "tmp");
    assert!(!left.iter().any(is_temporary), "{left:?}");
    vfs.heal();
    let audit = spawn(&vfs, PATIENCE);
    let first = audit.begin(Operation::Chat).commit(Ack::Synced).wait();
    first.unwrap();
}

#[test]
fn an_id_of_a_span_is_that_of_one_event() {
    const GIVEN: &str = "00f067aa0ba902b7";
    let vfs = Arc::new(MemVfs::new());
    let log = builder().policy(policy().build().unwrap()).journal(DIR);
    let log = log
        .vfs(Arc::clone(&vfs) as Arc<dyn Vfs>)
        .on_diagnostic(|_| {});
    let defaults = Fields::new().span_id("00000000000000d1");
    let audit = log.defaults(defaults).spawn().unwrap();
    let of_context = Fields::new().span_id("00000000000000c1");
    crate::Context::current().with(of_context).enter(|| {
        let prepare = |call: &mut Interaction| {
            call.span_id(GIVEN);
        };
        let call = block_on(audit.begin_durable(Operation::Chat, prepare)).unwrap();
        call.finish();
        audit.begin(Operation::Embeddings).finish();
    });
    assert!(audit.shutdown(PATIENCE).is_complete());
    let mut events = events(&vfs);
    events.retain(|event| event.kind().is_capture());
    let own = |event: &Event| crate::id::span_id(event.event_id());
    let [intent, call, second] = &*events else {
        panic!("{events:?}")
    };
    assert_eq!(*intent.kind(), Kind::PromptSent);
    assert_eq!(intent.span_id(), Some(&*own(intent)));
    assert_eq!(call.span_id(), Some(GIVEN));
    assert_eq!(second.span_id(), Some(&*own(second)));
}
