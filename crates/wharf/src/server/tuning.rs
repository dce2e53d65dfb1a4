//! How a server uses the machine: what its clients see of it is speed alone.
//!
//! Not here: everything else that a server is told (`mod.rs`).

use std::time::Duration;

use super::Server;

impl Server {
    /// How long a worker that finds nothing to do goes on looking before it sleeps. Default: not at
    /// all.
    ///
    /// Being woken takes longer than serving a small request: where few connections are busy, 50 to
    /// 200 us of this bring responses much earlier. Each worker then takes a whole core while
    /// requests come at shorter intervals, so that it should have one to itself: with as many
    /// workers as cores, whatever else runs there is in the way. Deadlines, wake-ups and stopping
    /// are as without. It has no effect on a [`Ticker`](crate::Ticker), whose program decides how
    /// long each tick waits.
    pub const fn spin(mut self, at_most: Duration) -> Self {
        self.config.tuning.spin = at_most;
        self
    }
}
