//! What `crates/wharf/src/sync.rs` is, for the model checker.
//!
//! Waiting for a time is either not at all or for as long as it takes: a model has no clock.

use std::cell::Cell;
use std::io;
use std::time::Duration;

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

loom::thread_local! {
    static POOL: Cell<usize> = Cell::new(0);
}

pub(crate) fn spawn(_name: String, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    drop(loom::thread::spawn(run));
    Ok(())
}

pub(crate) fn set_this_pool(pool: usize) {
    POOL.with(|this| this.set(pool));
}

pub(crate) fn on_this_pool(pool: usize) -> bool {
    POOL.with(|this| this.get() == pool)
}

/// With no time at all, others may have the lock in between. Any other time does not end.
pub(crate) fn wait_timeout<'m, T>(
    condvar: &Condvar,
    mutex: &'m Mutex<T>,
    guard: MutexGuard<'m, T>,
    time: Duration,
) -> (MutexGuard<'m, T>, bool) {
    if !time.is_zero() {
        return (condvar.wait(guard).expect("nobody panics"), false);
    }
    drop(guard);
    (mutex.lock().expect("nobody panics"), true)
}
