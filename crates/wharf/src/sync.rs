//! What threads share things with, under one name: so that the same code can be run by a model
//! checker, which has its own of each (`model/`).
//!
//! Not here: `Arc` and wakers, which are the standard library's in any case.

use std::cell::Cell;
use std::io;
use std::sync::PoisonError;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

thread_local! {
    /// The pool that the thread is of, or 0.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// Waits to be notified, but not for longer than `time`, which may be rounded. Says whether that is
/// over. `mutex` is the one of the guard, for who has to take it again by hand.
pub(crate) fn wait_timeout<'m, T>(
    condvar: &Condvar,
    _mutex: &'m Mutex<T>,
    guard: MutexGuard<'m, T>,
    time: Duration,
) -> (MutexGuard<'m, T>, bool) {
    let waited = condvar.wait_timeout(guard, time);
    let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    (guard, timeout.timed_out())
}

/// Starts a thread that nobody joins.
pub(crate) fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name).spawn(run).map(drop)
}

/// Says that the thread is one of a pool.
pub(crate) fn set_this_pool(pool: usize) {
    POOL.set(pool);
}

/// Whether the thread is one of that pool.
pub(crate) fn on_this_pool(pool: usize) -> bool {
    POOL.get() == pool
}
