//! From bytes to the handler: requests, their bodies, and the first look at what comes of them.
//!
//! Not here: what is sent (`respond.rs`).

use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};
use std::thread;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use wharf_proto::h1::{BodyLength, Event, Phase};
use wharf_proto::{Headers, Limits, Reject, RequestHead};

use super::respond::Outcome;
use super::{Close, CloseReason, Ending, Http1, Interims};
use crate::body::{Body, BodyWriter};
use crate::conn::Context;
use crate::conn::exchange::{Queued, owned};
use crate::conn::refusal::Refusal;
use crate::conn::trace::trace;
use crate::driver::Input;
use crate::first_bytes::looks_like_tls;
use crate::handler::{BlockingTask, Later, Maker, ReplyKind, Task};
use crate::observe::Limit;
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
        self.settle(context);
        if self.input.is_empty() && !self.wire.eof {
            return;
        }
        // What was received just now is an event; what is held is another.
        if !self.input.is_empty() && self.postpones(context) {
            return;
        }
        self.process_held(context);
    }

    /// There is something left for the request that was postponed.
    pub(super) fn resume(&mut self, context: &Context<'_>) {
        self.is_postponed = false;
        self.settle(context);
        self.process_held(context);
    }

    fn process_held(&mut self, context: &Context<'_>) {
        let input = take(&mut self.input);
        let used = self.process(Input::new(&input), context);
        self.input = input;
        self.input.drain(..used);
    }

    /// Makes as much of `input` as is possible now, and returns how many bytes that took.
    pub(super) fn process(&mut self, source: Input<'_>, context: &Context<'_>) -> usize {
        let input = source.bytes;
        let mut used = 0;
        let mut pieces = None;
        loop {
            if !self.wire.can_produce() {
                self.feed(pieces);
                return used;
            }
            let rest = &input[used..];
            if rest.is_empty() && self.machine.phase() == Phase::Idle {
                break;
            }
            if self.ignores_body(context) {
                self.body_ignored = true;
                break;
            }
            let parts = self.parts.get_or_insert_with(Pooled::take);
            // A head is built in `parts`, which is empty once the request has it.
            let head = if self.machine.reads_head() { &mut parts.head } else { &mut self.trailers };
            let own_limits;
            let mut limits = context.limits;
            if let Some(body) = &self.exchange.request_body {
                own_limits = limits_of(body, limits);
                limits = &own_limits;
            }
            match self.machine.receive(rest, limits, head) {
                Ok(received) => {
                    let len = received.consumed;
                    used += len;
                    match received.event {
                        Some(Event::Head { body }) => {
                            used += self.begin_request(body, source.part(rest), len, context);
                        }
                        Some(Event::Body(data)) => self.gather(data, source, &mut pieces),
                        Some(Event::End) => {
                            self.feed(take(&mut pieces));
                            self.end_request_body();
                        }
                        None if received.consumed == 0 => {
                            self.settle(context);
                            self.current.comes_in_pieces = self.machine.phase() == Phase::Head;
                            break;
                        }
                        None => {}
                    }
                    self.settle_inline(context);
                    if used < input.len() && self.postpones(context) {
                        self.feed(pieces);
                        return used;
                    }
                }
                Err(reject) => {
                    self.feed(take(&mut pieces));
                    self.note_tls(input);
                    self.refuse(Refusal::Reject(reject), context);
                    self.settle(context);
                    break;
                }
            }
        }
        self.feed(pieces);
        if self.wire.eof {
            self.note_eof(&input[used..], context);
        }
        self.note_unread(&input[used..]);
        used
    }

    /// Notes that a peer speaks TLS where it is not spoken, which can't read what it is answered.
    #[cold]
    fn note_tls(&mut self, input: &[u8]) {
        if self.requests == 0 && looks_like_tls(input) {
            self.wire.set_reason(CloseReason::Tls);
        }
    }

    /// Whether a request would begin for which nothing is left of the tick's budget.
    fn postpones(&mut self, context: &Context<'_>) -> bool {
        // There are few budgets, and many requests.
        let is_next = context.meter.is_limited() && self.machine.phase() == Phase::Idle;
        self.is_postponed = is_next && !context.meter.begin_event();
        self.is_postponed
    }

    /// Passes the end of input on once nothing before it can be dealt with any more.
    #[cold]
    fn note_eof(&mut self, unread: &[u8], context: &Context<'_>) {
        self.doubt_peer(context);
        let waits_for_response = self.machine.phase() == Phase::Respond && !unread.is_empty();
        if waits_for_response || !self.wire.can_produce() {
            return;
        }
        let is_draining = self.machine.phase() == Phase::Drain;
        if self.machine.phase() == Phase::Head {
            self.wire.set_reason(CloseReason::Lost);
        }
        match self.machine.receive_eof() {
            Ok(()) => {
                self.settle(context);
            }
            // What is missing is what nobody wanted.
            Err(_) if is_draining => self.settle(context),
            Err(reject) => self.refuse(Refusal::Reject(reject), context),
        }
    }

    /// A peer that sends what nobody will read may be sending more, which would turn a close into a
    /// reset.
    fn note_unread(&mut self, unread: &[u8]) {
        if !unread.is_empty()
            && !self.wire.eof
            && self.wire.ending == Some(Ending::Close(Close::Graceful))
        {
            self.wire.ending = Some(Ending::Linger);
        }
    }

    /// Hands a request to the handler, whose head, or the last of it, is the first `head_len` bytes
    /// of `input`. Returns how many bytes behind it belonged to its body.
    #[inline(always)]
    fn begin_request(
        &mut self,
        length: BodyLength,
        input: Input<'_>,
        head_len: usize,
        context: &Context<'_>,
    ) -> usize {
        self.head_done = true;
        self.requests = self.requests.saturating_add(1);
        context.counters.count_request();
        let Some(mut parts) = self.parts.take() else { return 0 };
        parts.addrs = self.addrs;
        parts.connection = self.id;
        if self.current.comes_in_pieces {
            self.current.note_head(&parts.head, self.requests, context.clock.now());
        }
        parts.belong_to(context.env);
        if self.tls.is_some() {
            parts.tls.clone_from(&self.tls);
        }
        self.interims = Interims::begin();
        parts.interims = self.interims;
        parts.tether = self.lifeline.begin(self.interims.exchange());
        self.exchange.begin(&parts, context);
        let options = parts.head.connection();
        if options.upgrade {
            self.exchange.offers = Some(offers(&parts.head));
        }
        self.is_last_request =
            options.close || (parts.head.version() == Version::HTTP_10 && !options.keep_alive);
        if *parts.head.method() == Method::TRACE {
            self.respond(trace(&parts.head, context.settings.allow_trace), context);
            return 0;
        }
        let mut used = 0;
        if length != BodyLength::Known(0) {
            (parts.body, used) =
                self.begin_body(length, input.part(&input.bytes[head_len..]), context);
        }
        let is_safe = parts.head.method().is_safe();
        let request = Request::new(parts);
        let handler = context.handler(self.service);
        let reply = self.run(|_| handler.call(request));
        let outcome = match reply.map(|reply| reply.kind) {
            Ok(ReplyKind::Ready(response)) => self.respond_inline(response, context),
            Ok(ReplyKind::Later(later)) => self.wait(later, is_safe, context),
            Err(panic) => {
                self.panicked(&*panic, context);
                Outcome::Encoded
            }
        };
        if outcome == Outcome::Other {
            self.note_request(&input.bytes[..head_len], context);
        }
        used
    }

    /// Begins to wait for a response that is not there yet.
    #[inline(never)]
    fn wait(&mut self, later: Pooled<Later>, is_safe: bool, context: &Context<'_>) -> Outcome {
        let (maker, rules) = later.take_apart();
        self.exchange.wait(rules, is_safe, context);
        match maker {
            Maker::Future(task) => {
                self.exchange.task = Some(task);
                self.poll_task(context)
            }
            Maker::Thread(task) => self.begin_blocking(task, context),
        }
    }

    /// Has a thread call the handler. Until one is free the request waits, like others before it.
    fn begin_blocking(&mut self, task: BlockingTask, context: &Context<'_>) -> Outcome {
        let BlockingTask { job, answer } = task;
        let Ok(ticket) = context.threads.submit(job) else {
            self.refuse(Refusal::Limit(Limit::BlockingQueue), context);
            return Outcome::Other;
        };
        let handler_due = self.exchange.handler_due;
        let queue_due = context.clock.now().checked_add(context.blocking.wait());
        self.exchange.handler_due = [handler_due, queue_due].into_iter().flatten().min();
        self.exchange.queued = Some(Box::new(Queued { ticket, handler_due }));
        self.exchange.task = Some(Task::new(answer));
        self.poll_task(context)
    }

    /// The handler takes too long, or has no thread yet.
    pub(super) fn handler_timeout(&mut self, context: &Context<'_>) {
        let mut limit = Some(Limit::Handler);
        if let Some(queued) = self.exchange.queued.take() {
            limit = queued.expire(context.clock.now());
            self.exchange.handler_due = queued.handler_due;
        }
        if let Some(limit) = limit {
            self.refuse(Refusal::Limit(limit), context);
        }
    }

    /// Lets the program's code have its turn, and sends what it leaves of interim responses.
    pub(super) fn run<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> thread::Result<T> {
        let running = self.interims.run();
        let result = catch_unwind(AssertUnwindSafe(|| act(self)));
        drop(running);
        if Interims::are_there() {
            for (status, headers) in Interims::take() {
                // A request of HTTP/1.0, or one that was refused meanwhile, has no use for it.
                let _ = self.machine.send_interim(status, &headers, &mut self.wire.output.buffer);
            }
        }
        result
    }

    /// Makes a request's body of what has come, and returns how many bytes that took. One that is
    /// there in full and within the server's bound is held in one pooled buffer, or stays where it
    /// was received if it is large; for any other a channel is opened, into which the bytes go once
    /// the handler has had its say.
    #[inline(never)]
    fn begin_body(
        &mut self,
        length: BodyLength,
        source: Input<'_>,
        context: &Context<'_>,
    ) -> (Body, usize) {
        let input = source.bytes;
        let is_there = match length {
            BodyLength::Known(length) => length <= input.len() as u64,
            // With what is not the end of a message, it is not worth the attempt.
            BodyLength::Unknown => input.ends_with(b"\r\n\r\n"),
        };
        // Whether chunks are whole is only known behind the last one.
        let mut machine = if is_there { Some(self.machine.clone()) } else { None };
        let (mut whole, mut part) = (Pooled::<Vec<u8>>::take(), None::<Bytes>);
        let mut used = 0;
        while let Some(machine) = &mut machine {
            let rest = &input[used..];
            let Ok(received) = machine.receive(rest, context.limits, &mut self.trailers) else {
                break;
            };
            used += received.consumed;
            match received.event {
                Some(Event::Body(data)) if whole.is_empty() && part.is_none() => {
                    part = source.share(data);
                    if part.is_none() {
                        whole.extend_from_slice(data);
                    }
                }
                Some(Event::Body(data)) => {
                    // It is not all in one piece.
                    whole.extend_from_slice(&part.take().unwrap_or_default());
                    whole.extend_from_slice(data);
                }
                Some(Event::End) => {
                    self.machine = machine.clone();
                    let trailers = owned(self.trailers.headers());
                    let body = match part {
                        None => Body::received(whole, trailers),
                        Some(part) => Body::received_part(part, trailers),
                    };
                    return (body, used);
                }
                Some(Event::Head { .. }) => unreachable!("a body ends before the next head"),
                None if received.consumed == 0 => break,
                None => {}
            }
        }
        let (writer, body) = Body::channel();
        if let BodyLength::Known(length) = length {
            writer.announce_len(length);
        }
        writer.mark_received();
        self.body_ignored = false;
        self.exchange.request_body = Some(writer);
        (body, 0)
    }

    /// Whether the rest of a body is of no use to anybody, and too much of it to be read before the
    /// response says so.
    fn ignores_body(&self, context: &Context<'_>) -> bool {
        let Some(body) = &self.exchange.request_body else { return false };
        let left = self.machine.unreceived_bytes().unwrap_or(0);
        let limits = context.limits;
        let is_too_much = left > limits.max_drain_bytes.min(limits.max_body_bytes);
        is_too_much && self.machine.awaits_response() && body.is_closed()
    }

    /// Keeps a piece of the request's body, if anybody wants it, for those that came with it:
    /// chunks are the peer's affair, and each would else be allocated and queued by itself. A large
    /// one stays where it was received.
    #[inline(never)]
    fn gather(&mut self, data: &[u8], source: Input<'_>, pieces: &mut Option<BytesMut>) {
        if self.exchange.request_body.is_none() {
            return;
        }
        match source.share(data) {
            None => pieces.get_or_insert_default().extend_from_slice(data),
            Some(shared) => {
                self.feed(take(pieces));
                self.push_body(shared);
            }
        }
    }

    /// Passes what was gathered of the request's body on.
    #[inline(always)]
    fn feed(&mut self, pieces: Option<BytesMut>) {
        if let Some(pieces) = pieces {
            self.push_body(pieces.freeze());
        }
    }

    #[inline(never)]
    fn push_body(&mut self, data: Bytes) {
        let Some(body) = &self.exchange.request_body else { return };
        body.push(data);
        self.body_paused = !body.has_room(self.waker.waker());
    }

    fn end_request_body(&mut self) {
        self.body_paused = false;
        if let Some(body) = self.exchange.request_body.take() {
            // A handler that dropped the body has no use for its end either.
            let _ = match owned(self.trailers.headers()) {
                None => body.finish(),
                Some(trailers) => body.finish_with(*trailers),
            };
        }
    }

    /// Gives the handler's future a turn.
    #[inline(never)]
    pub(super) fn poll_task(&mut self, context: &Context<'_>) -> Outcome {
        let polled = self.run(|http| {
            let mut cx = TaskContext::from_waker(http.waker.waker());
            http.exchange.task.as_mut().map(|task| task.poll(&mut cx))
        });
        match polled.map(|polled| polled.unwrap_or(Poll::Pending)) {
            Ok(Poll::Ready(response)) => {
                self.exchange.task = None;
                return self.respond(response, context);
            }
            Ok(Poll::Pending) => self.send_continue(Wanted::Now, context),
            Err(panic) => {
                // A future that panicked must not be polled again; whether it can be dropped in
                // peace is not known either.
                let task = self.exchange.task.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
                self.panicked(&*panic, context);
            }
        }
        Outcome::Other
    }

    /// Notes the request that came with that head, for those who ask, if it is under way.
    #[cold]
    fn note_request(&mut self, head: &[u8], context: &Context<'_>) {
        let is_over = self.exchange.is_over() && !self.wire.output.has_tail();
        if !is_over && !self.current.is(self.requests) {
            self.current.note_received(head, self.requests, context.clock.now());
        }
    }

    /// Asks the peer for the body it holds back, once the handler wants it (RFC 9110 section
    /// 10.1.1), or as soon as it might.
    pub(super) fn send_continue(&mut self, readiness: Wanted, context: &Context<'_>) {
        if !self.machine.awaits_continue() {
            return;
        }
        let (body, waker) = (self.exchange.request_body.as_ref(), self.waker.waker());
        let is_wanted = body.is_some_and(|body| match readiness {
            Wanted::Now => body.is_wanted(waker),
            Wanted::Later => body.is_wanted(waker) || !body.is_closed(),
        });
        if is_wanted && self.reads_too_much(context) {
            // Nothing will come before it is asked for, so that nothing else would refuse it.
            self.refuse(Refusal::Reject(Reject::BodyTooLarge), context);
        } else if is_wanted {
            let out = &mut self.wire.output.buffer;
            let sent = self.machine.send_interim(StatusCode::CONTINUE, &Headers::new(), out);
            debug_assert!(sent.is_ok(), "{sent:?}");
        }
    }
}

/// The protocols that the peer offers to go on with (RFC 9110 section 7.8).
fn offers(head: &RequestHead) -> Box<[u8]> {
    let offers: Vec<&[u8]> = head.headers().get_all("upgrade").collect();
    offers.join(&b',').into()
}

/// The bounds on a body, for which the handler may have set one of its own.
fn limits_of(body: &BodyWriter, limits: &Limits) -> Limits {
    let mut limits = *limits;
    limits.max_body_bytes = body.pace().max_bytes.unwrap_or(limits.max_body_bytes);
    limits
}
