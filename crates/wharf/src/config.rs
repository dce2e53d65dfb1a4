//! What a server is told: deadlines, and how connections are spread.
//!
//! Bounds on one request are [`Limits`](crate::Limits). Not here: addresses (`listener.rs`).

use std::time::Duration;

use crate::handler::OnDisconnect;

/// How long a peer or a handler may take. Every one is on from the start, but for the handler's.
/// More than 48 days count as 48 days.
///
/// ```
/// use std::time::Duration;
/// use wharf::Timeouts;
///
/// let timeouts = Timeouts::default().idle(Duration::from_secs(120)).body_rate(1_000);
/// # let _ = timeouts;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Timeouts {
    pub(crate) first_byte: Duration,
    pub(crate) head: Duration,
    pub(crate) body: Duration,
    pub(crate) body_rate: u32,
    pub(crate) write: Duration,
    pub(crate) write_rate: u32,
    pub(crate) rate_grace: Duration,
    pub(crate) handler: Option<Duration>,
    pub(crate) idle: Duration,
    pub(crate) tunnel: Duration,
    pub(crate) linger: Duration,
    pub(crate) drain_grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(30),
            head: Duration::from_secs(30),
            body: Duration::from_secs(60),
            body_rate: 240,
            write: Duration::from_secs(120),
            write_rate: 240,
            rate_grace: Duration::from_secs(5),
            handler: None,
            idle: Duration::from_secs(75),
            tunnel: Duration::from_secs(600),
            linger: Duration::from_secs(2),
            drain_grace: Duration::from_secs(1),
        }
    }
}

impl Timeouts {
    /// From the connection's opening to the first byte of a request. Default 30 s (Kestrel). The
    /// connection is closed silently.
    pub const fn first_byte(mut self, timeout: Duration) -> Self {
        self.first_byte = timeout;
        self
    }

    /// From a request's first byte to the end of its head. Default 30 s (Kestrel). Answered with
    /// 408.
    pub const fn head(mut self, timeout: Duration) -> Self {
        self.head = timeout;
        self
    }

    /// Without a byte of a request body while it is wanted. Default 60 s (Gerbil). Answered with
    /// 408 if no response has begun. A handler can change it for its request
    /// ([`Body::set_timeout`](crate::Body::set_timeout)).
    pub const fn body(mut self, timeout: Duration) -> Self {
        self.body = timeout;
        self
    }

    /// How fast a request body has to come, in bytes per second, on average since it was wanted and
    /// once [`rate_grace`](Self::rate_grace) is over. Default 240 (Kestrel); 0 is any rate. A peer
    /// that was faster may be slower for as long as [`body`](Self::body) at most. Answered with 408
    /// if no response has begun. A handler can change it for its request
    /// ([`Body::set_min_rate`](crate::Body::set_min_rate)).
    pub const fn body_rate(mut self, bytes_per_second: u32) -> Self {
        self.body_rate = bytes_per_second;
        self
    }

    /// Without the peer taking a byte of a response. Default 120 s (Gerbil). The connection is
    /// reset. A handler can change it for its response
    /// ([`Response::with_write_timeout`](crate::Response::with_write_timeout)).
    pub const fn write(mut self, timeout: Duration) -> Self {
        self.write = timeout;
        self
    }

    /// How fast a response has to be taken, in bytes per second, as for
    /// [`body_rate`](Self::body_rate). Default 240 (Kestrel); 0 is any rate. What counts is what
    /// the peer has acknowledged, where the system can tell. The connection is reset.
    pub const fn write_rate(mut self, bytes_per_second: u32) -> Self {
        self.write_rate = bytes_per_second;
        self
    }

    /// How long a peer may be slower than the minimum rates to begin with. Default 5 s (Kestrel).
    pub const fn rate_grace(mut self, grace: Duration) -> Self {
        self.rate_grace = grace;
        self
    }

    /// From the end of a request's head to its response, for handlers that are not done at once.
    /// Default: none, for what is long is for the program to say. Answered with 503, and the
    /// handler's future is dropped. [`time_limit`](crate::time_limit) sets it for one handler.
    pub const fn handler(mut self, timeout: Option<Duration>) -> Self {
        self.handler = timeout;
        self
    }

    /// Between two requests. Default 75 s (nginx), longer than load balancers' usual 60 s. The
    /// connection is closed silently.
    pub const fn idle(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// Without a byte in either direction, once the connection speaks another protocol. Default
    /// 10 min: most of these protocols have something like a ping every minute or so.
    pub const fn tunnel(mut self, timeout: Duration) -> Self {
        self.tunnel = timeout;
        self
    }

    /// How long a closed connection is read on while nothing comes, so that the peer sees the
    /// response rather than a reset. Default 2 s (nginx: 5 s). A peer that goes on sending is read
    /// for 30 s in all (nginx).
    pub const fn linger(mut self, timeout: Duration) -> Self {
        self.linger = timeout;
        self
    }

    /// How long a connection with nothing under way is kept once the server drains, since a request
    /// may be on its way. Default 1 s, which is more than most round trips.
    pub const fn drain_grace(mut self, grace: Duration) -> Self {
        self.drain_grace = grace;
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

/// How workers use the machine, as connections do not see it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tuning {
    pub(crate) spin: Duration,
    pub(crate) pins_workers: bool,
    /// In microseconds, if it is not the system's own.
    pub(crate) busy_poll: Option<u32>,
}

/// What a server does beside its bounds, as its connections see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) max_requests: u32,
    pub(crate) allows_trace: bool,
    pub(crate) accepts_bare_lf: bool,
    pub(crate) returns_memory: bool,
    /// `None` leaves it to the method.
    pub(crate) on_disconnect: Option<OnDisconnect>,
    pub(crate) allows_half_close: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_requests: 1_000_000,
            allows_trace: false,
            accepts_bare_lf: false,
            returns_memory: true,
            on_disconnect: None,
            allows_half_close: true,
        }
    }
}
