//! From bytes to the handler: requests, their bodies, and the first look at what comes of them.
//!
//! Not here: what is sent (`respond.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{StatusCode, Version};
use wharf_proto::h1::{BodyLength, Event, Phase};
use wharf_proto::{Headers, Reject};

use super::respond::Refusal;
use super::{Close, Ending, Http1};
use crate::body::{Body, BodyKind};
use crate::conn::Context;
use crate::conn::exchange::panicked;
use crate::handler::ReplyKind;
use crate::pool::Pooled;
use crate::request::Request;

/// When a handler wants the body that the peer holds back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It waits for it.
    Now,
    /// It still has the body, and its response will be under way before it asks.
    Later,
}

impl Http1 {
    /// Deals with the bytes that are held.
    pub(super) fn proceed(&mut self, context: &Context<'_>) {
        // A response may have come to its end since the last look.
        self.settle();
        if self.input.is_empty() && !self.eof {
            return;
        }
        let input = std::mem::take(&mut self.input);
        let used = self.process(&input, context);
        self.input = input;
        self.input.drain(..used);
    }

    /// Makes as much of `input` as is possible now, and returns how many bytes that took.
    pub(super) fn process(&mut self, input: &[u8], context: &Context<'_>) -> usize {
        let mut used = 0;
        loop {
            if !self.can_produce() {
                return used;
            }
            let rest = &input[used..];
            if rest.is_empty() && self.machine.phase() == Phase::Idle {
                break;
            }
            let parts = self.parts.get_or_insert_with(Pooled::take);
            // A head is built in `parts`, which is empty once the request has it.
            let head = match self.machine.phase() {
                Phase::Idle | Phase::Head => &mut parts.head,
                _ => &mut self.trailers,
            };
            match self.machine.receive(rest, context.limits, head) {
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
            self.settle();
        }
        self.settle();
        self.note_eof(&input[used..], context);
        self.note_unread(&input[used..]);
        used
    }

    /// Passes the end of input on once nothing before it can be dealt with any more.
    fn note_eof(&mut self, unread: &[u8], context: &Context<'_>) {
        let waits_for_response = self.machine.phase() == Phase::Respond && !unread.is_empty();
        if !self.eof || self.ending.is_some() || waits_for_response || !self.can_produce() {
            return;
        }
        match self.machine.receive_eof() {
            Ok(()) => self.settle(),
            Err(reject) => self.refuse(Refusal::Reject(reject), context),
        }
    }

    /// A peer that sends what nobody will read may be sending more, which would turn a close into a
    /// reset.
    fn note_unread(&mut self, unread: &[u8]) {
        if !unread.is_empty() && !self.eof && self.ending == Some(Ending::Close(Close::Graceful)) {
            self.ending = Some(Ending::Linger);
        }
    }

    /// Hands a request to the handler. Returns how many bytes of `rest` belonged to its body.
    fn begin_request(&mut self, length: BodyLength, rest: &[u8], context: &Context<'_>) -> usize {
        self.head_done = true;
        let Some(mut parts) = self.parts.take() else { return 0 };
        parts.addrs = self.addrs;
        self.exchange.begin(&parts, context);
        let options = parts.head.connection();
        self.is_last_request =
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
                self.exchange.task = Some(task);
                self.poll_task(context);
            }
            Err(panic) => {
                self.exchange.failure = Some(panicked(&*panic));
                self.refuse(Refusal::Panic, context);
            }
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
        let mut whole = Pooled::<Vec<u8>>::take();
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let received = self.machine.receive(rest, context.limits, &mut self.trailers)?;
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
        self.exchange.request_body = Some(writer);
        Ok((body, used))
    }

    /// Passes a piece of the request's body on, if anybody wants it.
    fn feed(&mut self, data: &[u8]) {
        let Some(body) = &self.exchange.request_body else { return };
        body.push(Bytes::copy_from_slice(data));
        self.body_paused = !body.has_room(self.waker.waker());
    }

    fn end_request_body(&mut self) {
        self.body_paused = false;
        if let Some(body) = self.exchange.request_body.take() {
            // A handler that dropped the body has no use for its end either.
            let _ = body.finish();
        }
    }

    /// Gives the handler's future a turn.
    pub(super) fn poll_task(&mut self, context: &Context<'_>) {
        let Some(task) = &mut self.exchange.task else { return };
        let mut cx = TaskContext::from_waker(self.waker.waker());
        match catch_unwind(AssertUnwindSafe(|| task.poll(&mut cx))) {
            Ok(Poll::Ready(response)) => {
                self.exchange.task = None;
                self.respond(response, context);
            }
            Ok(Poll::Pending) => self.send_continue(Wanted::Now),
            Err(panic) => {
                self.exchange.failure = Some(panicked(&*panic));
                // A future that panicked must not be polled again; whether it can be dropped in
                // peace is not known either.
                let task = self.exchange.task.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
                self.refuse(Refusal::Panic, context);
            }
        }
    }

    /// Asks the peer for the body it holds back, once the handler wants it (RFC 9110 section
    /// 10.1.1), or as soon as it might.
    pub(super) fn send_continue(&mut self, readiness: Wanted) {
        if !self.machine.awaits_continue() {
            return;
        }
        let (body, waker) = (self.exchange.request_body.as_ref(), self.waker.waker());
        let is_wanted = body.is_some_and(|body| match readiness {
            Wanted::Now => body.is_wanted(waker),
            Wanted::Later => body.is_wanted(waker) || !body.is_closed(),
        });
        if is_wanted {
            let out = &mut self.output.buffer;
            let sent = self.machine.send_interim(StatusCode::CONTINUE, &Headers::new(), out);
            debug_assert!(sent.is_ok(), "{sent:?}");
        }
    }
}
