//! One request and its response, between the handler and the protocol machine.
//!
//! Not here: bytes in and out of the connection (`h1`, `h2`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use http::StatusCode;
use wharf_proto::{Headers, RequestHead};

use super::Context;
use super::outgoing::Outgoing;
use crate::body::BodyWriter;
use crate::handler::{OnDisconnect, Rules, Task};
use crate::observe::{Access, Limit};
use crate::peer::PeerAddr;
use crate::pool::{Pooled, reusable};
use crate::request::{Addrs, Parts};
use crate::response::BoxError;
use crate::threads::Ticket;

/// What is under way for one request.
#[derive(Default)]
pub(super) struct Exchange {
    /// The handler's future, until there is a response.
    pub(super) task: Option<Task>,
    /// When that has to be.
    pub(super) handler_due: Option<Instant>,
    /// The handler goes on if its client disconnects.
    pub(super) finishes: bool,
    /// The peer has closed its sending side, and was asked whether it is there.
    pub(super) is_doubted: bool,
    /// The handler may still wait for a thread, until then at the latest.
    pub(super) queued: Option<Box<Queued>>,
    /// Where the request's body goes, until it is complete.
    pub(super) request_body: Option<BodyWriter>,
    /// Where the response's body comes from, until it is complete.
    pub(super) response_body: Option<Outgoing>,
    /// The protocols that the peer offers to go on with.
    pub(super) offers: Option<Box<[u8]>>,
    pub(super) status: Option<StatusCode>,
    pub(super) body_bytes: u64,
    /// What went wrong in the handler.
    pub(super) failure: Option<BoxError>,
    /// The response was given up.
    pub(super) aborted: bool,
    /// Kept only where somebody will want to know.
    record: Option<Pooled<Record>>,
}

/// A handler that may not have begun.
pub(super) struct Queued {
    pub(super) ticket: Ticket,
    /// When it has to have answered, once it has begun.
    pub(super) handler_due: Option<Instant>,
}

impl Queued {
    /// Its time has come: for which bound, unless it has begun meanwhile and has the time of any
    /// other handler.
    pub(super) fn expire(&self, now: Instant) -> Option<Limit> {
        let has_begun = !self.ticket.take_back();
        let is_over = self.handler_due.is_some_and(|due| due <= now);
        match (is_over, has_begun) {
            (true, _) => Some(Limit::Handler),
            (false, false) => Some(Limit::BlockingWait),
            (false, true) => None,
        }
    }
}

/// What will be told of a request.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Of no meaning unless it was read.
    head: RequestHead,
    head_was_read: bool,
    /// Set as soon as the record is.
    peer: Option<(PeerAddr, Instant)>,
    status: Option<StatusCode>,
    body_bytes: u64,
    failure: Option<BoxError>,
    /// The response was encoded to its end.
    encoded: bool,
    /// Where it ends in the output that it is part of, in bytes.
    pub(super) ends_at: usize,
}

impl Exchange {
    /// Notes a request whose head has come.
    pub(super) fn begin(&mut self, parts: &Parts, context: &Context<'_>) {
        if context.hooks.want_heads() {
            self.keep(parts.addrs, context);
            if let Some(record) = &mut self.record {
                record.head.clone_from(&parts.head);
                record.head_was_read = true;
            }
        }
    }

    /// Notes what holds for a response that is not there yet, to a request that may be safe.
    pub(super) fn wait(&mut self, rules: Rules, is_safe: bool, context: &Context<'_>) {
        let rule = rules.on_disconnect.or(context.settings.on_disconnect);
        self.finishes = rule.map_or(!is_safe, |rule| rule == OnDisconnect::Finish);
        let time_limit = rules.time_limit.or(context.timeouts.handler);
        self.handler_due = time_limit.and_then(|limit| context.clock.now().checked_add(limit));
    }

    /// Notes a request whose head could not be read.
    pub(super) fn begin_unread(&mut self, addrs: Addrs, context: &Context<'_>) {
        if context.hooks.access_log.is_some() && self.record.is_none() {
            self.keep(addrs, context);
        }
    }

    fn keep(&mut self, addrs: Addrs, context: &Context<'_>) {
        let mut record = Pooled::<Record>::take();
        record.peer = Some((addrs.peer, context.clock.now()));
        self.record = Some(record);
    }

    /// The head of the request, where it was kept.
    pub(super) fn request(&self) -> Option<&RequestHead> {
        self.record.as_ref()?.request()
    }

    /// Forgets the exchange, and gives what is to be told of it once its bytes are sent: they end
    /// at `ends_at` in the output.
    #[inline]
    pub(super) fn end(&mut self, encoded: bool, ends_at: usize) -> Option<Pooled<Record>> {
        // Most often there is nothing that would have to be dropped or told.
        if let Self {
            task: None,
            queued: None,
            request_body: None,
            response_body: None,
            offers: None,
            failure: None,
            record: None,
            handler_due,
            finishes,
            is_doubted,
            status,
            body_bytes,
            aborted,
        } = self
        {
            (*handler_due, *status, *body_bytes) = (None, None, 0);
            (*finishes, *is_doubted, *aborted) = (false, false, false);
            return None;
        }
        self.end_with_all(encoded, ends_at)
    }

    #[cold]
    fn end_with_all(&mut self, encoded: bool, ends_at: usize) -> Option<Pooled<Record>> {
        let ended = std::mem::take(self);
        let mut record = ended.record?;
        record.status = ended.status;
        record.body_bytes = ended.body_bytes;
        record.failure = ended.failure;
        record.encoded = encoded;
        record.ends_at = ends_at;
        Some(record)
    }

    /// Whether nothing is under way.
    pub(super) const fn is_over(&self) -> bool {
        self.task.is_none() && self.request_body.is_none() && self.response_body.is_none()
    }
}

reusable!(Record, |record| record.reset(), record.head.storage_bytes());

impl Record {
    pub(super) fn request(&self) -> Option<&RequestHead> {
        self.head_was_read.then_some(&self.head)
    }

    fn reset(&mut self) {
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        *self = Self { head, ..Self::default() };
    }

    /// Tells the access log what became of the request, where `sent` says whether all that was
    /// encoded was handed to the system.
    pub(super) fn tell(&self, sent: bool, context: &Context<'_>) {
        let Some((peer_addr, began)) = self.peer else { return };
        context.hooks.access(&Access {
            peer_addr,
            request: self.request(),
            status: self.status,
            body_bytes: self.body_bytes,
            complete: self.encoded && sent,
            failure: self.failure.as_deref(),
            duration: Instant::now().saturating_duration_since(began),
        });
    }
}

/// What a panic of the program's code says, for the program to see.
pub(super) fn panicked(payload: &(dyn Any + Send)) -> BoxError {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("with something that is no text")).into()
}

/// Drops what is the program's, whose destructors may panic: nobody is left who could be told.
pub(super) fn discard<T>(value: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}

/// Trailer fields, if there are any, to be kept.
pub(super) fn owned(trailers: &Headers) -> Option<Box<Headers>> {
    (!trailers.is_empty()).then(|| Box::new(trailers.clone()))
}
