//! A slow disk for whatever this process writes with, at a number of bytes a second.
//!
//! The function `write` of the C library is the one door that every recorder here goes through, so
//! all of them meet the same disk, however they gather their bytes. No privilege is needed.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

static BYTES_A_SECOND: AtomicU64 = AtomicU64::new(0);

/// A disk takes this much at once; the caller of `write` goes on with the rest.
const AT_ONCE: usize = 64 << 10;

/// Makes each later write to a regular file take its time; nothing else becomes slower.
pub fn slow_down(bytes_a_second: u64) {
    BYTES_A_SECOND.store(bytes_a_second, Ordering::Relaxed);
}

/// Stands in for `write` of the C library in this program.
#[expect(
    unsafe_code,
    reason = "the name is the library's, and the arguments are passed on as they came"
)]
#[unsafe(no_mangle)]
extern "C" fn write(file: c_int, bytes: *const c_void, count: usize) -> isize {
    let rate = BYTES_A_SECOND.load(Ordering::Relaxed);
    let count = if rate > 0 && is_regular(file) {
        let count = count.min(AT_ONCE);
        thread::sleep(Duration::from_nanos(count as u64 * 1_000_000_000 / rate));
        count
    } else {
        count
    };
    // SAFETY: the contract of this function is that of the system call.
    unsafe { libc::syscall(libc::SYS_write, file, bytes, count) as isize }
}

#[expect(unsafe_code, reason = "a system call that fills a value of its own")]
fn is_regular(file: c_int) -> bool {
    // SAFETY: zeros are a value of this structure of numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to `status`, which lives through the call.
    let known = unsafe { libc::fstat(file, &raw mut status) } == 0;
    known && status.st_mode & libc::S_IFMT == libc::S_IFREG
}
