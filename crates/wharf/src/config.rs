//! What a server is told: deadlines, dispatch, and bounds on connections.
//!
//! Bounds on one request are [`Limits`](crate::Limits). Not here: addresses (`listener.rs`).

use std::time::Duration;

/// How long a peer may take. Every one is on from the start. More than 48 days count as 48 days.
///
/// ```
/// use std::time::Duration;
/// use wharf::Timeouts;
///
/// let timeouts = Timeouts::default().idle(Duration::from_secs(120));
/// # let _ = timeouts;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Timeouts {
    pub(crate) head: Duration,
    pub(crate) body: Duration,
    pub(crate) write: Duration,
    pub(crate) idle: Duration,
    pub(crate) linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(60),
            write: Duration::from_secs(120),
            idle: Duration::from_secs(75),
            linger: Duration::from_secs(2),
        }
    }
}

impl Timeouts {
    /// From the connection's opening to its first byte, and from a request's first byte to the end
    /// of its head. Default 30 s (Kestrel). A head that is late is answered with 408; a connection
    /// that sends nothing is closed silently.
    pub const fn head(mut self, timeout: Duration) -> Self {
        self.head = timeout;
        self
    }

    /// Without a byte of a request body while it is wanted. Default 60 s (Gerbil). Answered with
    /// 408 if no response has begun.
    pub const fn body(mut self, timeout: Duration) -> Self {
        self.body = timeout;
        self
    }

    /// Without the peer taking a byte of a response. Default 120 s (Gerbil). The connection is
    /// reset.
    pub const fn write(mut self, timeout: Duration) -> Self {
        self.write = timeout;
        self
    }

    /// Between two requests. Default 75 s (nginx), longer than load balancers' usual 60 s. The
    /// connection is closed silently.
    pub const fn idle(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// How long a closed connection is read on, so that the peer sees the response rather than a
    /// reset. Default 2 s (nginx: 5 s).
    pub const fn linger(mut self, timeout: Duration) -> Self {
        self.linger = timeout;
        self
    }
}

/// How connections come to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dispatch {
    /// Each worker listens itself, and the system spreads connections (`SO_REUSEPORT`). The
    /// default on Linux. Where the system can't, it is the same as `LeastConnections`.
    PerWorkerListener,
    /// The first worker accepts and gives each connection to the worker that has the fewest.
    LeastConnections,
}

#[cfg(target_os = "linux")]
pub(crate) const DEFAULT_DISPATCH: Dispatch = Dispatch::PerWorkerListener;
#[cfg(not(target_os = "linux"))]
pub(crate) const DEFAULT_DISPATCH: Dispatch = Dispatch::LeastConnections;
