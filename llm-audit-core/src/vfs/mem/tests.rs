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
