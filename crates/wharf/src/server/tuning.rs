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
        self.config.settings.spin = at_most;
        self
    }

    /// Whether each worker stays on one core. Default: no, the system moves them.
    ///
    /// The first worker runs on the first of the cores that the thread which starts the server may
    /// use (its affinity, as `taskset` and containers set it), and so on; with more workers than
    /// cores it begins anew. [`run`](Self::run) pins its calling thread while it serves. Threads
    /// that a handler starts are pinned to their worker's core as well, unless they say otherwise.
    /// It pays where nothing else needs these cores: the system can't make way any more.
    ///
    /// If the system refuses, the server does not start ([`Error::Worker`](crate::Error::Worker)).
    /// This is for Linux; elsewhere, and on a [`Ticker`](crate::Ticker), it has no effect.
    pub const fn pin_workers(mut self, pins: bool) -> Self {
        self.config.settings.pin_workers = pins;
        self
    }

    /// How long the system itself looks for packets in the network card's queue before it says that
    /// a connection has none (`SO_BUSY_POLL`), in whole microseconds. Default: what the system is
    /// set to (`net.core.busy_read`).
    ///
    /// It helps where cards and their drivers know of it. Waiting for all connections at once is
    /// another thing, of which `net.core.busy_poll` decides: that is the administrator's to set.
    ///
    /// If the system refuses, as older ones do where a privilege is missing (`CAP_NET_ADMIN`), the
    /// server does not start ([`Error::BusyPoll`](crate::Error::BusyPoll)). This is for Linux;
    /// elsewhere it has no effect.
    pub const fn busy_poll(mut self, at_most: Duration) -> Self {
        self.config.settings.set_busy_poll(at_most);
        self
    }
}
