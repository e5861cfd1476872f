use super::*;

fn file(vfs: &MemVfs) -> Arc<dyn VfsFile> {
    vfs.create_dir(Path::new("/d")).unwrap();
    vfs.create_new(Path::new("/d/f")).unwrap()
}

#[test]
fn a_full_disk_takes_what_fits_and_then_nothing() {
    let vfs = MemVfs::new();
    let file = file(&vfs);
    vfs.limit(Some(3));
    assert_eq!(file.write(b"hello").unwrap(), 3);
    assert_eq!(
        file.write(b"lo").unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
    assert_eq!(vfs.get(Path::new("/d/f")).unwrap(), b"hel");
}

#[test]
fn a_power_cut_leaves_what_was_synchronised() {
    let vfs = MemVfs::new();
    let file = file(&vfs);
    file.write(b"a").unwrap();
    file.sync_data().unwrap();
    assert!(vfs.after_power_cut().files().is_empty());
    vfs.sync_dir(Path::new("/d")).unwrap();
    assert!(vfs.after_power_cut().files().is_empty());
    vfs.sync_dir(Path::new("/")).unwrap();
    file.write(b"b").unwrap();
    assert_eq!(vfs.after_power_cut().get(Path::new("/d/f")).unwrap(), b"a");
}

#[test]
fn one_seed_gives_one_sequence_of_faults() {
    let run = |seed| {
        let vfs = MemVfs::seeded(seed);
        let file = file(&vfs);
        vfs.fail_one_in(Op::Write, Fault::Short, 2);
        let taken: Vec<_> = (0..64).map(|_| file.write(b"0123456789").ok()).collect();
        taken
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_lock_ends_with_its_handle() {
    let vfs = MemVfs::new();
    let first = file(&vfs);
    let second = vfs.open(Path::new("/d/f"), Access::Append).unwrap();
    assert!(first.try_lock().unwrap() && !second.try_lock().unwrap());
    drop(first);
    assert!(second.try_lock().unwrap());
}

#[test]
fn after_a_halt_nothing_changes_any_more() {
    let vfs = MemVfs::new();
    let file = file(&vfs);
    vfs.halt_after(1);
    file.write(b"a").unwrap();
    assert!(file.write(b"b").is_err() && vfs.unlink(Path::new("/d/f")).is_err());
    assert_eq!(vfs.get(Path::new("/d/f")).unwrap(), b"a");
}

#[test]
fn a_disk_with_a_size_tells_what_is_free() {
    let vfs = MemVfs::new();
    let file = file(&vfs);
    assert_eq!(vfs.space(Path::new("/d")).unwrap(), None);
    vfs.resize(10);
    assert_eq!(file.write(b"hello").unwrap(), 5);
    let space = Some(Space::new(5, 10));
    assert_eq!(vfs.space(Path::new("/d")).unwrap(), space);
}

#[test]
fn what_was_not_synchronised_may_come_out_of_a_power_cut_in_any_form() {
    let vfs = MemVfs::new();
    let path = Path::new("/d/f");
    let file = file(&vfs);
    vfs.sync_dir(Path::new("/")).unwrap();
    file.write(b"kept").unwrap();
    file.sync_data().unwrap();
    file.write(&[b'x'; 2_000]).unwrap();
    let whole = vfs.get(path).unwrap();
    let left: Vec<_> = (0..400)
        .map(|seed| vfs.after_power_cut_by(seed).get(path))
        .collect();
    // The name was not synchronised.
    assert!(left.iter().any(Option::is_none));
    let left: Vec<_> = left.into_iter().flatten().collect();
    assert!(left.iter().all(|left| left.starts_with(b"kept")));
    let any = |test: &dyn Fn(&Vec<u8>) -> bool| assert!(left.iter().any(test));
    any(&|left| left == b"kept");
    any(&|left| *left == whole);
    any(&|left| left.len() > 4 && left.len() < whole.len());
    any(&|left| left.len() == whole.len() && left.ends_with(&[0; 100]));
    any(&|left| left.ends_with(b"x") && left.contains(&0));
    any(&|left| left.contains(&b'!'));
    assert_eq!(
        vfs.after_power_cut_by(5).files(),
        vfs.after_power_cut_by(5).files()
    );
}

#[test]
fn after_a_power_cut_a_rename_is_done_or_not_whatever_became_of_the_content() {
    let vfs = MemVfs::new();
    let (from, to) = (Path::new("/d/from"), Path::new("/d/to"));
    vfs.put(to, b"old".to_vec());
    let new = vfs.create_new(from).unwrap();
    new.write(b"new").unwrap();
    vfs.rename(from, to).unwrap();
    let left = |seed| vfs.after_power_cut_by(seed).get(to).unwrap();
    let left: Vec<_> = (0..100).map(left).collect();
    for possible in [&b"old"[..], b"new", b"", b"\0\0\0"] {
        assert!(left.iter().any(|left| left == possible), "{possible:?}");
    }
}

#[test]
fn a_file_whose_synchronisation_failed_says_yes_to_the_next_and_keeps_nothing() {
    let vfs = MemVfs::new();
    let file = file(&vfs);
    vfs.sync_dir(Path::new("/")).unwrap();
    vfs.sync_dir(Path::new("/d")).unwrap();
    file.write(b"a").unwrap();
    vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert!(file.sync_data().is_err() && file.sync_data().is_ok());
    let left = vfs.after_power_cut().get(Path::new("/d/f"));
    assert_eq!(left.unwrap(), b"");
}
