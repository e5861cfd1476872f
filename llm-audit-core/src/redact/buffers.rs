//! Memory for what disguises spell, kept from text to text.

use std::cell::RefCell;

use super::fold::Piece;
use super::scan::Hit;

/// What a look into a disguise needs.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) bytes: Vec<u8>,
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
    pub(super) hits: Vec<Hit>,
}

/// Larger buffers are given back to the system.
const MAX_KEPT: usize = 64 << 10;

thread_local! {
    /// As many as there are disguises over one another.
    static KEPT: RefCell<Vec<Buffers>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with empty buffers, which cost no allocation where this thread has kept some.
pub(super) fn with<R>(work: impl FnOnce(&mut Buffers) -> R) -> R {
    let kept = KEPT.try_with(|kept| kept.borrow_mut().pop());
    let mut buffers = kept.ok().flatten().unwrap_or_default();
    let result = work(&mut buffers);
    buffers.bytes.clear();
    buffers.text.clear();
    buffers.pieces.clear();
    buffers.hits.clear();
    if buffers.bytes.capacity() <= MAX_KEPT && buffers.text.capacity() <= MAX_KEPT {
        // Where the thread ends, nothing is kept.
        KEPT.try_with(|kept| kept.borrow_mut().push(buffers)).ok();
    }
    result
}
