//! Drives the HTTP/2 machine: bytes to requests, responses to bytes, many exchanges at a time.
//!
//! All frames of a turn leave in one write. Not here: deadlines (`timing.rs`), framing, windows and
//! whose turn it is (the machine's), what a response body is made of (`outgoing.rs`), when output
//! is sent (`worker`).

mod begin;
mod receive;
mod refuse;
mod respond;
mod rest;
mod stream;
mod timing;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wharf_proto::RequestHead;
use wharf_proto::h2::{self, Phase};

use self::stream::Stream;
use super::addrs::PackedAddrs;
use super::deadline::Deadline;
use super::exchange::{Record, discard};
use super::orphan::Orphan;
use super::wire::{Ending, Wire};
use super::{Context, Http1};
use crate::body::BodyError;
use crate::driver::{Behind, Close, Key};
use crate::lifeline::{Lifeline, PerConnection};
use crate::observe::{
    CloseReason, ConnectionId, ConnectionState, CurrentRequest, Limit, ProtocolKind,
};
use crate::output::Output;
use crate::pool::{self, Pooled};
use crate::request::{Addrs, Parts};
use crate::service::ServiceId;
use crate::tls::TlsInfo;
use crate::worker::ConnWaker;

/// Unsent output beyond which nothing that comes is looked at, in bytes.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// How many streams that are over a connection keeps the storage of.
const MAX_SPARE_STREAMS: usize = 32;

/// A connection that speaks HTTP/2.
pub(crate) struct Http2 {
    pub(crate) wire: Wire,
    machine: h2::Connection,
    addrs: Addrs,
    id: ConnectionId,
    service: ServiceId,
    tls: Option<Arc<TlsInfo>>,
    /// From when on the machine counts time.
    began_at: Instant,
    /// How many heads came in full.
    requests: u32,
    /// Where the next head is built.
    parts: Option<Pooled<Parts>>,
    /// Those that are open, by their place.
    streams: Vec<Option<Box<Stream>>>,
    #[expect(clippy::vec_box, reason = "they are moved between these lists")]
    spare: Vec<Box<Stream>>,
    /// Bytes that came and could not be dealt with yet.
    input: Vec<u8>,
    /// Exchanges that are over but whose bytes are not all sent, where there is an access log.
    done: Vec<Pooled<Record>>,
    /// How many of them end in the output that the driver has.
    done_when_sent: usize,
    /// How many answers to the peer's own frames stand in that.
    answers_when_sent: u32,
    /// How many responses are out, and how many were when the last send began.
    answered: u32,
    answered_when_sent: u32,
    /// Since when nothing is asked for and all that was is sent.
    idle_since: Option<Instant>,
    /// Until when it may be so at most, as the server ends.
    idle_until: Option<Instant>,
    /// When something may have to have happened: it may be earlier than that.
    due: Option<Instant>,
    /// Streams may wait for room in the output alone.
    holds_streams: bool,
    /// When the peer has to have made room on the connection for what streams have to send.
    room_deadline: Deadline,
    /// What requests have left for those to come.
    left: Option<Box<PerConnection>>,
    /// Handlers that go on although their client has given up.
    orphans: Vec<(Orphan, Lifeline)>,
    waker: ConnWaker,
    is_draining: bool,
    /// The peer has said that it leaves.
    is_peer_leaving: bool,
    head_done: bool,
    /// What is held waits for another tick, and the peer's end behind it.
    is_postponed: bool,
    has_end_behind: bool,
    awaits_acknowledgement: bool,
}

impl Http2 {
    pub(super) fn new(
        waker: ConnWaker,
        id: ConnectionId,
        key: Key,
        addrs: &PackedAddrs,
        service: ServiceId,
        tls: Option<Arc<TlsInfo>>,
        context: &Context<'_>,
    ) -> Self {
        waker.bind(key);
        let mut config = context.settings.http2_config();
        config.max_header_list_bytes = context.limits.max_head_bytes;
        Self {
            wire: Wire::default(),
            machine: h2::Connection::new(config),
            addrs: addrs.get(),
            id: id.with_key(key),
            service,
            tls,
            began_at: context.clock.now(),
            requests: 0,
            parts: None,
            streams: Vec::new(),
            spare: Vec::new(),
            input: Vec::new(),
            done: Vec::new(),
            done_when_sent: 0,
            answers_when_sent: 0,
            answered: 0,
            answered_when_sent: 0,
            idle_since: Some(context.clock.now()),
            idle_until: None,
            due: None,
            room_deadline: Deadline::new(),
            holds_streams: false,
            left: None,
            orphans: Vec::new(),
            waker,
            // The peer is told with its first request, which it came for.
            is_draining: context.is_draining(),
            is_peer_leaving: false,
            head_done: false,
            is_postponed: false,
            has_end_behind: false,
            awaits_acknowledgement: true,
        }
    }

    pub(super) fn begin_send(&mut self) -> Option<(&mut Output, Behind)> {
        if self.wire.sending || self.wire.output.is_empty() {
            return None;
        }
        self.note_begun();
        self.wire.begin_send()
    }

    pub(super) fn begin_seal(&mut self) -> Option<Output> {
        let output = self.wire.begin_seal()?;
        self.note_begun();
        Some(output)
    }

    /// Minds what is in the output that is about to be sent: more may be behind it when it is.
    fn note_begun(&mut self) {
        self.done_when_sent = self.done.len();
        self.answers_when_sent = self.machine.unsent_answers();
        self.answered_when_sent = self.answered;
        for stream in self.streams.iter_mut().flatten() {
            stream.is_sent_with_it = stream.pending.is_empty();
        }
    }

    fn now(&self, context: &Context<'_>) -> Duration {
        context.clock.now().saturating_duration_since(self.began_at)
    }

    pub(super) fn wants_bytes(&self) -> bool {
        !self.wire.eof && !self.has_end_behind && !self.is_postponed && self.can_receive()
    }

    /// Whether what comes can be dealt with. Output alone is no reason against it, up to a bound:
    /// there are clients that do not read while they can't write.
    fn can_receive(&self) -> bool {
        self.wire.ending.is_none() && !self.is_full()
    }

    /// Whether the peer has to take some of what it asked for before anything else is looked at.
    fn is_full(&self) -> bool {
        self.wire.output.len() >= MAX_OUTPUT_BYTES
    }

    pub(super) const fn take_head_done(&mut self) -> bool {
        std::mem::replace(&mut self.head_done, false)
    }

    pub(super) const fn requests(&self) -> u32 {
        self.requests
    }

    pub(super) const fn is_postponed(&self) -> bool {
        self.is_postponed
    }

    fn open(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().flatten().map(|stream| &**stream)
    }

    /// Whether a handler is waited for that could be answered for.
    pub(super) fn awaits_handler(&self) -> bool {
        let awaits = |stream: &Stream| {
            stream.exchange.task.is_some() && self.machine.awaits_response(stream.key)
        };
        self.open().any(awaits)
    }

    /// Whether a response has begun and was not handed over in full.
    pub(super) fn is_answering(&self) -> bool {
        !self.wire.is_all_sent() || self.open().any(|stream| stream.exchange.status.is_some())
    }

    /// The request that was dealt with last, where it was kept.
    pub(super) fn last_request(&self) -> Option<&RequestHead> {
        let open = self.open().filter_map(|stream| stream.exchange.request());
        open.last().or_else(|| self.done.last()?.request())
    }

    pub(super) fn state(&self) -> ConnectionState {
        match self.machine.phase() {
            _ if !self.wire.is_all_sent() => ConnectionState::Sending,
            Phase::Streams if self.open().any(|stream| stream.exchange.status.is_some()) => {
                ConnectionState::Sending
            }
            Phase::Streams => ConnectionState::Handling,
            Phase::HeaderBlock => ConnectionState::ReceivingHead,
            Phase::Handshake | Phase::Idle => ConnectionState::Idle,
            Phase::Closed => ConnectionState::Sending,
        }
    }

    pub(super) const fn protocol(&self) -> ProtocolKind {
        ProtocolKind::Http2
    }

    /// The request that has been under way for the longest time.
    pub(super) fn current_request(&self, now: Instant) -> Option<CurrentRequest> {
        let unanswered = self.open().filter(|stream| !stream.is_dropping);
        let oldest = unanswered.min_by_key(|stream| stream.number)?;
        oldest.current.get(oldest.number, now)
    }

    /// Whether handlers go on whose streams are over.
    pub(crate) fn has_orphans(&self) -> bool {
        !self.orphans.is_empty()
    }

    /// Passes a handler on whose stream is over. `false` if there is none.
    pub(crate) fn give_orphan(&mut self, to: &mut Http1) -> bool {
        let Some((orphan, lifeline)) = self.orphans.pop() else { return false };
        to.adopt_orphan(orphan, lifeline);
        true
    }

    /// Cancels the handlers that would go on.
    pub(crate) fn cancel_orphans(&mut self) {
        for (orphan, lifeline) in self.orphans.drain(..) {
            discard(orphan);
            lifeline.end();
        }
    }

    /// Takes what requests have left for the connection's end.
    pub(super) fn take_left(&mut self) -> Option<Box<PerConnection>> {
        self.left.take()
    }

    /// Makes what earlier requests of the connection have left known to the next.
    fn keep_left(&mut self, lifeline: &Lifeline) {
        if let Some(left) = lifeline.take() {
            self.keep(left);
        }
    }

    fn keep(&mut self, left: Box<PerConnection>) {
        match &mut self.left {
            None => self.left = Some(left),
            Some(kept) => kept.merge(*left),
        }
    }
}

/// What happens to a connection.
impl Http2 {
    pub(super) fn on_bytes(&mut self, bytes: &[u8], context: &Context<'_>) {
        pool::fill_up(&mut self.wire.output.buffer);
        if bytes.is_empty() {
            self.has_end_behind = !self.wire.eof;
        } else if self.input.is_empty() {
            let used = self.process(bytes, context);
            self.input.extend_from_slice(&bytes[used..]);
        } else {
            self.input.extend_from_slice(bytes);
        }
        self.proceed(context);
    }

    /// The peer has closed its sending side. It may have closed both, which only what is sent to it
    /// can bring out.
    fn on_eof(&mut self, context: &Context<'_>) {
        if std::mem::replace(&mut self.wire.eof, true) {
            return;
        }
        for slot in 0..self.streams.len() {
            self.with(slot, context, |http, stream| {
                if http.machine.is_receiving(stream.key) {
                    http.cut_off(stream, context);
                }
                if stream.exchange.task.is_some() && !context.settings.allow_half_close {
                    http.wire.set_reason(CloseReason::Lost);
                    http.lose(stream, BodyError::Disconnected, context);
                }
            });
        }
        if self.open().any(|stream| stream.exchange.task.is_some()) {
            self.machine.probe(&mut self.wire.output.buffer);
        }
    }

    /// Goes on with what is held, and with responses that wait for room.
    fn proceed(&mut self, context: &Context<'_>) {
        if !self.input.is_empty() && !self.is_postponed {
            let input = std::mem::take(&mut self.input);
            let used = self.process(&input, context);
            self.input = input;
            self.input.drain(..used);
        }
        let is_held_back = !self.input.is_empty() && (self.is_postponed || self.is_full());
        if !is_held_back && std::mem::take(&mut self.has_end_behind) {
            self.on_eof(context);
        }
        self.pump(context);
        self.settle(context);
    }

    /// What had to wait for another tick has its turn.
    pub(super) fn on_resume(&mut self, context: &Context<'_>) {
        self.is_postponed = false;
        self.proceed(context);
    }

    pub(super) fn on_wake(&mut self, context: &Context<'_>) {
        for slot in 0..self.streams.len() {
            let stream = self.streams[slot].as_deref();
            if stream.is_some_and(Stream::take_woken) {
                self.with(slot, context, |http, stream| http.on_stream_wake(stream, context));
            }
        }
        self.proceed(context);
    }

    pub(super) fn go_on(&mut self, context: &Context<'_>) {
        for record in self.done.drain(..std::mem::take(&mut self.done_when_sent)) {
            record.tell(true, context);
        }
        self.machine.flushed(std::mem::take(&mut self.answers_when_sent));
        if self.answered == self.answered_when_sent {
            self.note_idle(context);
        }
        for stream in self.streams.iter_mut().flatten() {
            if let Some(body) = &mut stream.exchange.response_body
                && std::mem::take(&mut stream.is_sent_with_it)
            {
                body.sent();
            }
        }
        self.proceed(context);
    }

    /// The server has begun to drain.
    pub(super) fn on_drain(&mut self, context: &Context<'_>) {
        self.is_draining = true;
        for stream in self.open() {
            stream.lifeline.drain();
        }
        self.machine.goaway_soon(&mut self.wire.output.buffer);
        self.settle(context);
    }

    /// The system says that the connection is broken.
    pub(super) fn on_error(&mut self, error: &io::Error) {
        for stream in self.streams.iter_mut().flatten() {
            let failure = io::Error::new(error.kind(), error.to_string());
            stream.exchange.failure.get_or_insert_with(|| failure.into());
        }
    }

    pub(super) fn abort(&mut self) {
        self.wire.set_reason(CloseReason::Failed);
        self.wire.ending = Some(Ending::Close(Close::Reset));
    }

    /// The connection is over: whoever works for it is told.
    pub(super) fn on_end(&mut self, context: &Context<'_>) {
        for slot in 0..self.streams.len() {
            self.with(slot, context, |http, stream| {
                http.lose(stream, BodyError::Disconnected, context);
            });
            if let Some(mut stream) = self.streams[slot].take() {
                self.keep_left(&stream.lifeline);
                stream.clear();
            }
        }
        let all_sent = self.wire.is_all_sent();
        let in_flight = std::mem::take(&mut self.done_when_sent);
        for (index, record) in self.done.drain(..).enumerate() {
            let sent = index < in_flight && record.ends_at <= self.wire.in_flight_bytes();
            record.tell(all_sent || sent, context);
        }
    }

    /// Does something with a stream, which is not among the others meanwhile.
    fn with(
        &mut self,
        slot: usize,
        context: &Context<'_>,
        act: impl FnOnce(&mut Self, &mut Stream),
    ) {
        let Some(mut stream) = self.streams.get_mut(slot).and_then(Option::take) else { return };
        act(self, &mut stream);
        self.put_back(stream, context);
    }

    /// Puts a stream where it belongs, if it is not over.
    fn put_back(&mut self, mut stream: Box<Stream>, context: &Context<'_>) {
        self.settle_stream(&mut stream, context);
        let slot = stream.key.slot();
        if self.machine.is_open(stream.key) {
            self.mind(&stream);
            if slot >= self.streams.len() {
                self.streams.resize_with(slot + 1, || None);
            }
            self.streams[slot] = Some(stream);
            return;
        }
        self.keep_left(&stream.lifeline);
        stream.clear();
        if self.is_draining && self.machine.open_streams() == 0 {
            // Whoever has not answered by now need not be waited for.
            self.machine.goaway(&mut self.wire.output.buffer);
        }
        if self.spare.len() < MAX_SPARE_STREAMS {
            self.spare.push(stream);
        }
    }

    /// Why no more requests were taken.
    fn reason(&self, context: &Context<'_>) -> CloseReason {
        if self.requests >= context.settings.max_requests_per_connection {
            return CloseReason::Limit(Limit::Requests);
        }
        CloseReason::Finished
    }

    /// Closes the books on a connection that is over.
    fn settle(&mut self, context: &Context<'_>) {
        if self.wire.ending.is_some() {
            return;
        }
        if self.wire.is_all_sent() {
            // The last stream may have ended without anything that had to be sent.
            self.note_idle(context);
        }
        if self.is_peer_leaving && self.machine.phase() == Phase::Idle && self.input.is_empty() {
            self.machine.goaway(&mut self.wire.output.buffer);
        }
        let is_over = self.machine.phase() == Phase::Closed;
        let is_left = self.wire.eof && !self.machine.receive_eof();
        if is_left {
            let has_more = self.machine.phase() == Phase::HeaderBlock || !self.input.is_empty();
            let is_lost = if has_more { CloseReason::Lost } else { CloseReason::PeerClosed };
            self.wire.set_reason(is_lost);
            self.wire.ending = Some(Ending::Close(Close::Graceful));
        } else if is_over {
            let reason =
                if context.is_draining() { CloseReason::Stopped } else { self.reason(context) };
            self.wire.set_reason(reason);
            self.wire.ending = Some(Ending::Linger);
        }
    }
}
