//! What a program says about its server's beginning and end.
//!
//! Not here: what a worker does about it (`worker/life.rs`, `worker/drain.rs`).

use std::io;
use std::path::Path;
use std::time::Duration;

use super::{Config, Server};
use crate::error::{Error, Result};
use crate::listener::{HandOver, Successors};
use crate::stop::StopSwitch;
use crate::worker::DrainReport;

/// What begins with a server and is ended with it; it may use the switch.
pub(super) type Companion =
    Box<dyn FnOnce(StopSwitch) -> io::Result<Box<dyn FnOnce() + Send>> + Send>;

/// Ends what has begun with a server when it is dropped: the server may fail before it runs, and
/// then nobody tells of its end.
pub(super) struct EndOfCompanion(pub(super) Option<Box<dyn FnOnce() + Send>>);

impl Drop for EndOfCompanion {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

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
        self.config.settings.shutdown_port = Some(port.local_addr());
        self.config.companions.push(Box::new(|switch| port.open(switch)));
        self
    }

    /// How long the listeners stay open in a drain, for load balancers that need time to notice
    /// that the server is not ready any more. Default: not at all.
    ///
    /// Meanwhile new connections are accepted and served, each with one response that says that
    /// the connection closes. The time is part of the drain's deadline.
    pub const fn lame_duck(mut self, delay: Duration) -> Self {
        self.config.settings.lame_duck = delay;
        self
    }

    /// Takes over what a predecessor listens on, and hands it over to a successor: the way to
    /// exchange a running program for a new one of which no client notices anything. Unix alone.
    ///
    /// At `path` there is a Unix socket, for the same user alone, where a server waits for its
    /// successor. If there is such a server, every address that is then listened on
    /// ([`listen`](Self::listen)) and that it has is taken over with all connections that wait
    /// there; port 0 takes whichever port it has. Otherwise addresses are bound as usual. When this
    /// server serves, its predecessor accepts nothing more, brings to its end what it has begun
    /// within its `deadline`, and ends. If this server fails before, its predecessor goes on.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use wharf::Server;
    ///
    /// // Started a second time, it takes the place of the first.
    /// let server = Server::new("hello").hand_over("/run/site.next", Duration::from_secs(30))?;
    /// server.listen("0.0.0.0:80")?.run()?;
    /// # Ok::<(), wharf::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::HandOver`] if the path can't be used, or what is there does not hand over; also
    /// when the server is run, if its predecessor goes on accepting.
    pub fn hand_over(mut self, path: impl AsRef<Path>, deadline: Duration) -> Result<Self> {
        let path = path.as_ref();
        let begun = HandOver::begin(path, deadline);
        let refused = |source| Error::HandOver { path: path.to_owned(), source };
        self.config.hand_over = Some(begun.map_err(refused)?);
        self.config.settings.hand_over = Some(path.to_owned());
        Ok(self)
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

impl Config {
    /// Has the predecessor, if there is one, accept nothing more. It hears of the rest once every
    /// worker runs.
    pub(super) fn begin_hand_over(&mut self) -> Result<Option<Successors>> {
        let Some(hand_over) = self.hand_over.take() else { return Ok(None) };
        let (successors, ready) = hand_over.prepare(&self.registry)?;
        self.milestones.on_ready.push(Box::new(move || {
            // It is received as long as there is a server.
            let _ = ready.send(());
        }));
        Ok(Some(successors))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn what_goes_with_a_server_ends_if_the_server_can_not_begin() {
        let port = crate::ShutdownPort::loopback(0).unwrap();
        let addr = port.local_addr();
        let mut server = Server::new("hello").shutdown_port(port).listen("127.0.0.1:0").unwrap();
        server.config.companions.push(Box::new(|_| Err(io::Error::other("as asked for"))));
        assert!(matches!(server.start(), Err(Error::Worker(_))));
        // Its thread has given the port up, or is about to.
        while TcpListener::bind(addr).is_err() {
            thread::yield_now();
        }
    }
}
