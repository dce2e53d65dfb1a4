//! Systems without timers that are watched like sockets: each wait has its limit.
//!
//! Not here: Linux.

use std::time::{Duration, Instant};

use mio::Registry;

use super::events::timeout;

/// What has nothing to do here.
pub(super) struct Alarm;

impl Alarm {
    pub(super) const fn new(_: &Registry) -> Self {
        Self
    }

    /// The limit of a wait that has to end at `until`.
    #[expect(clippy::unused_self, reason = "elsewhere it is set")]
    pub(super) fn cover(&mut self, _last: Instant, until: Instant) -> Option<Duration> {
        Some(timeout(until))
    }

    pub(super) const fn rang(&mut self) {}

    pub(super) const fn is_set(&self) -> bool {
        false
    }
}
