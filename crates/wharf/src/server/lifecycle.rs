//! What a program says about its server's beginning and end.
//!
//! Not here: what a worker does about it (`worker/life.rs`, `worker/drain.rs`).

use std::io;
use std::time::Duration;

use super::Server;
use crate::stop::StopSwitch;
use crate::worker::DrainReport;

/// What begins with a server and is ended with it; it may use the switch.
pub(super) type Companion =
    Box<dyn FnOnce(StopSwitch) -> io::Result<Box<dyn FnOnce() + Send>> + Send>;

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerState {
    /// It was put together and has no address: no socket was opened.
    Built,
    /// It listens, and nothing is accepted yet: the system keeps connections until it is run.
    Bound,
    /// It serves.
    Running,
    /// It was told to end and is not over: what has begun comes to its end.
    Draining,
    /// It is over: nothing is left.
    Stopped,
}

impl Server {
    /// Where the server is in its life: [`Built`](ServerState::Built) or
    /// [`Bound`](ServerState::Bound).
    #[must_use]
    pub const fn state(&self) -> ServerState {
        if self.listeners.is_empty() { ServerState::Built } else { ServerState::Bound }
    }

    /// Has the server ended by `switch`, which other servers may share: none of them uses it.
    pub fn stop_switch(mut self, switch: &StopSwitch) -> Self {
        self.config.shared_switch = Some(switch.clone());
        self
    }

    /// Has the server mind the signals that tell its process to end: see
    /// [`Signals`](crate::Signals). Default: none, signals are the program's. A thread of its own
    /// waits for them, from when the server is run until it is over.
    #[cfg(feature = "signals")]
    pub fn signals(mut self, signals: crate::Signals) -> Self {
        self.config.companions.push(Box::new(|switch| signals.mind(switch)));
        self
    }

    /// Has whoever connects to another port end the server: see
    /// [`ShutdownPort`](crate::ShutdownPort), also for what that means. Default: there is none.
    pub fn shutdown_port(mut self, port: crate::ShutdownPort) -> Self {
        self.config.companions.push(Box::new(|switch| port.open(switch)));
        self
    }

    /// How long the listeners stay open in a drain, for load balancers that need time to notice
    /// that the server is not ready any more. Default: not at all.
    ///
    /// Meanwhile new connections are accepted and served, each with one response that says that
    /// the connection closes. The time is part of the drain's deadline.
    pub const fn lame_duck(mut self, delay: Duration) -> Self {
        self.config.lame_duck = delay;
        self
    }

    /// Has `hook` called when the server is about to run: its addresses are bound, and nothing is
    /// accepted yet. It runs on the thread that calls [`run`](Self::run), [`start`](Self::start) or
    /// [`into_ticker`](Self::into_ticker). Several are called in the order of their registration.
    pub fn on_start(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.config.on_start.push(Box::new(hook));
        self
    }

    /// Has `hook` called once every worker runs. Several are called in the order of their
    /// registration. If one panics, that has no further consequence.
    pub fn on_ready(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.config.milestones.on_ready.push(Box::new(hook));
        self
    }

    /// Has `hook` called when the server is over, whatever ended it: after the last connection, and
    /// before those hear of it who wait for the end. Several are called in the reverse order of
    /// their registration, each exactly once. If one panics, that has no further consequence.
    ///
    /// A server that was never run has no end.
    pub fn on_stop(mut self, hook: impl FnOnce(&DrainReport) + Send + 'static) -> Self {
        self.config.milestones.on_stop.push(Box::new(hook));
        self
    }

    /// Has `hook` called on each worker before its first turn, with the worker's number. If it
    /// panics, that has no further consequence.
    pub fn on_worker_start(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.milestones.on_worker_start.push(Box::new(hook));
        self
    }

    /// Has `hook` called on each worker when its last connection is closed, with the worker's
    /// number; also if the worker panicked. If it panics, that has no further consequence.
    pub fn on_worker_stop(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.milestones.on_worker_stop.push(Box::new(hook));
        self
    }
}
