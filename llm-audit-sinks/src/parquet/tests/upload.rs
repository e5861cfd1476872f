//! Uploads to stores that fail, and starts after them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;

use futures_util::TryStreamExt;
use llm_audit_core::testing::ManualClock;
use llm_audit_core::vfs::MemVfs;
use llm_audit_core::{Batch, Durable, Event, Filter, SinkError};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::super::upload::Uploads;
use super::super::writer::RootWriter;
use super::super::{ParquetConfig, ParquetReader};
use super::{ROOT, all, final_files};
use crate::fixture::batches;
use crate::store::Store;
use crate::store::tests::{Fault, Faulty};

/// A sink on a disk in memory and a store in memory.
pub(super) struct Machine {
    pub(super) root: RootWriter,
    uploads: Uploads,
}

impl Machine {
    pub(super) fn start(vfs: &MemVfs, store: &Store, keep: bool) -> Self {
        let config = ParquetConfig::new(ROOT)
            .file_max_bytes(64 << 10)
            .store(store.clone())
            .keep_local(keep);
        let root = RootWriter::in_vfs(config, Arc::new(vfs.clone()), Arc::new(ManualClock::new()));
        let root = root.unwrap();
        let uploads = Uploads::of(&root).unwrap().unwrap();
        Self { root, uploads }
    }

    pub(super) fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        wait(self.uploads.write(&mut self.root, batch))
    }

    pub(super) fn confirm(&mut self) -> Result<Durable, SinkError> {
        wait(self.uploads.confirm(&mut self.root))
    }
}

/// Waits for a call; one that the store does not answer is given up, as the log does at its end.
fn wait(call: impl Future<Output = Result<Durable, SinkError>>) -> Result<Durable, SinkError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let mut call = std::pin::pin!(call);
    let once = poll_fn(|context| {
        Poll::Ready(match call.as_mut().poll(context) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(SinkError::retry("given up")),
        })
    });
    runtime.unwrap().block_on(once)
}

fn days() -> Vec<Batch> {
    batches(&[(20_000, 1), (20_001, 1)])
}

/// Writes the batches, a flush behind every second one, and each call again until it does, as the log
/// does; until the store is silent. Returns up to which number the events were said to be durable.
fn run(machine: &mut Machine, faulty: &Faulty, batches: &[Batch], what: &str) -> Option<u64> {
    let mut told = None;
    let mut call = |machine: &mut Machine, batch: Option<&Batch>| {
        for _ in 0..3 {
            let result = match batch {
                Some(batch) => machine.write(batch),
                None => machine.confirm(),
            };
            match result {
                Ok(durable) => {
                    if durable.up_to > told {
                        told = durable.up_to;
                        check_told(faulty, batches, told, what);
                    }
                    return true;
                }
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    assert!(
                        !shown.contains("s3cr3t") && !shown.contains("AKIA7"),
                        "{shown}"
                    );
                    assert!(error.is_retry(), "{error}");
                    if error.to_string() == "given up" {
                        return false;
                    }
                }
            }
        }
        panic!("{what}: it does not come to an end");
    };
    for (number, batch) in batches.iter().enumerate() {
        if !call(machine, Some(batch)) || number % 2 == 1 && !call(machine, None) {
            return told;
        }
    }
    call(machine, None);
    told
}

pub(super) fn stored(faulty: &Faulty) -> Vec<Event> {
    let inner = Faulty::of(faulty.inner());
    let reader = ParquetReader::open_store(&inner.store(), Filter::new()).unwrap();
    let mut events: Vec<_> = reader.map(Result::unwrap).collect();
    events.sort_by_key(Event::seq);
    events
}

/// What was said to be durable is in the store.
fn check_told(faulty: &Faulty, batches: &[Batch], told: Option<u64>, what: &str) {
    let stored = stored(faulty);
    let seqs = batches.iter().flat_map(|batch| batch.seqs().to_vec());
    for seq in seqs.filter(|seq| told.is_some_and(|told| *seq <= told)) {
        let found = stored.iter().any(|event| event.seq() == Some(seq));
        assert!(found, "{what}: {seq} was durable and is not in the store");
    }
}

fn above(batches: &[Batch], seq: Option<u64>) -> Vec<Batch> {
    let cut = |batch: &&Batch| seq.is_none_or(|seq| batch.last_seq() > seq);
    batches.iter().filter(cut).cloned().collect()
}

pub(super) fn objects(faulty: &Faulty) -> BTreeMap<String, u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let listed = faulty.inner().list(None).try_collect::<Vec<_>>();
    let listed = runtime.unwrap().block_on(listed).unwrap().into_iter();
    listed.map(|o| (o.location.to_string(), o.size)).collect()
}

/// In one request with a copy that stays, and in parts without.
fn ways() -> impl Iterator<Item = (usize, bool)> {
    [(usize::MAX, true), (32 << 10, false)].into_iter()
}

#[test]
fn whatever_request_fails_each_event_is_in_the_store_once_before_it_is_durable() {
    let batches = days();
    for (parts, keep) in ways() {
        for fault in [Fault::Before, Fault::After] {
            for number in 0.. {
                let what = format!("{fault:?} {number}, parts of {parts}, keep {keep}");
                let (vfs, faulty) = (MemVfs::new(), Faulty::new());
                faulty.fail(number, fault);
                let store = faulty.store().part_bytes(parts);
                let mut machine = Machine::start(&vfs, &store, keep);
                let told = run(&mut machine, &faulty, &batches, &what);
                assert_eq!(told, batches.last().map(Batch::last_seq), "{what}");
                assert!(stored(&faulty) == all(&batches), "{what}");
                let local = final_files(Path::new(ROOT), &vfs).unwrap();
                let local: Vec<_> = local.iter().map(ToString::to_string).collect();
                let kept: Vec<_> = objects(&faulty).into_keys().filter(|_| keep).collect();
                assert_eq!(local, kept, "{what}");
                if !faulty.has_failed() {
                    assert!(number > 3, "only {number} requests");
                    break;
                }
            }
        }
    }
}

#[test]
fn a_start_after_a_kill_at_any_request_loses_and_doubles_nothing() {
    let batches = days();
    for (parts, keep) in ways() {
        for lost_disk in BTreeSet::from([false, !keep]) {
            for number in 0.. {
                let what =
                    format!("{number}, parts of {parts}, keep {keep}, lost disk {lost_disk}");
                let (vfs, faulty) = (MemVfs::new(), Faulty::new());
                faulty.fail(number, Fault::Silence);
                let store = faulty.store().part_bytes(parts);
                let mut machine = Machine::start(&vfs, &store, keep);
                let told = run(&mut machine, &faulty, &batches, &what);
                let was_reached = faulty.has_failed();
                faulty.heal();
                drop(machine);
                let vfs = if lost_disk { MemVfs::new() } else { vfs };
                let mut next = Machine::start(&vfs, &store, keep);
                for batch in above(&batches, told) {
                    next.write(&batch).unwrap();
                }
                next.confirm().unwrap();
                assert!(stored(&faulty) == all(&batches), "{what}");
                if !was_reached {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_cursor_that_is_lost_writes_nothing_again() {
    let batches = days();
    let (vfs, faulty) = (MemVfs::new(), Faulty::new());
    let mut machine = Machine::start(&vfs, &faulty.store(), false);
    run(&mut machine, &faulty, &batches, "first");
    let before = objects(&faulty);
    let mut next = Machine::start(&vfs, &faulty.store(), false);
    let told = run(&mut next, &faulty, &batches, "again");
    assert_eq!(told, batches.last().map(Batch::last_seq));
    assert_eq!(objects(&faulty), before);
    assert!(final_files(Path::new(ROOT), &vfs).unwrap().is_empty());
}

#[test]
fn something_else_under_the_name_of_a_file_is_named_and_stays() {
    let batches = days();
    let (vfs, faulty) = (MemVfs::new(), Faulty::new());
    let mut machine = Machine::start(&vfs, &faulty.store(), false);
    machine.write(&batches[0]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    machine.root.confirm().unwrap();
    let name = final_files(Path::new(ROOT), &vfs).unwrap().remove(0);
    let key = name.to_string().into();
    // One that is empty has no footer to ask for.
    let empty = PutPayload::from_static(b"");
    runtime.block_on(faulty.inner().put(&key, empty)).unwrap();
    assert!(machine.confirm().unwrap_err().is_misconfigured());
    let other = PutPayload::from_static(b"s3cr3t");
    runtime.block_on(faulty.inner().put(&key, other)).unwrap();
    let error = machine.confirm().unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    assert!(error.to_string().contains(&name.to_string()), "{error}");
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
    assert_eq!(objects(&faulty)[&name.to_string()], 6);
    // Moved away, it stands in nobody's way.
    runtime.block_on(faulty.inner().delete(&key)).unwrap();
    machine.confirm().unwrap();
    assert!(stored(&faulty) == all(&batches[..1]));
}

#[test]
fn a_filter_lists_only_its_own_days_and_gives_what_reading_everything_gives() {
    let batches = days();
    let (vfs, faulty) = (MemVfs::new(), Faulty::new());
    let mut machine = Machine::start(&vfs, &faulty.store().below("a/b").unwrap(), false);
    run(&mut machine, &Faulty::new(), &[], "");
    for batch in &batches {
        machine.write(batch).unwrap();
    }
    machine.confirm().unwrap();
    let store = faulty.store().below("a/b").unwrap();
    let last = all(&batches).last().unwrap().recorded_at();
    let filter = Filter::new().since(last);
    let found = ParquetReader::open_store(&store, filter.clone()).unwrap();
    let found: Vec<_> = found.map(Result::unwrap).collect();
    let expected: Vec<_> = all(&batches)
        .into_iter()
        .filter(|e| filter.matches(e))
        .collect();
    assert!(!found.is_empty() && found == expected);
    // Nothing of another day is asked for: the root, the layout and one day are listed.
    faulty.fail(3, Fault::Before);
    ParquetReader::open_store(&store, filter).unwrap();
    assert!(!faulty.has_failed());
    assert!(ParquetReader::open_store(&store, Filter::new()).is_err());
}
