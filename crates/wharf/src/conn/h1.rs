//! Drives the HTTP/1 machine: bytes to requests, responses to bytes, one exchange at a time.
//!
//! A request that comes in one piece and whose handler is ready at once is served without a copy of
//! its bytes other than the head's, and without an allocation. Not here: framing (the machine's),
//! what a response body is made of (`outgoing.rs`), when output is sent (`worker`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{StatusCode, Version};
use wharf_proto::h1::{self, BodyLength, Event, Phase};
use wharf_proto::{Headers, Reject, RequestHead};

use super::exchange::Exchange;
use super::outgoing::{Outgoing, Piece};
use super::{Conn, Context, Timer};
use crate::body::{Body, BodyError, BodyKind};
use crate::driver::Close;
use crate::handler::ReplyKind;
use crate::output::Output;
use crate::pool::Pooled;
use crate::request::{Parts, Request};
use crate::response::Response;
use crate::worker::ConnWaker;

/// Unsent output beyond which nothing more is produced, in bytes.
const HIGH_WATER_BYTES: usize = 64 << 10;

/// Bodies up to this size are copied behind their head; larger ones are sent from where they are.
const COPY_BYTES: usize = 16 << 10;

/// Storage that an idle buffer may keep, in bytes.
const MAX_SPARE_BYTES: usize = 128 << 10;

/// A busy HTTP/1 connection.
pub(crate) struct Http1 {
    machine: h1::Connection,
    /// Where the next head is built.
    parts: Option<Pooled<Parts>>,
    /// Where a trailer section is built.
    trailers: RequestHead,
    /// Bytes that came and could not be dealt with yet.
    input: Vec<u8>,
    pub(crate) output: Output,
    /// The driver has an output of this connection.
    pub(crate) sending: bool,
    exchange: Exchange,
    waker: ConnWaker,
    /// The peer has closed its sending side.
    eof: bool,
    /// The peer has said that it sends nothing behind the current request.
    is_last_request: bool,
    /// The handler does not keep up with the request's body.
    body_paused: bool,
    ending: Option<Ending>,
}

/// How the connection ends once its output is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Close(Close),
    /// The peer may still be sending: say that we are done, and read on for a while, so that it
    /// sees the response rather than a reset (RFC 9112 section 9.6).
    Linger,
}

impl Http1 {
    pub(crate) fn new(waker: ConnWaker) -> Self {
        Self {
            machine: h1::Connection::new(),
            parts: None,
            trailers: RequestHead::default(),
            input: Vec::new(),
            output: Output::default(),
            sending: false,
            exchange: Exchange::default(),
            waker,
            eof: false,
            is_last_request: false,
            body_paused: false,
            ending: None,
        }
    }

    /// Makes the value work for another connection.
    pub(crate) fn bind(&self, key: crate::driver::Key) {
        self.waker.bind(key);
    }

    /// Forgets the connection, so that nothing of it is held until there is another.
    pub(crate) fn clear(&mut self) {
        self.machine = h1::Connection::new();
        self.input.clear();
        self.input.shrink_to(MAX_SPARE_BYTES);
        self.output.clear();
        self.output.buffer.shrink_to(MAX_SPARE_BYTES);
        self.sending = false;
        self.eof = false;
        self.is_last_request = false;
        self.body_paused = false;
        self.ending = None;
    }

    /// Whether nothing is held that a later request would need.
    pub(crate) fn is_idle(&self) -> bool {
        self.machine.phase() == Phase::Idle
            && self.input.is_empty()
            && self.output.is_empty()
            && !self.sending
            && !self.eof
            && self.ending.is_none()
            && self.exchange.is_over()
    }

    /// How the connection ends, as soon as all output is sent.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending.filter(|_| self.output.is_empty() && !self.sending)
    }

    /// Whether more bytes of the peer could be dealt with.
    pub(crate) fn wants_bytes(&self) -> bool {
        if self.eof || self.ending.is_some() || self.body_paused {
            return false;
        }
        match self.machine.phase() {
            // One buffer of pipelined requests is held, and no more.
            Phase::Respond => self.input.is_empty(),
            Phase::Idle | Phase::Head | Phase::Body | Phase::Drain => self.can_produce(),
            Phase::Closed => false,
        }
    }

    /// The deadline that fits what is under way.
    pub(crate) fn timer(&self) -> Timer {
        if self.sending || !self.output.is_empty() {
            return Timer::Write;
        }
        match self.machine.phase() {
            Phase::Idle => Timer::Idle,
            Phase::Head => Timer::Head,
            Phase::Body if self.body_paused => Timer::Off,
            Phase::Body | Phase::Drain => Timer::Body,
            Phase::Respond | Phase::Closed => Timer::Off,
        }
    }

    fn can_produce(&self) -> bool {
        self.output.len() < HIGH_WATER_BYTES && !self.output.has_tail() && self.ending.is_none()
    }
}

/// What happens to a connection. Each call leaves the connection with output to be sent, an
/// ending, or a deadline; the worker looks at it before the turn is over.
impl Conn {
    /// The peer sent bytes; none means that it will send no more.
    pub(crate) fn on_bytes(&mut self, bytes: &[u8], context: &Context<'_>) {
        self.note_move();
        let Some(http) = self.http.as_deref_mut() else { return };
        if bytes.is_empty() {
            http.eof = true;
            self.proceed(context);
            return;
        }
        if http.input.is_empty() {
            let used = self.process(bytes, context);
            if let Some(http) = self.http.as_deref_mut() {
                http.input.extend_from_slice(&bytes[used..]);
            }
        } else {
            http.input.extend_from_slice(bytes);
            self.proceed(context);
        }
    }

    /// Something that a task of the connection waited for has come.
    pub(crate) fn on_wake(&mut self, context: &Context<'_>) {
        let Some(http) = self.http.as_deref_mut() else { return };
        if http.body_paused {
            let body = http.exchange.request_body.as_ref();
            http.body_paused = body.is_some_and(|body| !body.has_room(http.waker.waker()));
        }
        if http.exchange.task.is_some() {
            self.poll_task(context);
        } else if http.exchange.response_body.is_some() {
            self.pump(context);
        }
        self.proceed(context);
    }

    /// All output was handed to the system; `output` is its empty buffer.
    pub(crate) fn on_sent(&mut self, mut output: Output, context: &Context<'_>) {
        self.note_move();
        let Some(http) = self.http.as_deref_mut() else { return };
        http.sending = false;
        if http.output.is_empty() {
            output.clear();
            http.output = output;
        }
        if let Some(body) = &mut http.exchange.response_body {
            if http.output.is_empty() {
                body.sent();
            }
            self.pump(context);
        }
        self.proceed(context);
    }

    /// The armed deadline has come.
    pub(crate) fn on_timeout(&mut self, context: &Context<'_>) {
        let timer = self.timer();
        let Some(http) = self.http.as_deref_mut() else { return };
        match timer {
            Timer::Head if http.machine.phase() == Phase::Head => {
                http.machine.receive_timeout();
                self.refuse(Refusal::HeadTimeout, context);
            }
            Timer::Body => {
                http.machine.receive_timeout();
                self.refuse(Refusal::BodyTimeout, context);
            }
            Timer::Write => http.ending = Some(Ending::Close(Close::Reset)),
            Timer::Off | Timer::Idle | Timer::Head | Timer::Linger => {
                http.ending = Some(Ending::Close(Close::Graceful));
            }
        }
        if timer == Timer::Write {
            self.drop_output();
        }
    }

    /// The connection is gone: whoever works for it is told.
    pub(crate) fn on_lost(&mut self, context: &Context<'_>) {
        let Some(http) = self.http.as_deref_mut() else { return };
        if let Some(body) = http.exchange.request_body.take() {
            body.fail(BodyError::Disconnected);
        }
        // Dropping a handler's future runs its destructors, which may panic like the handler.
        let exchange = &mut http.exchange;
        let _ = catch_unwind(AssertUnwindSafe(|| exchange.end(false, context)));
    }

    fn drop_output(&mut self) {
        if let Some(http) = self.http.as_deref_mut() {
            http.output.clear();
            http.sending = false;
        }
    }

    /// Deals with the bytes that are held.
    fn proceed(&mut self, context: &Context<'_>) {
        let Some(http) = self.http.as_deref_mut() else { return };
        if http.input.is_empty() && !http.eof {
            self.settle(context);
            return;
        }
        let input = std::mem::take(&mut http.input);
        let used = self.process(&input, context);
        let Some(http) = self.http.as_deref_mut() else { return };
        http.input = input;
        http.input.drain(..used);
    }

    /// Makes as much of `input` as is possible now, and returns how many bytes that took.
    fn process(&mut self, input: &[u8], context: &Context<'_>) -> usize {
        let mut used = 0;
        loop {
            let Some(http) = self.http.as_deref_mut() else { return used };
            if !http.can_produce() {
                return used;
            }
            let rest = &input[used..];
            if rest.is_empty() && http.machine.phase() == Phase::Idle {
                break;
            }
            let parts = http.parts.get_or_insert_with(Pooled::take);
            // A head is built in `parts`, which is empty once the request has it.
            let head = match http.machine.phase() {
                Phase::Idle | Phase::Head => &mut parts.head,
                _ => &mut http.trailers,
            };
            match http.machine.receive(rest, context.limits, head) {
                Ok(received) => {
                    used += received.consumed;
                    match received.event {
                        Some(Event::Head { body }) => {
                            used += self.begin_request(body, &input[used..], context);
                        }
                        Some(Event::Body(data)) => self.feed(data),
                        Some(Event::End) => self.end_request_body(),
                        None if received.consumed == 0 => break,
                        None => {}
                    }
                }
                Err(reject) => {
                    self.refuse(Refusal::Reject(reject), context);
                    break;
                }
            }
            self.settle(context);
        }
        self.settle(context);
        self.note_eof(&input[used..], context);
        self.note_unread(&input[used..]);
        used
    }

    /// Passes the end of input on once nothing before it can be dealt with any more.
    fn note_eof(&mut self, unread: &[u8], context: &Context<'_>) {
        let Some(http) = self.http.as_deref_mut() else { return };
        let waits_for_response = http.machine.phase() == Phase::Respond && !unread.is_empty();
        if !http.eof || http.ending.is_some() || waits_for_response || !http.can_produce() {
            return;
        }
        match http.machine.receive_eof() {
            Ok(()) => self.settle(context),
            Err(reject) => self.refuse(Refusal::Reject(reject), context),
        }
    }

    /// A peer that sends what nobody will read may be sending more, which would turn a close into a
    /// reset.
    fn note_unread(&mut self, unread: &[u8]) {
        let Some(http) = self.http.as_deref_mut() else { return };
        if !unread.is_empty() && !http.eof && http.ending == Some(Ending::Close(Close::Graceful)) {
            http.ending = Some(Ending::Linger);
        }
    }

    /// Hands a request to the handler. Returns how many bytes of `rest` belonged to its body.
    fn begin_request(&mut self, length: BodyLength, rest: &[u8], context: &Context<'_>) -> usize {
        self.head_done = true;
        let (peer_addr, local_addr) = (self.peer_addr, self.local_addr);
        let Some(http) = self.http.as_deref_mut() else { return 0 };
        let Some(mut parts) = http.parts.take() else { return 0 };
        parts.peer_addr = peer_addr;
        parts.local_addr = local_addr;
        http.exchange.begin(&parts, context);
        let options = parts.head.connection();
        http.is_last_request =
            options.close || (parts.head.version() == Version::HTTP_10 && !options.keep_alive);
        let (body, used) = match length {
            BodyLength::Known(0) => (Body::empty(), 0),
            BodyLength::Known(_) | BodyLength::Unknown => {
                match self.begin_body(length, rest, context) {
                    Ok(begun) => begun,
                    Err(reject) => {
                        self.refuse(Refusal::Reject(reject), context);
                        return rest.len();
                    }
                }
            }
        };
        let request = Request::new(parts, body);
        let reply = catch_unwind(AssertUnwindSafe(|| context.handler.call(request)));
        match reply.map(|reply| reply.0) {
            Ok(ReplyKind::Ready(response)) => self.respond(response, context),
            Ok(ReplyKind::Later(task)) => {
                if let Some(http) = self.http.as_deref_mut() {
                    http.exchange.task = Some(task);
                }
                self.poll_task(context);
            }
            Err(_panic) => self.refuse(Refusal::Panic, context),
        }
        used
    }

    /// Takes what has come of a body. A body that is complete is held in one pooled buffer; for one
    /// that is not, a channel is opened.
    fn begin_body(
        &mut self,
        length: BodyLength,
        input: &[u8],
        context: &Context<'_>,
    ) -> Result<(Body, usize), Reject> {
        let Some(http) = self.http.as_deref_mut() else { return Ok((Body::empty(), 0)) };
        let mut whole = Pooled::<Vec<u8>>::take();
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let received = http.machine.receive(rest, context.limits, &mut http.trailers)?;
            used += received.consumed;
            match received.event {
                Some(Event::Body(data)) => whole.extend_from_slice(data),
                Some(Event::End) => return Ok((Body(BodyKind::Pooled(whole)), used)),
                Some(Event::Head { .. }) => unreachable!("a body ends before the next head"),
                None if received.consumed == 0 => break,
                None => {}
            }
        }
        let (writer, body) = Body::channel();
        if let BodyLength::Known(length) = length {
            writer.announce_len(length);
        }
        writer.push(Bytes::copy_from_slice(&whole));
        http.exchange.request_body = Some(writer);
        Ok((body, used))
    }

    /// Passes a piece of the request's body on, if anybody wants it.
    fn feed(&mut self, data: &[u8]) {
        let Some(http) = self.http.as_deref_mut() else { return };
        let Some(body) = &http.exchange.request_body else { return };
        body.push(Bytes::copy_from_slice(data));
        http.body_paused = !body.has_room(http.waker.waker());
    }

    fn end_request_body(&mut self) {
        let Some(http) = self.http.as_deref_mut() else { return };
        http.body_paused = false;
        if let Some(body) = http.exchange.request_body.take() {
            // A handler that dropped the body has no use for its end either.
            let _ = body.finish();
        }
    }

    /// Gives the handler's future a turn.
    fn poll_task(&mut self, context: &Context<'_>) {
        let Some(http) = self.http.as_deref_mut() else { return };
        let Some(task) = &mut http.exchange.task else { return };
        let mut cx = TaskContext::from_waker(http.waker.waker());
        match catch_unwind(AssertUnwindSafe(|| task.poll(&mut cx))) {
            Ok(Poll::Ready(response)) => {
                http.exchange.task = None;
                self.respond(response, context);
            }
            Ok(Poll::Pending) => self.send_continue(false),
            Err(_panic) => {
                // A future that panicked must not be polled again; whether it can be dropped in
                // peace is not known either.
                let task = http.exchange.task.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
                self.refuse(Refusal::Panic, context);
            }
        }
    }

    /// Asks the peer for the body it holds back, once the handler wants it (RFC 9110 section
    /// 10.1.1), or is about to (`reads_later`).
    fn send_continue(&mut self, reads_later: bool) {
        let Some(http) = self.http.as_deref_mut() else { return };
        if !http.machine.awaits_continue() {
            return;
        }
        let (body, waker) = (http.exchange.request_body.as_ref(), http.waker.waker());
        if body.is_some_and(|body| body.is_wanted(waker) || (reads_later && !body.is_closed())) {
            let out = &mut http.output.buffer;
            let sent = http.machine.send_interim(StatusCode::CONTINUE, &Headers::new(), out);
            debug_assert!(sent.is_ok(), "{sent:?}");
        }
    }

    /// Encodes the handler's response.
    fn respond(&mut self, response: Response, context: &Context<'_>) {
        if matches!(response.body().0, BodyKind::Channel(_) | BodyKind::Producer(_)) {
            self.send_continue(true);
        }
        let (mut status, headers, body, _error) = response.into_parts();
        if status.is_informational() {
            // A final response is due, and this is none.
            status = StatusCode::INTERNAL_SERVER_ERROR;
        }
        self.send_response(status, &headers, body, Persist::IfPossible, context);
    }

    /// Encodes a response as far as its body is there.
    fn send_response(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        body: Body,
        persist: Persist,
        context: &Context<'_>,
    ) {
        let Some(http) = self.http.as_deref_mut() else { return };
        let length = match body.len().or_else(|| declared_length(headers)) {
            Some(length) => BodyLength::Known(length),
            None => BodyLength::Unknown,
        };
        let mut head = h1::Response::new(status, length).date(context.clock.date());
        if persist == Persist::Never {
            head = head.close();
        }
        let out = &mut http.output.buffer;
        if http.machine.send_head(head, headers, out).is_err() {
            // Somebody else has answered: there is nothing to be said, and nothing to go on with.
            debug_assert!(false, "a second response to one request");
            http.ending = Some(Ending::Close(Close::Reset));
            return;
        }
        http.exchange.status = Some(status);
        if http.machine.omits_body() {
            http.end_response();
            return;
        }
        // Starting on a body may run the program's code.
        match catch_unwind(AssertUnwindSafe(|| Outgoing::start(body))) {
            Ok(Ok(outgoing)) => {
                http.exchange.response_body = Some(outgoing);
                self.pump(context);
            }
            Ok(Err(in_memory)) => http.send_whole(in_memory),
            Err(_panic) => self.abort(),
        }
    }

    /// Moves a streamed body on, as far as it is there and as the peer takes it.
    fn pump(&mut self, _context: &Context<'_>) {
        loop {
            let Some(http) = self.http.as_deref_mut() else { return };
            if !http.can_produce() {
                return;
            }
            let Some(body) = &mut http.exchange.response_body else { return };
            let mut cx = TaskContext::from_waker(http.waker.waker());
            let buffer = &mut http.output.buffer;
            let polled = catch_unwind(AssertUnwindSafe(|| body.poll(buffer, &mut cx)));
            let sent = match polled {
                Ok(Poll::Pending) => return,
                Ok(Poll::Ready(Ok(Piece::End))) => {
                    http.exchange.response_body = None;
                    if !http.end_response() {
                        self.abort();
                    }
                    return;
                }
                Ok(Poll::Ready(Ok(piece))) => http.send_piece(piece),
                Ok(Poll::Ready(Err(_))) | Err(_) => false,
            };
            if !sent {
                self.abort();
                return;
            }
        }
    }

    /// Gives the response up in a way that the peer can tell.
    pub(crate) fn abort(&mut self) {
        let Some(http) = self.http.as_deref_mut() else { return };
        http.machine.send_abort();
        http.ending = Some(Ending::Close(Close::Reset));
    }

    /// Ends the connection, with a response where that is still possible.
    fn refuse(&mut self, refusal: Refusal, context: &Context<'_>) {
        let peer_addr = self.peer_addr;
        let Some(http) = self.http.as_deref_mut() else { return };
        if let Some(body) = http.exchange.request_body.take() {
            body.fail(refusal.body_error());
        }
        http.body_paused = false;
        http.exchange.begin_unread(peer_addr, context);
        if !http.machine.awaits_response() {
            // The response is under way, and a handler that reads the body sees the error; what it
            // sends from here on would pass for an answer to a request that never came in full.
            if http.exchange.response_body.take().is_some() {
                self.abort();
            }
            self.settle(context);
            return;
        }
        let task = http.exchange.task.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
        let page = Response::status_page(refusal.status());
        let (status, headers, body, _) = page.into_parts();
        self.send_response(status, &headers, body, Persist::Never, context);
        self.settle(context);
    }

    /// Closes the books on an exchange or a connection that is over.
    fn settle(&mut self, context: &Context<'_>) {
        let Some(http) = self.http.as_deref_mut() else { return };
        let phase = http.machine.phase();
        let response_is_out = matches!(phase, Phase::Idle | Phase::Drain | Phase::Closed);
        if response_is_out && http.exchange.status.is_some() {
            http.exchange.end(http.ending != Some(Ending::Close(Close::Reset)), context);
        }
        if phase == Phase::Closed && http.ending.is_none() {
            // Requests behind this one may be on their way, unless the peer has said otherwise.
            let is_done = http.eof || (http.is_last_request && http.machine.received_in_full());
            http.ending =
                Some(if is_done { Ending::Close(Close::Graceful) } else { Ending::Linger });
        }
    }
}

/// Whether the connection may go on after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Persist {
    IfPossible,
    Never,
}

/// Why a connection ends without the handler's consent.
#[derive(Clone, Copy)]
enum Refusal {
    Reject(Reject),
    HeadTimeout,
    BodyTimeout,
    Panic,
}

impl Refusal {
    const fn status(self) -> StatusCode {
        match self {
            Self::Reject(reject) => reject.status(),
            Self::HeadTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn body_error(self) -> BodyError {
        match self {
            Self::Reject(reject) => BodyError::Rejected(reject),
            Self::HeadTimeout | Self::BodyTimeout => BodyError::TimedOut,
            Self::Panic => BodyError::Aborted,
        }
    }
}

impl Http1 {
    /// Encodes a body that is in memory.
    fn send_whole(&mut self, body: Body) {
        let bytes = body.as_bytes().unwrap_or_default();
        self.exchange.body_bytes = bytes.len() as u64;
        let sent = if bytes.len() <= COPY_BYTES || matches!(body.0, BodyKind::Pooled(_)) {
            self.machine.send_body(bytes, &mut self.output.buffer).map(|()| true)
        } else {
            self.machine.send_body_apart(bytes.len() as u64)
        };
        debug_assert!(sent.is_ok(), "the length was announced as it is: {sent:?}");
        if bytes.len() > COPY_BYTES {
            match body.0 {
                BodyKind::Static(bytes) => self.output.set_tail(Bytes::from_static(bytes)),
                BodyKind::Owned(bytes) => self.output.set_tail(Bytes::from(bytes)),
                BodyKind::Shared(bytes) => self.output.set_tail(bytes),
                _ => {}
            }
        }
        self.end_response();
    }

    /// Encodes a piece of a streamed body. `false` if it is more than was announced.
    fn send_piece(&mut self, piece: Piece) -> bool {
        let out = &mut self.output.buffer;
        match piece {
            Piece::InPlace(len) => {
                self.exchange.body_bytes += len as u64;
                self.machine.send_body_apart(len as u64).is_ok()
            }
            Piece::Bytes(bytes) => {
                self.exchange.body_bytes += bytes.len() as u64;
                self.machine.send_body(&bytes, out).is_ok()
            }
            Piece::End => true,
        }
    }

    /// Ends the response. `false` if less was sent than announced.
    fn end_response(&mut self) -> bool {
        self.exchange.response_body = None;
        self.exchange.task = None;
        self.machine.send_end(&mut self.output.buffer).is_ok()
    }
}

/// The length that a handler announced for a body that is not in memory.
fn declared_length(headers: &Headers) -> Option<u64> {
    headers.managed().content_length.then(|| headers.get("content-length")?.parse().ok()).flatten()
}
