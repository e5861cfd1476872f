//! Code of others that reads content: detectors, inspectors, decoders. A panic in it costs one look,
//! and its message, which may quote what it read, is printed nowhere.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Returns what `look` returns, or `None` when it panics.
///
/// # Examples
///
/// ```
/// assert_eq!(llm_audit_core::contained(|| 7), Some(7));
/// ```
pub fn contained<T>(look: impl FnOnce() -> T) -> Option<T> {
    hush();
    let _inside = Inside(INSIDE.replace(true));
    catch_unwind(AssertUnwindSafe(look)).ok()
}

/// Restores whether the thread was inside before.
struct Inside(bool);

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Puts a hook before the process's panic hook, once, that keeps the messages of such code from it.
fn hush() {
    static ONCE: Once = Once::new();
    // A hook cannot be changed by a thread that panics.
    if thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| match INSIDE.try_with(Cell::get) {
            Ok(true) => {
                let at = info.location().map(ToString::to_string);
                let at = at.unwrap_or_default();
                let said = "llm-audit: code that looks at content panicked at";
                writeln!(io::stderr(), "{said} {at}").ok();
            }
            _ => others(info),
        }));
    });
}
