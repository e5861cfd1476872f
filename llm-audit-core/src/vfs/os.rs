//! The operating system's file system.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

#[cfg(unix)]
use super::Space;
use super::{Access, DirEntry, FileKind, Vfs, VfsFile, not_regular};
use crate::sync::Arc;

/// File systems that another machine serves, by their numbers in Linux's `magic.h`.
#[cfg(target_os = "linux")]
const SHARES: [(u32, &str); 4] = [
    (0x0000_6969, "nfs"),
    (0x0000_517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb"),
];

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OsVfs;

impl OsVfs {
    /// Returns the operating system's file system.
    pub const fn new() -> Self {
        Self
    }
}

impl Vfs for OsVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_file() => FileKind::File,
                Ok(kind) if kind.is_dir() => FileKind::Dir,
                Ok(_) => FileKind::Other,
                // It was removed since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            entries.push(DirEntry { name, kind });
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let mut options = options(Access::Append);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Arc::new(OsFile(options.create_new(true).open(path)?)))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn VfsFile>> {
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(not_regular());
        }
        let file = options(access).open(path)?;
        // The name may have been taken by something else since the look above.
        if !file.metadata()?.is_file() {
            return Err(not_regular());
        }
        Ok(Arc::new(OsFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    #[cfg(unix)]
    fn space(&self, dir: &Path) -> io::Result<Option<Space>> {
        let space = rustix::fs::statvfs(dir)?;
        let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
        Ok(Some(Space::new(
            bytes(space.f_bavail),
            bytes(space.f_blocks),
        )))
    }

    #[cfg(target_os = "linux")]
    fn share(&self, dir: &Path) -> io::Result<Option<&'static str>> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the kernel's numbers have 32 bits, in a word of either sign and width"
        )]
        let found = rustix::fs::statfs(dir)?.f_type as u32;
        let share = SHARES.iter().find(|(magic, _)| *magic == found);
        Ok(share.map(|(_, kind)| *kind))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Only on Unix can a directory be opened and synchronised; elsewhere renames are durable
        // when the file system says so.
        if cfg!(unix) {
            File::open(dir)?.sync_all()
        } else {
            Ok(())
        }
    }
}

fn options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(access == Access::Append);
    // `NONBLOCK` lets the opening of a FIFO return, so that it can be refused; `NOFOLLOW` refuses a
    // link. Regular files know neither.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK)
            .bits()
            .cast_signed(),
    );
    options
}

#[derive(Debug)]
struct OsFile(File);

impl VfsFile for OsFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn size(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn directories_and_files_are_for_the_owner_only() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("a/b");
        OsVfs.create_dir(&dir).unwrap();
        OsVfs.create_dir(&dir).unwrap();
        let file = OsVfs.create_new(&dir.join("f")).unwrap();
        file.write_all(b"x").unwrap();
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("f")), 0o600);
        assert!(OsVfs.create_new(&dir.join("f")).is_err());
    }

    #[test]
    fn a_disk_tells_how_much_is_free() {
        let temp = tempfile::tempdir().unwrap();
        let space = OsVfs.space(temp.path()).unwrap().unwrap();
        assert!(0 < space.free && space.free <= space.total, "{space:?}");
    }

    #[test]
    fn a_symlink_in_place_of_a_file_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let (target, link) = (temp.path().join("target"), temp.path().join("link"));
        fs::write(&target, b"victim").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        for access in [Access::Read, Access::Append] {
            let error = OsVfs.open(&link, access).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        assert!(OsVfs.create_new(&link).is_err());
        assert_eq!(fs::read(&target).unwrap(), b"victim");
        let kinds: Vec<_> = OsVfs.list(temp.path()).unwrap();
        assert_eq!(kinds[0].kind, FileKind::Other);
        assert_eq!(kinds[1].kind, FileKind::File);
    }

    #[test]
    fn a_fifo_in_place_of_a_file_is_refused_without_hanging() {
        let temp = tempfile::tempdir().unwrap();
        let fifo = temp.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        assert!(OsVfs.open(&fifo, Access::Read).is_err());
        assert!(OsVfs.open(&fifo, Access::Append).is_err());
    }

    #[test]
    fn a_lock_is_exclusive_until_its_file_is_closed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("l");
        let first = OsVfs.create_new(&path).unwrap();
        assert!(first.try_lock().unwrap());
        let second = OsVfs.open(&path, Access::Append).unwrap();
        assert!(!second.try_lock().unwrap());
        drop(first);
        assert!(second.try_lock().unwrap());
    }
}
