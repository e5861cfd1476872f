//! File systems of a test's own: small ones in memory, and real ones in an image whose power is cut.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;

/// A file system in memory.
pub(crate) struct Tmpfs(TempDir);

impl Tmpfs {
    /// Mounts one with these options, such as `size=1m`, where this thread and what it starts see
    /// it.
    pub(crate) fn new(options: &str) -> Result<Self, String> {
        own_mounts()?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        run(
            &["mount", "-t", "tmpfs", "-o", options, "tmpfs"],
            dir.path(),
        )?;
        Ok(Self(dir))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        unmount(self.path());
    }
}

/// How the power is cut: what the file system has not begun to write is lost, or its own journal is
/// written once more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Hard = 2,
    JournalFlushed = 1,
}

/// An ext4 file system in an image in memory.
pub(crate) struct Ext4 {
    dir: TempDir,
    options: String,
    cutter: Cutter,
    store: Tmpfs,
}

impl Ext4 {
    /// Makes one of `size`, in a store that has only `room`, and mounts it with these options.
    pub(crate) fn new(size: &str, room: &str, options: &str) -> Result<Self, String> {
        let store = Tmpfs::new(&format!("size={room}"))?;
        run(&["truncate", "-s", size], &image(&store))?;
        let mkfs = [
            "mkfs.ext4",
            "-q",
            "-F",
            "-E",
            "lazy_itable_init=0,lazy_journal_init=0",
        ];
        run(&mkfs, &image(&store))?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let cutter = Cutter::start(dir.path())?;
        let options = format!("loop,{options}");
        let disk = Self {
            dir,
            options,
            cutter,
            store,
        };
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the memory in which the image is.
    pub(crate) fn store(&self) -> &Tmpfs {
        &self.store
    }

    /// Cuts the power: from now on, nothing reaches the image.
    pub(crate) fn cut(&mut self, how: Cut) {
        self.cutter.cut(how);
    }

    /// Mounts it again, as after a start of the machine: what was only in memory is gone, and the
    /// file system repairs itself.
    pub(crate) fn restart(&self) {
        unmount(self.path());
        self.mount().unwrap();
    }

    /// Unmounts it, has its errors repaired, and mounts it again.
    pub(crate) fn check(&self) {
        unmount(self.path());
        // It returns 1 when it repaired something.
        let checked = Command::new("fsck.ext4")
            .args(["-p", "-f"])
            .arg(image(&self.store))
            .output();
        drop(checked);
        self.mount().unwrap();
    }

    /// Returns the name of the block device below.
    pub(crate) fn device(&self) -> String {
        let found = Command::new("findmnt")
            .args(["-n", "-o", "SOURCE"])
            .arg(self.path())
            .output();
        let source = String::from_utf8(found.unwrap().stdout).unwrap();
        source.trim().trim_start_matches("/dev/").to_owned()
    }

    fn mount(&self) -> Result<(), String> {
        let image = image(&self.store);
        let words = ["mount", "-t", "ext4", "-o", &self.options];
        run(
            &[&words[..], &[image.to_str().unwrap()]].concat(),
            self.path(),
        )
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        unmount(self.path());
    }
}

fn image(store: &Tmpfs) -> PathBuf {
    store.path().join("image")
}

/// A small program that waits, so that the power is cut at once. It is not written in Rust because
/// `ioctl` is not safe there.
struct Cutter {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Cutter {
    /// `EXT4_IOC_SHUTDOWN`, with a flag for each line that it reads.
    const PROGRAM: &str = r#"
import fcntl, os, struct, sys
print("ready", flush=True)
for line in sys.stdin:
    directory = os.open(sys.argv[1], os.O_RDONLY)
    fcntl.ioctl(directory, 0x8004587D, struct.pack("I", int(line)))
    os.close(directory)
    print("cut", flush=True)
"#;

    fn start(dir: &Path) -> Result<Self, String> {
        let mut process = Command::new("python3")
            .args(["-c", Self::PROGRAM])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|_| "python3 is not installed")?;
        let orders = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut cutter = Self {
            process,
            orders,
            answers,
        };
        cutter.hear("ready");
        Ok(cutter)
    }

    fn cut(&mut self, how: Cut) {
        writeln!(self.orders, "{}", how as u32).unwrap();
        self.hear("cut");
    }

    fn hear(&mut self, expected: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), expected);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Gives this thread mounts of its own, which end with it.
pub(crate) fn own_mounts() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| format!("mounting needs root: {error}"))?;
    run(&["mount", "--make-rprivate"], Path::new("/"))
}

fn unmount(dir: &Path) {
    // What was killed a moment ago may not have let go of it yet.
    for _ in 0..500 {
        match run(&["umount"], dir) {
            Err(why) if why.contains("busy") => thread::sleep(Duration::from_millis(10)),
            _ => return,
        }
    }
}

/// Runs a program; an error is what it said.
pub(crate) fn run(words: &[&str], last: &Path) -> Result<(), String> {
    let what = words[0];
    let done = Command::new(what).args(&words[1..]).arg(last).output();
    let done = done.map_err(|_| format!("{what} is not installed"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
}
