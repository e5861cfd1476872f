//! Files that wait for a store, beside compaction, retention, other programs and damage.

use std::path::Path;
use std::sync::Arc;

use llm_audit_core::upkeep::Trial;
use llm_audit_core::vfs::{MemVfs, Vfs};
use llm_audit_core::{Batch, Event, Timestamp};

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

#[test]
fn retention_passes_over_files_that_are_not_in_the_store() {
    use llm_audit_core::{Facet, Level, Policy, Retention};

    let (vfs, faulty, batches) = (MemVfs::new(), Faulty::new(), day());
    let mut machine = Machine::start(&vfs, &faulty.store(), true);
    told(&mut machine, &batches[..1]);
    leave(&mut machine, &batches[1..2]);
    let policy = Policy::builder().facet(Facet::Model, Level::Full);
    let policy = policy.retention(Retention::Days30).build().unwrap();
    let mut upkeep = machine.root.upkeep().unwrap();
    let now = Timestamp::from_unix_micros(20_100 * DAY);
    let mut run = || {
        let trial = Trial::new(Arc::new(MemVfs::new()));
        trial.run(&mut *upkeep, &policy.retentions(), now, false).0
    };
    let plan = run();
    // Each is there twice: in the root, and in the store.
    assert_eq!((plan.deleted.len(), plan.skipped.len()), (2, 1), "{plan:?}");
    assert_eq!(names(&vfs).len(), 1);
    machine.confirm().unwrap();
    assert_eq!(run().deleted.len(), 2);
    assert!(names(&vfs).is_empty() && found(&faulty).is_empty());
}
