//! Spans that are entered on a thread, and what was current before each.

use std::cell::RefCell;

use llm_audit_core::__private::span::{is_same, swap};
use llm_audit_core::Context;
use tracing_core::span::Id;

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

struct Entered {
    id: Id,
    within: Context,
    before: Context,
}

/// Makes `context`, which is that of span `id`, the current one.
pub(super) fn enter(id: &Id, context: Context) {
    // While the thread ends nothing is recorded in a context any more.
    ENTERED
        .try_with(|entered| {
            let before = swap(context.clone());
            entered.borrow_mut().push(Entered {
                id: id.clone(),
                within: context,
                before,
            });
        })
        .ok();
}

/// Makes what was current before span `id` was entered current again.
pub(super) fn exit(id: &Id) {
    ENTERED
        .try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let Some(at) = entered.iter().rposition(|known| known.id == *id) else {
                return;
            };
            let Entered { within, before, .. } = entered.remove(at);
            match entered.get_mut(at) {
                // One that was entered later is still current.
                Some(later) if is_same(&later.before, &within) => later.before = before,
                // What surrounded it has ended first, and what is current is of somebody else.
                None if is_same(&Context::current(), &within) => drop(swap(before)),
                _ => {}
            }
        })
        .ok();
}
