//! What a worker holds, for tests that say it should be nothing.
//!
//! Not here: what its driver holds.

use std::sync::atomic::Ordering;

use super::Worker;
use super::outbox::Outbox;
use crate::driver::Driver;
use crate::observe::Stats;

/// What is left in a worker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Leftovers {
    /// Slots that hold a connection.
    pub(crate) connections: usize,
    /// Connections that are counted as this worker's.
    pub(crate) counted: usize,
    pub(crate) timers: usize,
    /// Connections that are to be looked at.
    pub(crate) queued: usize,
    /// Outputs in the outbox.
    pub(crate) unsent: usize,
    /// Handlers without a connection.
    pub(crate) orphans: usize,
    /// Idle protocol parts that are not empty.
    pub(crate) dirty_spares: usize,
    /// What others left and nobody took.
    pub(crate) messages: usize,
}

impl<D: Driver> Worker<D> {
    /// What there is on the worker's server, and how often it happened.
    pub(crate) fn stats(&self) -> Stats {
        self.state.shared.stats()
    }

    pub(crate) fn leftovers(&self) -> Leftovers {
        let state = &self.state;
        Leftovers {
            connections: state.conns.iter().flatten().count(),
            counted: state.member().connections.load(Ordering::Relaxed),
            timers: state.timers.in_use(),
            queued: state.queue.len() + state.next_queue.len() + self.carried.len(),
            unsent: state.outbox.as_ref().map_or(0, Outbox::len),
            orphans: state.orphans.len(),
            dirty_spares: state.spares.dirty(),
            messages: state.member().inbox.messages(),
        }
    }
}
