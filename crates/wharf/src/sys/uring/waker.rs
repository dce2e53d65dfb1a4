//! Wakes whoever waits for a ring, from any thread.
//!
//! Not here: how the ring learns of it (`mod.rs`).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use io_uring::types::Fd;
use rustix::event::{EventfdFlags, eventfd};

/// A counter that the ring watches.
///
/// Each wake-up adds to it, which the ring sees as an edge; nobody reads it.
#[derive(Debug)]
pub(crate) struct RingWaker {
    counter: OwnedFd,
}

impl RingWaker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { counter: eventfd(0, EventfdFlags::CLOEXEC)? })
    }

    /// Makes the current wait return, or else the next one.
    pub(crate) fn wake(&self) {
        // The counter is full after 2^64 wake-ups, and until then nothing can go wrong.
        let _ = rustix::io::write(&self.counter, &1_u64.to_ne_bytes());
    }

    pub(super) fn fd(&self) -> Fd {
        Fd(self.counter.as_raw_fd())
    }
}
