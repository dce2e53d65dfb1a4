//! Drives a protocol of the program's own: bytes to it, what it writes to the peer.
//!
//! Everything that HTTP has as well comes from the layer that both stand on (`wire.rs`,
//! `deadline.rs`, `conn/mod.rs`): deadlines, drain, counts, close reasons. Not here: how a program
//! that waits for bytes is served (`stream`).

mod io;
mod protocol;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

pub use self::io::Io;
pub use self::protocol::Protocol;
use super::addrs::PackedAddrs;
use super::exchange::panicked;
use super::wire::{Ending, MAX_SPARE_BYTES, Wire};
use super::{Context, Timer};
use crate::driver::{Close, Key};
use crate::observe::{
    CloseReason, ConnectionId, ConnectionState, ErrorContext, ErrorKind, Limit, ProtocolKind,
};
use crate::request::Addrs;
use crate::response::BoxError;
use crate::tls::TlsInfo;
use crate::worker::ConnWaker;

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

/// What a protocol has asked of its connection.
pub(crate) struct Link {
    waker: ConnWaker,
    id: ConnectionId,
    addrs: Addrs,
    /// Nothing that the peer sends is wanted.
    is_paused: bool,
    /// Nothing more is sent.
    is_half_closed: bool,
    /// Somebody has the waker.
    is_awaited: bool,
    /// When the protocol is to be told the time.
    due: Option<Instant>,
    /// How many requests came before, where it was HTTP.
    requests: u32,
    tls: Option<Arc<TlsInfo>>,
}

impl Raw {
    /// It works for nobody before it is bound; `id` is that of any connection of the worker.
    pub(crate) fn new(waker: ConnWaker, id: ConnectionId) -> Self {
        let link = Link {
            waker,
            id,
            addrs: Addrs::UNKNOWN,
            is_paused: false,
            is_half_closed: false,
            is_awaited: false,
            due: None,
            requests: 0,
            tls: None,
        };
        let (wire, input) = (Wire::default(), Vec::new());
        Self { wire, link, protocol: None, input, has_told_end: false }
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
        self.link.waker.bind(key);
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
        self.link.is_paused = false;
        self.link.is_half_closed = false;
        self.link.is_awaited = false;
        self.link.due = None;
        self.link.tls = None;
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
        let is_asked = link.is_paused || link.is_half_closed || link.is_awaited;
        !is_asked
            && link.due.is_none()
            && self.input.is_empty()
            && self.wire.is_all_sent()
            && !self.wire.eof
            && self.wire.ending.is_none()
            && self.protocol.as_ref().is_none_or(|protocol| is_idle(&**protocol))
    }

    pub(super) fn wants_bytes(&self) -> bool {
        let may_come = match self.wire.ending {
            None | Some(Ending::HalfClose) => !self.wire.eof && !self.link.is_paused,
            Some(_) => false,
        };
        may_come && self.input.len() < Io::MAX_UNREAD_BYTES && self.has_room()
    }

    /// Whether what comes may be dealt with: all that it asks for can be put behind the output.
    fn has_room(&self) -> bool {
        self.link.is_half_closed || self.wire.can_produce()
    }

    pub(super) const fn handler_due(&self) -> Option<Instant> {
        self.link.due
    }

    pub(super) fn timer(&self) -> Timer {
        if self.wire.is_all_sent() { Timer::Tunnel } else { Timer::Write }
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

    /// The connection was taken on.
    pub(super) fn on_open(&mut self, context: &Context<'_>) {
        self.ask(context, Protocol::on_open);
    }

    pub(super) fn on_bytes(&mut self, bytes: &[u8], context: &Context<'_>) {
        if bytes.is_empty() {
            self.wire.eof = true;
        } else if self.input.is_empty() && self.is_ready() {
            let used = self.give(bytes, context);
            self.input.extend_from_slice(&bytes[used..]);
        } else {
            self.input.extend_from_slice(bytes);
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
        may_come && !self.link.is_paused && self.has_room()
    }

    /// Deals with what is kept, as far as that is possible now.
    fn proceed(&mut self, context: &Context<'_>) {
        while !self.input.is_empty() && self.is_ready() {
            let input = std::mem::take(&mut self.input);
            let used = self.give(&input, context);
            self.input = input;
            self.input.drain(..used);
            if used == 0 {
                break;
            }
        }
        let is_stuck = self.input.len() >= Io::MAX_UNREAD_BYTES && self.is_ready();
        if is_stuck {
            self.on_timeout(Limit::Unread, context);
        }
        if self.wire.eof && !self.has_told_end && (self.input.is_empty() || self.is_ready()) {
            self.has_told_end = true;
            let unread = std::mem::take(&mut self.input);
            self.ask(context, |protocol, io| protocol.on_end(&unread, io));
        }
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
        if self.wire.is_all_sent() && matches!(self.wire.ending, None | Some(Ending::HalfClose)) {
            self.ask(context, Protocol::on_sent);
        }
        self.proceed(context);
    }

    pub(super) fn on_drain(&mut self, context: &Context<'_>) {
        self.ask(context, Protocol::on_drain);
    }

    pub(super) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        if limit == Limit::Handler {
            self.link.due = None;
            self.ask(context, Protocol::on_timeout);
            return self.proceed(context);
        }
        context.counters.count_limit(limit);
        self.tell(ErrorKind::Limit(limit), &limit, context);
        self.wire.give_up(limit);
    }

    pub(super) fn abort(&mut self) {
        self.wire.set_reason(CloseReason::Failed);
        self.wire.ending = Some(Ending::Close(Close::Reset));
    }

    /// The connection is over.
    pub(super) fn on_end(&mut self, _context: &Context<'_>) {
        let protocol = self.protocol.take();
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
        let reason = wire.reason;
        let mut io = Io { wire, link, context };
        match catch_unwind(AssertUnwindSafe(|| act(protocol, &mut io))) {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => {
                self.tell(ErrorKind::Handler, &*error, context);
                let mut io = Io { wire: &mut self.wire, link: &mut self.link, context };
                io.finish();
                // It may have finished by itself before it failed.
                self.wire.reason = reason.or(Some(CloseReason::Failed));
            }
            Err(panic) => {
                let error = panicked(&*panic);
                self.tell(ErrorKind::Panic, &*error, context);
                self.abort();
                // It must not be asked again, and whether it can be dropped is not known either.
                let protocol = self.protocol.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(protocol)));
            }
        }
        None
    }

    fn tell(
        &self,
        kind: ErrorKind,
        error: &(dyn Error + Send + Sync + 'static),
        context: &Context<'_>,
    ) {
        // It is not HTTP that could be answered with a response.
        let _ = context.hooks.error(&ErrorContext {
            kind,
            error,
            peer_addr: Some(self.link.addrs.peer),
            request: None,
            status: None,
        });
    }
}

/// Asks the program's code, which may panic: then the connection is not idle.
fn is_idle(protocol: &dyn Protocol) -> bool {
    catch_unwind(AssertUnwindSafe(|| protocol.is_idle())).unwrap_or(false)
}
