//! From the handler's response to bytes.
//!
//! Not here: what a body is made of (`conn/outgoing.rs`), what goes wrong (`refuse.rs`), and when
//! output is sent (`worker`).

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::StatusCode;
use wharf_proto::h1::{self, BodyLength};
use wharf_proto::{Headers, Reject};

use super::receive::Wanted;
use super::refuse::Refusal;
use super::{COPY_BYTES, Close, Ending, Http1};
use crate::body::{Body, BodyError, BodyKind};
use crate::conn::Context;
use crate::conn::exchange::panicked;
use crate::conn::outgoing::{Outgoing, Piece};
use crate::observe::{CloseReason, ErrorKind, Limit};
use crate::pool::Pooled;
use crate::response::Response;

/// Whether the connection may go on after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Persist {
    IfPossible,
    Never,
}

impl Http1 {
    /// Encodes the handler's response.
    pub(super) fn respond(&mut self, response: Response, context: &Context<'_>) {
        if self.reads_too_much(context) {
            return self.refuse(Refusal::Reject(Reject::BodyTooLarge), context);
        }
        if response.body().is_too_large() {
            return self.refuse(Refusal::Reject(Reject::BodyTooLarge), context);
        }
        self.exchange.handler_due = None;
        if matches!(response.body().kind, BodyKind::Channel(_) | BodyKind::Producer(_)) {
            self.send_continue(Wanted::Later, context);
        }
        self.write_timeout = response.write_timeout().or(self.write_timeout);
        let (mut status, mut headers, mut body, failure) = response.into_parts();
        if let BodyKind::Tunnel(serve) = body.kind {
            return self.switch(headers, serve, context);
        }
        if let Some(failure) = failure {
            self.count_failure(&*failure, context);
            let told = self.tell(ErrorKind::Handler, &*failure, Some(status), context);
            if let Some(instead) = told {
                (status, headers, body) = page(instead);
            }
            self.exchange.failure = Some(failure);
        }
        if status.is_informational() {
            // A final response is due, and this is none.
            status = StatusCode::INTERNAL_SERVER_ERROR;
        }
        self.send_response(status, &headers, body, Persist::IfPossible, context);
    }

    /// Encodes a response as far as its body is there.
    pub(super) fn send_response(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        body: Body,
        persist: Persist,
        context: &Context<'_>,
    ) {
        // RFC 9110 section 8.6: for HEAD, a handler without a body tells what GET would have.
        let is_told = self.machine.answers_head() && body.is_empty();
        let known = if is_told { declared_length(headers).or(Some(0)) } else { body.len() };
        let length = match known.or_else(|| declared_length(headers)) {
            Some(length) => BodyLength::Known(length),
            None => BodyLength::Unknown,
        };
        let mut head = h1::Response::new(status, length).date(context.clock.date());
        if persist == Persist::Never || self.is_last(context) {
            head = head.close();
        }
        let out = &mut self.output.buffer;
        if self.machine.send_head(head, headers, out).is_err() {
            // Somebody else has answered: there is nothing to be said, and nothing to go on with.
            debug_assert!(false, "a second response to one request");
            self.reason.get_or_insert(CloseReason::Failed);
            self.ending = Some(Ending::Close(Close::Reset));
            return;
        }
        self.exchange.status = Some(status);
        if self.machine.omits_body() {
            self.end_response();
            return;
        }
        // Starting on a body may run the program's code.
        match catch_unwind(AssertUnwindSafe(|| Outgoing::start(body))) {
            Ok(Ok(outgoing)) => {
                self.exchange.response_body = Some(outgoing);
                self.pump(context);
            }
            Ok(Err(in_memory)) => self.send_whole(in_memory),
            Err(panic) => {
                self.tell_failure(panicked(&*panic), context);
                self.abort();
            }
        }
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
    pub(super) fn reads_too_much(&self, context: &Context<'_>) -> bool {
        let Some(body) = &self.exchange.request_body else { return false };
        let max_bytes = body.pace().max_bytes.unwrap_or(context.limits.max_body_bytes);
        self.machine.unreceived_bytes().is_some_and(|left| left > max_bytes) && !body.is_closed()
    }

    /// Whether the connection ends with the response to the current request: it was the last that
    /// is allowed, or too much of its body is left that nobody will read.
    fn is_last(&mut self, context: &Context<'_>) -> bool {
        if self.requests >= context.rules.max_requests {
            context.counters.count_limit(Limit::Requests);
            self.reason.get_or_insert(CloseReason::Limit(Limit::Requests));
            return true;
        }
        let is_read = self.exchange.request_body.as_ref().is_some_and(|body| !body.is_closed());
        let left = self.machine.unreceived_bytes().unwrap_or(0);
        let is_too_much = !is_read && left > context.limits.max_drain_bytes;
        if is_too_much {
            self.too_much_to_drain(context);
        }
        is_too_much
    }

    /// Moves a streamed body on, as far as it is there and as the peer takes it.
    pub(super) fn pump(&mut self, context: &Context<'_>) {
        loop {
            if !self.can_produce() {
                return;
            }
            let Some(body) = &mut self.exchange.response_body else { return };
            let mut cx = TaskContext::from_waker(self.waker.waker());
            let buffer = &mut self.output.buffer;
            let polled = catch_unwind(AssertUnwindSafe(|| body.poll(buffer, &mut cx)));
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

    /// Encodes a body that is in memory.
    fn send_whole(&mut self, body: Body) {
        let bytes = body.as_bytes().unwrap_or_default();
        self.exchange.body_bytes = bytes.len() as u64;
        let sent = if bytes.len() <= COPY_BYTES || matches!(body.kind, BodyKind::Pooled(_)) {
            self.machine.send_body(bytes, &mut self.output.buffer).map(|()| true)
        } else {
            self.machine.send_body_apart(bytes.len() as u64)
        };
        debug_assert!(sent.is_ok(), "the length was announced as it is: {sent:?}");
        if bytes.len() > COPY_BYTES {
            match body.kind {
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
        let out = &mut self.output.buffer;
        let ended = match trailers {
            None => self.machine.send_end(out),
            Some(trailers) => self.machine.send_end_with(trailers, out),
        };
        ended.is_ok()
    }
}

/// What a program has in place of a page of the server's: anything but what is no final response.
pub(super) fn page(response: Response) -> (StatusCode, Pooled<Headers>, Body) {
    let (status, headers, body, _) = response.into_parts();
    match body.kind {
        BodyKind::Tunnel(_) => (StatusCode::INTERNAL_SERVER_ERROR, Pooled::take(), Body::empty()),
        _ if status.is_informational() => (StatusCode::INTERNAL_SERVER_ERROR, headers, body),
        _ => (status, headers, body),
    }
}

/// The length that a handler announced for a body that is not in memory.
fn declared_length(headers: &Headers) -> Option<u64> {
    headers.managed().content_length.then(|| headers.get("content-length")?.parse().ok()).flatten()
}
