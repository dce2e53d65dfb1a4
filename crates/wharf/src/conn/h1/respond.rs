//! From the handler's response to bytes.
//!
//! Not here: what a body is made of (`conn/outgoing.rs`), what goes wrong (`refuse.rs`), and when
//! output is sent (`worker`).

use std::error::Error;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};

use http::StatusCode;
use wharf_proto::h1::{self, BodyLength};
use wharf_proto::{Headers, Reject};

use super::receive::Wanted;
use super::{Close, Ending, Http1};
use crate::body::{Body, BodyError, BodyKind, BodyWriter, Sink};
use crate::conn::Context;
use crate::conn::exchange::panicked;
use crate::conn::outgoing::{Outgoing, Piece, declared_length, small};
use crate::conn::refusal::{Persist, Refusal, page};
use crate::observe::{CloseReason, ErrorKind, Limit};
use crate::response::Response;

/// What became of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was small, and is encoded.
    Encoded,
    /// It may go on.
    Other,
}

impl Http1 {
    /// Encodes the handler's response.
    pub(super) fn respond(&mut self, response: Response, context: &Context<'_>) -> Outcome {
        self.respond_inline(response, context)
    }

    /// As [`respond`](Self::respond), and a part of its caller.
    #[inline(always)]
    pub(super) fn respond_inline(&mut self, response: Response, context: &Context<'_>) -> Outcome {
        if self.reads_too_much(context) || response.body().is_too_large() {
            self.refuse(Refusal::Reject(Reject::BodyTooLarge), context);
            return Outcome::Encoded;
        }
        self.exchange.handler_due = None;
        if response.is_plain()
            && let Some(bytes) = small(response.body())
        {
            let (status, headers) = (response.status(), response.headers());
            self.send_small(status, headers, bytes, Persist::IfPossible, context);
            return Outcome::Encoded;
        }
        self.respond_specially(response, context);
        Outcome::Other
    }

    /// Encodes a response that tells more than a status, fields and a small body.
    #[cold]
    fn respond_specially(&mut self, response: Response, context: &Context<'_>) {
        if matches!(response.body().kind, BodyKind::Channel(_) | BodyKind::Producer(_)) {
            self.send_continue(Wanted::Later, context);
        }
        self.wire.write_timeout = response.write_timeout().or(self.wire.write_timeout);
        let mut response = match response.body().kind {
            BodyKind::Blocking(_) => Response::failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "a body for handlers that block, of one that must not",
            ),
            _ => response.checked(),
        };
        if let Some(make) = response.body_mut().take_switch() {
            return self.switch(response, make, context);
        }
        if let Some(failure) = response.take_error() {
            self.count_failure(&*failure, context);
            let status = Some(response.status());
            if let Some(instead) = self.tell(ErrorKind::Handler, &*failure, status, context) {
                response = page(instead);
            }
            self.exchange.failure = Some(failure);
        }
        if response.status().is_informational() {
            // A final response is due, and this is none.
            response = response.with_status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        self.send_response(response, Persist::IfPossible, context);
    }

    /// Encodes a response as far as its body is there.
    pub(super) fn send_response(
        &mut self,
        mut response: Response,
        persist: Persist,
        context: &Context<'_>,
    ) {
        let (status, headers) = (response.status(), response.headers());
        if let Some(bytes) = small(response.body()) {
            return self.send_small(status, headers, bytes, persist, context);
        }
        let length = match response.body().len().or_else(|| declared_length(headers)) {
            Some(length) => BodyLength::Known(length),
            None => BodyLength::Unknown,
        };
        let head = self.head(status, length, persist, context);
        if self.machine.send_head(head, headers, &mut self.wire.output.buffer).is_err() {
            return self.has_answered();
        }
        self.exchange.status = Some(status);
        if self.machine.omits_body() {
            self.end_response();
            return;
        }
        // Starting on a body may run the program's code.
        let body = take(response.body_mut());
        // Nothing may stand between a file and the peer.
        let sends_files = context.sends_files && self.tls.is_none();
        match catch_unwind(AssertUnwindSafe(|| Outgoing::start(body, sends_files))) {
            Ok(Ok(outgoing)) => {
                self.exchange.response_body = Some(outgoing);
                self.pump(context);
            }
            Ok(Err(in_memory)) => self.send_large(in_memory),
            Err(panic) => {
                self.tell_failure(panicked(&*panic), context);
                self.abort();
            }
        }
    }

    /// Encodes a response with a body that is copied behind its head.
    #[inline(always)]
    fn send_small(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        bytes: &[u8],
        persist: Persist,
        context: &Context<'_>,
    ) {
        let mut length = bytes.len() as u64;
        // RFC 9110 section 8.6: for HEAD, a handler without a body tells what GET would have.
        if length == 0 && self.machine.answers_head() {
            length = declared_length(headers).unwrap_or(0);
        }
        let head = self.head(status, BodyLength::Known(length), persist, context);
        if self.machine.send_whole(head, headers, bytes, &mut self.wire.output.buffer).is_err() {
            return self.has_answered();
        }
        self.exchange.status = Some(status);
        if !self.machine.omits_body() {
            self.exchange.body_bytes = bytes.len() as u64;
        }
        self.exchange.task = None;
    }

    #[inline(always)]
    fn head<'c>(
        &mut self,
        status: StatusCode,
        length: BodyLength,
        persist: Persist,
        context: &Context<'c>,
    ) -> h1::Response<'c> {
        let head = h1::Response::new(status, length).date(context.clock.date());
        let closes = persist == Persist::Never || self.is_last(context);
        if closes { head.close() } else { head }
    }

    /// Somebody else has answered: there is nothing to be said, and nothing to go on with.
    #[cold]
    fn has_answered(&mut self) {
        debug_assert!(false, "a second response to one request");
        self.wire.set_reason(CloseReason::Failed);
        self.wire.ending = Some(Ending::Close(Close::Reset));
    }

    /// Counts a body that was in memory and too large for its route: nobody else has noticed.
    fn count_failure(&self, failure: &(dyn Error + Send + Sync + 'static), context: &Context<'_>) {
        let is_whole = self.exchange.request_body.is_none();
        if let Some(BodyError::Rejected(reject)) = failure.downcast_ref()
            && is_whole
        {
            context.counters.count_reject(*reject);
        }
    }

    /// Whether somebody is going to read a body of which it is known that it is too long.
    #[inline(always)]
    pub(super) fn reads_too_much(&self, context: &Context<'_>) -> bool {
        let Some(body) = &self.exchange.request_body else { return false };
        self.is_too_much(body, context)
    }

    fn is_too_much(&self, body: &BodyWriter, context: &Context<'_>) -> bool {
        let max_bytes = body.pace().max_bytes.unwrap_or(context.limits.max_body_bytes);
        self.machine.unreceived_bytes().is_some_and(|left| left > max_bytes) && !body.is_closed()
    }

    /// Whether the connection ends with the response to the current request: the server drains, it
    /// was the last that is allowed, or too much of its body is left that nobody will read.
    #[inline]
    fn is_last(&mut self, context: &Context<'_>) -> bool {
        let is_usual = !context.is_draining()
            && self.requests < context.settings.max_requests_per_connection
            && self.machine.received_all();
        !is_usual && self.is_last_for_a_reason(context)
    }

    #[cold]
    fn is_last_for_a_reason(&mut self, context: &Context<'_>) -> bool {
        if context.is_draining() {
            self.wire.set_reason(CloseReason::Stopped);
            return true;
        }
        if self.requests >= context.settings.max_requests_per_connection {
            context.counters.count_limit(Limit::Requests);
            self.wire.set_reason(CloseReason::Limit(Limit::Requests));
            return true;
        }
        let left = self.machine.unreceived_bytes().unwrap_or(0);
        if left <= context.limits.max_drain_bytes {
            return false;
        }
        let is_read = self.exchange.request_body.as_ref().is_some_and(|body| !body.is_closed());
        if !is_read {
            self.too_much_to_drain(context);
        }
        !is_read
    }

    /// Moves a streamed body on, as far as it is there and as the peer takes it.
    pub(super) fn pump(&mut self, context: &Context<'_>) {
        loop {
            if !self.wire.can_produce() {
                return;
            }
            let Some(body) = &mut self.exchange.response_body else { return };
            if self.wire.sending && body.goes_alone() {
                return;
            }
            let mut cx = TaskContext::from_waker(self.waker.waker());
            let mut sink = Sink {
                machine: &mut self.machine,
                buffer: &mut self.wire.output.buffer,
                body_bytes: &mut self.exchange.body_bytes,
                is_too_much: false,
            };
            let polled = catch_unwind(AssertUnwindSafe(|| body.poll(&mut sink, &mut cx)));
            let sent = match polled {
                Ok(Poll::Pending) => return,
                Ok(Poll::Ready(Ok(Piece::End(trailers)))) => {
                    if !self.end_response_with(trailers.as_deref()) {
                        self.abort();
                    }
                    return;
                }
                Ok(Poll::Ready(Ok(piece))) => self.send_piece(piece),
                Ok(Poll::Ready(Err(error))) => {
                    let failure = body.failure().unwrap_or_else(|| error.into());
                    self.tell_failure(failure, context);
                    false
                }
                Err(panic) => {
                    self.tell_failure(panicked(&*panic), context);
                    false
                }
            };
            if !sent {
                self.abort();
                return;
            }
        }
    }

    /// Encodes a body that is in memory and too large to be copied.
    fn send_large(&mut self, body: Body) {
        let bytes = body.into_shared();
        self.exchange.body_bytes = bytes.len() as u64;
        let sent = self.machine.send_body_apart(bytes.len() as u64);
        debug_assert!(sent.is_ok(), "the length was announced as it is: {sent:?}");
        self.wire.output.set_tail(bytes);
        self.end_response();
    }

    /// Encodes a piece of a streamed body. `false` if it is more than was announced.
    fn send_piece(&mut self, piece: Piece) -> bool {
        let out = &mut self.wire.output.buffer;
        match piece {
            Piece::InPlace(len) => {
                self.exchange.body_bytes += len as u64;
                self.machine.send_body_apart(len as u64).is_ok()
            }
            Piece::Bytes(bytes) => {
                self.exchange.body_bytes += bytes.len() as u64;
                self.machine.send_body(&bytes, out).is_ok()
            }
            Piece::File(part) => {
                self.exchange.body_bytes += part.left();
                let sent = self.machine.send_body_apart(part.left());
                self.wire.output.set_file(part);
                sent.is_ok()
            }
            Piece::TooMuch => false,
            Piece::End(_) => true,
        }
    }

    /// Ends the response. `false` if less was sent than announced.
    fn end_response(&mut self) -> bool {
        self.end_response_with(None)
    }

    /// Ends the response with trailer fields, if there are any.
    fn end_response_with(&mut self, trailers: Option<&Headers>) -> bool {
        self.exchange.response_body = None;
        self.exchange.task = None;
        let out = &mut self.wire.output.buffer;
        let ended = match trailers {
            None => self.machine.send_end(out),
            Some(trailers) => self.machine.send_end_with(trailers, out),
        };
        ended.is_ok()
    }
}
