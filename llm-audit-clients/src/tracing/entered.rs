//! Spans that are entered on a thread, and what was current before each.

use std::cell::RefCell;

use llm_audit_core::__private::span::swap;
use llm_audit_core::Context;
use tracing_core::span::Id;

thread_local! {
    static ENTERED: RefCell<Vec<(Id, Context)>> = const { RefCell::new(Vec::new()) };
}

/// Makes `context`, which is that of span `id`, the current one.
pub(super) fn enter(id: &Id, context: Context) {
    // While the thread ends nothing is recorded in a context any more.
    ENTERED
        .try_with(|entered| {
            let before = swap(context);
            entered.borrow_mut().push((id.clone(), before));
        })
        .ok();
}

/// Makes what was current before span `id` was entered current again.
pub(super) fn exit(id: &Id) {
    ENTERED
        .try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let Some(at) = entered.iter().rposition(|(known, _)| known == id) else {
                return;
            };
            let (_, before) = entered.remove(at);
            match entered.get_mut(at) {
                // One that was entered later is still current.
                Some((_, later)) => *later = before,
                None => drop(swap(before)),
            }
        })
        .ok();
}
