//! From the handler's response to bytes, and from whatever goes wrong to an end of the connection.
//!
//! Not here: what a body is made of (`conn/outgoing.rs`), and when output is sent (`worker`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::StatusCode;
use wharf_proto::h1::{self, BodyLength, Phase};
use wharf_proto::{Headers, Reject};

use super::receive::Wanted;
use super::{COPY_BYTES, Close, Ending, Http1};
use crate::body::{Body, BodyError, BodyKind};
use crate::conn::Context;
use crate::conn::exchange::panicked;
use crate::conn::outgoing::{Outgoing, Piece};
use crate::response::Response;

/// Whether the connection may go on after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Persist {
    IfPossible,
    Never,
}

/// Why a connection ends without the handler's consent.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
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
    /// Encodes the handler's response.
    pub(super) fn respond(&mut self, response: Response, context: &Context<'_>) {
        if matches!(response.body().0, BodyKind::Channel(_) | BodyKind::Producer(_)) {
            self.send_continue(Wanted::Later);
        }
        let (mut status, headers, body, failure) = response.into_parts();
        self.exchange.failure = failure;
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
        // RFC 9110 section 8.6: for HEAD, a handler without a body tells what GET would have.
        let is_told = self.machine.answers_head() && body.is_empty();
        let known = if is_told { declared_length(headers).or(Some(0)) } else { body.len() };
        let length = match known.or_else(|| declared_length(headers)) {
            Some(length) => BodyLength::Known(length),
            None => BodyLength::Unknown,
        };
        let mut head = h1::Response::new(status, length).date(context.clock.date());
        if persist == Persist::Never {
            head = head.close();
        }
        let out = &mut self.output.buffer;
        if self.machine.send_head(head, headers, out).is_err() {
            // Somebody else has answered: there is nothing to be said, and nothing to go on with.
            debug_assert!(false, "a second response to one request");
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
                self.pump();
            }
            Ok(Err(in_memory)) => self.send_whole(in_memory),
            Err(panic) => {
                self.exchange.failure = Some(panicked(&*panic));
                self.abort();
            }
        }
    }

    /// Moves a streamed body on, as far as it is there and as the peer takes it.
    pub(super) fn pump(&mut self) {
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
                Ok(Poll::Ready(Ok(Piece::End))) => {
                    self.exchange.response_body = None;
                    if !self.end_response() {
                        self.abort();
                    }
                    return;
                }
                Ok(Poll::Ready(Ok(piece))) => self.send_piece(piece),
                Ok(Poll::Ready(Err(error))) => {
                    self.exchange.failure = body.failure().or_else(|| Some(error.into()));
                    false
                }
                Err(panic) => {
                    self.exchange.failure = Some(panicked(&*panic));
                    false
                }
            };
            if !sent {
                self.abort();
                return;
            }
        }
    }

    /// Gives the response up in a way that the peer can tell.
    pub(crate) fn abort(&mut self) {
        // A reset may destroy earlier responses that the peer has not read yet: where the framing
        // tells that this one is incomplete, an ordinary end does no such harm.
        let needs_reset = self.machine.ends_with_close();
        self.machine.send_abort();
        self.exchange.aborted = true;
        self.ending = Some(if needs_reset { Ending::Close(Close::Reset) } else { Ending::Linger });
    }

    /// Ends the connection, with a response where that is still possible.
    pub(super) fn refuse(&mut self, refusal: Refusal, context: &Context<'_>) {
        let body = self.exchange.request_body.take();
        let is_read = body.is_some_and(|body| body.fail(refusal.body_error()));
        self.body_paused = false;
        if !self.machine.awaits_response() {
            // The response is under way, and a handler that reads the body sees the error; what it
            // sends from here on would pass for an answer to a request that never came in full. A
            // handler that has dropped the body answers without it.
            if is_read && self.exchange.response_body.take().is_some() {
                self.abort();
            }
            self.settle();
            return;
        }
        self.exchange.begin_unread(self.addrs, context);
        let task = self.exchange.task.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
        let page = Response::status_page(refusal.status());
        let (status, headers, body, _) = page.into_parts();
        self.send_response(status, &headers, body, Persist::Never, context);
        self.settle();
    }

    /// Closes the books on an exchange or a connection that is over.
    pub(super) fn settle(&mut self) {
        let phase = self.machine.phase();
        let response_is_out = matches!(phase, Phase::Idle | Phase::Drain | Phase::Closed);
        if response_is_out && self.exchange.status.is_some() {
            let encoded = !self.exchange.aborted;
            self.done.extend(self.exchange.end(encoded, self.output.len()));
        }
        if phase == Phase::Closed && self.ending.is_none() {
            // Requests behind this one may be on their way, unless the peer has said otherwise.
            let is_done = self.eof || (self.is_last_request && self.machine.received_in_full());
            self.ending =
                Some(if is_done { Ending::Close(Close::Graceful) } else { Ending::Linger });
        }
    }

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
