//! What has expired, taken out of final files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use llm_audit_core::testing::ManualClock;
use llm_audit_core::upkeep::Trial;
use llm_audit_core::vfs::{Access, DirEntry, MemVfs, Space, Vfs, VfsFile};
use llm_audit_core::{
    Absence, Clock, Event, Facet, Hold, Kind, Level, Operation, Policy, Retention, RetentionPlan,
    Retentions, Timestamp, journal,
};

use super::super::ParquetSink;
use super::super::maintenance::RootUpkeep;
use super::killing::Killing;
use super::{Disk, ROOT, all, read_in};
use crate::fixture::{DAY, LONG, batches};

/// Models for 30 days, everything else for a year.
fn retentions() -> Retentions {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days(365))
        .retain(Facet::Model, Retention::Days30);
    policy.build().unwrap().retentions()
}

/// So many days behind the dates of the files.
fn after(days: i64) -> Timestamp {
    Timestamp::from_unix_micros((20_002 + days) * DAY)
}

/// A root with a final file of each of two days, and what is in them.
fn written() -> (MemVfs, Vec<Event>) {
    let mut disk = Disk::new();
    let batches = batches(&[(20_000, 2), (20_001, 1)]);
    for batch in &batches {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.close().unwrap();
    let events = all(&batches);
    assert!(events.iter().any(|event| event.request_model().is_some()));
    (disk.vfs.clone(), events)
}

struct Keeper {
    upkeep: RootUpkeep,
    trial: Trial,
}

impl Keeper {
    fn of(vfs: impl Vfs) -> Self {
        Self::with(vfs, Trial::new(Arc::new(MemVfs::new())))
    }

    fn with(vfs: impl Vfs, trial: Trial) -> Self {
        Self {
            upkeep: RootUpkeep::new(PathBuf::from(ROOT), Arc::new(vfs), false),
            trial,
        }
    }

    fn run(&mut self, now: Timestamp) -> RetentionPlan {
        let run = self.trial.run(&mut self.upkeep, &retentions(), now, false);
        run.0
    }

    fn plan(&mut self, now: Timestamp) -> RetentionPlan {
        let run = self.trial.run(&mut self.upkeep, &retentions(), now, true);
        run.0
    }
}

fn read(vfs: &MemVfs) -> Vec<Event> {
    read_in(Path::new(ROOT), vfs)
}

fn without_models(events: &[Event]) -> Vec<Event> {
    let mut expected = events.to_vec();
    for event in &mut expected {
        event.withhold([Facet::Model].into_iter().collect(), Absence::Expired);
    }
    expected
}

/// The files that hold events, under whatever name.
fn contents(vfs: &MemVfs) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = vfs.files();
    files.retain(|_, content| !content.is_empty());
    files
}

#[test]
fn an_expired_facet_is_taken_out_of_final_files_and_the_rest_stays() {
    let (vfs, events) = written();
    let before = contents(&vfs);
    let mut keeper = Keeper::of(vfs.clone());
    assert_eq!(keeper.run(after(28)), RetentionPlan::default());
    assert!(contents(&vfs) == before);
    let plan = keeper.plan(after(30));
    assert!(vfs.files().keys().eq(before.keys()) && contents(&vfs) == before);
    assert_eq!(keeper.run(after(30)), plan);
    assert!(plan.deleted.is_empty() && plan.skipped.is_empty());
    assert_eq!(plan.rewritten.len(), 2);
    assert!(plan.rewritten[0].file.starts_with("sink/v1/date="));
    assert_eq!(plan.events, 3);
    assert!(read(&vfs) == without_models(&events));
    // The same names, and nothing beside them.
    let narrowed = contents(&vfs);
    assert!(narrowed.keys().eq(before.keys()));
    assert_eq!(keeper.run(after(31)), RetentionPlan::default());
    assert_eq!(
        Keeper::of(vfs.clone()).run(after(31)),
        RetentionPlan::default()
    );
    assert!(contents(&vfs) == narrowed);
}

#[test]
fn what_a_file_says_of_its_numbers_stays_and_of_what_is_gone_nothing_is_left() {
    use parquet::file::metadata::ParquetMetaDataReader;

    let (vfs, _) = written();
    let said = |vfs: &MemVfs| {
        let files = contents(vfs).into_values();
        let of = |content: Vec<u8>| {
            let metadata =
                ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(content));
            let metadata = metadata.unwrap();
            let file = metadata.file_metadata();
            let pairs = file.key_value_metadata().unwrap().iter();
            let mut pairs: BTreeMap<_, _> = pairs
                .map(|pair| (pair.key.clone(), pair.value.clone().unwrap()))
                .collect();
            let expired = pairs.remove("llm_audit.expired");
            (file.num_rows(), pairs, expired)
        };
        files.map(of).collect::<Vec<_>>()
    };
    let before = said(&vfs);
    Keeper::of(vfs.clone()).run(after(30));
    let mut narrowed = 0;
    for (before, after) in before.into_iter().zip(said(&vfs)) {
        assert_eq!((before.0, before.1), (after.0, after.1));
        narrowed += usize::from(before.2.is_none() && after.2.as_deref() == Some("model"));
    }
    assert_eq!(narrowed, 2);
    for content in contents(&vfs).into_values() {
        assert!(!content.windows(6).any(|bytes| bytes == b"model-"));
    }
}

#[test]
fn files_that_have_expired_as_a_whole_are_deleted_with_their_days() {
    let (vfs, _) = written();
    let mut keeper = Keeper::of(vfs.clone());
    let plan = keeper.plan(after(365));
    assert_eq!(keeper.run(after(365)), plan);
    assert!(!plan.deleted.is_empty() && plan.rewritten.is_empty());
    assert!(contents(&vfs).is_empty());
    assert!(vfs.list(&Path::new(ROOT).join("v1")).unwrap().is_empty());
}

#[test]
fn killed_or_cut_off_at_any_call_every_event_is_there_and_the_next_run_comes_to_the_same_end() {
    let (vfs, events) = written();
    let narrowed = without_models(&events);
    for n in 0.. {
        let disk = vfs.snapshot();
        let done = Keeper::of(Killing::at(&disk, n)).run(after(30));
        for left in [
            disk.snapshot(),
            disk.after_power_cut(),
            disk.after_power_cut_by(n as u64),
        ] {
            let found = read(&left);
            assert_eq!(found.len(), events.len(), "killed at call {n}");
            for (event, (whole, less)) in found.iter().zip(events.iter().zip(&narrowed)) {
                assert!(event == whole || event == less, "killed at call {n}");
            }
            let plan = Keeper::of(left.clone()).run(after(30));
            assert!(plan.skipped.is_empty(), "killed at call {n}");
            assert!(read(&left) == narrowed, "killed at call {n}");
            // No unfinished file stays.
            assert_eq!(
                contents(&left).len(),
                contents(&vfs).len(),
                "killed at call {n}"
            );
        }
        disk.heal();
        if done.skipped.is_empty() && read(&disk) == narrowed {
            assert!(n > 15, "{n}");
            return;
        }
    }
}

#[test]
fn what_cannot_be_read_or_rewritten_is_told_and_the_others_are_narrowed() {
    let (vfs, events) = written();
    let other =
        "v1/date=2020-01-01/019b76da-a800-7000-8000-000000000002-00000000000000000017.parquet";
    let path = Path::new(ROOT).join(other);
    vfs.put(&path, b"no Parquet".to_vec());
    let mut keeper = Keeper::of(vfs.clone());
    // It is over by its name, and still held by something.
    keeper.trial.hold(vec![Hold::subject("m", "nobody")]);
    let plan = keeper.run(after(30));
    assert_eq!(plan.skipped, [format!("sink/{other}")]);
    assert_eq!(vfs.get(&path).unwrap(), b"no Parquet");
    vfs.unlink(&path).unwrap();
    assert!(read(&vfs) == without_models(&events));
}

#[test]
fn a_held_event_stays_as_it_is_until_it_is_lifted() {
    let (vfs, events) = written();
    let mut keeper = Keeper::of(vfs.clone());
    let midnight = Timestamp::from_unix_micros(20_001 * DAY);
    let first_day = Hold::between("m", Timestamp::from_unix_micros(0), midnight);
    keeper.trial.hold(vec![first_day]);
    for days in [30, 365] {
        let plan = keeper.plan(after(days));
        assert!(plan.held_events > 0, "{plan:?}");
        keeper.run(after(days));
        let (kept, others): (Vec<_>, Vec<_>) = read(&vfs)
            .into_iter()
            .partition(|event| event.recorded_at() < midnight);
        let was = events.iter().filter(|event| event.recorded_at() < midnight);
        assert!(kept.iter().eq(was));
        assert_eq!(others.is_empty(), days == 365);
        assert!(others.iter().all(|event| event.request_model().is_none()));
    }
    keeper.trial.hold(Vec::new());
    keeper.run(after(365));
    assert!(contents(&vfs).is_empty());
}

#[test]
fn two_runs_do_not_work_on_one_root_at_once() {
    let (vfs, _) = written();
    let before = contents(&vfs);
    let lock = Path::new(ROOT).join("_inprogress/maintenance.lock");
    vfs.put(&lock, Vec::new());
    let other = vfs.open(&lock, Access::Append).unwrap();
    assert!(other.try_lock().unwrap());
    let mut keeper = Keeper::of(vfs.clone());
    let (plan, more) =
        keeper
            .trial
            .clone()
            .run(&mut keeper.upkeep, &retentions(), after(30), false);
    assert_eq!((plan, more), (RetentionPlan::default(), true));
    assert!(contents(&vfs) == before);
    drop(other);
    assert!(!keeper.run(after(30)).rewritten.is_empty());
}

#[test]
fn a_run_reads_so_much_and_the_next_goes_on() {
    let (vfs, events) = written();
    let trial = Trial::new(Arc::new(MemVfs::new())).budget(1);
    let mut keeper = Keeper::with(vfs.clone(), trial);
    let (mut narrowed, mut left) = (0, true);
    for _ in contents(&vfs) {
        assert!(left);
        let (plan, more) =
            keeper
                .trial
                .clone()
                .run(&mut keeper.upkeep, &retentions(), after(30), false);
        assert!(plan.rewritten.len() < 2 && plan.skipped.is_empty());
        narrowed += plan.rewritten.len();
        left = more;
    }
    assert_eq!(narrowed, 2);
    assert!(read(&vfs) == without_models(&events));
}

#[test]
fn what_the_running_log_wrote_is_no_older_than_its_start_whatever_the_clock_said() {
    let (vfs, events) = written();
    let before = contents(&vfs);
    let trial = Trial::new(Arc::new(MemVfs::new())).own(events[0].writer_id(), after(25));
    let mut keeper = Keeper::with(vfs.clone(), trial);
    assert_eq!(keeper.run(after(50)), RetentionPlan::default());
    assert!(contents(&vfs) == before);
    assert!(!keeper.run(after(56)).rewritten.is_empty());
}

#[test]
fn files_behind_a_younger_one_of_their_writer_are_as_young() {
    let mut disk = Disk::new();
    // The clock went back by a year between the two days.
    for batch in &batches(&[(20_001, 2), (19_636, 2)]) {
        disk.writer.write(batch).unwrap();
        disk.writer.confirm().unwrap();
    }
    let before = contents(&disk.vfs);
    let mut keeper = Keeper::of(disk.vfs.clone());
    assert_eq!(keeper.run(after(20)), RetentionPlan::default());
    assert!(contents(&disk.vfs) == before);
}

/// A disk on which somebody sets a hold when a new file is begun.
#[derive(Clone, Debug)]
struct Holding {
    disk: MemVfs,
    trial: Arc<Mutex<Option<Trial>>>,
}

impl Vfs for Holding {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        if path.extension().is_some_and(|end| end == "tmp")
            && let Some(trial) = self.trial.lock().unwrap().take()
        {
            let all = Timestamp::from_unix_micros(i64::MAX);
            trial.hold(vec![Hold::between(
                "m",
                Timestamp::from_unix_micros(0),
                all,
            )]);
        }
        self.disk.create_new(path)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn VfsFile>> {
        self.disk.open(path, access)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.disk.unlink(path)
    }

    fn space(&self, dir: &Path) -> io::Result<Option<Space>> {
        self.disk.space(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

#[test]
fn a_hold_that_is_set_during_a_run_wins() {
    let (vfs, events) = written();
    let before = contents(&vfs);
    let trial = Trial::new(Arc::new(MemVfs::new()));
    let holding = Holding {
        disk: vfs.clone(),
        trial: Arc::new(Mutex::new(Some(trial.clone()))),
    };
    let mut keeper = Keeper::with(holding, trial);
    let (plan, more) =
        keeper
            .trial
            .clone()
            .run(&mut keeper.upkeep, &retentions(), after(30), false);
    assert!(
        plan.rewritten.is_empty() && plan.skipped.is_empty() && more,
        "{plan:?}"
    );
    assert!(contents(&vfs) == before && read(&vfs) == events);
    assert!(keeper.run(after(365)).held_events > 0);
    assert!(contents(&vfs) == before);
}

#[test]
fn a_disk_without_room_for_another_file_is_left_alone() {
    let (vfs, events) = written();
    vfs.resize(vfs.used() + 1_000);
    let plan = Keeper::of(vfs.clone()).run(after(30));
    assert_eq!(
        (plan.rewritten.len(), plan.skipped.len()),
        (0, contents(&vfs).len())
    );
    assert!(read(&vfs) == events);
}

#[test]
fn the_log_looks_after_the_files_of_its_sink_and_records_it() {
    let temp = tempfile::tempdir().unwrap();
    let (journal, root) = (temp.path().join("journal"), temp.path().join("lake"));
    let clock = ManualClock::at(after(0));
    let start = |now: Timestamp| {
        clock.jump(now.as_unix_micros() - clock.now().as_unix_micros());
        let policy = Policy::builder()
            .facet(Facet::Model, Level::Full)
            .facet(Facet::Usage, Level::Full)
            .retention(Retention::Forever)
            .retain(Facet::Model, Retention::Days30);
        let log = llm_audit_core::builder().policy(policy.build().unwrap());
        let sink = ParquetSink::dir(&root).unwrap().named("lake");
        log.journal(&journal)
            .sink(sink)
            .clock(clock.clone())
            .spawn()
            .unwrap()
    };
    let models = || {
        let events = super::read(&root).into_iter();
        let calls = events.filter(|event| *event.kind() == Kind::Interaction);
        calls
            .map(|call| call.request_model().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let audit = start(after(0));
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small");
    call.finish();
    assert!(audit.shutdown(LONG).is_complete());
    assert_eq!(models(), [Some("small".to_owned())]);

    let audit = start(after(32));
    // The log was away for a month: its clock is in doubt.
    assert!(audit.run_retention(LONG).is_complete());
    assert_eq!(models(), [Some("small".to_owned())]);
    audit.confirm_clock();
    let plan = audit.plan_retention(LONG).unwrap();
    let names: Vec<_> = plan
        .rewritten
        .iter()
        .map(|planned| planned.file.clone())
        .collect();
    assert!(
        names.iter().any(|name| name.starts_with("lake/v1/date=")),
        "{names:?}"
    );
    assert!(
        names.iter().any(|name| name.ends_with(".jsonl")),
        "{names:?}"
    );
    assert!(audit.run_retention(LONG).is_complete());
    assert_eq!(models(), [None]);
    assert!(audit.shutdown(LONG).is_complete());
    let events = journal::Reader::open(&journal).unwrap().events();
    let runs = events
        .map(Result::unwrap)
        .filter(|event| *event.kind() == Kind::RetentionRun);
    let run = runs.last().unwrap();
    let mut recorded = run.rewritten().unwrap().to_vec();
    recorded.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(recorded, names);
    assert_eq!(run.narrowed(), Some(plan.events));
    assert_eq!(run.absence(Facet::Model), Some(Absence::Expired));
}

#[test]
fn two_logs_share_a_root_and_what_one_holds_the_other_does_not_take() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("lake");
    let clock = ManualClock::at(after(0));
    let start = |journal: &str| {
        let policy = Policy::builder()
            .facet(Facet::Model, Level::Full)
            .retention(Retention::Days30);
        let log = llm_audit_core::builder().policy(policy.build().unwrap());
        let sink = ParquetSink::dir(&root).unwrap().named("lake");
        let log = log.journal(temp.path().join(journal)).sink(sink);
        log.clock(clock.clone()).spawn().unwrap()
    };
    let call = |log: &llm_audit_core::Audit, model: &str| {
        let mut call = log.begin(Operation::Chat);
        call.request_model(model);
        call.finish();
    };
    let models = || {
        let events = super::read(&root).into_iter();
        let models: std::collections::BTreeSet<_> = events
            .filter_map(|event| event.request_model().map(str::to_owned))
            .collect();
        models.into_iter().collect::<Vec<_>>()
    };
    let (holding, other) = (start("a"), start("b"));
    call(&holding, "held");
    call(&other, "other");
    let all = Timestamp::from_unix_micros(i64::MAX);
    let hold = Hold::between("m", Timestamp::from_unix_micros(0), all);
    holding.hold(hold, "legal", "claim").unwrap();
    assert!(holding.shutdown(LONG).is_complete() && other.shutdown(LONG).is_complete());
    assert_eq!(models(), ["held", "other"]);

    clock.jump(32 * DAY);
    // Those that wrote the files are gone; their journals know them.
    for journal in ["a", "b"] {
        let log = start(journal);
        log.confirm_clock();
        assert!(log.run_retention(LONG).is_complete());
        assert!(log.shutdown(LONG).is_complete());
    }
    assert_eq!(models(), ["held"]);
}
