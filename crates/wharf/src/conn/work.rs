//! [`Work`]: what a busy connection works with, whatever is spoken on it.
//!
//! Each protocol has the same calls, so that a connection and its worker know none of them. Not
//! here: what the protocols do (`h1`, `raw`).

use std::io;
use std::time::{Duration, Instant};

use wharf_proto::RequestHead;

use super::deadline::{Pace, Timer};
use super::wire::{Ending, Wire};
use super::{Context, Http1, Http2, Raw};
use crate::config::Timeouts;
use crate::driver::{Behind, Input};
use crate::observe::{ConnectionState, CurrentRequest, Limit, ProtocolKind};
use crate::output::Output;

/// What a busy connection works with.
pub(crate) enum Work {
    Http1(Box<Http1>),
    Http2(Box<Http2>),
    /// A protocol of the program's own.
    Raw(Box<Raw>),
}

/// Has the protocol that there is do something.
macro_rules! each {
    ($work:expr, $protocol:ident => $act:expr) => {
        match $work {
            Work::Http1($protocol) => $act,
            Work::Http2($protocol) => $act,
            Work::Raw($protocol) => $act,
        }
    };
}

impl Work {
    #[inline(always)]
    pub(super) fn wire(&self) -> &Wire {
        each!(self, work => &work.wire)
    }

    #[inline(always)]
    pub(super) fn wire_mut(&mut self) -> &mut Wire {
        each!(self, work => &mut work.wire)
    }

    /// The output to be sent now, if there is any, and what comes behind it.
    #[inline(always)]
    pub(super) fn begin_send(&mut self) -> Option<(&mut Output, Behind)> {
        match self {
            Self::Http1(http) => http.begin_send(),
            Self::Http2(http) => http.begin_send(),
            Self::Raw(raw) => raw.wire.begin_send(),
        }
    }

    /// The output to be encrypted now, if there is any.
    pub(super) fn begin_seal(&mut self) -> Option<Output> {
        match self {
            Self::Http1(http) => http.begin_seal(),
            Self::Http2(http) => http.begin_seal(),
            Self::Raw(raw) => raw.wire.begin_seal(),
        }
    }

    /// The peer sent bytes; none means that it will send no more.
    #[inline(always)]
    pub(super) fn on_bytes(&mut self, input: Input<'_>, context: &Context<'_>) {
        match self {
            Self::Http1(http) => http.on_bytes(input, context),
            Self::Http2(http) => http.on_bytes(input.bytes, context),
            Self::Raw(raw) => raw.on_bytes(input.bytes, context),
        }
    }

    /// Something that a task of the connection waited for has come.
    pub(super) fn on_wake(&mut self, context: &Context<'_>) {
        each!(self, work => work.on_wake(context));
    }

    /// What had to wait for another tick has its turn.
    pub(super) fn on_resume(&mut self, context: &Context<'_>) {
        match self {
            Self::Http1(http) => http.on_resume(context),
            Self::Http2(http) => http.on_resume(context),
            Self::Raw(_) => {}
        }
    }

    /// All output was handed to the system as soon as that was begun.
    #[inline(always)]
    pub(super) fn on_sent_at_once(&mut self, context: &Context<'_>) {
        each!(self, work => {
            work.wire.output.clear();
            work.go_on(context);
        });
    }

    /// All of an output was handed to the system; here it is.
    pub(super) fn on_sent(&mut self, output: Output, context: &Context<'_>) {
        each!(self, work => {
            work.wire.on_sent(output);
            work.go_on(context);
        });
    }

    /// The deadline has come: that of `limit`.
    pub(super) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        each!(self, work => work.on_timeout(limit, context));
    }

    /// The system says that the connection is broken.
    pub(super) fn on_error(&mut self, error: io::Error) {
        match self {
            Self::Http1(http) => http.on_error(error),
            Self::Http2(http) => http.on_error(&error),
            Self::Raw(_) => {}
        }
    }

    /// The connection is over: whoever works for it is told.
    pub(super) fn on_end(&mut self, context: &Context<'_>) {
        each!(self, work => work.on_end(context));
    }

    /// The program's code has failed in a way that nobody can be told of.
    pub(super) fn abort(&mut self) {
        each!(self, work => work.abort());
    }

    /// The server ends before who is waited for is done.
    pub(super) fn cancel(&mut self, context: &Context<'_>) {
        match self {
            Self::Http1(http) => http.cancel(context),
            Self::Http2(http) => http.cancel(context),
            Self::Raw(_) => {}
        }
    }

    /// The server has begun to drain.
    pub(super) fn on_drain(&mut self, context: &Context<'_>) {
        match self {
            Self::Http1(http) => http.fire_draining(),
            Self::Http2(http) => http.on_drain(context),
            Self::Raw(raw) => raw.on_drain(context),
        }
    }

    /// The peer was told that nothing more will be sent.
    pub(super) fn note_half_closed(&mut self) {
        self.wire_mut().ending = match self {
            Self::Raw(raw) if raw.leaves() => Some(Ending::Detach),
            Self::Http1(_) | Self::Http2(_) | Self::Raw(_) => None,
        };
    }

    /// Whether nothing is held that what comes later would need.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Http1(http) => http.is_idle(),
            // Its tables of fields are as long-lived as the connection.
            Self::Http2(_) => false,
            Self::Raw(raw) => raw.is_idle(),
        }
    }

    /// Whether a handler is waited for that could be answered for.
    pub(super) fn awaits_handler(&self) -> bool {
        match self {
            Self::Http1(http) => http.awaits_handler(),
            Self::Http2(http) => http.awaits_handler(),
            Self::Raw(_) => false,
        }
    }

    /// Whether nothing is under way, although there may be something that what comes later needs.
    pub(super) fn is_at_rest(&self) -> bool {
        match self {
            Self::Http1(_) => false,
            Self::Http2(http) => http.is_at_rest(),
            Self::Raw(raw) => raw.is_quiet(),
        }
    }

    /// Whether something has begun that its peer can't tell the end of, unless it comes in full.
    pub(super) fn is_answering(&self) -> bool {
        match self {
            Self::Http1(http) => http.is_answering(),
            Self::Http2(http) => http.is_answering(),
            Self::Raw(raw) => !raw.is_quiet(),
        }
    }

    /// Whether more bytes of the peer could be dealt with.
    #[inline(always)]
    pub(crate) fn wants_bytes(&self) -> bool {
        each!(self, work => work.wants_bytes())
    }

    /// Whether something of the program's may run when output is sent.
    #[inline(always)]
    pub(crate) fn has_more_to_do(&self) -> bool {
        match self {
            Self::Http1(http) => http.has_more_to_do(),
            Self::Http2(_) => true,
            Self::Raw(_) => true,
        }
    }

    /// Whether the peer is not read because of requests that it has sent already.
    pub(crate) fn holds_requests(&self) -> bool {
        match self {
            Self::Http1(http) => http.holds_requests(),
            Self::Http2(_) => false,
            Self::Raw(_) => false,
        }
    }

    /// Whether a request waits for another tick.
    #[inline(always)]
    pub(crate) fn is_postponed(&self) -> bool {
        match self {
            Self::Http1(http) => http.is_postponed(),
            Self::Http2(http) => http.is_postponed(),
            Self::Raw(_) => false,
        }
    }

    /// When who works for the connection has to be done, or wants to be told the time.
    pub(super) fn handler_due(&self) -> Option<Instant> {
        each!(self, work => work.handler_due())
    }

    /// Until when something has to be asked for, and the bound on that, where that is known to who
    /// speaks: what else goes to and fro, such as answers to PING, must not hold it off.
    pub(super) fn idle(&self, timeouts: &Timeouts) -> Option<(Limit, Instant)> {
        match self {
            Self::Http1(_) | Self::Raw(_) => None,
            Self::Http2(http) => http.idle(timeouts),
        }
    }

    /// The deadline that fits what is under way.
    pub(super) fn timer(&self) -> Timer {
        each!(self, work => work.timer())
    }

    /// How fast bytes have to come or go.
    pub(super) fn pace(&self, timer: Timer, timeouts: &Timeouts) -> Pace {
        match self {
            Self::Http1(http) => http.pace(timer, timeouts),
            Self::Http2(http) => http.wire.pace(timeouts),
            Self::Raw(raw) => raw.wire.pace(timeouts),
        }
    }

    /// How long nothing may come or go, where who speaks has said so.
    pub(super) fn silence(&self) -> Option<Duration> {
        match self {
            Self::Http1(_) | Self::Http2(_) => None,
            Self::Raw(raw) => raw.silence(),
        }
    }

    /// Whether a head came in full since the last call.
    pub(super) fn take_head_done(&mut self) -> bool {
        match self {
            Self::Http1(http) => http.take_head_done(),
            Self::Http2(http) => http.take_head_done(),
            Self::Raw(_) => false,
        }
    }

    /// How many heads came in full on this connection.
    pub(super) fn requests(&self) -> u32 {
        each!(self, work => work.requests())
    }

    /// The request that is being answered, where it was kept.
    pub(super) fn request(&self) -> Option<&RequestHead> {
        match self {
            Self::Http1(http) => http.request(),
            Self::Http2(_) => None,
            Self::Raw(_) => None,
        }
    }

    /// The request that was dealt with last, where it was kept.
    pub(crate) fn last_request(&self) -> Option<&RequestHead> {
        match self {
            Self::Http1(http) => http.last_request(),
            Self::Http2(http) => http.last_request(),
            Self::Raw(_) => None,
        }
    }

    /// What the connection is doing.
    pub(super) fn state(&self) -> ConnectionState {
        each!(self, work => work.state())
    }

    pub(super) fn protocol(&self) -> ProtocolKind {
        match self {
            Self::Http1(_) => ProtocolKind::Http1,
            Self::Http2(http) => http.protocol(),
            Self::Raw(raw) => raw.protocol(),
        }
    }

    /// The request that is under way or whose response was not taken, if it was noted.
    pub(super) fn current_request(&self, now: Instant) -> Option<CurrentRequest> {
        match self {
            Self::Http1(http) => http.current_request(now),
            Self::Http2(http) => http.current_request(now),
            Self::Raw(_) => None,
        }
    }
}
