//! What a server is told in groups: deadlines, threads for what blocks, how connections are spread,
//! and how much is done in a tick.
//!
//! Bounds on one request are [`Limits`](crate::Limits). Not here: all settings together
//! (`settings.rs`), and addresses (`listener.rs`).

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::threads::Bounds;

/// Methods for each value of a group: one that reads it, where its docs are, and one that sets it.
macro_rules! values {
    ($of:ident { $($(#[$docs:meta])* $name:ident, $with:ident: $type:ty;)* }) => {
        impl $of {$(
            $(#[$docs])*
            #[must_use]
            pub const fn $name(&self) -> $type {
                self.$name
            }

            #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
            pub const fn $with(mut self, $name: $type) -> Self {
                self.$name = $name;
                self
            }
        )*}
    };
}

/// How long a peer or a handler may take. Every one is on from the start, but for the handler's.
/// What is further ahead than the clock reaches counts as 60 days, or as no bound at all.
///
/// ```
/// use std::time::Duration;
/// use wharf::Timeouts;
///
/// let timeouts = Timeouts::default().with_idle(Duration::from_secs(120)).with_body_rate(1_000);
/// # let _ = timeouts;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Timeouts {
    pub(crate) first_byte: Duration,
    pub(crate) handshake: Duration,
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
            handshake: Duration::from_secs(10),
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

values!(Timeouts {
    /// From the connection's opening to the first byte of a request. Default 30 s (Kestrel). The
    /// connection is closed silently.
    first_byte, with_first_byte: Duration;

    /// From the connection's opening to the end of the TLS handshake, where TLS is spoken. Default
    /// 10 s. The connection is cut.
    handshake, with_handshake: Duration;

    /// From a request's first byte to the end of its head. Default 30 s (Kestrel). Answered with
    /// 408.
    head, with_head: Duration;

    /// Without a byte of a request body while it is wanted. Default 60 s (Gerbil). Answered with
    /// 408 if no response has begun. A handler can change it for its request
    /// ([`Body::set_timeout`](crate::Body::set_timeout)).
    body, with_body: Duration;

    /// How fast a request body has to come, in bytes per second, on average since it was wanted and
    /// once [`rate_grace`](Self::rate_grace) is over. Default 240 (Kestrel); 0 is any rate. A peer
    /// that was faster may be slower for as long as [`body`](Self::body) at most. Answered with 408
    /// if no response has begun. A handler can change it for its request
    /// ([`Body::set_min_rate`](crate::Body::set_min_rate)).
    body_rate, with_body_rate: u32;

    /// Without the peer taking a byte of a response. Default 120 s (Gerbil). The connection is
    /// reset. A handler can change it for its response
    /// ([`Response::with_write_timeout`](crate::Response::with_write_timeout)).
    write, with_write: Duration;

    /// How fast a response has to be taken, in bytes per second, as for
    /// [`body_rate`](Self::body_rate). Default 240 (Kestrel); 0 is any rate. What counts is what
    /// the peer has acknowledged, where the system can tell. The connection is reset.
    write_rate, with_write_rate: u32;

    /// How long a peer may be slower than the minimum rates to begin with. Default 5 s (Kestrel).
    rate_grace, with_rate_grace: Duration;

    /// From the end of a request's head to its response, for handlers that are not done at once.
    /// Default: none, for what is long is for the program to say. Answered with 503, and the
    /// handler's future is dropped. [`time_limit`](crate::time_limit) sets it for one handler.
    handler, with_handler: Option<Duration>;

    /// Between two requests. Default 75 s (nginx), longer than load balancers' usual 60 s. The
    /// connection is closed silently.
    idle, with_idle: Duration;

    /// Without a byte in either direction, once the connection speaks another protocol. Default
    /// 10 min: most of these protocols have something like a ping every minute or so.
    tunnel, with_tunnel: Duration;

    /// How long a closed connection is read on while nothing comes, so that the peer sees the
    /// response rather than a reset. Default 2 s (nginx: 5 s). A peer that goes on sending is read
    /// for 30 s in all (nginx). Over HTTP/2 also how long a request may take to its end once it is
    /// answered, before its stream is reset.
    linger, with_linger: Duration;

    /// How long a connection with nothing under way is kept once the server drains, since a request
    /// may be on its way. Default 1 s, which is more than most round trips.
    drain_grace, with_drain_grace: Duration;
});

/// The threads on which [`blocking`](crate::blocking) handlers run, for one server. They are
/// started when they are needed.
///
/// A request that finds all of them busy waits: [`first_wait`](Self::first_wait), and then
/// [`max_retry`](Self::max_retry) times [`retry_interval`](Self::retry_interval), which is 5.1 s in
/// all by default (Sagittarius). It is begun as soon as a thread is free, requests in the order in
/// which they came, and answered with 503 and `Retry-After` when the time is over. A worker does
/// not wait with it.
///
/// ```
/// use wharf::{BlockingPool, Request, Server, blocking};
///
/// let server = Server::new(blocking(|_: Request| "took a while"))
///     .blocking_pool(BlockingPool::default().with_max_threads(4).with_max_retry(0));
/// # let _ = server;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct BlockingPool {
    pub(crate) max_threads: usize,
    pub(crate) max_queued: usize,
    pub(crate) first_wait: Duration,
    pub(crate) retry_interval: Duration,
    pub(crate) max_retry: u32,
    pub(crate) idle: Duration,
    pub(crate) stop_wait: Duration,
}

impl Default for BlockingPool {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            max_threads: cores.saturating_mul(4).max(16),
            max_queued: 1024,
            first_wait: Duration::from_millis(100),
            retry_interval: Duration::from_millis(500),
            max_retry: 10,
            idle: Duration::from_secs(10),
            stop_wait: Duration::from_secs(5),
        }
    }
}

values!(BlockingPool {
    /// How many requests may wait for a thread. Default 1,024: more than can be hoped to get one in
    /// time. One more is answered with 503 and `Retry-After` at once.
    max_queued, with_max_queued: usize;

    /// How long a request waits for a thread to begin with. Default 100 ms (Sagittarius).
    first_wait, with_first_wait: Duration;

    /// How much longer it waits each time. Default 500 ms (Sagittarius).
    retry_interval, with_retry_interval: Duration;

    /// How many times more it waits. Default 10 (Sagittarius).
    max_retry, with_max_retry: u32;

    /// How long a thread that has nothing to do is kept. Default 10 s.
    idle, with_idle: Duration;

    /// How long the end of the server waits for handlers that run. Default 5 s. Those that take
    /// longer are left alone: they run on until they return or the program ends, and nobody gets
    /// their responses.
    stop_wait, with_stop_wait: Duration;
});

impl BlockingPool {
    /// How many threads there are at most. Default: four for each core, and at least 16, since they
    /// mostly wait for something else than a core. At least one.
    #[must_use]
    pub const fn max_threads(&self) -> usize {
        self.max_threads
    }

    /// Sets [`max_threads`](Self::max_threads). Zero is taken as one.
    pub const fn with_max_threads(mut self, max_threads: usize) -> Self {
        self.max_threads = if max_threads == 0 { 1 } else { max_threads };
        self
    }

    /// How long a request waits for a thread in all.
    pub(crate) const fn wait(&self) -> Duration {
        self.first_wait.saturating_add(self.retry_interval.saturating_mul(self.max_retry))
    }

    pub(crate) const fn bounds(&self) -> Bounds {
        Bounds { max_threads: self.max_threads, max_queued: self.max_queued, idle: self.idle }
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

/// How much a tick does at most, so that a frame of the program's loop is not missed. Without any
/// bound, which is the default, a tick is one whole turn.
///
/// What a tick leaves comes first in the next one, in the order in which it would have been done:
/// nothing is lost, and nothing has to wait for ever.
///
/// ```
/// use std::time::Duration;
/// use wharf::{Budget, Server};
///
/// let mut ticker = Server::new("hello").listen("127.0.0.1:0")?.into_ticker()?;
/// ticker.set_budget(Budget::new().time(Duration::from_millis(2)));
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Budget {
    pub(crate) time: Option<Duration>,
    pub(crate) events: Option<usize>,
}

impl Budget {
    /// Bounds nothing.
    pub const fn new() -> Self {
        Self { time: None, events: None }
    }

    /// For how long a tick works. Default: for as long as there is something to do in its turn.
    /// The time begins when it has waited.
    ///
    /// What was begun is done: a tick takes longer by one event at most, which is as long as a
    /// handler takes, and what goes with it: up to 64 receives at a time, and sends of up to 256
    /// KiB. That is about 0.1 ms. One event is dealt with in each tick, however short the time is.
    pub const fn time(mut self, at_most: Duration) -> Self {
        self.time = Some(at_most);
        self
    }

    /// With how many events a tick deals. Default: with all there are in its turn. Zero is taken
    /// as one.
    ///
    /// An event is a connection that came, something that was received, each further request in
    /// it (over HTTP/2, whatever stands behind a request), a large send that goes on, a handler
    /// that was woken, or a deadline. What is sent because of an event is part of it.
    pub const fn events(mut self, at_most: usize) -> Self {
        self.events = Some(at_most);
        self
    }
}
