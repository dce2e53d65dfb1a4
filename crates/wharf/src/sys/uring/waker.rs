//! Counters of the system between a ring and the world: one wakes whoever waits for the ring, the
//! other says that the ring has something to do.
//!
//! Not here: how the ring learns of the one and sets the other (`mod.rs`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use io_uring::types::Fd;
use rustix::event::{EventfdFlags, eventfd};

/// Wakes whoever waits for the ring, from any thread: a counter that the ring watches.
///
/// Each wake-up adds to it, which the ring sees as an edge; nobody reads it.
#[derive(Debug)]
pub(crate) struct RingWaker {
    counter: OwnedFd,
    /// Also rung, if there is one: a kernel that is told of one counter by another can't be relied
    /// on to add to it.
    bell: OnceLock<Arc<Bell>>,
}

impl RingWaker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { counter: eventfd(0, EventfdFlags::CLOEXEC)?, bell: OnceLock::new() })
    }

    /// Has a bell rung by each wake-up.
    pub(super) fn ring(&self, bell: &Arc<Bell>) {
        let _ = self.bell.set(Arc::clone(bell));
    }

    /// Makes the current wait return, or else the next one.
    pub(crate) fn wake(&self) {
        // The counter is full after 2^64 wake-ups, and until then nothing can go wrong.
        let _ = rustix::io::write(&self.counter, &1_u64.to_ne_bytes());
        // Behind the other, so that whoever makes the bell silent after this finds it.
        if let Some(bell) = self.bell.get() {
            let _ = rustix::io::write(&bell.counter, &1_u64.to_ne_bytes());
        }
    }

    pub(super) fn fd(&self) -> Fd {
        Fd(self.counter.as_raw_fd())
    }
}

/// A counter that the kernel adds to when the ring has something to do, so that it can be waited
/// for together with other descriptors.
#[derive(Debug)]
pub(super) struct Bell {
    counter: OwnedFd,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { counter: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// Makes the counter unreadable until it is added to again.
    pub(super) fn reset(&self) {
        // Where there is nothing to read, that is as well.
        let _ = rustix::io::read(&self.counter, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.counter.as_fd()
    }
}
