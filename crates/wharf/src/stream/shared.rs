//! [`Shared`]: what a stream and its connection have in common: bytes that came and were not read,
//! bytes that were written and not sent, and who waits for either.
//!
//! Each side holds the lock for as long as it copies. Not here: what a program sees (`mod.rs`), and
//! the connection's side (`serve.rs`).

use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::methods::copy;
use crate::conn::PackedAddrs;
use crate::observe::ConnectionId;
use crate::pool;
use crate::signal::{DRAINING, OVER, Signal, Watch};
use crate::tls::TlsInfo;
use crate::{DetachError, Detached, Io, ServerRef};

/// How many bytes are held in either direction before the side that they come from has to wait.
pub(super) const CAPACITY_BYTES: usize = 64 << 10;

/// What a stream and its connection have in common.
pub(super) struct Shared {
    /// Has the connection look at the state.
    connection: Waker,
    pub(super) facts: Facts,
    state: Mutex<State>,
}

/// What does not change.
pub(super) struct Facts {
    pub(super) addrs: PackedAddrs,
    pub(super) id: ConnectionId,
    pub(super) server: ServerRef,
    /// What TLS was agreed on, where it is spoken.
    pub(super) tls: Option<Arc<TlsInfo>>,
}

#[derive(Default)]
pub(super) struct State {
    /// What came; the first bytes of it were read.
    pub(super) input: Vec<u8>,
    read: usize,
    /// What was written and the connection does not have.
    pub(super) output: Vec<u8>,
    /// How many bytes the connection has, as far as is known.
    pub(super) unsent_bytes: usize,
    pub(super) reader: Slot,
    pub(super) writer: Slot,
    /// The connection looks at the state soon, and need not be woken for it.
    pub(super) is_watched: bool,
    /// The peer waits for room.
    pub(super) is_paused: bool,
    /// The peer will send no more.
    pub(super) has_ended: bool,
    /// Nothing more will be written.
    pub(super) is_shut: bool,
    /// The peer's next message is all that is waited for.
    pub(super) is_idle: bool,
    /// Nothing comes or goes any more.
    is_over: bool,
    pub(super) is_draining: bool,
    /// A read waited for too long.
    pub(super) has_timed_out: bool,
    /// How often a read began to wait, or its time was changed.
    pub(super) waits: u64,
    wishes: Option<Box<Wishes>>,
}

/// What most streams are never asked for.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) read_timeout: Option<Duration>,
    pub(super) write_timeout: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
    /// Whether the connection is to leave its server.
    pub(super) leaving: Leaving,
    watch: Option<Arc<Watch>>,
}

/// How far a connection is with leaving its server.
#[derive(Default)]
pub(super) enum Leaving {
    #[default]
    No,
    Wanted,
    /// It has left.
    Done(Box<Detached>),
}

/// Who waits for one direction.
#[derive(Default)]
pub(super) struct Slot {
    waker: Option<Waker>,
    pub(super) waits: bool,
    /// Room is not enough: all has to be sent.
    pub(super) flushes: bool,
}

/// Who is to go on.
pub(super) enum Next {
    Nobody,
    /// The handler that the connection runs.
    Handler,
    /// Somebody else, to be woken without the lock.
    Other(Waker),
}

impl Slot {
    /// Returns who has waited before, to be dropped without the lock: who waits no longer may be
    /// all that keeps another half.
    #[must_use]
    fn wait(&mut self, cx: &Context<'_>) -> Option<Waker> {
        self.waits = true;
        match &self.waker {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => self.waker.replace(cx.waker().clone()),
        }
    }

    /// Who waits has something to go on with.
    pub(super) fn go_on(&mut self, connection: &Waker) -> Next {
        if !std::mem::replace(&mut self.waits, false) {
            return Next::Nobody;
        }
        match self.waker.take_if(|waker| !waker.will_wake(connection)) {
            Some(waker) => Next::Other(waker),
            None => Next::Handler,
        }
    }
}

impl State {
    /// What was asked for beside reading and writing, if anything was.
    pub(super) fn wishes(&mut self) -> Option<&mut Wishes> {
        self.wishes.as_deref_mut()
    }

    /// Where something is to be asked for.
    pub(super) fn wish(&mut self) -> &mut Wishes {
        self.wishes.get_or_insert_default()
    }

    /// How long a read may wait.
    pub(super) fn read_timeout(&self) -> Option<Duration> {
        self.wishes.as_ref()?.read_timeout
    }

    fn watch(&self) -> Option<Arc<Watch>> {
        self.wishes.as_ref()?.watch.clone()
    }

    /// How many bytes came and were not read.
    pub(super) fn unread_bytes(&self) -> usize {
        self.input.len() - self.read
    }

    /// How many bytes may be written.
    pub(super) const fn room(&self) -> usize {
        CAPACITY_BYTES.saturating_sub(self.output.len() + self.unsent_bytes)
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_idle && self.unread_bytes() == 0 && self.output.is_empty()
    }

    /// Takes in what came.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.input.drain(..self.read);
            self.read = 0;
        }
        pool::fill_up(&mut self.input);
        self.input.extend_from_slice(bytes);
        self.is_idle = false;
        self.has_timed_out = false;
    }

    fn advance(&mut self, len: usize) {
        self.read += len;
        if self.read == self.input.len() {
            self.input.clear();
            self.read = 0;
        }
    }

    /// Why nothing can be written any more.
    fn check_open(&self) -> io::Result<()> {
        match (self.is_over, self.is_shut) {
            (true, _) => Err(over()),
            (false, true) => Err(io::ErrorKind::BrokenPipe.into()),
            (false, false) => Ok(()),
        }
    }
}

impl Shared {
    pub(super) fn new(io: &mut Io<'_>) -> Self {
        let facts = Facts {
            addrs: io.packed_addrs(),
            id: io.connection_id(),
            server: io.server().clone(),
            tls: io.shared_tls_info(),
        };
        let state = State { is_draining: io.is_draining(), ..State::default() };
        Self { connection: io.waker().clone(), facts, state: Mutex::new(state) }
    }

    /// Nothing of the program's runs under this lock but its wakers' clones.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn connection(&self) -> &Waker {
        &self.connection
    }

    /// Lets go of the state, and sees to it that the connection looks at it.
    fn tell(&self, state: MutexGuard<'_, State>) {
        let is_watched = state.is_watched;
        drop(state);
        if !is_watched {
            self.connection.wake_by_ref();
        }
    }

    /// Changes something that the connection has to know of.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        if !state.is_over {
            self.tell(state);
        }
    }

    /// Has `take` look at what came, as soon as there is anything, and say how much it took. There
    /// is nothing at the end.
    pub(super) fn poll_read(
        &self,
        cx: &Context<'_>,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Poll<io::Result<usize>> {
        let _before;
        let mut state = self.lock();
        if state.unread_bytes() > 0 {
            let taken = take(&state.input[state.read..]);
            state.advance(taken);
            if state.is_paused && state.unread_bytes() <= CAPACITY_BYTES / 2 {
                self.tell(state);
            }
            return Poll::Ready(Ok(taken));
        }
        if std::mem::take(&mut state.has_timed_out) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if state.has_ended {
            return Poll::Ready(Ok(0));
        }
        if state.is_over {
            return Poll::Ready(Err(over()));
        }
        if !state.reader.waits {
            state.waits += 1;
        }
        _before = state.reader.wait(cx);
        if state.read_timeout().is_some() || state.is_idle {
            self.tell(state);
        }
        Poll::Pending
    }

    /// Copies what came, and leaves it there.
    pub(super) fn poll_peek(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut len = 0;
        let polled = self.poll_read(cx, |bytes| {
            len = copy(bytes, buffer);
            0
        });
        polled.map_ok(|_| len)
    }

    /// Takes as much of the slices as there is room for.
    pub(super) fn poll_write(
        &self,
        cx: &Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let _before;
        let mut state = self.lock();
        state.check_open()?;
        let mut room = state.room();
        pool::fill_up(&mut state.output);
        let mut written = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(room)];
            state.output.extend_from_slice(part);
            room -= part.len();
            written += part.len();
        }
        let is_full = written == 0 && slices.iter().any(|slice| !slice.is_empty());
        if is_full {
            _before = state.writer.wait(cx);
            state.writer.flushes = false;
        }
        if is_full || written > 0 {
            self.tell(state);
        }
        if is_full { Poll::Pending } else { Poll::Ready(Ok(written)) }
    }

    /// Waits until everything that was written was handed to the system.
    pub(super) fn poll_flush(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let _before;
        let mut state = self.lock();
        if state.output.is_empty() && state.unsent_bytes == 0 {
            return Poll::Ready(Ok(()));
        }
        if state.is_over {
            return Poll::Ready(Err(over()));
        }
        _before = state.writer.wait(cx);
        state.writer.flushes = true;
        self.tell(state);
        Poll::Pending
    }

    /// Nothing more will be written. Waits until all that was is with the system.
    #[cfg(any(feature = "futures", feature = "tokio"))]
    pub(super) fn poll_shut(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.shut()?;
        self.poll_flush(cx)
    }

    /// Waits until the connection has left its server.
    pub(super) fn poll_detach(&self, cx: &Context<'_>) -> Poll<Result<Detached, DetachError>> {
        // Dropped without the lock.
        let _before;
        let mut state = self.lock();
        if let Leaving::Done(detached) = std::mem::take(&mut state.wish().leaving) {
            return Poll::Ready(Ok(*detached));
        }
        if state.is_over {
            return Poll::Ready(Err(DetachError::Over));
        }
        state.wish().leaving = Leaving::Wanted;
        _before = state.reader.wait(cx);
        self.tell(state);
        Poll::Pending
    }

    /// The connection has left its server: whoever has waited for it goes on.
    pub(super) fn give(&self, mut detached: Detached) {
        let mut state = self.lock();
        detached.unread_first(&state.input[state.read..]);
        state.input = Vec::new();
        state.read = 0;
        state.wish().leaving = Leaving::Done(Box::new(detached));
        let waker = state.reader.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nothing more will be written.
    pub(super) fn shut(&self) -> io::Result<()> {
        let mut state = self.lock();
        if state.is_over {
            return Err(over());
        }
        if !std::mem::replace(&mut state.is_shut, true) {
            self.tell(state);
        }
        Ok(())
    }

    /// Tells when the server drains, or there is nothing left that would have to hurry.
    pub(super) fn draining(&self) -> Signal {
        let mut state = self.lock();
        let flags = if state.is_over { OVER } else { 0 };
        let flags = if state.is_draining { flags | DRAINING } else { flags };
        let watch = state.wish().watch.get_or_insert_with(|| Arc::new(Watch::with(flags)));
        Signal::new(Arc::clone(watch), DRAINING | OVER)
    }

    pub(super) fn drain(&self) {
        let mut state = self.lock();
        state.is_draining = true;
        let watch = state.watch();
        drop(state);
        if let Some(watch) = watch {
            watch.set(DRAINING);
        }
    }

    /// The connection is over: whoever waits learns of it.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.is_watched = true;
        // Nobody is to take it for sent.
        state.unsent_bytes += state.output.len();
        state.output = Vec::new();
        let watch = state.watch();
        let waiting = [state.reader.waker.take(), state.writer.waker.take()];
        drop(state);
        for waker in waiting.into_iter().flatten() {
            // It is somebody else's code, and the others are to be woken all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        if let Some(watch) = watch {
            watch.set(OVER);
        }
    }
}

/// What is said of a connection that is over.
fn over() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the connection is over")
}
