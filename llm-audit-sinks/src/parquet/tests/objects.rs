//! What has expired, taken out of the objects of a store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, TryStreamExt};
use llm_audit_core::testing::{ManualClock, MemorySink};
use llm_audit_core::upkeep::{Trial, Upkeep};
use llm_audit_core::vfs::{Access, MemVfs, Vfs};
use llm_audit_core::{
    Absence, Batch, Event, Facet, Hold, Key, KeyRing, Level, Operation, Policy, Retention,
    RetentionPlan, Retentions, Timestamp, builder,
};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::upload::{Machine, stored};
use super::{ROOT, all};
use crate::fixture::{DAY, LONG, batches};
use crate::store::Store;
use crate::store::tests::{Fault, Faulty};

/// Models for 30 days, everything else for a year.
fn retentions() -> Retentions {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days(365))
        .retain(Facet::Model, Retention::Days30);
    policy.build().unwrap().retentions()
}

/// So many days behind the dates of the objects.
pub(super) fn after(days: i64) -> Timestamp {
    Timestamp::from_unix_micros((20_002 + days) * DAY)
}

/// Objects of two days in a store, and who looks after them.
pub(super) struct Bucket {
    pub(super) faulty: Faulty,
    vfs: MemVfs,
    upkeep: Box<dyn Upkeep>,
    holds: MemVfs,
    pub(super) trial: Trial,
    events: Vec<Event>,
}

impl Bucket {
    /// An object for each batch.
    pub(super) fn of(batches: &[Batch]) -> Self {
        Self::written(batches, true)
    }

    fn written(batches: &[Batch], each: bool) -> Self {
        let faulty = Faulty::new();
        let mut machine = Machine::start(&MemVfs::new(), &faulty.store(), false);
        for batch in batches {
            machine.write(batch).unwrap();
            if each {
                machine.confirm().unwrap();
            }
        }
        machine.confirm().unwrap();
        Self::at(faulty, all(batches), Store::clone)
    }

    fn at(faulty: Faulty, events: Vec<Event>, store: Way) -> Self {
        let (vfs, holds) = (MemVfs::new(), MemVfs::new());
        let machine = Machine::start(&vfs, &store(&faulty.store()), false);
        Self {
            upkeep: machine.root.upkeep().unwrap(),
            trial: Trial::new(Arc::new(holds.clone())),
            events,
            holds,
            faulty,
            vfs,
        }
    }

    /// Returns another with the same objects.
    fn again(&self, store: Way) -> Self {
        let fork = Faulty::of(Arc::new(self.faulty.inner().fork()));
        Self::at(fork, self.events.clone(), store)
    }

    fn days() -> Self {
        Self::of(&batches(&[(20_000, 2), (20_001, 1)]))
    }

    fn run(&mut self, now: Timestamp) -> RetentionPlan {
        self.once(now, false).0
    }

    fn plan(&mut self, now: Timestamp) -> RetentionPlan {
        self.once(now, true).0
    }

    pub(super) fn once(&mut self, now: Timestamp, dry: bool) -> (RetentionPlan, bool) {
        let run = self.trial.run(&mut *self.upkeep, &retentions(), now, dry);
        // Neither a lock nor a temporary file stays.
        let left = self.vfs.files().into_keys();
        let left = left.filter(|path| path.extension().is_some_and(|end| end == "tmp"));
        assert_eq!(left.count(), 0);
        run
    }

    fn stored(&self) -> Vec<Event> {
        stored(&self.faulty)
    }

    fn narrowed(&self) -> Vec<Event> {
        without_models(&self.events)
    }
}

fn without_models(events: &[Event]) -> Vec<Event> {
    let mut expected = events.to_vec();
    for event in &mut expected {
        event.withhold([Facet::Model].into_iter().collect(), Absence::Expired);
    }
    expected
}

/// The objects, each with its tag.
pub(super) fn states(faulty: &Faulty) -> BTreeMap<String, Option<String>> {
    let listed = faulty.inner().list(None).try_collect::<Vec<_>>();
    let listed = listed.now_or_never().unwrap().unwrap();
    let state = |o: object_store::ObjectMeta| (o.location.to_string(), o.e_tag);
    listed.into_iter().map(state).collect()
}

pub(super) fn bytes_of(faulty: &Faulty, name: &str) -> bytes::Bytes {
    let inner = faulty.inner();
    let (at, options) = (name.into(), object_store::GetOptions::default());
    let got = inner.get_opts(&at, options).now_or_never().unwrap();
    got.unwrap().bytes().now_or_never().unwrap().unwrap()
}

pub(super) fn put(faulty: &Faulty, name: &str, bytes: bytes::Bytes) {
    let inner = faulty.inner();
    let put = inner
        .put(&name.into(), PutPayload::from(bytes))
        .now_or_never();
    put.unwrap().unwrap();
}

/// How objects are put.
type Way = fn(&Store) -> Store;

/// In one request, in parts, and without conditions.
fn ways() -> [(&'static str, Way); 3] {
    [
        ("whole", Store::clone),
        ("parts", |store| store.clone().part_bytes(16 << 10)),
        ("unconditional", |store| store.clone().unconditional()),
    ]
}

fn always() -> Hold {
    let (first, last) = (i64::MIN / 2, i64::MAX);
    let at = Timestamp::from_unix_micros;
    Hold::between("m", at(first), at(last))
}

#[test]
fn an_expired_facet_is_taken_out_of_objects_and_the_rest_stays() {
    let days = Bucket::days();
    for (way, store) in ways() {
        let mut bucket = days.again(store);
        let before = states(&bucket.faulty);
        assert_eq!(bucket.run(after(28)), RetentionPlan::default(), "{way}");
        let plan = bucket.plan(after(30));
        assert_eq!(states(&bucket.faulty), before, "{way}");
        assert_eq!((plan.rewritten.len(), plan.events), (2, 3), "{way}");
        assert!(
            plan.rewritten[0]
                .file
                .starts_with("sink/faulty:///v1/date=")
        );
        assert_eq!(bucket.run(after(30)), plan, "{way}");
        assert!(bucket.stored() == bucket.narrowed(), "{way}");
        let narrowed = states(&bucket.faulty);
        assert!(narrowed.keys().eq(before.keys()), "{way}");
        for name in narrowed.keys() {
            let bytes = bytes_of(&bucket.faulty, name);
            assert!(!bytes.windows(6).any(|bytes| bytes == b"model-"), "{way}");
        }
        // A second run changes nothing, nor does one of another process, and soon nothing is read.
        assert_eq!(bucket.run(after(31)), RetentionPlan::default(), "{way}");
        bucket.faulty.before(usize::MAX, || {});
        assert_eq!(bucket.run(after(32)), RetentionPlan::default(), "{way}");
        assert_eq!(bucket.faulty.asked(), 3, "the days, and each of them");
        assert_eq!(states(&bucket.faulty), narrowed, "{way}");
    }
}

#[test]
fn objects_that_have_expired_as_a_whole_are_deleted() {
    let mut bucket = Bucket::days();
    let plan = bucket.plan(after(365));
    assert!(!states(&bucket.faulty).is_empty());
    assert_eq!(bucket.run(after(365)), plan);
    assert!(!plan.deleted.is_empty() && plan.rewritten.is_empty());
    assert!(states(&bucket.faulty).is_empty());
}

#[test]
fn what_is_not_ours_in_a_bucket_stays() {
    let mut bucket = Bucket::days();
    let others = [
        "v1/date=2020-01-01/notes.parquet",
        "v1/date=2020-01-01/019b76da-a800-7000-8000-000000000002-1.parquet",
        "v1/other/019b76da-a800-7000-8000-000000000002-00000000000000000017.parquet",
        "elsewhere/v1/date=2020-01-01/019b76da-a800-7000-8000-000000000002-00000000000000000017.parquet",
    ];
    for name in others {
        put(&bucket.faulty, name, bytes::Bytes::from_static(b"others"));
    }
    bucket.run(after(1_000));
    let mut left: Vec<_> = states(&bucket.faulty).into_keys().collect();
    let mut expected = others.map(str::to_owned);
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn whatever_request_fails_no_event_is_lost_and_each_change_is_recorded_once() {
    let template = Bucket::written(&batches(&[(20_000, 1), (20_001, 1)]), false);
    for (way, store) in ways() {
        for days in [30, 365]
            .into_iter()
            .filter(|days| *days == 30 || way == "whole")
        {
            // Deletions and what the store never saw are the same in each way.
            let faults = [Fault::After, Fault::Cut, Fault::Before];
            for fault in faults.into_iter().take(2 + usize::from(way == "whole")) {
                for number in 0.. {
                    let what = format!("{way}, {days}, {fault:?} {number}");
                    let mut bucket = template.again(store);
                    let names = states(&bucket.faulty).len();
                    bucket.faulty.fail(number, fault);
                    let first = bucket.run(after(days));
                    let has_failed = bucket.faulty.has_failed();
                    bucket.faulty.heal();
                    let (whole, less) = (&bucket.events, bucket.narrowed());
                    let is_one = |event: &Event| whole.contains(event) || less.contains(event);
                    assert!(bucket.stored().iter().all(is_one), "{what}");
                    let is_all = bucket.stored().len() == whole.len();
                    assert!(is_all || days == 365, "{what}");
                    let mut done: Vec<_> = first.rewritten.iter().map(|r| r.file.clone()).collect();
                    done.extend(first.deleted);
                    for _ in 0..2 {
                        let next = bucket.run(after(days));
                        assert!(next.skipped.is_empty(), "{what}");
                        done.extend(next.rewritten.into_iter().map(|r| r.file));
                        done.extend(next.deleted);
                    }
                    done.sort();
                    let all = done.len();
                    done.dedup();
                    let expected = if days == 365 { names } else { 2 };
                    // With an answer that is lost for good, nobody knows what became of the request.
                    let is_known =
                        fault != Fault::Cut && (fault, way) != (Fault::After, "unconditional");
                    assert!(
                        all == done.len() && (done.len() == expected || !is_known),
                        "{what}: {done:?}"
                    );
                    match days {
                        365 => assert!(states(&bucket.faulty).is_empty(), "{what}"),
                        _ => assert!(bucket.stored() == less, "{what}"),
                    }
                    if !has_failed {
                        assert!(number > 5, "{what}");
                        break;
                    }
                }
            }
        }
    }
}

/// An object, and another of the same name with more events.
fn two_states() -> (Vec<Batch>, bytes::Bytes, Vec<Event>) {
    let mut batches = of_people();
    // Something is to be taken out of the first.
    let has_model = |batch: &Batch| batch.events().iter().any(|e| e.request_model().is_some());
    let first = batches.iter().position(has_model).unwrap();
    batches.drain(..first);
    batches.truncate(2);
    assert_eq!(batches.len(), 2);
    let faulty = Faulty::new();
    let mut other = Machine::start(&MemVfs::new(), &faulty.store(), false);
    for batch in &batches {
        other.write(batch).unwrap();
    }
    other.confirm().unwrap();
    let names: Vec<_> = states(&faulty).into_keys().collect();
    assert_eq!(names.len(), 1);
    let (bytes, events) = (bytes_of(&faulty, &names[0]), all(&batches));
    batches.truncate(1);
    (batches, bytes, events)
}

#[test]
fn what_somebody_puts_in_the_place_of_an_object_meanwhile_is_never_overwritten() {
    let (batches, bytes, events) = two_states();
    let (template, mut met, mut overwritten) = (Bucket::of(&batches), 0, Vec::new());
    for (way, store) in ways() {
        for days in [30, 400] {
            for number in 0.. {
                let what = format!("{way}, {days}, {number}");
                let mut bucket = template.again(store);
                let name = states(&bucket.faulty).into_keys().next().unwrap();
                if days == 400 {
                    // What comes is held, and what was there is not.
                    let last = events.last().unwrap().recorded_at().as_unix_micros();
                    let at = Timestamp::from_unix_micros;
                    bucket
                        .trial
                        .hold(vec![Hold::between("m", at(last), at(last + 1))]);
                    if bucket
                        .events
                        .iter()
                        .any(|e| e.recorded_at().as_unix_micros() == last)
                    {
                        break;
                    }
                }
                let inner = Faulty::of(bucket.faulty.inner());
                let (to, content) = (name.clone(), bytes.clone());
                bucket.faulty.before(number, move || {
                    put(&inner, &to, content);
                });
                let plan = bucket.run(after(days));
                let is_over = bucket.faulty.is_to_come();
                assert!(plan.skipped.is_empty(), "{what}: {plan:?}");
                if is_over {
                    assert!(number > 3, "{what}");
                    break;
                }
                met += 1;
                if bucket.stored().len() < events.len() && (way, days) != ("whole", 30) {
                    overwritten.push((way, days));
                    continue;
                }
                assert_eq!(bucket.stored().len(), events.len(), "{what}");
                if days == 30 {
                    while bucket.once(after(days), false).1 {}
                    assert!(bucket.stored() == without_models(&events), "{what}");
                }
            }
        }
    }
    assert!(met > 20, "{met}");
    // What no condition goes with has an instant between the look and the last word.
    overwritten.sort_unstable();
    let instants = [
        ("parts", 30),
        ("parts", 400),
        ("unconditional", 30),
        ("unconditional", 400),
        ("whole", 400),
    ];
    assert_eq!(overwritten, instants);
}

#[test]
fn a_hold_that_is_set_at_any_moment_of_a_run_wins() {
    let template = Bucket::written(&batches(&[(20_000, 1), (20_001, 1)]), false);
    for (way, store) in ways() {
        for days in [30, 365]
            .into_iter()
            .filter(|days| *days == 30 || way == "whole")
        {
            for number in 0.. {
                let what = format!("{way}, {days}, {number}");
                let mut bucket = template.again(store);
                let (trial, holds) = (bucket.trial.clone(), bucket.holds.clone());
                let inner = Faulty::of(bucket.faulty.inner());
                let kept = Arc::new(Mutex::new(None));
                let at_that = Arc::clone(&kept);
                bucket.faulty.before(number, move || {
                    // Who sets a hold waits for whoever is about to delete.
                    let lock = holds.open(Path::new("/journal/holds.lock"), Access::Append);
                    if !lock.is_ok_and(|lock| !lock.try_lock().unwrap()) {
                        trial.hold(vec![always()]);
                        *at_that.lock().unwrap() = Some(stored(&inner));
                    }
                });
                bucket.run(after(days));
                let (is_over, kept) = (bucket.faulty.is_to_come(), kept.lock().unwrap().take());
                if let Some(kept) = kept {
                    assert!(bucket.stored() == kept, "{what}");
                    bucket.run(after(365));
                    assert!(bucket.stored() == kept, "{what}");
                }
                if is_over {
                    break;
                }
            }
        }
    }
}

/// Calls of two people in two sessions on one day.
fn of_people() -> Vec<Batch> {
    let memory = MemorySink::new();
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::User, Level::Full)
        .facet(Facet::Session, Level::Full)
        .retention(Retention::Forever);
    let clock = ManualClock::at(Timestamp::from_unix_micros(20_001 * DAY + 1));
    let log = builder()
        .policy(policy.build().unwrap())
        .sink(memory.clone())
        .clock(clock.clone());
    let audit = log.spawn().unwrap();
    for (user, session) in [("ada", "s-1"), ("bob", "s-2"), ("ada", "s-3")] {
        let mut call = audit.begin(Operation::Chat);
        call.request_model("small")
            .user_id(user)
            .session_id(session);
        call.finish();
        assert!(audit.flush(LONG).is_complete());
        clock.advance(std::time::Duration::from_secs(60));
    }
    assert!(audit.shutdown(LONG).is_complete());
    memory.batches()
}

#[test]
fn what_a_hold_is_on_stays_in_the_store_and_nothing_else() {
    let batches = of_people();
    let events = all(&batches);
    let of = |wanted: fn(&Event) -> bool| {
        let held = events.iter().filter(|event| wanted(event)).cloned();
        held.collect::<Vec<_>>()
    };
    let template = Bucket::written(&batches, false);
    let keys = KeyRing::new(Key::bytes("k1", &[1; 32]).unwrap());
    let second = of(|event| event.user_id() == Some("bob"));
    let at = second[0].recorded_at();
    let next = Timestamp::from_unix_micros(at.as_unix_micros() + 1);
    let holds = [
        (
            Hold::subject("m", "ada"),
            of(|e| e.user_id() == Some("ada")),
        ),
        (
            Hold::person("m", "ada", &keys, []),
            of(|e| e.user_id() == Some("ada")),
        ),
        (Hold::session("m", "s-2"), second.clone()),
        (Hold::between("m", at, next), second.clone()),
        (always(), events.clone()),
    ];
    for (hold, held) in holds {
        let mut bucket = template.again(Store::clone);
        bucket.trial.hold(vec![hold.clone()]);
        for days in [30, 365] {
            let plan = bucket.plan(after(days));
            assert_eq!(plan.held_events, held.len() as u64, "{hold:?}");
            bucket.run(after(days));
            let found = bucket.stored();
            // The others are there by their envelopes, with their numbers.
            assert_eq!(found.len(), events.len(), "{hold:?}");
            for (event, was) in found.iter().zip(&events) {
                let mut expected = was.clone();
                if !held.contains(was) {
                    expected = without_models(&[expected]).remove(0);
                    if days == 365 {
                        let all = Facet::ALL.iter().copied().collect();
                        expected.withhold(all, Absence::Expired);
                    }
                }
                assert!(*event == expected, "{hold:?} {days}");
            }
            assert_eq!(bucket.run(after(days)).rewritten, [], "{hold:?}");
        }
        bucket.trial.hold(Vec::new());
        bucket.run(after(365));
        assert!(states(&bucket.faulty).is_empty(), "{hold:?}");
    }
}

#[test]
fn a_run_reads_so_much_and_the_next_goes_on() {
    let mut bucket = Bucket::days();
    bucket.trial = bucket.trial.clone().budget(1);
    let (mut narrowed, mut runs) = (0, 0);
    loop {
        let (plan, more) = bucket.once(after(30), false);
        assert!(plan.rewritten.len() < 2 && plan.skipped.is_empty());
        narrowed += plan.rewritten.len();
        runs += 1;
        if !more {
            break;
        }
        assert!(runs < 40, "it does not come to an end");
    }
    assert_eq!(narrowed, 2);
    assert!(bucket.stored() == bucket.narrowed());
}

#[test]
fn a_store_that_is_away_is_told_once_and_the_next_run_goes_on() {
    let mut bucket = Bucket::days();
    bucket.faulty.fail(0, Fault::Cut);
    let (plan, _) = bucket.once(after(30), false);
    assert_eq!(plan.skipped, ["sink/faulty://"]);
    assert!(bucket.faulty.asked() == 1);
    // It goes away behind the listing: some tries, and no more.
    bucket.faulty.fail(2, Fault::Cut);
    let (plan, _) = bucket.once(after(30), false);
    assert!((1..=3).contains(&plan.skipped.len()), "{plan:?}");
    bucket.faulty.heal();
    let mut runs = 0;
    while bucket.once(after(30), false).1 {
        runs += 1;
        assert!(runs < 4, "it does not come to an end");
    }
    assert!(bucket.stored() == bucket.narrowed());
}

#[test]
fn what_cannot_be_read_is_told_and_the_others_are_narrowed() {
    let mut bucket = Bucket::days();
    let name =
        "v1/date=2024-10-05/019b76da-a800-7000-8000-000000000002-00000000000000000017.parquet";
    for content in [&b"no Parquet at all"[..], b""] {
        put(&bucket.faulty, name, content.into());
        bucket.trial.hold(vec![Hold::subject("m", "nobody")]);
        let plan = bucket.run(after(30));
        assert_eq!(plan.skipped, [format!("sink/faulty:///{name}")]);
        assert_eq!(bytes_of(&bucket.faulty, name), content);
    }
    let gone = bucket.faulty.inner();
    gone.delete(&name.into()).now_or_never().unwrap().unwrap();
    assert!(bucket.stored() == bucket.narrowed());
}

#[test]
fn objects_behind_a_younger_one_of_their_writer_are_as_young() {
    // The clock went back by a year between the two days.
    let mut bucket = Bucket::of(&batches(&[(20_001, 2), (19_636, 2)]));
    let before = states(&bucket.faulty);
    assert_eq!(bucket.run(after(20)), RetentionPlan::default());
    assert_eq!(states(&bucket.faulty), before);
    bucket.run(after(31));
    assert!(
        bucket
            .stored()
            .iter()
            .all(|event| event.request_model().is_none())
    );
}

#[test]
fn objects_stay_where_retention_is_switched_off() {
    use super::super::ParquetConfig;
    use super::super::writer::RootWriter;

    let faulty = Faulty::new();
    let config = ParquetConfig::new(ROOT).store(faulty.store());
    let start = |config: ParquetConfig| {
        RootWriter::in_vfs(
            config,
            Arc::new(MemVfs::new()),
            Arc::new(ManualClock::new()),
        )
        .unwrap()
    };
    assert!(start(config.clone()).upkeep().is_some());
    assert!(start(config.enforce_retention(false)).upkeep().is_none());
}

#[test]
fn what_another_log_wrote_stays_and_is_told_unless_that_is_asked_for() {
    let batches = batches(&[(20_000, 1)]);
    let mut bucket = Bucket::of(&batches);
    let before = states(&bucket.faulty);
    bucket.trial = bucket.trial.clone().writers([]);
    assert_eq!(bucket.run(after(30)), RetentionPlan::default());
    let plan = bucket.run(after(400));
    assert_eq!(plan.skipped, ["sink/files of other logs"]);
    assert!(plan.deleted.is_empty());
    assert_eq!(states(&bucket.faulty), before);
    let config = super::super::ParquetConfig::new(ROOT).store(bucket.faulty.store());
    let (vfs, clock) = (bucket.vfs.clone(), ManualClock::new());
    let config = config.enforce_on_others(true);
    let writer = super::super::writer::RootWriter::in_vfs(config, Arc::new(vfs), Arc::new(clock));
    bucket.upkeep = writer.unwrap().upkeep().unwrap();
    assert_eq!(bucket.run(after(400)).deleted.len(), before.len());
    assert!(states(&bucket.faulty).is_empty());
    let mut own = Bucket::of(&batches);
    own.trial = own.trial.clone().writers([batches[0].writer_id()]);
    assert_eq!(own.run(after(400)).deleted.len(), before.len());
}
