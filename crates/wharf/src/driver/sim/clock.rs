//! The clock that a simulated worker reads often: it stands still unless a test moves it on.
//!
//! Not here: the time that drivers and deadlines go by, which is the net's (`net.rs`).

use std::cell::Cell;

thread_local! {
    /// Each test has a thread of its own.
    static NANOS: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn nanos() -> u64 {
    NANOS.get()
}

/// Lets so many nanoseconds pass, for workers on this thread.
pub(crate) fn pass(nanos: u64) {
    NANOS.set(NANOS.get() + nanos);
}
