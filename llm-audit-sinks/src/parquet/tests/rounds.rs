//! What one run of the retention does to a store, and what it leaves for another.

use super::super::file_name::ParquetFileName;
use super::objects::{Bucket, after, bytes_of, put, states};
use crate::fixture::batches;

/// A store with so many objects of one day, and their names.
fn many(count: u64) -> (Bucket, Vec<String>) {
    let bucket = Bucket::of(&batches(&[(20_000, 1)])[..1]);
    let name = states(&bucket.faulty).into_keys().next().unwrap();
    let bytes = bytes_of(&bucket.faulty, &name);
    let first: ParquetFileName = name.parse().unwrap();
    for seq in 0..count {
        let (date, writer) = (first.date().to_owned(), first.writer_id());
        let next = ParquetFileName::new(date, writer, first.first_seq() + seq);
        put(&bucket.faulty, &next.to_string(), bytes.clone());
    }
    let names: Vec<_> = states(&bucket.faulty).into_keys().collect();
    assert_eq!(names.len() as u64, count);
    (bucket, names)
}

#[test]
fn a_run_that_has_done_enough_leaves_the_rest_for_one_that_comes_soon() {
    let (mut bucket, names) = many(520);
    let (first, more) = bucket.once(after(400), false);
    assert_eq!((first.deleted.len(), more), (500, true));
    let (second, more) = bucket.once(after(400), false);
    assert_eq!(second.deleted.len(), names.len() - 500);
    assert!(more, "what was before it is still to be looked at");
    assert!(states(&bucket.faulty).is_empty());
    assert!(!bucket.once(after(400), false).1);
}

#[test]
fn objects_that_a_store_refuses_to_delete_keep_no_others() {
    let (mut bucket, names) = many(30);
    bucket.faulty.protect(names[..10].to_vec());
    let (run, more) = bucket.once(after(400), false);
    assert_eq!((run.deleted.len(), more), (20, false));
    bucket.faulty.heal();
    let (mut bucket, names) = many(30);
    bucket.faulty.protect(names[..25].to_vec());
    let (run, more) = bucket.once(after(400), false);
    assert_eq!((run.deleted.len(), more), (0, true));
    assert_eq!(run.skipped.len(), 20);
    assert_eq!(bucket.once(after(400), false).0.deleted.len(), 5);
    // They were told of: a run that comes soon passes them over, one that somebody asks for does not.
    bucket.trial = bucket.trial.clone().budget(1 << 40);
    let (run, more) = bucket.once(after(400), false);
    assert_eq!((run.skipped.len(), more), (0, false));
    bucket.faulty.protect(Vec::new());
    let (run, more) = bucket.once(after(400), false);
    assert_eq!((run.deleted.len(), more), (0, false));
    bucket.trial = bucket.trial.clone().budget(u64::MAX);
    let (run, more) = bucket.once(after(400), false);
    assert_eq!((run.deleted.len(), more), (25, false));
}
