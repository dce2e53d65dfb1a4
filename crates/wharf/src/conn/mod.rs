//! One connection in its worker's slot: addresses, deadline, and the protocol while it is busy.
//!
//! An idle connection is this small value and nothing else: buffers, the protocol machine and
//! tasks live in an [`Http1`] that is borrowed from the worker's spares when bytes arrive and given
//! back when the exchange is over. Not here: system calls (`driver`) and turns (`worker`).

mod exchange;
mod h1;
mod outgoing;

use std::io;
use std::time::{Duration, Instant};

pub(crate) use self::h1::{Ending, Http1};
use crate::config::Timeouts;
use crate::driver::{Close, Key};
use crate::observe::AccessLog;
use crate::output::Output;
use crate::request::Addrs;
use crate::worker::Clock;
use crate::{Handler, Limits};

/// What a connection may know of its server and worker.
pub(crate) struct Context<'w> {
    pub(crate) handler: &'w dyn Handler,
    pub(crate) limits: &'w Limits,
    pub(crate) access_log: Option<&'w AccessLog>,
    pub(crate) clock: &'w Clock,
}

/// One open connection.
pub(crate) struct Conn {
    pub(crate) key: Key,
    pub(crate) addrs: Addrs,
    /// `None` while the connection is idle or lingers.
    pub(crate) http: Option<Box<Http1>>,
    timer: Timer,
    /// At least one head has come in full.
    served: bool,
    pub(crate) lingering: bool,
    /// What the driver was told last.
    pub(crate) receiving: bool,
    /// The connection is in the worker's list of those to be looked at.
    pub(crate) queued: bool,
    moves: Moves,
}

/// What the peer did since its deadline was looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Moves {
    /// It sent bytes.
    sent: bool,
    /// It took bytes.
    took: bool,
    /// A head of its came in full.
    head_done: bool,
}

/// Which deadline is armed for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Nothing is expected of the peer.
    Off,
    /// The next request should begin.
    Idle,
    /// A head should be complete: counted from its first byte, or from the connection's opening.
    Head,
    /// More of a request body should come.
    Body,
    /// The peer should take more of a response.
    Write,
    /// The peer should close.
    Linger,
}

impl Timer {
    /// How long it may take.
    const fn duration(self, timeouts: &Timeouts) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Idle => Some(timeouts.idle),
            Self::Head => Some(timeouts.head),
            Self::Body => Some(timeouts.body),
            Self::Write => Some(timeouts.write),
            Self::Linger => Some(timeouts.linger),
        }
    }

    /// Whether it starts anew: each waits for one kind of move, so that a peer can't hold one off
    /// with another.
    const fn restarts(self, moves: Moves) -> bool {
        match self {
            Self::Off | Self::Linger => false,
            Self::Idle | Self::Head => moves.head_done,
            Self::Body => moves.sent,
            Self::Write => moves.took,
        }
    }
}

/// The deadline in place of one that is too far ahead for the clock: longer than the wheel holds.
const FAR_AHEAD: Duration = Duration::from_secs(60 * 86_400);

/// A change of a connection's deadline.
pub(crate) enum Deadline {
    Same,
    Unset,
    At(Instant),
}

impl Conn {
    pub(crate) const fn new(key: Key, addrs: Addrs) -> Self {
        Self {
            key,
            addrs,
            http: None,
            timer: Timer::Off,
            served: false,
            lingering: false,
            receiving: true,
            queued: false,
            moves: Moves { sent: false, took: false, head_done: false },
        }
    }

    /// The peer sent bytes; none means that it will send no more.
    pub(crate) fn on_bytes(&mut self, bytes: &[u8], context: &Context<'_>) {
        self.moves.sent = true;
        if let Some(http) = &mut self.http {
            http.on_bytes(bytes, context);
        }
    }

    /// Something that a task of the connection waited for has come.
    pub(crate) fn on_wake(&mut self, context: &Context<'_>) {
        if let Some(http) = &mut self.http {
            http.on_wake(context);
        }
    }

    /// The peer took some of the output, but not all.
    pub(crate) const fn on_progress(&mut self) {
        self.moves.took = true;
    }

    /// All output was handed to the system; `output` is what it was.
    pub(crate) fn on_sent(&mut self, output: Output, context: &Context<'_>) {
        self.moves.took = true;
        if let Some(http) = &mut self.http {
            http.on_sent(output, context);
        }
    }

    /// The armed deadline has come.
    pub(crate) fn on_timeout(&mut self, context: &Context<'_>) {
        if let Some(http) = &mut self.http {
            http.on_timeout(self.timer, context);
        }
    }

    /// An output was given up with so many bytes unsent.
    pub(crate) fn on_unsent(&mut self, len: usize) {
        if let Some(http) = &mut self.http {
            http.on_unsent(len);
        }
    }

    /// The system says that the connection is broken.
    pub(crate) fn on_error(&mut self, error: io::Error) {
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

    /// The connection's key, and how it ends if it has to end now: a peer that is in the middle of
    /// a response must not take what it has for all of it.
    pub(crate) fn how_to_stop(&self) -> (Key, Close) {
        let is_answering = self.http.as_ref().is_some_and(|http| http.is_answering());
        (self.key, if is_answering { Close::Reset } else { Close::Graceful })
    }

    /// The connection is over: whoever works for it is told. Gives back what it worked with.
    pub(crate) fn on_end(&mut self, context: &Context<'_>) -> Option<Box<Http1>> {
        let mut http = self.http.take()?;
        http.on_end(context);
        Some(http)
    }

    /// Takes the protocol's parts off a connection that has become idle.
    pub(crate) fn retire(&mut self) -> Option<Box<Http1>> {
        let mut http = self.http.take_if(|http| http.is_idle())?;
        self.moves.head_done |= http.take_head_done();
        Some(http)
    }

    /// Works out the deadline that fits what the connection is doing now.
    pub(crate) fn deadline(&mut self, now: Instant, timeouts: &Timeouts) -> Deadline {
        let mut moves = std::mem::take(&mut self.moves);
        moves.head_done |= self.http.as_deref_mut().is_some_and(Http1::take_head_done);
        self.served |= moves.head_done;
        let wanted = match &self.http {
            _ if self.lingering => Timer::Linger,
            Some(http) => http.timer(),
            None if self.served => Timer::Idle,
            None => Timer::Head,
        };
        if wanted == self.timer && !wanted.restarts(moves) {
            return Deadline::Same;
        }
        self.timer = wanted;
        match wanted.duration(timeouts) {
            None => Deadline::Unset,
            Some(duration) => Deadline::At(now.checked_add(duration).unwrap_or(now + FAR_AHEAD)),
        }
    }
}
