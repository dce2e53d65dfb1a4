//! What goes wrong, and how the connection ends: with a response where that is still possible.
//!
//! Not here: responses that handlers give (`respond.rs`).

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::StatusCode;
use wharf_proto::Reject;

use super::{Close, Ending, Http1};
use crate::conn::Context;
use crate::conn::exchange::{Record, panicked};
use crate::conn::refusal::{Persist, Refusal};
use crate::observe::{CloseReason, ErrorContext, ErrorKind, Limit};
use crate::pool::Pooled;
use crate::response::{BoxError, Response};

impl Http1 {
    /// Gives the response up in a way that the peer can tell.
    pub(crate) fn abort(&mut self) {
        // A reset may destroy earlier responses that the peer has not read yet: where the framing
        // tells that this one is incomplete, an ordinary end does no such harm.
        let needs_reset = self.machine.ends_with_close();
        self.machine.send_abort();
        self.exchange.aborted = true;
        self.wire.set_reason(CloseReason::Failed);
        self.wire.ending =
            Some(if needs_reset { Ending::Close(Close::Reset) } else { Ending::Linger });
    }

    /// The server ends before the handler has answered.
    pub(crate) fn cancel(&mut self, context: &Context<'_>) {
        if self.awaits_handler() {
            self.refuse(Refusal::Stopped, context);
        }
    }

    /// The handler panicked before it had a response.
    pub(super) fn panicked(&mut self, payload: &(dyn Any + Send), context: &Context<'_>) {
        self.exchange.failure = Some(panicked(payload));
        self.refuse(Refusal::Panic, context);
    }

    /// Ends the exchange, and most of the time the connection, with a response where that is still
    /// possible.
    pub(super) fn refuse(&mut self, refusal: Refusal, context: &Context<'_>) {
        match refusal {
            Refusal::Reject(reject) => context.counters.count_reject(reject),
            Refusal::Limit(limit) => context.counters.count_limit(limit),
            Refusal::Panic | Refusal::Stopped => {}
        }
        if refusal.persist() == Persist::Never {
            self.wire.set_reason(refusal.reason());
        }
        if let Refusal::Reject(Reject::Truncated) = refusal {
            self.orphan();
        }
        let body = self.exchange.request_body.take();
        let is_read = body.is_some_and(|body| body.fail(refusal.body_error()));
        self.body_paused = false;
        self.exchange.handler_due = None;
        let told = self.tell_refusal(refusal, context);
        if !self.machine.awaits_response() {
            // The response is under way, and a handler that reads the body sees the error; what it
            // sends from here on would pass for an answer to a request that never came in full. A
            // handler that has dropped the body answers without it.
            if is_read && self.exchange.response_body.take().is_some() {
                self.abort();
            }
            self.settle(context);
            return;
        }
        self.exchange.begin_unread(self.addrs, context);
        let work = (self.exchange.task.take(), self.exchange.queued.take());
        let _ = catch_unwind(AssertUnwindSafe(|| drop(work)));
        let response = refusal.answer(told, context.blocking);
        self.send_response(response, refusal.persist(), context);
        self.settle(context);
    }

    /// Tells the program of a refusal, and takes its response to it.
    fn tell_refusal(&self, refusal: Refusal, context: &Context<'_>) -> Option<Response> {
        let failure = self.exchange.failure.as_deref();
        let error = refusal.error(failure);
        let status = self.machine.awaits_response().then(|| refusal.status());
        self.tell(refusal.kind(), error, status, context)
    }

    /// Tells the program of an error, and takes its response to it.
    pub(super) fn tell(
        &self,
        kind: ErrorKind,
        error: &(dyn Error + Send + Sync + 'static),
        status: Option<StatusCode>,
        context: &Context<'_>,
    ) -> Option<Response> {
        let peer_addr = Some(self.addrs.peer);
        let request = self.exchange.request();
        context.hooks.error(&ErrorContext { kind, error, peer_addr, request, status, stream: None })
    }

    /// Tells the program that a response that has begun can't be brought to its end.
    pub(super) fn tell_failure(&mut self, failure: BoxError, context: &Context<'_>) {
        // It is too late for a response.
        let _ = self.tell(ErrorKind::Handler, &*failure, None, context);
        self.exchange.failure = Some(failure);
    }

    /// Closes the books on an exchange or a connection that is over.
    pub(super) fn settle(&mut self, context: &Context<'_>) {
        self.settle_inline(context);
    }

    /// Tells of an exchange that is over, as soon as all of it is sent.
    fn note_done(&mut self, record: Pooled<Record>, context: &Context<'_>) {
        if self.wire.is_all_sent() {
            // Nothing came behind the last piece of its body.
            record.tell(true, context);
        } else {
            self.done.push(record);
        }
    }

    /// As [`settle`](Self::settle), and a part of its caller.
    #[inline(always)]
    pub(super) fn settle_inline(&mut self, context: &Context<'_>) {
        if self.exchange.status.is_some() && !self.machine.is_responding() {
            let encoded = !self.exchange.aborted;
            if let Some(record) = self.exchange.end(encoded, self.wire.output.len()) {
                self.note_done(record, context);
            }
            if !self.has_orphan() {
                self.lifeline.end();
            }
        }
        if self.machine.is_closed() {
            self.settle_ending(context);
        }
    }

    /// Decides on how the connection ends that has nothing more to read or send.
    #[cold]
    fn settle_ending(&mut self, context: &Context<'_>) {
        if self.wire.ending.is_none() {
            if self.machine.drained_bytes() > context.limits.max_drain_bytes {
                self.too_much_to_drain(context);
            }
            let is_expected =
                if self.wire.eof { CloseReason::PeerClosed } else { CloseReason::Finished };
            self.wire.set_reason(is_expected);
            // Requests behind this one may be on their way, unless the peer has said otherwise.
            let is_done =
                self.wire.eof || (self.is_last_request && self.machine.received_in_full());
            self.wire.ending =
                Some(if is_done { Ending::Close(Close::Graceful) } else { Ending::Linger });
        }
    }

    /// Notes that the connection ends because of what is left of a body that nobody reads.
    pub(super) fn too_much_to_drain(&mut self, context: &Context<'_>) {
        context.counters.count_limit(Limit::DrainBytes);
        self.wire.set_reason(CloseReason::Limit(Limit::DrainBytes));
    }
}
