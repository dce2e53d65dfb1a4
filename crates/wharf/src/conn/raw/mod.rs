//! Drives a protocol of the program's own: bytes to it, what it writes to the peer.
//!
//! Everything that HTTP has as well comes from the layer that both stand on (`wire.rs`,
//! `deadline.rs`, `conn/mod.rs`): deadlines, drain, counts, close reasons. Not here: how a program
//! that waits for bytes is served (`stream`).

mod io;
mod link;
mod protocol;
mod unmade;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::io::Io;
use self::link::{Link, Queued};
pub use self::protocol::Protocol;
pub(crate) use self::unmade::Unmade;
use super::addrs::PackedAddrs;
use super::exchange::panicked;
use super::wire::{Ending, Wire};
use super::{Context, Timer};
use crate::Detached;
use crate::driver::{Close, Key};
use crate::lifeline::PerConnection;
use crate::observe::{
    CloseReason, ConnectionId, ConnectionState, ErrorContext, ErrorKind, FailedStream, Limit,
    ProtocolKind,
};
use crate::output::MAX_SPARE_BYTES;
use crate::pool;
use crate::request::Addrs;
use crate::response::BoxError;
use crate::tls::TlsInfo;

/// A busy connection on which a protocol of the program's own is spoken.
pub(crate) struct Raw {
    pub(crate) wire: Wire,
    link: Link,
    /// `None` before it has a connection and behind.
    protocol: Option<Box<dyn Protocol>>,
    /// Bytes that came and were not dealt with.
    input: Vec<u8>,
    /// The end of what the peer sends was passed on.
    has_told_end: bool,
}

impl Raw {
    /// It works for nobody before it is bound; `id` is that of any connection of the worker.
    pub(crate) fn new(id: ConnectionId) -> Self {
        let (wire, link) = (Wire::default(), Link::new(id));
        Self { wire, link, protocol: None, input: Vec::new(), has_told_end: false }
    }

    /// Makes the value work for a connection.
    pub(super) fn bind(
        &mut self,
        key: Key,
        addrs: &PackedAddrs,
        requests: u32,
        tls: Option<Arc<TlsInfo>>,
        protocol: Box<dyn Protocol>,
    ) {
        self.link.id = self.link.id.with_key(key);
        self.link.addrs = addrs.get();
        self.link.requests = requests;
        self.link.tls = tls;
        self.protocol = Some(protocol);
    }

    /// Forgets the connection and keeps storage.
    pub(crate) fn clear(&mut self) {
        self.wire.clear();
        self.input.clear();
        self.input.shrink_to(MAX_SPARE_BYTES);
        self.link.clear();
        self.has_told_end = false;
        self.protocol = None;
    }

    /// Takes the protocol off a connection that is idle, where it is all that is left.
    pub(super) const fn take_protocol(&mut self) -> Option<Box<dyn Protocol>> {
        self.protocol.take()
    }

    /// Whether nothing is held but the protocol itself.
    pub(crate) fn is_idle(&self) -> bool {
        let link = &self.link;
        let is_asked = link.is_paused || link.is_half_closed;
        let is_told = self.wire.eof || self.wire.ending.is_some() || self.has_told_end;
        let is_done = !is_asked && !is_told && link.due.is_none() && link.jobs.is_empty();
        is_done && link.idle_timeout.is_none() && link.left.is_none() && self.is_quiet()
    }

    /// Whether nothing is under way, as far as the protocol knows.
    pub(super) fn is_quiet(&self) -> bool {
        self.input.is_empty()
            && self.wire.is_all_sent()
            && self.protocol.as_ref().is_none_or(|protocol| is_idle(&**protocol))
    }

    pub(super) fn wants_bytes(&self) -> bool {
        let may_come = match self.wire.ending {
            None | Some(Ending::HalfClose) => !self.wire.eof && !self.link.is_paused,
            Some(_) => false,
        };
        let is_wanted = !self.has_told_end && !self.link.leaves;
        may_come && is_wanted && self.input.len() < Io::MAX_UNREAD_BYTES && self.has_room()
    }

    /// Whether what comes may be dealt with: all that it asks for can be put behind the output.
    fn has_room(&self) -> bool {
        self.link.is_half_closed || self.wire.can_produce()
    }

    pub(super) fn handler_due(&self) -> Option<Instant> {
        // All jobs may wait for the same time, so that the first is due first.
        let job = self.link.jobs.front().and_then(|job| job.due);
        [job, self.link.due].into_iter().flatten().min()
    }

    pub(super) fn timer(&self) -> Timer {
        match self.wire.is_all_sent() {
            false => Timer::Write,
            true if self.is_quiet() => Timer::TunnelIdle,
            true => Timer::Tunnel,
        }
    }

    /// How long nothing may come or go, if the protocol has said so.
    pub(super) const fn silence(&self) -> Option<Duration> {
        self.link.idle_timeout
    }

    pub(super) const fn requests(&self) -> u32 {
        self.link.requests
    }

    pub(super) fn state(&self) -> ConnectionState {
        ConnectionState::Open
    }

    pub(super) fn protocol(&self) -> ProtocolKind {
        ProtocolKind::Raw
    }

    /// The connection was taken on. One that comes in a drain has not heard of it.
    pub(super) fn on_open(&mut self, context: &Context<'_>) {
        self.ask(context, Protocol::on_open);
        if context.has_begun_drain {
            self.on_drain(context);
        }
    }

    /// The connection was taken over from requests, which have left this for its end. `bytes` came
    /// behind them, and perhaps the end.
    pub(super) fn take_over(
        &mut self,
        left: Option<Box<PerConnection>>,
        bytes: &[u8],
        has_ended: bool,
        context: &Context<'_>,
    ) {
        self.link.left = left;
        self.on_open(context);
        if !bytes.is_empty() {
            self.on_bytes(bytes, context);
        }
        if has_ended {
            self.on_bytes(&[], context);
        }
    }

    /// Takes what the requests have left that came before.
    pub(super) const fn take_left(&mut self) -> Option<Box<PerConnection>> {
        self.link.left.take()
    }

    pub(super) fn on_bytes(&mut self, bytes: &[u8], context: &Context<'_>) {
        if bytes.is_empty() {
            self.wire.eof = true;
        } else {
            let used = if self.input.is_empty() { self.give_all(bytes, context) } else { 0 };
            if used < bytes.len() {
                pool::fill_up(&mut self.input);
                self.input.extend_from_slice(&bytes[used..]);
            }
        }
        self.proceed(context);
    }

    /// The connection ended where nobody has said so: what came may not be all that was sent.
    pub(super) fn on_cut_off(&mut self) {
        self.wire.set_reason(CloseReason::Lost);
        self.wire.ending = Some(Ending::Close(Close::Reset));
    }

    /// Whether bytes may be given to the protocol.
    fn is_ready(&self) -> bool {
        let may_come = matches!(self.wire.ending, None | Some(Ending::HalfClose));
        let is_wanted = !self.has_told_end && !self.link.leaves && !self.link.is_paused;
        may_come && is_wanted && self.has_room()
    }

    /// Deals with what is kept, as far as that is possible now.
    fn proceed(&mut self, context: &Context<'_>) {
        let mut input = std::mem::take(&mut self.input);
        let used = self.give_all(&input, context);
        input.drain(..used);
        self.input = input;
        let is_stuck = self.input.len() >= Io::MAX_UNREAD_BYTES && self.is_ready();
        if is_stuck {
            self.on_timeout(Limit::Unread, context);
        }
        let is_due = self.wire.eof && !self.has_told_end && !self.link.leaves;
        if is_due && (self.input.is_empty() || self.is_ready()) {
            self.tell_end(context);
        }
        // Many may wait for their peers, and none of them needs these.
        pool::give_back(&mut self.input);
        if self.wire.is_all_sent() {
            pool::give_back(&mut self.wire.output.buffer);
        }
    }

    fn tell_end(&mut self, context: &Context<'_>) {
        self.has_told_end = true;
        let has_left = self.wire.eof && self.is_quiet();
        let unread = std::mem::take(&mut self.input);
        self.ask(context, |protocol, io| protocol.on_end(&unread, io));
        if has_left && self.wire.is_all_sent() && self.wire.reason == Some(CloseReason::Finished) {
            // Nothing was under way, and nothing was to be said to that.
            self.wire.reason = Some(CloseReason::PeerClosed);
        }
    }

    /// Gives bytes to the protocol for as long as it deals with any and may. Returns how many that
    /// were: they are moved once, however few of them it takes at a time.
    fn give_all(&mut self, bytes: &[u8], context: &Context<'_>) -> usize {
        let mut used = 0;
        while used < bytes.len() && self.is_ready() {
            match self.give(&bytes[used..], context) {
                0 => break,
                more => used += more,
            }
        }
        used
    }

    /// Gives bytes to the protocol, and returns how many it has dealt with.
    fn give(&mut self, bytes: &[u8], context: &Context<'_>) -> usize {
        let used = self.ask(context, |protocol, io| protocol.on_bytes(bytes, io));
        used.map_or(bytes.len(), |used| used.min(bytes.len()))
    }

    pub(super) fn on_wake(&mut self, context: &Context<'_>) {
        self.ask(context, Protocol::on_wake);
        self.proceed(context);
    }

    /// Output was handed to the system.
    pub(super) fn go_on(&mut self, context: &Context<'_>) {
        if self.wire.is_all_sent() {
            self.ask(context, Protocol::on_sent);
        }
        self.proceed(context);
    }

    pub(super) fn on_drain(&mut self, context: &Context<'_>) {
        self.ask(context, Protocol::on_drain);
        self.proceed(context);
    }

    pub(super) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        if limit == Limit::Handler {
            return self.on_due(context);
        }
        if limit == Limit::Tunnel && context.is_draining() && self.is_quiet() {
            // Who waits for its peer's next message is told that there is none.
            self.wire.set_reason(CloseReason::Stopped);
            if self.has_told_end {
                // It has nothing to say to that.
                return self.io(context).finish();
            }
            return self.tell_end(context);
        }
        self.reach(limit, context);
    }

    /// The time of something has come that was asked for.
    fn on_due(&mut self, context: &Context<'_>) {
        let now = context.clock.now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if self.link.due.take_if(|due| *due <= now).is_some() {
            self.ask(context, Protocol::on_timeout);
        }
        // Those that have begun have the time that they take.
        let mut is_late = false;
        while self.link.jobs.front().is_some_and(|job| is_due(job.due)) {
            let job = self.link.jobs.pop_front();
            is_late |= job.is_some_and(|job| job.ticket.take_back());
        }
        if is_late {
            self.reach(Limit::BlockingWait, context);
        }
        self.proceed(context);
    }

    /// A bound was reached: the connection ends.
    fn reach(&mut self, limit: Limit, context: &Context<'_>) {
        context.counters.count_limit(limit);
        self.tell(ErrorKind::Limit(limit), &limit, context);
        self.wire.give_up(limit);
        if self.wire.ending == Some(Ending::Close(Close::Graceful)) && !self.wire.eof {
            // It may have sent something, and is to see an end and no reset.
            self.wire.ending = Some(Ending::Linger);
        }
    }

    /// Whether the connection leaves the server.
    pub(super) const fn leaves(&self) -> bool {
        self.link.leaves
    }

    /// Where the connection goes between, and what came and was not dealt with.
    pub(super) fn take_parts(&mut self) -> (Addrs, Vec<u8>) {
        (self.link.addrs, std::mem::take(&mut self.input))
    }

    /// The connection has left the server.
    pub(crate) fn on_detached(&mut self, detached: Detached, context: &Context<'_>) {
        self.wire.ending = None;
        self.link.leaves = false;
        self.ask(context, |protocol, _| protocol.on_detached(detached));
        self.on_end(context);
    }

    pub(super) fn abort(&mut self) {
        self.wire.set_reason(CloseReason::Failed);
        self.wire.ending = Some(Ending::Close(Close::Reset));
    }

    /// The connection is over.
    pub(super) fn on_end(&mut self, _context: &Context<'_>) {
        let (protocol, jobs) = (self.protocol.take(), std::mem::take(&mut self.link.jobs));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(jobs)));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(protocol)));
    }

    /// Has the protocol do something. If it fails, the connection ends.
    fn ask<T>(
        &mut self,
        context: &Context<'_>,
        act: impl FnOnce(&mut dyn Protocol, &mut Io<'_>) -> Result<T, BoxError>,
    ) -> Option<T> {
        let Self { wire, link, protocol, .. } = self;
        let protocol = protocol.as_deref_mut()?;
        if link.leaves || !matches!(wire.ending, None | Some(Ending::HalfClose)) {
            return None;
        }
        let reason = wire.reason;
        let mut io = Io { wire, link, context };
        let outcome = catch_unwind(AssertUnwindSafe(|| act(protocol, &mut io)));
        if std::mem::take(&mut self.link.was_refused) {
            // Whatever the protocol made of it.
            self.wire.reason = reason;
            self.reach(Limit::BlockingQueue, context);
            return None;
        }
        match outcome {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => {
                self.link.leaves = false;
                self.wire.ending.take_if(|ending| *ending == Ending::Detach);
                let is_kept = self.tell(ErrorKind::Handler, &*error, context);
                let goes_on = matches!(self.wire.ending, None | Some(Ending::HalfClose));
                if !is_kept || !goes_on {
                    self.io(context).finish();
                    // It may have finished by itself before it failed.
                    self.wire.reason = reason.or(Some(CloseReason::Failed));
                }
            }
            Err(panic) => {
                let error = panicked(&*panic);
                self.abort();
                self.tell(ErrorKind::Panic, &*error, context);
                // It must not be asked again, and whether it can be dropped is not known either.
                let protocol = self.protocol.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(protocol)));
            }
        }
        None
    }

    const fn io<'a>(&'a mut self, context: &'a Context<'a>) -> Io<'a> {
        Io { wire: &mut self.wire, link: &mut self.link, context }
    }

    /// Tells the program of an error, and says whether it wants the connection to go on.
    fn tell(
        &mut self,
        kind: ErrorKind,
        error: &(dyn Error + Send + Sync + 'static),
        context: &Context<'_>,
    ) -> bool {
        let stream = FailedStream::default();
        // It is not HTTP that could be answered with a response.
        let _ = context.hooks.error(&ErrorContext {
            kind,
            error,
            peer_addr: Some(self.link.addrs.peer),
            request: None,
            status: None,
            stream: Some(&stream),
        });
        let (words, is_kept) = stream.into_parts();
        if !words.is_empty() && !self.link.is_half_closed {
            self.wire.output.append(&words);
            if self.wire.ending == Some(Ending::Close(Close::Reset)) {
                // The peer is told in words.
                self.wire.ending = Some(Ending::Linger);
            }
        }
        is_kept
    }
}

/// Asks the program's code, which may panic: then the connection is not idle.
fn is_idle(protocol: &dyn Protocol) -> bool {
    catch_unwind(AssertUnwindSafe(|| protocol.is_idle())).unwrap_or(false)
}
