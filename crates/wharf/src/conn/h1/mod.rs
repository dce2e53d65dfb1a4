//! Drives the HTTP/1 machine: bytes to requests, responses to bytes, one exchange at a time.
//!
//! A request that comes in one piece and whose handler is ready at once is served without a copy of
//! its bytes other than the head's, and without an allocation. Not here: framing (the machine's),
//! what a response body is made of (`outgoing.rs`), when output is sent (`worker`).

mod current;
mod orphan;
mod receive;
mod refuse;
mod respond;
mod switch;
mod timing;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use wharf_proto::RequestHead;
use wharf_proto::h1::{self, Phase};

use super::addrs::PackedAddrs;
use super::current::Current;
use super::exchange::{Exchange, Record};
use super::orphan::Orphan;
use super::refusal::Refusal;
use super::wire::{Ending, Wire};
use super::{Context, Protocol, Timer};
use crate::Settings;
use crate::body::BodyError;
use crate::driver::{Behind, Close, Input, Key};
use crate::interim::Interims;
use crate::lifeline::{Lifeline, PerConnection};
use crate::observe::{CloseReason, ConnectionId, Limit};
use crate::output::{MAX_SPARE_BYTES, Output};
use crate::pool::Pooled;
use crate::request::{Addrs, Parts};
use crate::service::ServiceId;
use crate::tls::TlsInfo;
use crate::worker::ConnWaker;

/// A busy HTTP/1 connection.
pub(crate) struct Http1 {
    machine: h1::Connection,
    addrs: Addrs,
    id: ConnectionId,
    service: ServiceId,
    tls: Option<Arc<TlsInfo>>,
    /// How many heads came in full on this connection.
    requests: u32,
    /// Where the next head is built.
    parts: Option<Pooled<Parts>>,
    /// Where a trailer section is built.
    trailers: RequestHead,
    /// Bytes that came and could not be dealt with yet.
    input: Vec<u8>,
    pub(crate) wire: Wire,
    exchange: Exchange,
    /// What is spoken once the response that says so is sent.
    switching: Option<Box<dyn Protocol>>,
    current: Current,
    interims: Interims,
    lifeline: Lifeline,
    /// A handler that goes on although its client has disconnected.
    orphan: Option<Orphan>,
    /// Exchanges that are over but whose bytes are not all sent, where there is an access log.
    done: Vec<Pooled<Record>>,
    /// How many of them end in the output that the driver has.
    done_when_sent: usize,
    waker: ConnWaker,
    /// The peer has said that it sends nothing behind the current request.
    is_last_request: bool,
    /// A head came in full since the deadline was looked at: the next one has its own time.
    head_done: bool,
    /// The handler does not keep up with the request's body.
    body_paused: bool,
    /// Nobody reads the request's body, and it is too long to be read for nothing.
    body_ignored: bool,
    /// Nothing of the tick's budget was left for the request that comes next.
    is_postponed: bool,
}

impl Http1 {
    /// It works for nobody before it is bound; `id` is that of any connection of the worker.
    pub(crate) fn new(waker: ConnWaker, id: ConnectionId) -> Self {
        Self {
            machine: h1::Connection::new(),
            addrs: Addrs::UNKNOWN,
            id,
            service: ServiceId::FIRST,
            tls: None,
            requests: 0,
            parts: None,
            trailers: RequestHead::default(),
            input: Vec::new(),
            wire: Wire::default(),
            exchange: Exchange::default(),
            switching: None,
            current: Current::default(),
            interims: Interims::default(),
            lifeline: Lifeline::new(),
            orphan: None,
            done: Vec::new(),
            done_when_sent: 0,
            waker,
            is_last_request: false,
            head_done: false,
            body_paused: false,
            body_ignored: false,
            is_postponed: false,
        }
    }

    /// Makes the value work for another connection, on which so many requests came before.
    pub(super) fn bind(
        &mut self,
        key: Key,
        addrs: &PackedAddrs,
        service: ServiceId,
        requests: u32,
        tls: Option<Arc<TlsInfo>>,
        settings: &Settings,
    ) {
        self.waker.bind(key);
        self.service = service;
        self.tls = tls;
        self.id = self.id.with_key(key);
        self.addrs = addrs.get();
        self.requests = requests;
        if settings.accept_bare_lf {
            self.machine = h1::Connection::new().accept_bare_lf(true);
        }
    }

    /// Forgets the connection, so that nothing of it is held until there is another.
    pub(crate) fn clear(&mut self) {
        self.lifeline.clear();
        self.shed();
    }

    /// Forgets what belongs to the connection, though not a handler that goes on without it.
    #[inline(always)]
    pub(crate) fn shed(&mut self) {
        self.machine = h1::Connection::new();
        self.current.clear();
        self.input.clear();
        self.input.shrink_to(MAX_SPARE_BYTES);
        self.wire.clear();
        self.tls = None;
        self.switching = None;
        self.is_last_request = false;
        self.head_done = false;
        self.body_paused = false;
        self.body_ignored = false;
        self.is_postponed = false;
    }

    /// Whether nothing is held that a later request would need.
    pub(crate) fn is_idle(&self) -> bool {
        self.has_nothing_to_do() && self.wire.output.is_empty()
    }

    /// Whether nothing is held that a later request would need, but for output that has only to be
    /// sent.
    #[inline(always)]
    pub(super) fn is_answered(&self) -> bool {
        self.has_nothing_to_do() && self.wire.has_plain_output()
    }

    /// Notes that others see to the output from here on. Returns how many bytes were given to the
    /// driver then since the connection became busy.
    #[inline(always)]
    pub(super) fn give_output(&mut self) -> u64 {
        self.wire.give_output()
    }

    /// What is to be sent.
    #[inline(always)]
    pub(crate) const fn output(&mut self) -> &mut Output {
        &mut self.wire.output
    }

    /// Whether all that is left to be done, if there is anything, is to send.
    #[inline(always)]
    fn has_nothing_to_do(&self) -> bool {
        self.machine.phase() == Phase::Idle
            && self.input.is_empty()
            && !self.wire.sending
            && !self.wire.eof
            && self.wire.ending.is_none()
            && self.exchange.is_over()
            && self.done.is_empty()
    }

    /// Whether a handler is waited for that could be answered for.
    pub(crate) fn awaits_handler(&self) -> bool {
        self.exchange.task.is_some() && self.machine.awaits_response()
    }

    /// Whether a response has begun and was not handed over in full.
    pub(crate) fn is_answering(&self) -> bool {
        self.wire.sending || !self.wire.output.is_empty() || self.exchange.response_body.is_some()
    }

    /// The output to be sent now, if there is any, and what comes behind it.
    #[inline(always)]
    pub(crate) fn begin_send(&mut self) -> Option<(&mut Output, Behind)> {
        let begun = self.wire.begin_send()?;
        self.done_when_sent = self.done.len();
        Some(begun)
    }

    /// The output to be encrypted now, if there is any.
    pub(crate) fn begin_seal(&mut self) -> Option<Output> {
        let output = self.wire.begin_seal()?;
        self.done_when_sent = self.done.len();
        Some(output)
    }

    /// Whether more bytes of the peer could be dealt with.
    pub(crate) fn wants_bytes(&self) -> bool {
        let ignores_body = self.body_ignored && self.machine.phase() == Phase::Body;
        let waits = self.body_paused || self.is_postponed || ignores_body;
        if self.wire.eof || self.wire.ending.is_some() || waits {
            return false;
        }
        match self.machine.phase() {
            // One buffer of pipelined requests is held, and no more.
            Phase::Respond => self.input.is_empty(),
            Phase::Idle | Phase::Head | Phase::Body | Phase::Drain => self.wire.can_produce(),
            Phase::Tunnel | Phase::Closed => false,
        }
    }

    /// Whether a head came in full since the last call.
    pub(crate) const fn take_head_done(&mut self) -> bool {
        std::mem::replace(&mut self.head_done, false)
    }

    /// How many heads came in full on this connection.
    pub(crate) const fn requests(&self) -> u32 {
        self.requests
    }

    /// The request that is being answered, where it was kept.
    pub(crate) fn request(&self) -> Option<&RequestHead> {
        self.exchange.request()
    }

    /// The request that was dealt with last, where it was kept.
    pub(crate) fn last_request(&self) -> Option<&RequestHead> {
        self.request().or_else(|| self.done.last()?.request())
    }

    /// Whether something is to be done when output is sent, which may run the program's code.
    pub(crate) fn has_more_to_do(&self) -> bool {
        !self.exchange.is_over() || !self.input.is_empty() || !self.done.is_empty()
    }

    /// When the handler has to have answered.
    pub(crate) const fn handler_due(&self) -> Option<Instant> {
        self.exchange.handler_due
    }

    /// Makes what earlier requests of the connection have left known to the next.
    pub(super) fn give_left(&self, left: Box<PerConnection>) {
        self.lifeline.give(left);
    }

    /// Takes what the requests of the connection have left.
    #[inline]
    pub(super) fn take_left(&self) -> Option<Box<PerConnection>> {
        self.lifeline.take()
    }

    /// As [`take_left`](Self::take_left), and nothing more can be left.
    pub(super) fn close_left(&self) -> Option<Box<PerConnection>> {
        self.lifeline.close()
    }

    /// Tells handlers, and those who write responses, that the server has begun to drain.
    pub(crate) fn fire_draining(&self) {
        self.lifeline.drain();
    }

    /// Whether the peer is not read because of requests that it has sent already.
    pub(crate) fn holds_requests(&self) -> bool {
        self.machine.phase() == Phase::Respond && !self.input.is_empty()
    }

    /// Whether a request waits for another tick.
    pub(crate) const fn is_postponed(&self) -> bool {
        self.is_postponed
    }
}

/// What happens to a connection. Each call leaves the connection with output to be sent, an
/// ending, or a deadline; the worker looks at it before the turn is over.
impl Http1 {
    /// The peer sent bytes; none means that it will send no more.
    #[inline]
    pub(crate) fn on_bytes(&mut self, input: Input<'_>, context: &Context<'_>) {
        if input.bytes.is_empty() {
            self.wire.eof = true;
            self.proceed(context);
            return;
        }
        if self.input.is_empty() {
            let used = self.process(input, context);
            if used < input.bytes.len() {
                self.input.extend_from_slice(&input.bytes[used..]);
            }
        } else {
            self.input.extend_from_slice(input.bytes);
            self.proceed(context);
        }
    }

    /// Something that a task of the connection waited for has come.
    pub(crate) fn on_wake(&mut self, context: &Context<'_>) {
        if self.body_paused {
            let body = self.exchange.request_body.as_ref();
            self.body_paused = body.is_some_and(|body| !body.has_room(self.waker.waker()));
        }
        if self.has_orphan() {
            self.poll_orphan(context);
        }
        if self.exchange.task.is_some() {
            self.poll_task(context);
        } else if self.exchange.response_body.is_some() {
            self.pump(context);
        }
        self.proceed(context);
    }

    /// A request that was postponed has its turn.
    pub(crate) fn on_resume(&mut self, context: &Context<'_>) {
        self.resume(context);
    }

    /// Does what waited for output to be sent.
    pub(crate) fn go_on(&mut self, context: &Context<'_>) {
        if !self.done.is_empty() {
            self.tell_of_sent(context);
        }
        if let Some(body) = &mut self.exchange.response_body {
            if self.wire.output.is_empty() {
                body.sent();
            }
            self.pump(context);
        }
        if self.exchange.response_body.is_none() && self.wire.output.is_empty() {
            self.wire.write_timeout = None;
        }
        self.proceed(context);
    }

    /// The deadline has come: that of `limit`.
    pub(crate) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        match limit {
            Limit::Head | Limit::Body | Limit::BodyRate => self.receive_timeout(limit, context),
            Limit::Handler => self.handler_timeout(context),
            Limit::FirstByte | Limit::Idle if context.is_draining() => {
                self.wire.set_reason(CloseReason::Stopped);
                self.wire.ending = Some(Ending::Linger);
            }
            _ => {
                context.counters.count_limit(limit);
                self.wire.give_up(limit);
            }
        }
    }

    /// A head or a body took too long.
    fn receive_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        let phase = self.machine.phase();
        // A handler may have dropped the body since, on any thread.
        if phase != Phase::Head && self.timer() != Timer::Body {
            return;
        }
        let parts = self.parts.get_or_insert_with(Pooled::take);
        let head = if phase == Phase::Head { &parts.head } else { &self.trailers };
        self.machine.receive_timeout(head);
        self.refuse(Refusal::Limit(limit), context);
    }

    /// The system says that the connection is broken.
    pub(crate) fn on_error(&mut self, error: io::Error) {
        self.exchange.failure.get_or_insert_with(|| error.into());
    }

    /// Tells of exchanges whose bytes were all in what was just sent.
    #[cold]
    fn tell_of_sent(&mut self, context: &Context<'_>) {
        let in_flight = std::mem::take(&mut self.done_when_sent);
        // The end of a response may have come behind its last byte.
        let count = if self.wire.is_all_sent() { self.done.len() } else { in_flight };
        for record in self.done.drain(..count) {
            record.tell(true, context);
        }
    }

    /// The rest of a response is in a file that can't be read. What was before it is sent.
    pub(crate) fn on_file_failed(&mut self, error: io::Error, context: &Context<'_>) {
        self.wire.sending = false;
        self.wire.output.clear();
        self.tell_of_sent(context);
        self.tell_failure(BodyError::Io(error).into(), context);
        self.abort();
        self.settle(context);
    }

    /// The connection is over: whoever works for it is told.
    pub(crate) fn on_end(&mut self, context: &Context<'_>) {
        if let Some(body) = self.exchange.request_body.take() {
            // A handler that has dropped the body need not know.
            let _ = body.fail(BodyError::Disconnected);
        }
        self.orphan();
        let switching = self.switching.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(switching)));
        // Dropping a handler's future runs its destructors, which may panic like the handler.
        let exchange = &mut self.exchange;
        let record = catch_unwind(AssertUnwindSafe(|| exchange.end(false, 0))).unwrap_or_default();
        let all_sent = self.wire.is_all_sent();
        let in_flight = std::mem::take(&mut self.done_when_sent);
        for (index, record) in self.done.drain(..).chain(record).enumerate() {
            let sent = index < in_flight && record.ends_at <= self.wire.in_flight_bytes();
            record.tell(all_sent || sent, context);
        }
        if !self.has_orphan() {
            self.lifeline.end();
        }
    }
}
