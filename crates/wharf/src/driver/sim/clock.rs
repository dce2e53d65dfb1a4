//! The clock that a simulated worker reads often: it stands still unless a test moves it on, at
//! once or with each reading.
//!
//! Not here: the time that drivers and deadlines go by, which is the net's (`net.rs`).

use std::cell::Cell;

thread_local! {
    /// A test has its workers on its own thread, if it moves the clock on at all.
    static NANOS: Cell<u64> = const { Cell::new(0) };
    static STEP: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn nanos() -> u64 {
    pass(STEP.get());
    NANOS.get()
}

/// From now on so many nanoseconds pass with each reading, for workers on this thread.
pub(crate) fn step(nanos: u64) {
    STEP.set(nanos);
}

/// Lets so many nanoseconds pass, for workers on this thread.
pub(crate) fn pass(nanos: u64) {
    NANOS.set(NANOS.get() + nanos);
}
