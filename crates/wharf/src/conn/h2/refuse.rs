//! What goes wrong on a stream, and with a whole connection.
//!
//! Not here: what is answered in place of a handler (`conn/refusal.rs`).

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::StatusCode;
use wharf_proto::Reject;
use wharf_proto::h2::{ConnectionError, ErrorCode};

use super::{Http2, Stream};
use crate::body::BodyError;
use crate::conn::Context;
use crate::conn::exchange::{discard, panicked};
use crate::conn::orphan::Orphan;
use crate::conn::refusal::Refusal;
use crate::conn::wire::Ending;
use crate::lifeline::Lifeline;
use crate::observe::{CloseReason, ErrorContext, ErrorKind};
use crate::response::{BoxError, Response};

impl Http2 {
    /// The server ends before handlers have answered.
    pub(in crate::conn) fn cancel(&mut self, context: &Context<'_>) {
        for slot in 0..self.streams.len() {
            self.with(slot, context, |http, stream| {
                if stream.exchange.task.is_some() && http.machine.awaits_response(stream.key) {
                    http.refuse(stream, Refusal::Stopped, context);
                }
            });
        }
    }

    /// The peer has broken HTTP/2 itself: all that it had asked for is given up.
    pub(super) fn fail(&mut self, error: ConnectionError, context: &Context<'_>) {
        context.counters.count_h2_error(error);
        let _ = context.hooks.error(&ErrorContext {
            kind: ErrorKind::Http2(error),
            error: &error,
            peer_addr: Some(self.addrs.peer),
            request: None,
            status: None,
            stream: None,
        });
        for slot in 0..self.streams.len() {
            self.with(slot, context, |http, stream| {
                http.lose(stream, BodyError::Disconnected, context);
            });
        }
        self.wire.set_reason(CloseReason::Http2(error));
        self.wire.ending = Some(Ending::Linger);
    }

    /// A request that nobody can be told of was refused.
    pub(super) fn tell_malformed(&self, reject: Reject, context: &Context<'_>) {
        context.counters.count_reject(reject);
        let kind = Refusal::Reject(reject).kind();
        let peer_addr = Some(self.addrs.peer);
        let (request, status) = (None, None);
        let stream = None;
        let told = ErrorContext { kind, error: &reject, peer_addr, request, status, stream };
        let _ = context.hooks.error(&told);
    }

    /// The handler panicked before it had a response.
    pub(super) fn panicked(
        &mut self,
        stream: &mut Stream,
        payload: &(dyn Any + Send),
        context: &Context<'_>,
    ) {
        stream.exchange.failure = Some(panicked(payload));
        self.refuse(stream, Refusal::Panic, context);
    }

    /// Whether somebody is going to read a body of which it is known that it is too long.
    pub(super) fn reads_too_much(&self, stream: &Stream, context: &Context<'_>) -> bool {
        let Some(body) = &stream.exchange.request_body else { return false };
        let max_bytes = body.pace().max_bytes.unwrap_or(context.limits.max_body_bytes);
        self.machine.announced_bytes(stream.key).is_some_and(|length| length > max_bytes)
            && !body.is_closed()
    }

    pub(super) fn refuse_large(&mut self, stream: &mut Stream, context: &Context<'_>) {
        self.refuse(stream, Refusal::Reject(Reject::BodyTooLarge), context);
    }

    /// Ends an exchange with a response where that is still possible. The others go on.
    pub(super) fn refuse(&mut self, stream: &mut Stream, refusal: Refusal, context: &Context<'_>) {
        match refusal {
            Refusal::Reject(reject) => context.counters.count_reject(reject),
            Refusal::Limit(limit) => context.counters.count_limit(limit),
            Refusal::Panic | Refusal::Stopped => {}
        }
        let body = stream.exchange.request_body.take();
        let is_read = body.is_some_and(|body| body.fail(refusal.body_error()));
        stream.body_deadline.stop();
        stream.exchange.handler_due = None;
        let told = self.tell_refusal(stream, refusal, context);
        if !self.machine.awaits_response(stream.key) {
            // As over HTTP/1: what is sent from here on would pass for an answer to all of it.
            if is_read && stream.exchange.response_body.is_some() {
                self.give_up(stream);
            } else if !self.machine.is_sending(stream.key) {
                // The response is out, and nobody else would end the stream.
                self.machine.reset(stream.key, ErrorCode::CANCEL, &mut self.wire.output.buffer);
            }
            return;
        }
        stream.exchange.begin_unread(self.addrs, context);
        discard((stream.exchange.task.take(), stream.exchange.queued.take()));
        let response = refusal.answer(told, context.blocking);
        self.send_response(stream, response, context);
    }

    /// Puts a handler that goes on by itself aside.
    pub(super) fn orphan(&mut self, stream: &mut Stream) {
        if !stream.exchange.finishes {
            return;
        }
        let exchange = &mut stream.exchange;
        if let Some(task) = exchange.task.take() {
            let (due, queued) = (exchange.handler_due.take(), exchange.queued.take());
            stream.lifeline.disconnect();
            // What it has left for the connection's end stays here.
            if let Some(left) = stream.lifeline.close() {
                self.keep(left);
            }
            let lifeline = std::mem::replace(&mut stream.lifeline, Lifeline::new());
            self.orphans.push((Orphan { task, due, queued }, lifeline));
        }
    }

    /// Forgets an exchange, and tells of it.
    pub(super) fn forget(&mut self, stream: &mut Stream, encoded: bool, context: &Context<'_>) {
        let exchange = &mut stream.exchange;
        // Dropping a handler's future runs its destructors, which may panic like the handler.
        let ended = catch_unwind(AssertUnwindSafe(|| exchange.end(encoded, 0)));
        if let Some(record) = ended.unwrap_or_default()
            && !stream.is_told
        {
            record.tell(false, context);
        }
        stream.is_told = true;
        stream.lifeline.end();
    }

    pub(super) fn count_failure(
        &self,
        stream: &Stream,
        failure: &(dyn Error + Send + Sync + 'static),
        context: &Context<'_>,
    ) {
        if let Some(BodyError::Rejected(reject)) = failure.downcast_ref()
            && stream.exchange.request_body.is_none()
        {
            context.counters.count_reject(*reject);
        }
    }

    fn tell_refusal(
        &self,
        stream: &Stream,
        refusal: Refusal,
        context: &Context<'_>,
    ) -> Option<Response> {
        let failure = stream.exchange.failure.as_deref();
        let error = refusal.error(failure);
        let status = self.machine.awaits_response(stream.key).then(|| refusal.status());
        self.tell(stream, refusal.kind(), error, status, context)
    }

    /// Tells the program of an error, and takes its response to it.
    pub(super) fn tell(
        &self,
        stream: &Stream,
        kind: ErrorKind,
        error: &(dyn Error + Send + Sync + 'static),
        status: Option<StatusCode>,
        context: &Context<'_>,
    ) -> Option<Response> {
        let (peer_addr, request) = (Some(self.addrs.peer), stream.exchange.request());
        context.hooks.error(&ErrorContext { kind, error, peer_addr, request, status, stream: None })
    }

    /// Tells the program that a response that has begun can't be brought to its end.
    pub(super) fn tell_failure(
        &self,
        stream: &mut Stream,
        failure: BoxError,
        context: &Context<'_>,
    ) {
        let _ = self.tell(stream, ErrorKind::Handler, &*failure, None, context);
        stream.exchange.failure = Some(failure);
    }
}
