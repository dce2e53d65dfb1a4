//! From the handlers' responses to frames, each in its turn.
//!
//! Not here: what a body is made of (`conn/outgoing.rs`), whose turn it is (the machine's), and
//! what goes wrong (`refuse.rs`).

use std::mem::{replace, take};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};

use bytes::{Buf, Bytes};
use http::StatusCode;
use wharf_proto::h2::{self, ErrorCode, Tail};
use wharf_proto::{BodyLength, Headers, Misuse};

use super::receive::Wanted;
use super::{Http2, Stream};
use crate::body::BodyKind;
use crate::conn::Context;
use crate::conn::exchange::{discard, panicked};
use crate::conn::outgoing::{Outgoing, Piece, declared_length, small};
use crate::conn::refusal::page;
use crate::conn::wire::write_pace;
use crate::observe::ErrorKind;
use crate::response::Response;

/// How much of a response is sent before others have their turn, in bytes.
const TURN_BYTES: usize = 16 << 10;

impl Http2 {
    /// Sends the handler's response.
    pub(super) fn respond(
        &mut self,
        stream: &mut Stream,
        response: Response,
        context: &Context<'_>,
    ) {
        if self.reads_too_much(stream, context) || response.body().is_too_large() {
            return self.refuse_large(stream, context);
        }
        stream.exchange.handler_due = None;
        if response.is_plain()
            && let Some(bytes) = small(response.body())
        {
            let (status, headers) = (response.status(), response.headers());
            self.send_small(stream, status, headers, bytes, context);
            if matches!(response.body().kind, BodyKind::Shared(_)) {
                discard(response);
            }
            return;
        }
        self.respond_specially(stream, response, context);
    }

    /// Sends a response that tells more than a status, fields and a small body.
    fn respond_specially(
        &mut self,
        stream: &mut Stream,
        response: Response,
        context: &Context<'_>,
    ) {
        if matches!(response.body().kind, BodyKind::Channel(_) | BodyKind::Producer(_)) {
            self.send_continue(stream, Wanted::Later, context);
        }
        stream.write_timeout = response.write_timeout();
        let instead = match response.body().kind {
            BodyKind::Blocking(_) => Some(Response::failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "a body for handlers that block, of one that must not",
            )),
            // HTTP/2 has no such thing (RFC 9113 section 8.6).
            BodyKind::Switch(_) => Some(Response::status_page(StatusCode::NOT_IMPLEMENTED)),
            _ => None,
        };
        let mut response = match instead {
            None => response.checked(),
            Some(instead) => {
                discard(response);
                instead
            }
        };
        if let Some(failure) = response.take_error() {
            self.count_failure(stream, &*failure, context);
            let status = Some(response.status());
            if let Some(instead) = self.tell(stream, ErrorKind::Handler, &*failure, status, context)
            {
                discard(replace(&mut response, page(instead)));
            }
            stream.exchange.failure = Some(failure);
        }
        if response.status().is_informational() {
            // A final response is due, and this is none.
            response = response.with_status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        self.send_response(stream, response, context);
    }

    /// Sends a response as far as its body is there.
    pub(super) fn send_response(
        &mut self,
        stream: &mut Stream,
        mut response: Response,
        context: &Context<'_>,
    ) {
        let (status, headers) = (response.status(), response.headers());
        if let Some(bytes) = small(response.body()) {
            self.send_small(stream, status, headers, bytes, context);
            return discard(response);
        }
        let length = match response.body().len().or_else(|| declared_length(headers)) {
            Some(length) => BodyLength::Known(length),
            None => BodyLength::Unknown,
        };
        self.heed_close(headers, context);
        let head = h2::Response::new(status, length).date(context.clock.date().value());
        let out = &mut self.wire.output.buffer;
        let Ok(sent) = self.machine.send_head(stream.key, head, headers, out) else {
            return discard(response);
        };
        stream.exchange.status = Some(status);
        if sent.is_over {
            return discard(response);
        }
        // Starting on a body may run the program's code.
        let body = take(response.body_mut());
        match catch_unwind(AssertUnwindSafe(|| Outgoing::start(body, false))) {
            Ok(Ok(outgoing)) => {
                stream.exchange.response_body = Some(outgoing);
                self.produce(stream, context);
            }
            Ok(Err(in_memory)) => {
                stream.pending = in_memory.into_shared();
                stream.exchange.body_bytes = stream.pending.len() as u64;
                self.produce(stream, context);
            }
            Err(panic) => {
                self.tell_failure(stream, panicked(&*panic), context);
                self.give_up(stream);
            }
        }
    }

    /// Sends a response whose body is there and small.
    fn send_small(
        &mut self,
        stream: &mut Stream,
        status: StatusCode,
        headers: &Headers,
        bytes: &[u8],
        context: &Context<'_>,
    ) {
        let mut length = bytes.len() as u64;
        // RFC 9110 section 8.6: for HEAD, a handler without a body tells what GET would have.
        if length == 0 && stream.is_head {
            length = declared_length(headers).unwrap_or(0);
        }
        self.heed_close(headers, context);
        let head =
            h2::Response::new(status, BodyLength::Known(length)).date(context.clock.date().value());
        let out = &mut self.wire.output.buffer;
        let Ok(sent) = self.machine.send_whole(stream.key, head, headers, bytes, out) else {
            return;
        };
        stream.exchange.status = Some(status);
        if !stream.is_head {
            stream.exchange.body_bytes = bytes.len() as u64;
        }
        if !sent.is_over {
            stream.pending = Bytes::copy_from_slice(&bytes[sent.bytes..]);
            self.produce(stream, context);
        }
    }

    /// Has no more requests come if a handler asks for the connection's end, or the server ends.
    /// The latter is asked as late as can be, as over HTTP/1.1.
    fn heed_close(&mut self, headers: &Headers, context: &Context<'_>) {
        let asks = headers.managed().connection()
            && headers.get("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if asks || context.is_draining() {
            self.machine.goaway_soon(&mut self.wire.output.buffer);
        }
    }

    /// Sends what comes of a streamed body, as far as it is there and as there is room.
    pub(super) fn produce(&mut self, stream: &mut Stream, context: &Context<'_>) {
        stream.is_held = false;
        if !stream.pending.is_empty() && !self.wire.can_produce() {
            // A peer that asks for much and reads nothing would have a part of each in the output.
            return self.hold(stream);
        }
        // What is produced in one turn goes in as few frames as it fits in.
        let mut tail = Tail::default();
        loop {
            if !stream.pending.is_empty() && !self.push(stream, TURN_BYTES, &mut tail, context) {
                return self.await_room(stream, context);
            }
            if !self.wire.can_produce() {
                return self.hold(stream);
            }
            let Some(body) = &mut stream.exchange.response_body else {
                // A response to CONNECT has no length that would end it.
                if self.end_response(stream, None, &tail).is_err() {
                    self.give_up(stream);
                }
                return;
            };
            let mut cx = TaskContext::from_waker(&stream.waker);
            let polled = catch_unwind(AssertUnwindSafe(|| body.poll_apart(&mut cx)));
            let failure = match polled {
                Ok(Poll::Pending) => return,
                Ok(Poll::Ready(Ok(Piece::End(trailers)))) => {
                    if self.end_response(stream, trailers.as_deref(), &tail).is_err() {
                        self.give_up(stream);
                    }
                    return;
                }
                Ok(Poll::Ready(Ok(Piece::Bytes(bytes)))) => {
                    stream.exchange.body_bytes += bytes.len() as u64;
                    stream.is_sent_with_it = false;
                    stream.pending = bytes;
                    continue;
                }
                Ok(Poll::Ready(Ok(Piece::InPlace(_) | Piece::File(_) | Piece::TooMuch))) => None,
                Ok(Poll::Ready(Err(error))) => Some(body.failure().unwrap_or_else(|| error.into())),
                Err(panic) => Some(panicked(&*panic)),
            };
            if let Some(failure) = failure {
                self.tell_failure(stream, failure, context);
            }
            return self.give_up(stream);
        }
    }

    /// Has a stream wait for room in the output. It has another turn once that is sent, also
    /// without a window: nothing but the end may be left.
    fn hold(&mut self, stream: &mut Stream) {
        stream.is_held = true;
        self.holds_streams = true;
        self.machine.await_writable(stream.key);
    }

    /// Sends of what was taken from a body as much as is allowed, and at most `max` bytes. Returns
    /// whether that is all of it.
    fn push(
        &mut self,
        stream: &mut Stream,
        max: usize,
        tail: &mut Tail,
        context: &Context<'_>,
    ) -> bool {
        let piece = &stream.pending[..stream.pending.len().min(max)];
        let out = &mut self.wire.output.buffer;
        let Ok(sent) = self.machine.send_data_behind(stream.key, piece, tail, out) else {
            // More than was announced.
            self.give_up(stream);
            return true;
        };
        stream.pending.advance(sent.bytes);
        if self.room_deadline.due().is_some() {
            let pace = self.wire.pace(context.timeouts);
            self.room_deadline.pay(sent.bytes as u64, pace, context.clock.now());
        }
        if stream.room_deadline.due().is_some() {
            let pace = write_pace(stream.write_timeout, context.timeouts);
            stream.room_deadline.pay(sent.bytes as u64, pace, context.clock.now());
        }
        if sent.is_over {
            discard(stream.exchange.response_body.take());
        } else if !stream.pending.is_empty() {
            self.machine.await_writable(stream.key);
        }
        if stream.pending.is_empty() {
            discard(take(&mut stream.pending));
            stream.room_deadline.stop();
        }
        stream.pending.is_empty()
    }

    /// Minds how long the peer takes to make room for more of a response.
    fn await_room(&mut self, stream: &mut Stream, context: &Context<'_>) {
        if self.machine.stream_capacity(stream.key) > 0 {
            // It is its turn that it waits for, or the connection's window with all others.
            stream.room_deadline.stop();
        } else if stream.room_deadline.due().is_none() {
            let pace = write_pace(stream.write_timeout, context.timeouts);
            let grace = context.timeouts.rate_grace;
            stream.room_deadline.start_pace(pace, grace, context.clock.now());
        }
    }

    /// Has streams send that have more to send, one after the other.
    pub(super) fn pump(&mut self, context: &Context<'_>) {
        while self.wire.can_produce() {
            let Some(next) = self.machine.next_writable() else {
                break;
            };
            let slot = next.stream.slot();
            self.with(slot, context, |http, stream| {
                if stream.key != next.stream {
                    return;
                }
                if stream.pending.is_empty()
                    || http.push(stream, next.bytes, &mut Tail::default(), context)
                {
                    http.produce(stream, context);
                } else {
                    http.await_room(stream, context);
                }
            });
        }
        self.await_room_for_all(context);
        if self.wire.can_produce() && take(&mut self.holds_streams) {
            self.pump_held(context);
        }
    }

    /// Has those go on that waited for room in the output, and have no turn without a window.
    #[cold]
    fn pump_held(&mut self, context: &Context<'_>) {
        for slot in 0..self.streams.len() {
            if self.streams[slot].as_ref().is_some_and(|stream| stream.is_held) {
                self.with(slot, context, |http, stream| http.produce(stream, context));
            }
        }
    }

    /// Minds how long the peer takes to make room on the connection, whichever stream it is for:
    /// who waits behind others has no deadline of its own.
    fn await_room_for_all(&mut self, context: &Context<'_>) {
        if !self.machine.is_stalled() {
            self.room_deadline.stop();
        } else if self.room_deadline.due().is_none() {
            let (pace, grace) = (self.wire.pace(context.timeouts), context.timeouts.rate_grace);
            self.room_deadline.start_pace(pace, grace, context.clock.now());
            self.due = [self.due, self.room_deadline.due()].into_iter().flatten().min();
        }
    }

    fn end_response(
        &mut self,
        stream: &mut Stream,
        trailers: Option<&Headers>,
        tail: &Tail,
    ) -> Result<(), Misuse> {
        discard(stream.exchange.response_body.take());
        let out = &mut self.wire.output.buffer;
        if !self.machine.is_sending(stream.key) {
            // It was over with its last byte.
            return Ok(());
        }
        match trailers {
            None => self.machine.send_end_behind(stream.key, tail, out),
            Some(trailers) => self.machine.send_end_with(stream.key, trailers, out),
        }
    }

    /// Gives the response up in a way that the peer can tell.
    pub(super) fn give_up(&mut self, stream: &mut Stream) {
        self.give_up_with(stream, ErrorCode::INTERNAL_ERROR);
    }

    pub(super) fn give_up_with(&mut self, stream: &mut Stream, code: ErrorCode) {
        stream.exchange.aborted = true;
        discard((take(&mut stream.pending), stream.exchange.response_body.take()));
        let out = &mut self.wire.output.buffer;
        self.machine.reset(stream.key, code, out);
    }

    /// Closes the books on an exchange whose response is out.
    pub(super) fn close_books(&mut self, stream: &mut Stream) {
        let is_answered = stream.exchange.status.is_some() || stream.exchange.aborted;
        let is_out = is_answered && !self.machine.is_sending(stream.key);
        if !is_out || stream.is_told {
            return;
        }
        stream.is_told = true;
        self.answered = self.answered.wrapping_add(1);
        // Somebody may still read it.
        let body = stream.exchange.request_body.take();
        let encoded = !stream.exchange.aborted;
        if !stream.pending.is_empty() || !stream.exchange.is_over() {
            let (task, response) =
                (stream.exchange.task.take(), stream.exchange.response_body.take());
            discard((take(&mut stream.pending), task, response));
        }
        self.done.extend(stream.exchange.end(encoded, self.wire.output.len()));
        stream.lifeline.end();
        stream.exchange.request_body = body;
    }
}
