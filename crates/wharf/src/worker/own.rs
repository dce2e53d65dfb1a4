//! What a worker has for itself of what its connections may know.
//!
//! Not here: what it shares with the other workers (`shared.rs`).

use std::rc::Rc;
use std::time::Instant;

use super::{Clock, Meter};
use crate::config::Timeouts;

/// A worker's number, time, and patience.
pub(super) struct Own {
    pub(super) index: usize,
    pub(super) clock: Clock,
    /// What is left of the tick's budget.
    pub(super) meter: Rc<Meter>,
    pub(super) timeouts: Timeouts,
    /// Every response says that its connection closes.
    pub(super) is_draining: bool,
}

impl Own {
    pub(super) fn new(index: usize, now: Instant, timeouts: Timeouts, meter: Rc<Meter>) -> Self {
        Self { index, clock: Clock::new(now), meter, timeouts, is_draining: false }
    }

    /// Waits no longer for requests than for one that may be on its way.
    pub(super) fn begin_drain(&mut self) {
        self.is_draining = true;
        let grace = self.timeouts.drain_grace;
        self.timeouts.first_byte = self.timeouts.first_byte.min(grace);
        self.timeouts.idle = self.timeouts.idle.min(grace);
        self.timeouts.tunnel_idle = self.timeouts.tunnel_idle.min(grace);
    }
}
