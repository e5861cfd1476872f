//! What has expired, taken out of files that are not written to any more.

use std::path::Path;
use std::sync::Arc;

use llm_audit_core::upkeep::{Trial, Upkeep};
use llm_audit_core::vfs::MemVfs;
use llm_audit_core::{
    Absence, Batch, Event, Facet, Hold, Level, Policy, Retention, RetentionPlan, Retentions,
    Timestamp,
};

use super::{Disk, JsonlFileName, dir, lines, new_disk};
use crate::fixture::{DAY, batches};
use crate::jsonl::upkeep::DirUpkeep;
use crate::jsonl::writer::Open;

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

/// A directory with files of two days, and what is in them; its sink is gone.
fn written() -> (MemVfs, Vec<Event>) {
    let batches = batches(&[(20_000, 2), (20_001, 2)]);
    let mut disk = new_disk();
    write(&mut disk, &batches);
    let vfs = disk.vfs.clone();
    drop(disk);
    (vfs.clone(), events(&vfs))
}

fn write(disk: &mut Disk, batches: &[Batch]) {
    for batch in batches {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.confirm().unwrap();
}

fn events(vfs: &MemVfs) -> Vec<Event> {
    let of = |line: Vec<u8>| Event::from_json(&line).unwrap();
    lines(vfs).into_iter().map(of).collect()
}

fn without_models(events: &[Event]) -> Vec<Event> {
    let mut expected = events.to_vec();
    for event in &mut expected {
        event.withhold([Facet::Model].into_iter().collect(), Absence::Expired);
    }
    expected
}

fn upkeep(vfs: &MemVfs) -> DirUpkeep {
    DirUpkeep::new(dir(), Arc::new(vfs.clone()), Open::default(), false)
}

fn trial() -> Trial {
    Trial::new(Arc::new(MemVfs::new()))
}

fn run(upkeep: &mut dyn Upkeep, now: Timestamp, dry: bool) -> RetentionPlan {
    trial().run(upkeep, &retentions(), now, dry).0
}

/// The files with something in them, and no lock.
fn names(vfs: &MemVfs) -> Vec<String> {
    let files = vfs
        .files()
        .into_iter()
        .filter(|(_, content)| !content.is_empty());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.map(|(path, _)| name(&path)).collect()
}

#[test]
fn an_expired_facet_is_taken_out_of_copies_and_the_rest_stays() {
    let (vfs, events_before) = written();
    let before = vfs.files();
    let mut upkeep = upkeep(&vfs);
    assert_eq!(run(&mut upkeep, after(28), false), RetentionPlan::default());
    assert!(vfs.files() == before);
    let plan = run(&mut upkeep, after(31), true);
    assert!(vfs.files() == before);
    assert_eq!((plan.events, plan.deleted.len()), (4, 0), "{plan:?}");
    assert_eq!(run(&mut upkeep, after(31), false), plan);
    assert!(events(&vfs) == without_models(&events_before));
    let narrowed = vfs.files();
    for mut next in [upkeep, self::upkeep(&vfs)] {
        assert_eq!(run(&mut next, after(31), false), RetentionPlan::default());
    }
    assert!(vfs.files() == narrowed);
    assert!(
        names(&vfs)
            .iter()
            .all(|name| name.parse::<JsonlFileName>().is_ok())
    );
}

#[test]
fn copies_that_have_expired_as_a_whole_are_deleted() {
    let (vfs, _) = written();
    let mut upkeep = upkeep(&vfs);
    let plan = run(&mut upkeep, after(365), true);
    assert_eq!(run(&mut upkeep, after(365), false), plan);
    assert!(!plan.deleted.is_empty() && plan.rewritten.is_empty());
    assert!(names(&vfs).is_empty());
}

#[test]
fn killed_or_cut_off_at_any_call_no_copy_is_lost_and_the_next_run_comes_to_the_same_end() {
    let (vfs, before) = written();
    let narrowed = without_models(&before);
    for n in 0.. {
        let disk = vfs.snapshot();
        disk.halt_after(n);
        let done = run(&mut upkeep(&disk), after(31), false);
        for left in [
            disk.snapshot(),
            disk.after_power_cut(),
            disk.after_power_cut_by(n),
        ] {
            let copies: Vec<_> = names(&left);
            let is_copy = |name: &&String| name.parse::<JsonlFileName>().is_ok();
            assert_eq!(copies.iter().filter(is_copy).count(), names(&vfs).len());
            assert!(run(&mut upkeep(&left), after(31), false).skipped.is_empty());
            assert!(events(&left) == narrowed, "killed at call {n}");
            assert_eq!(names(&left), names(&vfs), "killed at call {n}");
        }
        disk.heal();
        if done.skipped.is_empty() && names(&disk) == names(&vfs) && events(&disk) == narrowed {
            assert!(n > 10, "{n}");
            return;
        }
    }
}

#[test]
fn a_file_that_a_sink_writes_to_is_left_until_it_lets_go() {
    let batches = batches(&[(20_000, 2)]);
    let mut disk = new_disk();
    write(&mut disk, &batches);
    let before = disk.vfs.files();
    // Another program's upkeep does not know of it.
    let mut other = upkeep(&disk.vfs);
    assert_eq!(run(&mut other, after(365), false), RetentionPlan::default());
    assert_eq!(names(&disk.vfs).len(), before.len());
    // Its own has it begin another.
    let mut own = disk.writer.upkeep().unwrap();
    assert!(!run(&mut *own, after(365), false).deleted.is_empty());
    assert!(names(&disk.vfs).is_empty());
    write(&mut disk, &batches[..1]);
    assert!(!names(&disk.vfs).is_empty());
}

#[test]
fn a_held_copy_stays_and_a_spoilt_line_stays_under_a_hold_and_is_told_without() {
    let (vfs, before) = written();
    let trial = trial();
    let day = |day: i64| Timestamp::from_unix_micros(day * DAY);
    trial.hold(vec![Hold::between("m", day(20_001), day(20_002))]);
    let first = vfs.files().into_keys().next().unwrap();
    let mut content = vfs.get(&first).unwrap();
    content.extend_from_slice(b"{\"half a line");
    vfs.put(&first, content);
    let mut upkeep = upkeep(&vfs);
    let plan = trial.run(&mut upkeep, &retentions(), after(31), false).0;
    assert!(plan.held_events > 0, "{plan:?}");
    let kept: Vec<_> = before
        .iter()
        .filter(|event| day(20_001) <= event.recorded_at())
        .collect();
    let last = vfs.files().into_iter().next_back().unwrap().1;
    let text = String::from_utf8(last).unwrap();
    assert!(text.lines().last() == kept.last().map(|event| event.to_json()).as_deref());
    trial.hold(Vec::new());
    let plan = trial.run(&mut upkeep, &retentions(), after(31), false).0;
    assert!(events(&vfs) == without_models(&before), "{plan:?}");
}

#[test]
fn a_hold_that_begins_at_a_copys_newest_event_keeps_it() {
    let (vfs, before) = written();
    let trial = trial();
    let newest = before.iter().map(Event::recorded_at).max().unwrap();
    let behind = Timestamp::from_unix_micros(newest.as_unix_micros() + 1);
    trial.hold(vec![Hold::between("m", newest, behind)]);
    let last = vfs.files().into_keys().next_back().unwrap();
    let mut content = vfs.get(&last).unwrap();
    content.extend_from_slice(b"{\"half a line\n");
    vfs.put(&last, content);
    let mut upkeep = upkeep(&vfs);
    for days in [31, 365] {
        let plan = trial.run(&mut upkeep, &retentions(), after(days), false).0;
        assert!(plan.held_events > 0, "{plan:?}");
        let kept = String::from_utf8(vfs.get(&last).unwrap()).unwrap();
        let held = before.iter().filter(|event| event.recorded_at() == newest);
        for event in held {
            assert!(kept.contains(&event.to_json()), "{days}");
        }
        // It may have been recorded then, too.
        assert!(kept.ends_with("{\"half a line\n"), "{days}");
    }
}
