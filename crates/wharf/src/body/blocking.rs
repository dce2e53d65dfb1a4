//! Waiting on a thread for what tasks do, and the threads on which nobody may.
//!
//! Not here: what is waited for (`channel`).

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, the thread moves connections on, and must not wait for one.
pub(crate) struct OnWorker {
    before: bool,
}

impl OnWorker {
    pub(crate) fn enter() -> Self {
        Self { before: IS_WORKER.replace(true) }
    }

    /// Whether there is one on this thread.
    pub(crate) fn is_here() -> bool {
        IS_WORKER.get()
    }
}

impl Drop for OnWorker {
    fn drop(&mut self) {
        IS_WORKER.set(self.before);
    }
}

/// Polls on this thread, which sleeps in between.
///
/// # Panics
///
/// If it had to sleep on a worker: what it waits for would never come.
pub(super) fn block_on<T>(mut poll: impl FnMut(&Context<'_>) -> Poll<T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let cx = Context::from_waker(&waker);
    loop {
        match poll(&cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => {
                assert!(!IS_WORKER.get(), "a handler must not block its worker: await instead");
                thread::park();
            }
        }
    }
}
