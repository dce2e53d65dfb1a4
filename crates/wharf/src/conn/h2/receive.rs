//! From bytes to handlers: requests and their bodies, on as many streams as there are.
//!
//! Not here: how a request begins (`begin.rs`), what is sent (`respond.rs`), and what goes wrong
//! (`refuse.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};
use std::thread;

use bytes::Bytes;
use http::StatusCode;
use wharf_proto::h2::{ErrorCode, Event, ResetCause, StreamKey};
use wharf_proto::{BodyLength, Headers, Reject};

use super::{Http2, Stream};
use crate::body::{Body, BodyError, BodyWriter, ReadPace};
use crate::conn::exchange::{Queued, discard, owned};
use crate::conn::refusal::Refusal;
use crate::conn::{Context, Pace};
use crate::handler::{BlockingTask, Maker, Reply, ReplyKind, Task};
use crate::interim::Interims;
use crate::observe::{CloseReason, Limit};
use crate::pool::Pooled;

/// When a body is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// As soon as somebody waits for it.
    Now,
    /// As soon as somebody might.
    Later,
}

impl Http2 {
    /// Makes as much of `input` as is possible now, and returns how many bytes that took.
    pub(super) fn process(&mut self, input: &[u8], context: &Context<'_>) -> usize {
        // How long a body may be is its route's affair.
        let mut limits = *context.limits;
        limits.max_body_bytes = u64::MAX;
        let now = self.now(context);
        let mut used = 0;
        while self.can_receive() {
            let parts = self.parts.get_or_insert_with(Pooled::take);
            let out = &mut self.wire.output.buffer;
            let received = self.machine.receive(&input[used..], &limits, &mut parts.head, now, out);
            match received {
                Ok(received) => {
                    used += received.consumed;
                    match received.event {
                        Some(Event::Head { stream, body }) => {
                            let rest = &input[used..];
                            match self.take_head(stream, body, rest, context) {
                                Ok(len) => used += len,
                                Err(error) => {
                                    self.fail(error, context);
                                    return input.len();
                                }
                            }
                            // What is left of the tick's budget may not be enough for more.
                            if used < input.len() && !context.meter.begin_event() {
                                self.is_postponed = true;
                                break;
                            }
                        }
                        Some(event) => self.take(event, context),
                        None => break,
                    }
                }
                Err(error) => {
                    self.fail(error, context);
                    return input.len();
                }
            }
        }
        if self.machine.open_streams() == 0 {
            // An idle connection needs none of it; the next request takes what is there then.
            self.parts = None;
        }
        if self.awaits_acknowledgement {
            self.await_acknowledgement(context);
        }
        used
    }

    fn take(&mut self, event: Event<'_>, context: &Context<'_>) {
        match event {
            Event::Head { .. } => unreachable!("heads are taken with what is behind them"),
            Event::Data { stream, bytes } => {
                if self.is_there(stream) {
                    self.with(stream.slot(), context, |http, stream| {
                        http.feed(stream, bytes, context);
                    });
                } else {
                    let out = &mut self.wire.output.buffer;
                    self.machine.release(stream, bytes.len(), out);
                }
            }
            Event::End { stream } => {
                let parts = self.parts.get_or_insert_with(Pooled::take);
                let trailers = owned(parts.head.headers());
                parts.head.clear();
                if self.is_there(stream) {
                    self.with(stream.slot(), context, |_, stream| end_body(stream, trailers));
                }
            }
            Event::Refused { stream, reject } => {
                if !self.is_there(stream) {
                    self.begin_refused(stream, context);
                }
                self.with(stream.slot(), context, |http, stream| {
                    let body = &stream.exchange.request_body;
                    if body.as_ref().is_some_and(BodyWriter::is_closed) {
                        // Its handler has dropped it, and answers as it would have done.
                        stream.exchange.request_body = None;
                        stream.body_deadline.stop();
                        return;
                    }
                    http.refuse(stream, Refusal::Reject(reject), context);
                });
            }
            Event::Malformed { reject, .. } => self.tell_malformed(reject, context),
            Event::Reset { stream, cause, .. } => {
                match cause {
                    ResetCause::Reject(reject) => self.tell_malformed(reject, context),
                    ResetCause::Drained => context.counters.count_limit(Limit::DrainBytes),
                    ResetCause::Peer | ResetCause::Fault => {}
                }
                if self.is_there(stream) {
                    self.with(stream.slot(), context, |http, stream| {
                        http.lose(stream, BodyError::Disconnected, context);
                    });
                }
            }
            // What it asked for before, or along with that, is answered.
            Event::GoAway { .. } => self.is_peer_leaving = true,
        }
    }

    /// Whether a stream is one that a handler knows of.
    fn is_there(&self, key: StreamKey) -> bool {
        let stream = self.streams.get(key.slot()).and_then(Option::as_ref);
        stream.is_some_and(|stream| stream.key == key)
    }

    pub(super) fn take_reply(
        &mut self,
        stream: &mut Stream,
        reply: Reply,
        is_safe: bool,
        context: &Context<'_>,
    ) {
        match reply.kind {
            ReplyKind::Ready(response) => self.respond(stream, response, context),
            ReplyKind::Later(later) => {
                let (maker, rules) = later.take_apart();
                stream.exchange.wait(rules, is_safe, context);
                match maker {
                    Maker::Future(task) => {
                        stream.exchange.task = Some(task);
                        self.poll_task(stream, context);
                    }
                    Maker::Thread(task) => self.begin_blocking(stream, task, context),
                }
            }
        }
        self.heed_limit(stream, context);
    }

    /// Has a thread call the handler. Until one is free the request waits, like others before it.
    fn begin_blocking(&mut self, stream: &mut Stream, task: BlockingTask, context: &Context<'_>) {
        let BlockingTask { job, answer } = task;
        let Ok(ticket) = context.threads.submit(job) else {
            return self.refuse(stream, Refusal::Limit(Limit::BlockingQueue), context);
        };
        let handler_due = stream.exchange.handler_due;
        let queue_due = context.clock.now().checked_add(context.blocking.wait());
        stream.exchange.handler_due = [handler_due, queue_due].into_iter().flatten().min();
        stream.exchange.queued = Some(Box::new(Queued { ticket, handler_due }));
        stream.exchange.task = Some(Task::new(answer));
        self.poll_task(stream, context);
    }

    /// Lets the program's code have its turn, and sends what it leaves of interim responses.
    pub(super) fn run<T>(
        &mut self,
        stream: &mut Stream,
        act: impl FnOnce(&mut Stream) -> T,
    ) -> thread::Result<T> {
        let running = stream.interims.run();
        let result = catch_unwind(AssertUnwindSafe(|| act(stream)));
        drop(running);
        if Interims::are_there() {
            for (status, headers) in Interims::take() {
                let out = &mut self.wire.output.buffer;
                // A request that was refused meanwhile has no use for it.
                let _ = self.machine.send_interim(stream.key, status, &headers, out);
            }
        }
        result
    }

    /// Gives the handler's future a turn.
    pub(super) fn poll_task(&mut self, stream: &mut Stream, context: &Context<'_>) {
        let polled = self.run(stream, |stream| {
            let mut cx = TaskContext::from_waker(&stream.waker);
            stream.exchange.task.as_mut().map(|task| task.poll(&mut cx))
        });
        match polled.map(|polled| polled.unwrap_or(Poll::Pending)) {
            Ok(Poll::Ready(response)) => {
                discard(stream.exchange.task.take());
                self.respond(stream, response, context);
            }
            Ok(Poll::Pending) => {
                self.heed_limit(stream, context);
                self.heed_pace(stream, context);
                self.send_continue(stream, Wanted::Now, context);
            }
            Err(panic) => {
                discard(stream.exchange.task.take());
                self.panicked(stream, &*panic, context);
            }
        }
    }

    /// Something that a stream waited for has come.
    pub(super) fn on_stream_wake(&mut self, stream: &mut Stream, context: &Context<'_>) {
        if stream.is_paused {
            self.release(stream, context);
        }
        if stream.exchange.task.is_some() {
            self.poll_task(stream, context);
        } else if stream.exchange.response_body.is_some() {
            self.produce(stream, context);
        }
    }

    /// Opens the channel through which a request's body comes.
    pub(super) fn begin_body(
        &mut self,
        stream: &mut Stream,
        length: BodyLength,
        context: &Context<'_>,
    ) -> Body {
        let (writer, body) = Body::channel();
        if let BodyLength::Known(length) = length {
            writer.announce_len(length);
        }
        writer.mark_received();
        if !stream.expects_continue {
            let pace = body_pace(writer.pace(), context);
            stream.body_pace = Some(pace);
            let grace = context.timeouts.rate_grace;
            stream.body_deadline.start_pace(pace, grace, context.clock.now());
        }
        stream.exchange.request_body = Some(writer);
        body
    }

    /// Passes a piece of a request's body on, if anybody wants it.
    fn feed(&mut self, stream: &mut Stream, bytes: &[u8], context: &Context<'_>) {
        stream.unreleased += bytes.len();
        // It was not held back after all.
        stream.expects_continue = false;
        if let Some(body) = &stream.exchange.request_body {
            let pace = body_pace(body.pace(), context);
            stream.body_pace = Some(pace);
            stream.body_deadline.pay(bytes.len() as u64, pace, context.clock.now());
            body.push(Bytes::copy_from_slice(bytes));
        }
        self.release(stream, context);
    }

    /// Lets the peer send more of a body, if there is room for it.
    fn release(&mut self, stream: &mut Stream, context: &Context<'_>) {
        let body = stream.exchange.request_body.as_ref();
        let was_paused = stream.is_paused;
        stream.is_paused = body.is_some_and(|body| !body.has_room(&stream.waker));
        if stream.is_paused {
            // It is not the peer that is waited for.
            stream.body_deadline.stop();
            return;
        }
        if was_paused && let Some(body) = body {
            let pace = body_pace(body.pace(), context);
            stream.body_deadline.start_pace(pace, context.timeouts.rate_grace, context.clock.now());
        }
        let bytes = std::mem::take(&mut stream.unreleased);
        self.machine.release(stream.key, bytes, &mut self.wire.output.buffer);
    }

    /// Begins anew with the time that a body has, if its handler has said another.
    pub(super) fn heed_pace(&mut self, stream: &mut Stream, context: &Context<'_>) {
        let Some(body) = &stream.exchange.request_body else { return };
        let pace = body_pace(body.pace(), context);
        if stream.body_deadline.due().is_some() && stream.body_pace != Some(pace) {
            stream.body_pace = Some(pace);
            let grace = context.timeouts.rate_grace;
            stream.body_deadline.start_pace(pace, grace, context.clock.now());
        }
    }

    /// The peer sends no more, and has not sent all of a body.
    pub(super) fn cut_off(&mut self, stream: &mut Stream, context: &Context<'_>) {
        if stream.is_dropping {
            return self.cut_rest(stream);
        }
        let is_read = stream.exchange.request_body.as_ref().is_some_and(|body| !body.is_closed());
        if is_read {
            self.wire.set_reason(CloseReason::Lost);
            self.refuse(stream, Refusal::Reject(Reject::Truncated), context);
        }
    }

    /// Tells the machine how long the body may be, once that is said.
    pub(super) fn heed_limit(&mut self, stream: &mut Stream, context: &Context<'_>) {
        let Some(body) = &stream.exchange.request_body else { return };
        let max_bytes = body.pace().max_bytes.unwrap_or(context.limits.max_body_bytes);
        self.machine.set_max_body_bytes(stream.key, max_bytes);
        if self.reads_too_much(stream, context) {
            self.refuse_large(stream, context);
        }
    }

    /// Asks the peer for the body that it holds back (RFC 9110 section 10.1.1).
    pub(super) fn send_continue(
        &mut self,
        stream: &mut Stream,
        readiness: Wanted,
        context: &Context<'_>,
    ) {
        if !stream.expects_continue {
            return;
        }
        let Some(body) = &stream.exchange.request_body else { return };
        if !body.is_wanted(&stream.waker) && (readiness == Wanted::Now || body.is_closed()) {
            return;
        }
        stream.expects_continue = false;
        let pace = body_pace(body.pace(), context);
        stream.body_pace = Some(pace);
        let grace = context.timeouts.rate_grace;
        stream.body_deadline.start_pace(pace, grace, context.clock.now());
        let out = &mut self.wire.output.buffer;
        let fields = Headers::new();
        let _ = self.machine.send_interim(stream.key, StatusCode::CONTINUE, &fields, out);
    }

    /// Nobody waits for the response any more.
    pub(super) fn lose(&mut self, stream: &mut Stream, error: BodyError, context: &Context<'_>) {
        if let Some(body) = stream.exchange.request_body.take() {
            // A handler that has dropped the body need not know.
            let _ = body.fail(error);
        }
        self.orphan(stream);
        self.machine.reset(stream.key, ErrorCode::CANCEL, &mut self.wire.output.buffer);
        self.forget(stream, false, context);
    }
}

/// The end of a request's body has come.
fn end_body(stream: &mut Stream, trailers: Option<Box<Headers>>) {
    stream.body_deadline.stop();
    stream.is_paused = false;
    if let Some(body) = stream.exchange.request_body.take() {
        // A handler that dropped the body has no use for its end either.
        let _ = match trailers {
            None => body.finish(),
            Some(trailers) => body.finish_with(*trailers),
        };
    }
}

/// How fast a body has to come.
fn body_pace(pace: ReadPace, context: &Context<'_>) -> Pace {
    let ReadPace { timeout, min_rate, .. } = pace;
    let timeouts = context.timeouts;
    Pace {
        timeout: timeout.unwrap_or(timeouts.body),
        min_rate: min_rate.unwrap_or(if timeout.is_some() { 0 } else { timeouts.body_rate }),
        limits: (Limit::Body, Limit::BodyRate),
    }
}
