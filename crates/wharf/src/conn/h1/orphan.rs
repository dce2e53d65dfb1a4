//! Handlers whose client has disconnected: those that are cancelled, and those that go on.
//!
//! Who goes on does so in the [`Http1`] that it began in, which its worker keeps until then. Not
//! here: how many of them there may be (`worker/orphans.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use http::StatusCode;
use wharf_proto::Headers;

use super::{Close, CloseReason, Ending, Http1};
use crate::body::BodyError;
use crate::conn::Context;
use crate::conn::exchange::panicked;
use crate::conn::orphan::Orphan;
use crate::driver::Key;
use crate::lifeline::Lifeline;
use crate::observe::{ErrorKind, Limit};
use crate::response::Response;

impl Http1 {
    /// The peer has closed its sending side while a handler waits. It may have closed both, which a
    /// response to what it has asked would bring out, and nothing less: `100 Continue` is one that
    /// any peer of HTTP/1.1 ignores (RFC 9110 section 15.2.1), and one that has gone resets.
    pub(super) fn doubt_peer(&mut self, context: &Context<'_>) {
        let is_streaming = self.exchange.response_body.is_some();
        if !context.settings.allow_half_close && (self.exchange.task.is_some() || is_streaming) {
            self.lose_peer();
        } else if self.exchange.task.is_some() && !self.exchange.is_doubted {
            self.exchange.is_doubted = true;
            let out = &mut self.wire.output.buffer;
            let sent = self.machine.send_interim(StatusCode::CONTINUE, &Headers::new(), out);
            debug_assert!(sent.is_ok(), "a response is awaited: {sent:?}");
        }
    }

    /// The peer does not wait for its response.
    fn lose_peer(&mut self) {
        // Only a reset tells that a response is incomplete whose end is that of the connection.
        let needs_reset = self.machine.ends_with_close();
        self.machine.send_abort();
        self.exchange.aborted = true;
        // Earlier responses may still be on their way, and it must not answer behind them.
        self.orphan();
        self.exchange.handler_due = None;
        let exchange = &mut self.exchange;
        let work = (exchange.task.take(), exchange.queued.take(), exchange.response_body.take());
        let _ = catch_unwind(AssertUnwindSafe(|| drop(work)));
        self.wire.set_reason(CloseReason::Lost);
        self.wire.ending =
            Some(Ending::Close(if needs_reset { Close::Reset } else { Close::Graceful }));
    }

    /// Puts a handler that goes on by itself aside.
    pub(super) fn orphan(&mut self) {
        if !self.exchange.finishes {
            return;
        }
        if let Some(task) = self.exchange.task.take() {
            let (due, queued) = (self.exchange.handler_due.take(), self.exchange.queued.take());
            self.orphan = Some(Orphan { task, due, queued });
            self.lifeline.disconnect();
        }
    }

    /// Takes on a handler that began on a connection of many streams.
    pub(in crate::conn) fn adopt_orphan(&mut self, orphan: Orphan, lifeline: Lifeline) {
        self.orphan = Some(orphan);
        self.lifeline = lifeline;
    }

    /// Whether a handler goes on although its client has disconnected.
    pub(crate) const fn has_orphan(&self) -> bool {
        self.orphan.is_some()
    }

    /// Makes the wake-ups of the handler come under another key than its connection's.
    pub(crate) fn rename_orphan(&self, key: Key) {
        self.waker.bind(key);
    }

    /// When the handler that goes on has to be ready.
    pub(crate) fn orphan_due(&self) -> Option<Instant> {
        self.orphan.as_ref()?.due
    }

    /// Gives the handler that goes on a turn.
    pub(crate) fn poll_orphan(&mut self, context: &Context<'_>) {
        let polled = self.run(|http| {
            let mut cx = TaskContext::from_waker(http.waker.waker());
            http.orphan.as_mut().map(|orphan| orphan.task.poll(&mut cx))
        });
        match polled {
            Ok(None | Some(Poll::Pending)) => return,
            Ok(Some(Poll::Ready(response))) => self.tell_orphan(response, context),
            Err(panic) => {
                let error = panicked(&*panic);
                let _ = self.tell(ErrorKind::Panic, &*error, None, context);
            }
        }
        self.drop_orphan();
    }

    /// The handler that goes on has had its time, unless it waited for a thread and has one now.
    pub(crate) fn expire_orphan(&mut self, context: &Context<'_>) {
        let Some(orphan) = &mut self.orphan else { return };
        let mut limit = Some(Limit::Handler);
        if let Some(queued) = orphan.queued.take() {
            limit = queued.expire(context.clock.now());
            orphan.due = queued.handler_due;
        }
        let Some(limit) = limit else { return };
        context.counters.count_limit(limit);
        let _ = self.tell(ErrorKind::Limit(limit), &limit, None, context);
        self.drop_orphan();
    }

    /// Cancels the handler that would go on, if there is one.
    pub(crate) fn cancel_orphan(&mut self) {
        if self.has_orphan() {
            self.drop_orphan();
        }
    }

    /// Cancels the handler that goes on, or forgets it once it is ready.
    pub(crate) fn drop_orphan(&mut self) {
        let orphan = self.orphan.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(orphan)));
        self.lifeline.end();
    }

    /// Tells the program of what went wrong, which nobody else hears of.
    fn tell_orphan(&self, response: Response, context: &Context<'_>) {
        let failure = response.checked().take_error();
        // Of a body that could not be read the program has been told already.
        if let Some(failure) = failure.filter(|failure| !failure.is::<BodyError>()) {
            let _ = self.tell(ErrorKind::Handler, &*failure, None, context);
        }
    }
}
