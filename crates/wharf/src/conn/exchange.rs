//! One request and its response, between the handler and the protocol machine.
//!
//! Not here: bytes in and out of the connection (`h1.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use http::{Method, StatusCode};

use super::Context;
use super::outgoing::Outgoing;
use crate::body::BodyWriter;
use crate::handler::Task;
use crate::observe::Access;
use crate::request::{Addrs, Parts};
use crate::response::BoxError;

/// What is under way for one request.
#[derive(Default)]
pub(super) struct Exchange {
    /// The handler's future, until there is a response.
    pub(super) task: Option<Task>,
    /// Where the request's body goes, until it is complete.
    pub(super) request_body: Option<BodyWriter>,
    /// Where the response's body comes from, until it is complete.
    pub(super) response_body: Option<Outgoing>,
    pub(super) status: Option<StatusCode>,
    pub(super) body_bytes: u64,
    /// What went wrong in the handler.
    pub(super) failure: Option<BoxError>,
    /// Kept only where there is an access log.
    record: Option<Box<Record>>,
}

/// What of a request is needed when its response is over.
struct Record {
    head: Option<(Method, String)>,
    addrs: Addrs,
    began: Instant,
}

impl Exchange {
    /// Notes a request whose head has come.
    pub(super) fn begin(&mut self, parts: &Parts, context: &Context<'_>) {
        if context.access_log.is_some() {
            let head = Some((parts.head.method().clone(), parts.head.target().to_owned()));
            self.keep(head, parts.addrs, context);
        }
    }

    /// Notes a request whose head could not be read.
    pub(super) fn begin_unread(&mut self, addrs: Addrs, context: &Context<'_>) {
        if context.access_log.is_some() && self.record.is_none() {
            self.keep(None, addrs, context);
        }
    }

    fn keep(&mut self, head: Option<(Method, String)>, addrs: Addrs, context: &Context<'_>) {
        self.record = Some(Box::new(Record { head, addrs, began: context.clock.now() }));
    }

    /// Tells the access log what became of the request, and forgets the exchange.
    pub(super) fn end(&mut self, complete: bool, context: &Context<'_>) {
        if let (Some(record), Some(log)) = (self.record.take(), context.access_log) {
            let access = Access {
                peer_addr: record.addrs.peer,
                method: record.head.as_ref().map(|(method, _)| method),
                target: record.head.as_ref().map_or("", |(_, target)| target),
                status: self.status,
                body_bytes: self.body_bytes,
                complete,
                failure: self.failure.as_deref(),
                duration: Instant::now().saturating_duration_since(record.began),
            };
            // The request is served, whatever the log makes of it.
            let _ = catch_unwind(AssertUnwindSafe(|| log(&access)));
        }
        *self = Self::default();
    }

    /// Whether nothing is under way.
    pub(super) const fn is_over(&self) -> bool {
        self.task.is_none() && self.request_body.is_none() && self.response_body.is_none()
    }
}
