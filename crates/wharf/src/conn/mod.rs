//! One connection in its worker's slot: addresses, deadline, and the protocol while it is busy.
//!
//! An idle connection is this small value and nothing else: buffers, the protocol machine and
//! tasks live in an [`Http1`] that is borrowed from the worker's spares when bytes arrive and given
//! back when the exchange is over. Not here: system calls (`driver`) and turns (`worker`).

mod addrs;
mod deadline;
mod exchange;
mod h1;
mod outgoing;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::addrs::PackedAddrs;
use self::deadline::{Deadline, LINGER_IN_ALL, Moves, Pace, Timer};
pub(crate) use self::h1::{Ending, Http1};
use crate::config::{BlockingPool, Rules, Timeouts};
use crate::driver::{Close, Key};
use crate::env::Env;
use crate::lifeline::PerConnection;
use crate::observe::{
    CloseReason, ConnectionId, ConnectionState, Counters, ErrorContext, ErrorKind, Hooks, Limit,
    OpenConnection, Protocol,
};
use crate::output::Output;
use crate::peer::PeerAddr;
use crate::request::Addrs;
use crate::stop::Switches;
use crate::threads::Threads;
use crate::worker::{Clock, Meter};
use crate::{Handler, Limits};

/// What a connection may know of its server and worker.
pub(crate) struct Context<'w> {
    pub(crate) handler: &'w dyn Handler,
    pub(crate) env: &'w Arc<Env>,
    pub(crate) limits: &'w Limits,
    pub(crate) rules: &'w Rules,
    pub(crate) blocking: &'w BlockingPool,
    pub(crate) threads: &'w Threads,
    pub(crate) timeouts: &'w Timeouts,
    pub(crate) hooks: &'w Hooks,
    pub(crate) counters: &'w Counters,
    pub(crate) clock: &'w Clock,
    pub(crate) switches: &'w Switches,
    pub(crate) meter: &'w Meter,
}

impl Context<'_> {
    /// Whether the server was told to end, so that each response says that its connection closes.
    /// It is asked as late as can be: whoever told it must not see one afterwards that does not.
    pub(crate) fn is_draining(&self) -> bool {
        self.switches.are_used()
    }
}

/// One open connection.
pub(crate) struct Conn {
    pub(crate) key: Key,
    addrs: PackedAddrs,
    /// `None` while the connection is idle or lingers.
    pub(crate) http: Option<Box<Http1>>,
    deadline: Deadline,
    moves: Moves,
    /// How many heads came in full before the current [`Http1`].
    requests: u32,
    /// The worker's uptime when it was opened, in tenths of a second.
    opened_at: u32,
    received_bytes: u64,
    /// How many bytes were given to the driver before the current [`Http1`].
    given_bytes: u64,
    /// Nothing more is sent, and the peer is read until then at the latest.
    lingers_until: Option<Instant>,
    /// Why the connection ends, once that is decided.
    reason: Option<CloseReason>,
    /// What requests have left for those to come, while there is no [`Http1`] that has it.
    left: Option<Box<PerConnection>>,
    /// What the driver was told last.
    pub(crate) receiving: bool,
    /// The connection is in the worker's list of those to be looked at.
    pub(crate) queued: bool,
    /// The report on the server's end tells of it.
    pub(crate) is_reported: bool,
}

impl Conn {
    pub(crate) fn new(key: Key, addrs: Addrs, opened_at: u32) -> Self {
        Self {
            key,
            addrs: PackedAddrs::new(addrs),
            http: None,
            deadline: Deadline::new(),
            moves: Moves::NONE,
            requests: 0,
            opened_at,
            received_bytes: 0,
            given_bytes: 0,
            lingers_until: None,
            reason: None,
            left: None,
            receiving: true,
            queued: false,
            is_reported: false,
        }
    }

    pub(crate) fn peer_addr(&self) -> PeerAddr {
        self.addrs.get().peer
    }

    /// Takes on what the connection needs for an exchange.
    pub(crate) fn work_with(&mut self, mut http: Box<Http1>, context: &Context<'_>) {
        http.bind(self.key, &self.addrs, self.requests, context.rules);
        if context.is_draining() {
            http.fire_draining();
        }
        if let Some(left) = self.left.take() {
            http.give_left(left);
        }
        self.http = Some(http);
    }

    /// Whether nothing is sent any more, and what comes is dropped.
    pub(crate) const fn is_lingering(&self) -> bool {
        self.lingers_until.is_some()
    }

    /// Whether nothing is under way, so that the peer may close.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.is_lingering() || self.http.is_none()
    }

    /// Whether the next request may come, and nothing else is under way.
    pub(crate) const fn is_idle(&self) -> bool {
        self.http.is_none() && !self.is_lingering()
    }

    /// Whether a handler is waited for that could be answered for.
    pub(crate) fn awaits_handler(&self) -> bool {
        self.http.as_ref().is_some_and(|http| http.awaits_handler())
    }

    /// The handler can't be waited for any longer: the server answers.
    pub(crate) fn cancel(&mut self, context: &Context<'_>) {
        if let Some(http) = &mut self.http {
            http.cancel(context);
        }
    }

    /// Bytes came that nobody will look at.
    pub(crate) const fn on_dropped_bytes(&mut self, len: usize) {
        self.moves.received += len as u64;
        self.received_bytes += len as u64;
    }

    /// The peer sent bytes; none means that it will send no more.
    pub(crate) fn on_bytes(&mut self, bytes: &[u8], context: &Context<'_>) {
        self.moves.received += bytes.len() as u64;
        self.received_bytes += bytes.len() as u64;
        if let Some(http) = &mut self.http {
            http.on_bytes(bytes, context);
        }
    }

    /// Tells handlers, and those who write responses, that the server has begun to drain.
    pub(crate) fn fire_draining(&self) {
        if let Some(http) = &self.http {
            http.fire_draining();
        }
    }

    /// Something that a task of the connection waited for has come.
    pub(crate) fn on_wake(&mut self, context: &Context<'_>) {
        if let Some(http) = &mut self.http {
            http.on_wake(context);
        }
    }

    /// Requests that had to wait for another tick have their turn.
    pub(crate) fn on_resume(&mut self, context: &Context<'_>) {
        if let Some(http) = &mut self.http {
            http.on_resume(context);
        }
    }

    /// All output was handed to the system; `output` is what it was.
    pub(crate) fn on_sent(&mut self, output: Output, context: &Context<'_>) {
        self.moves.sent = true;
        if let Some(http) = &mut self.http {
            http.on_sent(output, context);
        }
    }

    /// All output was handed to the system at once.
    pub(crate) fn on_sent_at_once(&mut self, context: &Context<'_>) {
        self.moves.sent = true;
        if let Some(http) = &mut self.http {
            http.on_sent_at_once(context);
        }
    }

    /// The deadline has come: that of `limit`.
    pub(crate) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        if let Some(http) = &mut self.http {
            http.on_timeout(limit, context);
        }
    }

    /// An output was given up with so many bytes unsent.
    pub(crate) fn on_unsent(&mut self, len: usize) {
        if let Some(http) = &mut self.http {
            http.on_unsent(len);
        }
    }

    /// The system says that the connection is broken.
    pub(crate) fn on_error(&mut self, error: io::Error, context: &Context<'_>) {
        if self.is_lingering() {
            return;
        }
        let decided = self.http.as_ref().and_then(|http| http.reason());
        self.reason = self.reason.or(decided).or(Some(CloseReason::Lost));
        let request = self.http.as_ref().and_then(|http| http.request());
        // There is nobody to respond to.
        let _ = context.hooks.error(&ErrorContext {
            kind: ErrorKind::Io,
            error: &error,
            peer_addr: Some(self.peer_addr()),
            request,
            status: None,
        });
        if let Some(http) = &mut self.http {
            http.on_error(error);
        }
    }

    /// The program's code has failed in a way that no response can tell of.
    pub(crate) fn on_panic(&mut self) {
        if let Some(http) = &mut self.http {
            http.abort();
        }
    }

    /// How the connection ends if it has to end now: a peer that is in the middle of a response
    /// must not take what it has for all of it.
    pub(crate) fn how_to_stop(&self) -> Close {
        let is_answering = self.http.as_ref().is_some_and(|http| http.is_answering());
        if is_answering { Close::Reset } else { Close::Graceful }
    }

    /// Nothing more will be sent, and the peer is given some time to take what was.
    pub(crate) fn begin_linger(&mut self, now: Instant) {
        self.lingers_until = Some(now + LINGER_IN_ALL);
    }

    /// Whoever works for the connection is told that it is over. Gives back what it worked with.
    pub(crate) fn end_work(&mut self, context: &Context<'_>) -> Option<Box<Http1>> {
        let mut http = self.http.take()?;
        self.note_end_of_work(&mut http);
        self.left = http.close_left();
        http.on_end(context);
        Some(http)
    }

    /// Takes the protocol's parts off a connection that has become idle.
    #[inline(always)]
    pub(crate) fn retire(&mut self) -> Option<Box<Http1>> {
        let mut http = self.http.take_if(|http| http.is_idle())?;
        self.note_end_of_work(&mut http);
        if let Some(left) = http.take_left() {
            self.keep_left(left);
        }
        Some(http)
    }

    #[cold]
    fn keep_left(&mut self, left: Box<PerConnection>) {
        self.left = Some(left);
    }

    /// Takes what requests have left for the connection's end.
    pub(crate) const fn take_left(&mut self) -> Option<Box<PerConnection>> {
        self.left.take()
    }

    fn note_end_of_work(&mut self, http: &mut Http1) {
        self.moves.head_done |= http.take_head_done();
        self.requests = http.requests();
        self.given_bytes += http.given_bytes();
        self.reason = self.reason.or(http.reason());
    }

    /// Decides on why the connection ends, unless that was decided before.
    pub(crate) fn set_reason(&mut self, reason: CloseReason) {
        self.reason.get_or_insert(reason);
    }

    /// What the connection is doing. `untaken` tells how much of its current send the peer has not
    /// taken.
    pub(crate) fn describe(
        &self,
        id: ConnectionId,
        clock: &Clock,
        untaken: impl FnOnce() -> u64,
    ) -> OpenConnection {
        let http = self.http.as_deref();
        let Addrs { peer, local } = self.addrs.get();
        let given = self.given_bytes + http.map_or(0, Http1::given_bytes);
        let untaken = if http.is_some_and(|http| http.sending) { untaken() } else { 0 };
        let state = match http {
            _ if self.is_lingering() => ConnectionState::Lingering,
            Some(http) => http.state(),
            None => ConnectionState::Idle,
        };
        OpenConnection {
            id,
            peer_addr: peer,
            local_addr: local,
            protocol: http.map_or(Protocol::Http1, Http1::protocol),
            state,
            age: Duration::from_millis(100) * clock.uptime().saturating_sub(self.opened_at),
            requests: http.map_or(self.requests, Http1::requests),
            received_bytes: self.received_bytes,
            sent_bytes: given.saturating_sub(untaken),
            request: http.and_then(|http| http.current_request(clock.now())),
        }
    }

    /// Why the connection ended, and how many requests came on it, where `or` is why it ends now.
    pub(crate) fn verdict(&self, or: CloseReason) -> (CloseReason, u32) {
        let http = self.http.as_ref();
        let reason = self.reason.or_else(|| http.and_then(|http| http.reason())).unwrap_or(or);
        (reason, http.map_or(self.requests, |http| http.requests()))
    }
}
