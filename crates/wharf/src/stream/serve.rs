//! [`Serve`]: the protocol that runs a handler over a [`Stream`].
//!
//! It stands on what any protocol may do with its connection. Not here: what the handler does with
//! the stream (`methods.rs`), and how one that blocks is run (`job.rs`).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::job::job;
use super::shared::{CAPACITY_BYTES, Leaving, Next, Shared, State, Wishes};
use super::{BlockingStream, Stream, StreamOutcome};
use crate::pool;
use crate::response::BoxError;
use crate::{Detached, Io, Protocol};

/// Runs a handler, and brings bytes to and from it.
struct Serve<B, Fut> {
    /// Begins with the handler, once the connection was taken on.
    begin: Option<B>,
    line: Option<Line>,
    /// Dropped behind the line, so that what it still does with its stream fails.
    future: Option<Pin<Box<Fut>>>,
}

/// The protocol that runs an asynchronous function.
pub(super) fn serve<H, Fut>(handler: H) -> impl Protocol
where
    H: FnOnce(Stream) -> Fut + 'static,
    Fut: Future<Output: StreamOutcome> + 'static,
{
    Serve::new(move |stream, _: &mut Io<'_>| handler(stream))
}

/// The protocol that has a thread call a function.
pub(super) fn serve_blocking<H>(handler: H) -> impl Protocol
where
    H: FnOnce(BlockingStream) -> Result<(), BoxError> + Send + 'static,
{
    Serve::new(move |stream: Stream, io: &mut Io<'_>| {
        let (job, done) = job(io.waker().clone(), move || handler(stream.into_blocking()));
        io.spawn_blocking(job);
        done
    })
}

impl<B, Fut> Serve<B, Fut>
where
    B: FnOnce(Stream, &mut Io<'_>) -> Fut + 'static,
    Fut: Future<Output: StreamOutcome> + 'static,
{
    const fn new(begin: B) -> Self {
        Self { begin: Some(begin), line: None, future: None }
    }

    /// Has the handler go on as far as it gets. What it does with its stream is watched.
    fn run(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let (Some(line), Some(future)) = (&mut self.line, &mut self.future) else {
            return Ok(());
        };
        loop {
            let polled = future.as_mut().poll(&mut Context::from_waker(line.shared.connection()));
            let has_room = line.look(io);
            if let Poll::Ready(outcome) = polled {
                self.line = None;
                self.future = None;
                io.finish();
                return outcome.into_result();
            }
            if !has_room {
                return Ok(());
            }
        }
    }
}

impl<B, Fut> Protocol for Serve<B, Fut>
where
    B: FnOnce(Stream, &mut Io<'_>) -> Fut + 'static,
    Fut: Future<Output: StreamOutcome> + 'static,
{
    fn on_open(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let Some(begin) = self.begin.take() else { return Ok(()) };
        let shared = Arc::new(Shared::new(io));
        shared.lock().is_watched = true;
        self.line = Some(Line::new(Arc::clone(&shared)));
        self.future = Some(Box::pin(begin(Stream::new(shared), io)));
        self.run(io)
    }

    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        let Some(line) = &mut self.line else { return Ok(bytes.len()) };
        if line.bring(io, |state| state.receive(bytes)) {
            self.run(io)?;
        }
        Ok(bytes.len())
    }

    fn on_end(&mut self, unread: &[u8], io: &mut Io<'_>) -> Result<(), BoxError> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let goes_on = line.bring(io, |state| {
            state.receive(unread);
            state.has_ended = true;
        });
        if goes_on { self.run(io) } else { Ok(()) }
    }

    fn on_sent(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let Some(line) = &mut self.line else { return Ok(()) };
        if line.awaits_sending && line.look(io) { self.run(io) } else { Ok(()) }
    }

    fn on_wake(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let Some(line) = &mut self.line else { return Ok(()) };
        line.shared.lock().is_watched = true;
        self.run(io)
    }

    fn on_timeout(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let goes_on = line.bring(io, |state| state.has_timed_out = state.reader.waits);
        if goes_on { self.run(io) } else { Ok(()) }
    }

    fn on_drain(&mut self, _io: &mut Io<'_>) -> Result<(), BoxError> {
        if let Some(line) = &self.line {
            line.shared.drain();
        }
        Ok(())
    }

    /// The handler goes on up to its next wait, and has no connection to wait for then.
    fn on_detached(&mut self, detached: Detached) -> Result<(), BoxError> {
        let (Some(line), Some(future)) = (&self.line, &mut self.future) else { return Ok(()) };
        line.shared.give(detached);
        match future.as_mut().poll(&mut Context::from_waker(line.shared.connection())) {
            Poll::Pending => Ok(()),
            Poll::Ready(outcome) => {
                self.future = None;
                outcome.into_result()
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.is_idle)
    }
}

/// The connection's side of a stream.
struct Line {
    shared: Arc<Shared>,
    /// Somebody waits for room, or until all is sent.
    awaits_sending: bool,
    is_idle: bool,
    is_shut: bool,
    /// The wait whose time is measured.
    timed_wait: Option<u64>,
}

impl Line {
    const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, awaits_sending: false, is_idle: false, is_shut: false, timed_wait: None }
    }

    /// Brings something to who reads, and says whether that is the handler, which is to go on then.
    /// If it is somebody else, there is more to look at.
    fn bring(&mut self, io: &mut Io<'_>, change: impl FnOnce(&mut State)) -> bool {
        let mut state = self.shared.lock();
        change(&mut state);
        match state.reader.go_on(self.shared.connection()) {
            Next::Handler => {
                state.is_watched = true;
                true
            }
            Next::Other(waker) => {
                drop(state);
                waker.wake();
                self.look(io)
            }
            Next::Nobody => {
                drop(state);
                self.look(io)
            }
        }
    }

    /// Looks at what was written, read and asked for. Says whether the handler waited for room that
    /// there is now: it is to go on then, and is watched.
    fn look(&mut self, io: &mut Io<'_>) -> bool {
        let mut state = self.shared.lock();
        if io.is_all_sent() {
            state.unsent_bytes = 0;
        }
        if !state.output.is_empty() {
            state.unsent_bytes += state.output.len();
            io.append(&mut state.output);
        }
        if state.is_shut && !std::mem::replace(&mut self.is_shut, true) {
            io.shutdown_send();
        }
        if let Some(wishes) = state.wishes() {
            grant(wishes, io);
        }
        slow_down(&mut state, io);
        // Many may wait for their peers, and none of them needs these.
        pool::give_back(&mut state.input);
        pool::give_back(&mut state.output);
        measure(&mut self.timed_wait, &state, io);
        self.is_idle = state.is_quiet();
        let can_go_on = state.room() > 0 && (state.unsent_bytes == 0 || !state.writer.flushes);
        let next =
            if can_go_on { state.writer.go_on(self.shared.connection()) } else { Next::Nobody };
        self.awaits_sending = state.writer.waits;
        state.is_watched = matches!(next, Next::Handler);
        drop(state);
        if let Next::Other(waker) = next {
            waker.wake();
            return false;
        }
        matches!(next, Next::Handler)
    }
}

/// Does what was asked for beside reading and writing.
fn grant(wishes: &mut Wishes, io: &mut Io<'_>) {
    if matches!(wishes.leaving, Leaving::Wanted) {
        // One that is over, or leaves already, says so by itself.
        let _ = io.detach();
    }
    if let Some(timeout) = wishes.idle_timeout.take() {
        io.set_idle_timeout(timeout);
    }
    if let Some(timeout) = wishes.write_timeout.take() {
        io.set_write_timeout(timeout);
    }
}

/// Sets the time after which a read is over.
fn measure(timed_wait: &mut Option<u64>, state: &State, io: &mut Io<'_>) {
    let timeout = state.read_timeout().filter(|_| state.reader.waits);
    let wait = timeout.map(|_| state.waits);
    if wait != *timed_wait {
        *timed_wait = wait;
        io.set_timeout(timeout);
    }
}

/// Has the peer wait while too much is unread.
fn slow_down(state: &mut State, io: &mut Io<'_>) {
    let unread = state.unread_bytes();
    if state.is_paused && unread <= CAPACITY_BYTES / 2 {
        state.is_paused = false;
        io.resume();
    } else if !state.is_paused && unread >= CAPACITY_BYTES {
        state.is_paused = true;
        io.pause();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.end();
    }
}
