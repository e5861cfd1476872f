//! Files that wait for a store, beside compaction, retention, other programs and damage.

use std::path::Path;
use std::sync::Arc;

use llm_audit_core::upkeep::Trial;
use llm_audit_core::vfs::{MemVfs, Vfs};
use llm_audit_core::{
    Absence, Batch, Event, Expiry, Facet, Hold, Level, Policy, Retention, Retentions, Timestamp,
};

use super::super::CompactionOptions;
use super::super::file_name::ParquetFileName;
use super::super::maintenance::compact_in;
use super::upload::{Machine, objects, stored};
use super::{ROOT, all, final_files};
use crate::fixture::{DAY, batches};
use crate::store::tests::Faulty;

/// Batches of one writer and one day.
fn day() -> Vec<Batch> {
    let mut batches = batches(&[(20_000, 1), (20_000, 1), (20_000, 1)]);
    batches.truncate(3);
    batches
}

fn names(vfs: &MemVfs) -> Vec<ParquetFileName> {
    final_files(Path::new(ROOT), vfs).unwrap()
}

/// Makes files final, one for each batch, that do not get to the store.
fn leave(machine: &mut Machine, batches: &[Batch]) {
    for batch in batches {
        machine.root.write(batch).unwrap();
        machine.root.confirm().unwrap();
    }
}

/// Writes the batches and returns up to which number they are durable.
fn told(machine: &mut Machine, batches: &[Batch]) -> Option<u64> {
    let mut told = None;
    for batch in batches {
        told = told.max(machine.write(batch).unwrap().up_to);
        told = told.max(machine.confirm().unwrap().up_to);
    }
    told
}

fn compact(vfs: &MemVfs) -> Result<usize, llm_audit_core::Error> {
    let now = Timestamp::from_unix_micros(20_002 * DAY);
    let options = CompactionOptions::new();
    compact_in(Arc::new(vfs.clone()), Path::new(ROOT), options, now).map(|done| done.written.len())
}

fn sorted(batches: &[&[Batch]]) -> Vec<Event> {
    let mut events: Vec<_> = batches.iter().flat_map(|batches| all(batches)).collect();
    events.sort_by_key(|event| (event.writer_id(), event.seq()));
    events
}

fn found(faulty: &Faulty) -> Vec<Event> {
    let mut events = stored(faulty);
    events.sort_by_key(|event| (event.writer_id(), event.seq()));
    events
}

#[test]
fn files_that_were_merged_between_two_starts_are_in_the_store_before_they_are_durable() {
    for keep in [true, false] {
        let (vfs, faulty, batches) = (MemVfs::new(), Faulty::new(), day());
        let mut machine = Machine::start(&vfs, &faulty.store(), keep);
        assert_eq!(
            told(&mut machine, &batches[..1]),
            Some(batches[0].last_seq())
        );
        leave(&mut machine, &batches[1..]);
        drop(machine);
        assert!(compact(&vfs).unwrap_err().is_configuration());
        // Somebody insists.
        vfs.unlink(&Path::new(ROOT).join("_inprogress/uploads"))
            .unwrap();
        assert_eq!(compact(&vfs).unwrap(), 1);
        let mut next = Machine::start(&vfs, &faulty.store(), keep);
        assert_eq!(
            told(&mut next, &batches[1..]),
            Some(batches[2].last_seq()),
            "keep {keep}"
        );
        assert!(found(&faulty) == all(&batches), "keep {keep}");
        assert_eq!(names(&vfs).len(), usize::from(keep));
    }
}

#[test]
fn what_a_dead_program_left_is_in_the_store_before_one_that_lives_tells_it() {
    for keep in [true, false] {
        let (vfs, faulty, dead, own) = (MemVfs::new(), Faulty::new(), day(), day());
        let mut living = Machine::start(&vfs, &faulty.store(), keep);
        told(&mut living, &own[..1]);
        let mut killed = Machine::start(&vfs, &faulty.store(), keep);
        leave(&mut killed, &dead[..1]);
        drop(killed);
        assert_eq!(told(&mut living, &dead[..1]), Some(dead[0].last_seq()));
        assert!(
            found(&faulty) == sorted(&[&own[..1], &dead[..1]]),
            "keep {keep}"
        );
        assert_eq!(told(&mut living, &own[1..2]), Some(own[1].last_seq()));
    }
}

#[test]
fn what_is_in_the_store_under_another_name_is_not_uploaded_again() {
    let (first, second, faulty, batches) = (MemVfs::new(), MemVfs::new(), Faulty::new(), day());
    let mut killed = Machine::start(&first, &faulty.store(), false);
    leave(&mut killed, &batches);
    drop(killed);
    // Another program gets the events from the journal, on a disk of its own.
    let mut other = Machine::start(&second, &faulty.store(), false);
    for batch in &batches {
        other.write(batch).unwrap();
    }
    other.confirm().unwrap();
    let before = objects(&faulty);
    assert_eq!(before.len(), 1);
    let mut next = Machine::start(&first, &faulty.store(), false);
    next.confirm().unwrap();
    assert_eq!(objects(&faulty), before);
    assert!(names(&first).is_empty());
}

#[test]
fn a_file_that_is_removed_while_it_waits_stops_no_other_and_comes_again() {
    let (vfs, faulty, batches, others) = (MemVfs::new(), Faulty::new(), day(), day());
    let mut machine = Machine::start(&vfs, &faulty.store(), false);
    told(&mut machine, &batches[..1]);
    leave(&mut machine, &batches[1..2]);
    vfs.unlink(&names(&vfs)[0].path(Path::new(ROOT))).unwrap();
    let error = machine.write(&batches[2]).unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    // It is told once; nothing is called durable that is gone.
    let durable = told(&mut machine, &batches[2..]);
    assert!(durable < Some(batches[1].first_seq()), "{durable:?}");
    assert_eq!(told(&mut machine, &others), Some(others[2].last_seq()));
    let mut next = Machine::start(&vfs, &faulty.store(), false);
    assert_eq!(told(&mut next, &batches[1..]), Some(batches[2].last_seq()));
    assert!(found(&faulty) == sorted(&[&batches, &others]));
}

#[test]
fn a_file_that_nobody_can_read_holds_its_own_writer_back_alone() {
    let (vfs, faulty, batches, others) = (MemVfs::new(), Faulty::new(), day(), day());
    let mut machine = Machine::start(&vfs, &faulty.store(), false);
    leave(&mut machine, &batches[..2]);
    drop(machine);
    let path = names(&vfs)[1].path(Path::new(ROOT));
    vfs.put(&path, b"no Parquet".to_vec());
    let mut next = Machine::start(&vfs, &faulty.store(), false);
    let error = next.confirm().unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    let last = path.file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(last), "{error}");
    assert_eq!(told(&mut next, &others), Some(others[2].last_seq()));
    let told_of = |machine: &mut Machine| {
        // A call says what is the matter, and the same call goes on.
        let calls = batches.iter().flat_map(|batch| [Some(batch), None]);
        let durable = calls.map(|batch| {
            let mut call = || match batch {
                Some(batch) => machine.write(batch),
                None => machine.confirm(),
            };
            call().or_else(|_| call()).unwrap().up_to
        });
        durable.max().flatten()
    };
    assert!(told_of(&mut next) < Some(batches[1].first_seq()));
    drop(next);
    assert_eq!(vfs.get(&path).unwrap(), b"no Parquet");
    vfs.unlink(&path).unwrap();
    let mut mended = Machine::start(&vfs, &faulty.store(), false);
    assert_eq!(told_of(&mut mended), Some(batches[2].last_seq()));
    assert!(found(&faulty) == sorted(&[&batches, &others]));
}

/// Models for 30 days, everything else for a year.
fn retentions() -> Retentions {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days(365))
        .retain(Facet::Model, Retention::Days30);
    policy.build().unwrap().retentions()
}

fn after(days: i64) -> Timestamp {
    Timestamp::from_unix_micros((20_001 + days) * DAY)
}

#[test]
fn what_has_expired_while_it_waited_is_taken_out_before_it_leaves_the_machine() {
    for keep in [true, false] {
        let (vfs, faulty, old, new) = (MemVfs::new(), Faulty::new(), day(), day());
        let mut machine = Machine::start(&vfs, &faulty.store(), keep);
        leave(&mut machine, &old);
        let mut next = Machine::start(&vfs, &faulty.store(), keep);
        drop(machine);
        let mut upkeep = next.root.upkeep().unwrap();
        let own = (new[0].writer_id(), after(30));
        upkeep.begin(&Expiry::new(&retentions(), after(30)), own);
        // What is to be looked after first stands in nobody's way, and is not told.
        assert_eq!(
            told(&mut next, &new),
            Some(new[2].last_seq()),
            "keep {keep}"
        );
        assert_eq!(told(&mut next, &old), None, "keep {keep}");
        assert!(found(&faulty) == sorted(&[&new]), "keep {keep}");
        let trial = Trial::new(Arc::new(MemVfs::new())).own(own.0, own.1);
        let plan = trial.run(&mut *upkeep, &retentions(), after(30), false).0;
        assert!(
            !plan.rewritten.is_empty() && plan.skipped.is_empty(),
            "{plan:?}"
        );
        assert_eq!(
            told(&mut next, &old),
            Some(old[2].last_seq()),
            "keep {keep}"
        );
        let mut expected = sorted(&[&new, &old]);
        for event in &mut expected {
            if event.writer_id() == old[0].writer_id() {
                event.withhold([Facet::Model].into_iter().collect(), Absence::Expired);
            }
        }
        assert!(found(&faulty) == expected, "keep {keep}");
    }
}

#[test]
fn what_is_over_goes_without_having_been_uploaded_and_the_sink_goes_on() {
    for by_another in [false, true] {
        let (vfs, faulty, old, new) = (MemVfs::new(), Faulty::new(), day(), day());
        let mut machine = Machine::start(&vfs, &faulty.store(), false);
        let mut upkeep = machine.root.upkeep().unwrap();
        let own = (new[0].writer_id(), after(400));
        upkeep.begin(&Expiry::new(&retentions(), after(400)), own);
        assert_eq!(told(&mut machine, &old), None);
        let mut other = Machine::start(&vfs, &faulty.store(), false);
        let mut of_other = other.root.upkeep().unwrap();
        let upkeep = if by_another {
            &mut of_other
        } else {
            &mut upkeep
        };
        let trial = Trial::new(Arc::new(MemVfs::new())).own(own.0, own.1);
        let plan = trial.run(&mut **upkeep, &retentions(), after(400), false).0;
        assert_eq!((plan.deleted.len(), plan.skipped.len()), (3, 0), "{plan:?}");
        assert!(names(&vfs).is_empty());
        let durable = machine.confirm().unwrap().up_to;
        assert_eq!(durable, Some(old[2].last_seq()), "by another: {by_another}");
        assert_eq!(told(&mut machine, &new), Some(new[2].last_seq()));
        assert!(found(&faulty) == all(&new));
        other.confirm().unwrap();
    }
}

#[test]
fn what_nobody_can_read_is_not_told_once_its_day_is_over() {
    let (vfs, faulty, batches, new) = (MemVfs::new(), Faulty::new(), day(), day());
    let mut machine = Machine::start(&vfs, &faulty.store(), false);
    leave(&mut machine, &batches[..2]);
    drop(machine);
    let path = names(&vfs)[1].path(Path::new(ROOT));
    vfs.put(&path, b"no Parquet".to_vec());
    let mut next = Machine::start(&vfs, &faulty.store(), false);
    let mut upkeep = next.root.upkeep().unwrap();
    let own = (new[0].writer_id(), after(400));
    upkeep.begin(&Expiry::new(&retentions(), after(400)), own);
    next.write(&batches[2]).unwrap();
    let told = |machine: &mut Machine| machine.confirm().ok().and_then(|durable| durable.up_to);
    let first = batches[1].first_seq();
    assert!(told(&mut next) < Some(first));
    let trial = Trial::new(Arc::new(MemVfs::new())).own(own.0, own.1);
    let plan = trial.run(&mut *upkeep, &retentions(), after(400), false).0;
    assert_eq!((plan.deleted.len(), plan.skipped.len()), (2, 0), "{plan:?}");
    assert!(names(&vfs).is_empty());
    // What came behind it was not written: the journal has to give it again.
    assert!(told(&mut next) < Some(first));
    assert!(told(&mut next) < Some(first));
}

#[test]
fn what_a_hold_is_on_is_uploaded_as_it_is() {
    let (vfs, faulty, old) = (MemVfs::new(), Faulty::new(), day());
    let mut machine = Machine::start(&vfs, &faulty.store(), false);
    let mut upkeep = machine.root.upkeep().unwrap();
    let trial = Trial::new(Arc::new(MemVfs::new()));
    let own = (old[0].writer_id(), after(0));
    upkeep.begin(&Expiry::new(&retentions(), after(400)), own);
    assert_eq!(told(&mut machine, &old), None);
    trial.hold(vec![Hold::between("m", after(-2), after(0))]);
    // Somebody looks first at what it will hold, as one should.
    trial.run(&mut *upkeep, &retentions(), after(400), true);
    let plan = trial.run(&mut *upkeep, &retentions(), after(400), false).0;
    assert!(plan.held_events > 0 && plan.deleted.is_empty(), "{plan:?}");
    assert_eq!(machine.confirm().unwrap().up_to, Some(old[2].last_seq()));
    assert!(found(&faulty) == all(&old));
}

#[test]
fn objects_that_overlap_are_all_asked_what_they_hold() {
    let (first, second, faulty, batches) = (MemVfs::new(), MemVfs::new(), Faulty::new(), day());
    // One program brings all of it as one object, another the middle as one of its own.
    let mut whole = Machine::start(&first, &faulty.store(), false);
    for batch in &batches {
        whole.root.turn_to(batch.writer_id()).unwrap();
        whole.root.write(batch).unwrap();
    }
    let mut middle = Machine::start(&second, &faulty.store(), false);
    leave(&mut middle, &batches[1..2]);
    middle.confirm().unwrap();
    whole.confirm().unwrap();
    let before = objects(&faulty);
    assert_eq!(before.len(), 2);
    let mut next = Machine::start(&MemVfs::new(), &faulty.store(), false);
    assert_eq!(told(&mut next, &batches[2..]), Some(batches[2].last_seq()));
    assert_eq!(objects(&faulty), before);
}
