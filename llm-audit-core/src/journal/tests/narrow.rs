//! Facets that expire before the events that they belong to.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::fixture::{DAY, DIR, World, recover, writer_id};
use crate::catalog::Field;
use crate::clock::Clock;
use crate::event::{Absence, Event, Kind, Message, Part, Value};
use crate::facet::Facet;
use crate::hold::Hold;
use crate::id::{Ids, event_id};
use crate::journal::check::check_in;
use crate::journal::{Bookmark, Condition, Journal, JournalConfig, Spool};
use crate::retention::{Retention, Retentions};
use crate::sink::SinkLimits;
use crate::sync::Arc;
use crate::vfs::{Fault, MemVfs, Op};

mod holding;

pub(super) const LONG: Duration = Duration::from_secs(60);
pub(super) const MARK: &str = "planted-mark";

/// A log that is kept for ever, prompts for 30 days and users for 7.
pub(super) fn config() -> JournalConfig {
    let own = [
        (Facet::Prompt, Retention::Days30),
        (Facet::User, Retention::Days(7)),
    ];
    JournalConfig::keep(DIR, Retention::Forever)
        .retaining(Retentions::new(Retention::Forever, own))
        .sync_thread(false)
}

pub(super) fn event(world: &World, writer: u8, seq: u64) -> Vec<u8> {
    let now = world.clock.now();
    let id = event_id(&*world.ids as &dyn Ids, now);
    let mut event = Event::new(Kind::Interaction, id, writer_id(writer), now);
    event.set(Field::Seq, Value::Int(seq));
    event.set(Field::UserId, Value::Text(format!("user-{}", seq % 2)));
    event.set(Field::SessionId, Value::Text("s-1".to_owned()));
    event.set(Field::RequestModel, Value::Text("small".to_owned()));
    let part = Part::text(format!("{MARK} number {seq}"));
    let message = Message::default().role("user").parts([part]);
    event.set(Field::InputMessages, Value::Messages(vec![message]));
    event.to_json().into_bytes()
}

pub(super) fn write(
    world: &World,
    journal: &mut Journal,
    writer: u8,
    seqs: std::ops::RangeInclusive<u64>,
) {
    for seq in seqs {
        journal.append(seq, &event(world, writer, seq)).unwrap();
    }
    journal.write().unwrap();
    journal.syncer().sync(LONG).unwrap();
}

/// A writer that is gone, with two segments, and one that runs; `days` have passed.
pub(super) fn aged(days: u32) -> (World, Journal) {
    let world = World::new();
    let (mut dead, _) = world.open_with(config(), 1);
    dead.reserve(1).unwrap();
    write(&world, &mut dead, 1, 1..=3);
    dead.roll();
    write(&world, &mut dead, 1, 4..=6);
    dead.close(LONG);
    let (mut journal, _) = world.open_with(config(), 2);
    journal.reserve(1).unwrap();
    write(&world, &mut journal, 2, 1..=3);
    journal.roll();
    pass(&world, &mut journal, days);
    (world, journal)
}

pub(super) fn pass(world: &World, journal: &mut Journal, days: u32) {
    for _ in 0..days {
        world.clock.advance(DAY);
        let clock = &world.clock;
        journal.watch.look(clock.now(), clock.monotonic());
    }
}

pub(super) fn holds_mark(vfs: &MemVfs) -> bool {
    let files = vfs.files().into_values();
    files
        .into_iter()
        .any(|bytes| memchr::memmem::find(&bytes, MARK.as_bytes()).is_some())
}

pub(super) fn numbers(world: &World) -> Vec<u64> {
    let story = world.undamaged_story("").into_iter();
    story.filter_map(|line| line.parse().ok()).collect()
}

pub(super) fn events(world: &World) -> Vec<Event> {
    let entries = world.entries().into_iter();
    let events = entries.map(|entry| entry.unwrap().into_event());
    events.filter(|event| event.seq().is_some()).collect()
}

#[test]
fn an_expired_facet_is_taken_out_and_the_rest_stays() {
    let (world, mut journal) = aged(8);
    let before = numbers(&world);
    let run = journal.expire();
    assert_eq!((run.rewritten.len(), run.narrowed), (3, 9), "{run:?}");
    assert!(run.files.is_empty() && run.findings.is_empty(), "{run:?}");
    assert!(run.facets.contains(Facet::User) && !run.facets.contains(Facet::Prompt));
    for event in events(&world) {
        assert_eq!(event.user_id(), None);
        assert_eq!(event.absence(Facet::User), Some(Absence::Expired));
        assert!(event.input_messages().is_some() && event.request_model() == Some("small"));
    }
    assert!(holds_mark(&world.vfs));
    pass(&world, &mut journal, 23);
    let run = journal.expire();
    assert_eq!((run.rewritten.len(), run.narrowed), (3, 9), "{run:?}");
    assert!(!holds_mark(&world.vfs));
    assert_eq!(numbers(&world), before);
    journal.close(LONG);
    let check = check_in(&world.vfs, Path::new(DIR)).unwrap();
    assert_eq!(check.condition(), Condition::Clean, "{:?}", check.findings);
}

#[test]
fn a_facet_that_has_not_expired_is_left_and_a_second_run_changes_no_byte() {
    let (world, mut journal) = aged(7);
    let segments = |world: &World| {
        let paths = world.segments().into_iter();
        paths.map(|path| world.vfs.get(&path)).collect::<Vec<_>>()
    };
    let before = segments(&world);
    assert!(journal.expire().rewritten.is_empty());
    assert!(segments(&world) == before);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(journal.expire().rewritten.len(), 3);
    let after = world.files();
    let run = journal.expire();
    assert!(
        run.rewritten.is_empty() && world.files() == after,
        "{run:?}"
    );
    // Nor does another process that knows of nothing.
    journal.close(LONG);
    let before = segments(&world);
    let (mut other, _) = world.open_with(config(), 3);
    other.watch.confirm();
    assert!(other.expire().rewritten.is_empty());
    other.close(LONG);
    assert!(segments(&world) == before);
}

#[test]
fn a_dry_run_names_what_the_run_then_does_and_changes_nothing() {
    let (world, mut journal) = aged(31);
    let before = world.files();
    let plan = journal.plan().unwrap();
    assert!(world.files() == before);
    let run = journal.expire();
    assert_eq!(plan.rewritten, run.rewritten);
    assert_eq!((plan.narrowed, plan.facets), (run.narrowed, run.facets));
    assert_eq!((&plan.files, plan.files.len()), (&run.files, 0));
    assert!(!plan.rewritten.is_empty());
}

#[test]
fn killed_at_any_call_of_a_run_no_event_is_lost_and_the_next_run_comes_to_the_same_end() {
    let hosts = |world: &World| {
        let all = events(world).into_iter();
        let hosts = all.filter(|event| event.kind().is_capture());
        hosts.map(|event| event.to_json()).collect::<Vec<_>>()
    };
    let (world, mut journal) = aged(31);
    journal.expire();
    let aim = hosts(&world);
    let mut calls = 0;
    for n in 0.. {
        let (world, mut journal) = aged(31);
        let before = numbers(&world);
        world.vfs.halt_after(n);
        journal.expire();
        let power = world.vfs.after_power_cut();
        let torn = world.vfs.after_power_cut_by(n);
        let killed = world.vfs.snapshot();
        world.vfs.heal();
        drop(journal);
        for vfs in [killed, power, torn] {
            let left = World::on(vfs);
            left.clock.jump(31 * 86_400_000_000);
            assert_eq!(numbers(&left), before, "killed at call {n}");
            recover(&left, 8);
            let (mut next, _) = left.open_with(config(), 9);
            next.confirm_clock();
            next.watch.confirm();
            let run = next.expire();
            assert!(run.findings.is_empty(), "call {n}: {run:?}");
            next.close(LONG);
            assert!(!holds_mark(&left.vfs), "call {n}");
            let events: BTreeSet<_> = numbers(&left).into_iter().collect();
            assert!(before.iter().all(|seq| events.contains(seq)), "call {n}");
            let names = left.names();
            assert!(
                !names.iter().any(|name| name.ends_with(".tmp")),
                "{names:?}"
            );
            assert_eq!(hosts(&left), aim, "call {n}");
        }
        calls = n;
        if world.segments().iter().all(|path| !holds(&world.vfs, path)) {
            break;
        }
    }
    assert!(calls > 30, "{calls}");
}

fn holds(vfs: &MemVfs, path: &Path) -> bool {
    memchr::memmem::find(&vfs.get(path).unwrap(), MARK.as_bytes()).is_some()
}

#[test]
fn any_call_that_fails_leaves_every_event_and_a_later_run_finishes() {
    for op in [
        Op::Create,
        Op::Write,
        Op::SyncData,
        Op::Rename,
        Op::SyncDir,
        Op::Open,
        Op::Read,
        Op::Lock,
    ] {
        for n in 0..6 {
            let (world, mut journal) = aged(31);
            let before = numbers(&world);
            let fault = if op == Op::Write {
                Fault::NoSpace
            } else {
                Fault::Io
            };
            world.vfs.fail_nth(op, fault, n);
            journal.expire();
            world.vfs.heal();
            assert_eq!(numbers(&world), before, "{op:?} {n}");
            let run = journal.expire();
            assert!(run.findings.is_empty(), "{op:?} {n}: {run:?}");
            assert!(!holds_mark(&world.vfs), "{op:?} {n}");
        }
    }
}

#[test]
fn a_reader_that_is_in_the_middle_of_a_segment_misses_nothing() {
    for read_before in 0..12 {
        let (world, mut journal) = aged(31);
        let vfs: Arc<dyn crate::vfs::Vfs> = Arc::new(world.vfs.clone());
        let mut reader = crate::journal::Reader::open_in(vfs, Path::new(DIR)).unwrap();
        let mut seqs: Vec<_> = reader
            .by_ref()
            .take(read_before)
            .map(|e| e.unwrap())
            .collect();
        journal.expire();
        seqs.extend(reader.map(|entry| entry.unwrap()));
        let seqs = seqs
            .iter()
            .filter_map(|entry| entry.event().seq())
            .collect::<Vec<_>>();
        assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 1, 2, 3], "{read_before}");
    }
}

#[test]
fn a_sink_that_stopped_in_the_middle_of_a_segment_goes_on_behind_its_last_event() {
    for events in 1..6 {
        let (world, mut journal) = aged(8);
        let spool = Spool::new(Arc::new(world.vfs.clone()), DIR.into());
        let mut bookmark = Bookmark::new(writer_id(1), 0);
        let limits = SinkLimits::default().max_batch_events(events);
        let mut seqs = Vec::new();
        let mut runs = 0;
        while let Some(batch) = spool.read(&mut bookmark, u64::MAX, &limits).unwrap() {
            seqs.extend_from_slice(batch.seqs());
            if runs < 2 {
                runs += 1;
                assert!(!journal.expire().rewritten.is_empty());
                pass(&world, &mut journal, 23);
            }
        }
        assert_eq!(seqs, [1, 2, 3, 4, 5, 6], "{events} at a time");
    }
}

#[test]
fn a_hold_keeps_what_it_is_on_and_nothing_else_until_it_is_lifted() {
    for hold in [
        Hold::subject("m", "user-1"),
        Hold::session("m", "s-1"),
        Hold::between(
            "m",
            crate::timestamp::Timestamp::default(),
            "2026-11-22T00:00:00Z".parse().unwrap(),
        ),
    ] {
        let is_subject = hold == Hold::subject("m", "user-1");
        let (world, mut journal) = aged(31);
        assert!(journal.set_hold(hold.clone()).unwrap().is_some());
        journal.expire();
        for event in events(&world) {
            let is_held = !is_subject || event.seq().unwrap() % 2 == 1;
            assert_eq!(
                event
                    .input_messages()
                    .is_some_and(|m| m[0].parts.is_some() && holds_text(&event)),
                is_held
            );
            assert_eq!(event.user_id().is_some(), is_held);
        }
        // Whoever starts later finds it.
        journal.close(LONG);
        let (mut later, _) = world.open_with(config(), 3);
        later.watch.confirm();
        later.expire();
        assert!(holds_mark(&world.vfs));
        assert!(later.lift_hold(&hold).unwrap());
        assert!(!later.lift_hold(&hold).unwrap());
        later.expire();
        assert!(!holds_mark(&world.vfs));
    }
}

fn holds_text(event: &Event) -> bool {
    event.to_json().contains(MARK)
}

/// Everything is kept for 30 days.
pub(super) fn whole() -> JournalConfig {
    World::config()
}

#[test]
fn a_segment_with_a_held_event_stays_with_that_event_and_the_envelopes_of_the_others() {
    let world = World::new();
    let (mut journal, _) = world.open_with(whole(), 1);
    write(&world, &mut journal, 1, 1..=3);
    journal.roll();
    write(&world, &mut journal, 1, 4..=4);
    journal.roll();
    assert!(
        journal
            .set_hold(Hold::subject("m", "user-1"))
            .unwrap()
            .is_some()
    );
    pass(&world, &mut journal, 31);
    let plan = journal.plan().unwrap();
    let run = journal.expire();
    assert_eq!(
        (plan.files, plan.rewritten),
        (run.files.clone(), run.rewritten.clone())
    );
    // The second segment holds user-0 alone.
    assert_eq!((run.files.len(), run.kept_by_hold), (1, 2));
    let left = events(&world);
    let texts: Vec<_> = left.iter().map(holds_text).collect();
    assert_eq!(texts, [true, false, true]);
    assert_eq!(left[1].session_id(), None);
    assert!(journal.lift_hold(&Hold::subject("m", "user-1")).unwrap());
    assert_eq!(journal.expire().files.len(), 1);
    assert!(world.segments().is_empty());
}

#[test]
fn holds_that_cannot_be_read_hold_everything() {
    let (world, mut journal) = aged(31);
    let path = Path::new(DIR).join("holds.json");
    world.vfs.put(
        &path,
        b"{\"holds\":[{\"name\":\"m\",\"of_a_newer_kind\":1}]}".to_vec(),
    );
    let before = world.files();
    let run = journal.expire();
    assert!(run.rewritten.is_empty() && run.files.is_empty());
    assert_eq!(run.findings.len(), 1);
    assert!(journal.lift_hold(&Hold::subject("n", "u")).is_err());
    let mut after = world.files();
    after.retain(|path, _| before.contains_key(path));
    assert!(after == before);
}

#[test]
fn a_clock_a_year_ahead_takes_no_facet_away() {
    let (world, mut journal) = aged(0);
    world.clock.jump(365 * 86_400_000_000);
    let run = journal.expire();
    assert!(run.held_back && run.rewritten.is_empty(), "{run:?}");
    journal.confirm_clock();
    assert_eq!(journal.expire().rewritten.len(), 2);
}

#[test]
fn dead_letters_and_the_quarantine_are_reached_and_held() {
    let (world, mut journal) = aged(0);
    let batch = {
        let spool = Spool::new(Arc::new(world.vfs.clone()), DIR.into());
        let mut bookmark = Bookmark::new(writer_id(1), 0);
        spool
            .read(&mut bookmark, u64::MAX, &SinkLimits::default())
            .unwrap()
            .unwrap()
    };
    journal.dead_letters().keep("far", &batch).unwrap();
    let writer = writer_id(1);
    let bad =
        format!("{DIR}/quarantine/20261121-{writer}-000001-00000000000000000000-00000000.bad");
    world.vfs.put(Path::new(&bad), MARK.into());
    let torn = format!("{DIR}/20261121-{writer}-000001-00000000000000000001.jsonl.tmp");
    world.vfs.put(Path::new(&torn), MARK.into());
    assert!(
        journal
            .set_hold(Hold::subject("m", "user-1"))
            .unwrap()
            .is_some()
    );
    pass(&world, &mut journal, 32);
    let plan = journal.plan().unwrap();
    let run = journal.expire();
    assert_eq!(plan.rewritten, run.rewritten);
    assert!(world.vfs.get(Path::new(&bad)).is_some());
    assert!(world.vfs.get(Path::new(&torn)).is_none());
    let letters = |world: &World| {
        let files = world.files().into_iter();
        let files = files.filter(|(path, _)| path.to_str().unwrap().contains("dead-letters"));
        let bytes: Vec<_> = files.map(|(_, bytes)| bytes).collect();
        String::from_utf8(bytes.concat()).unwrap()
    };
    assert_eq!(letters(&world).matches(MARK).count(), 3);
    assert_eq!(letters(&world).lines().count(), 6);
    assert!(journal.lift_hold(&Hold::subject("m", "user-1")).unwrap());
    journal.expire();
    assert!(!holds_mark(&world.vfs));
    assert_eq!(letters(&world).lines().count(), 6);
}

#[test]
fn what_the_disk_has_not_confirmed_is_not_touched() {
    let world = World::new();
    let (mut journal, _) = world.open_with(config(), 1);
    journal.reserve(1).unwrap();
    for seq in 1..=3 {
        journal.append(seq, &event(&world, 1, seq)).unwrap();
    }
    journal.write().unwrap();
    journal.roll();
    pass(&world, &mut journal, 31);
    assert!(journal.expire().rewritten.is_empty());
    journal.syncer().sync(LONG).unwrap();
    assert_eq!(journal.expire().rewritten.len(), 1);
}

#[test]
fn another_process_that_writes_files_anew_is_waited_for() {
    let (world, mut journal) = aged(31);
    let lock = Path::new(DIR).join("retention.lock");
    world.vfs.put(&lock, Vec::new());
    let other = crate::vfs::Vfs::open(&world.vfs, &lock, crate::vfs::Access::Append).unwrap();
    assert!(other.try_lock().unwrap());
    assert!(journal.expire().rewritten.is_empty());
    drop(other);
    assert_eq!(journal.expire().rewritten.len(), 3);
}
