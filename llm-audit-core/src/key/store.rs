//! Key files: read with suspicion, made whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// No key file is longer; a larger one is not read into memory to find that out.
const MAX_BYTES: u64 = 256;

const RANDOM: &str = "/dev/urandom";

/// Returns the text of the key file at `path`, or `None` when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if is_link(path) => {
            return Err(Error::configuration(format!(
                "key file `{}` is a symbolic link; name the file itself",
                path.display()
            )));
        }
        Err(error) => return Err(failed("open", path, error)),
    };
    check(&file, path)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| failed("read", path, error))?;
    // A file that is not text holds no key; the parser says so.
    Ok(Some(String::from_utf8(bytes).unwrap_or_default()))
}

/// Creates the key file at `path` with `line` and returns what stands there afterwards: the line
/// of another process when that was first.
pub(super) fn create(path: &Path, line: &str) -> Result<String, Error> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let temporary = temporary(path)?;
    let made = write_new(&temporary, line)
        // A link fails when the name exists, so a key is never replaced and never seen half.
        .and_then(|()| match fs::hard_link(&temporary, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        })
        .and_then(|()| sync_directory(directory));
    // The temporary name is of no use after this, whether or not it could be removed.
    drop(fs::remove_file(&temporary));
    made.map_err(|error| failed("create", path, error))?;
    read(path)?.ok_or_else(|| {
        Error::configuration(format!(
            "key file `{}` vanished while it was made; let nothing else remove it",
            path.display()
        ))
    })
}

/// Returns bytes from the operating system's generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    File::open(RANDOM)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| failed("read", Path::new(RANDOM), error))?;
    Ok(bytes)
}

fn write_new(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

fn temporary(path: &Path) -> Result<PathBuf, Error> {
    let Some(name) = path.file_name() else {
        return Err(Error::configuration(format!(
            "`{}` is not the name of a key file",
            path.display()
        )));
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", crate::encode::hex(&random::<8>()?)));
    Ok(path.with_file_name(temporary))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;

        // Without NONBLOCK a FIFO in place of the file would hang the start of the host.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

fn check(file: &File, path: &Path) -> Result<(), Error> {
    let metadata = file
        .metadata()
        .map_err(|error| failed("inspect", path, error))?;
    if !metadata.is_file() {
        return Err(Error::configuration(format!(
            "key file `{}` is not a regular file",
            path.display()
        )));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::configuration(format!(
                "key file `{0}` has mode {mode:04o}, so others than its owner can reach it; run \
                 `chmod 600 {0}`, and make a new key if they may have read it",
                path.display()
            )));
        }
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format!("failed to {what} `{}`", path.display()), error)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use crate::key::Key;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_key_is_private_whole_and_the_same_when_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        let key = Key::file(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let line = fs::read_to_string(&path).unwrap();
        assert!(
            line.starts_with(&format!("llm-audit-key:{}:", key.id())),
            "{line}"
        );
        assert!(line.ends_with('\n') && line.trim_end().rsplit(':').next().unwrap().len() == 43);
        assert_eq!(Key::file(&path).unwrap().hmac(&[b"x"]), key.hmac(&[b"x"]));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_reach_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        Key::file(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666] {
            set_mode(&path, mode);
            let error = Key::file(&path).unwrap_err();
            assert!(
                error.is_configuration() && error.to_string().contains("chmod 600"),
                "{error}"
            );
        }
        set_mode(&path, 0o400);
        Key::file(&path).unwrap();
    }

    #[test]
    fn a_link_a_directory_and_a_fifo_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        Key::file(&path).unwrap();
        let link = directory.path().join("link.key");
        symlink(&path, &link).unwrap();
        let error = Key::file(&link).unwrap_err().to_string();
        assert!(error.contains("link.key` is a symbolic link"), "{error}");
        let dangling = directory.path().join("dangling.key");
        symlink(directory.path().join("nowhere"), &dangling).unwrap();
        assert!(Key::file(&dangling).is_err());
        assert!(!directory.path().join("nowhere").exists());

        assert!(Key::file(directory.path()).is_err());
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let error = Key::file(&fifo).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        for text in [
            "",
            "secret-words",
            "llm-audit-key:k1:c2hvcnQ\n",
            "\u{1}\u{2}",
        ] {
            fs::write(&path, text).unwrap();
            set_mode(&path, 0o600);
            let error = Key::file(&path).unwrap_err().to_string();
            assert!(error.contains("does not hold one line"), "{error}");
            assert!(!error.contains("secret-words"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn of_many_that_make_the_key_at_once_all_get_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        let ids: Vec<_> = crate::sync::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Key::file(&path).unwrap().id().to_owned()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = Key::file("/nonexistent-llm-audit/audit.key").unwrap_err();
        assert!(error.is_io(), "{error}");
        assert!(
            error
                .to_string()
                .contains("/nonexistent-llm-audit/audit.key"),
            "{error}"
        );
    }
}
