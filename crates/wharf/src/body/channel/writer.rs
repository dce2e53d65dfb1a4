//! The writing end of a body's channel.
//!
//! What is written is queued, or goes past the queue while the connection that sends it runs
//! whoever writes (`direct.rs`). Not here: the queue and its reading end (`mod.rs`).

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use wharf_proto::Headers;

use super::super::blocking::block_on;
use super::super::direct::{self, Answer, Run};
use super::super::{BodyError, Closed};
use super::{End, ReadPace, Shared, store, wake};

/// Writes the body of a streamed response, from any task or thread.
///
/// [`finish`](Self::finish) ends the body. A writer that is dropped before aborts the response:
/// the peer sees that it is incomplete.
#[derive(Debug)]
pub struct BodyWriter {
    shared: Arc<Shared>,
    /// The run of the producer in which nothing is queued, so that what is written may go past the
    /// queue: 0 is none.
    run: u64,
}

impl BodyWriter {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, run: 0 }
    }

    /// Waits until there is room, then takes `data`. An empty piece does nothing.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the peer is gone or the response was given up, as it is for a piece that is
    /// more than was announced. Who is not run by the connection may learn of that later.
    pub async fn write(&mut self, data: impl Into<Bytes>) -> Result<(), Closed> {
        let mut data = data.into();
        poll_fn(|cx| self.poll_write(&mut data, cx)).await
    }

    /// Waits until everything written was handed to the operating system.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the peer is gone or the response was given up.
    pub async fn flush(&mut self) -> Result<(), Closed> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// [`write`](Self::write) for threads: blocks until there is room.
    ///
    /// # Panics
    ///
    /// If it had to wait on a worker: nothing would ever make room there.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the peer is gone or the response was given up.
    pub fn write_blocking(&mut self, data: impl Into<Bytes>) -> Result<(), Closed> {
        let mut data = data.into();
        // There is room for so much even while the connection takes nothing.
        match self.write_directly(&data) {
            Answer::Written => return Ok(()),
            Answer::Refused => return Err(Closed),
            Answer::Full | Answer::Absent | Answer::OtherRun(_) => {}
        }
        block_on(|cx| self.poll_queue(&mut data, cx))
    }

    /// [`flush`](Self::flush) for threads: blocks until all is sent.
    ///
    /// # Panics
    ///
    /// If it had to wait on a worker.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the peer is gone or the response was given up.
    pub fn flush_blocking(&mut self) -> Result<(), Closed> {
        block_on(|cx| self.poll_flush(cx))
    }

    /// Whether nobody will read what is written any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.lock().reader_gone
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the peer is gone or the response was given up.
    pub fn finish(self) -> Result<(), Closed> {
        self.end(None)
    }

    /// Ends the body with trailer fields (RFC 9110 section 6.5). They are sent where the body is
    /// chunked, which one of unknown length is to HTTP/1.1 peers, and left out elsewhere; those
    /// that must not be trailers, such as `Content-Length`, are left out everywhere.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the peer is gone or the response was given up.
    pub fn finish_with(self, trailers: Headers) -> Result<(), Closed> {
        self.end(Some(Box::new(trailers)))
    }

    fn end(self, trailers: Option<Box<Headers>>) -> Result<(), Closed> {
        let mut state = self.shared.lock();
        state.end = End::Finished;
        state.trailers = trailers;
        let gone = state.reader_gone;
        let reader = state.wake_reader();
        drop(state);
        wake(reader);
        if gone { Err(Closed) } else { Ok(()) }
    }

    /// Says how long the body will be, for a reader that wants to know before it has come.
    pub(crate) fn announce_len(&self, len: u64) {
        self.shared.lock().announced_len = Some(len);
    }

    /// Says that the body comes from a peer.
    pub(crate) fn mark_received(&self) {
        self.shared.lock().is_received = true;
    }

    /// What the reader has said of how it wants to receive.
    pub(crate) fn pace(&self) -> ReadPace {
        self.shared.lock().pace
    }

    /// Queues `data` whether or not there is room; whoever calls this watches
    /// [`has_room`](Self::has_room).
    pub(crate) fn push(&self, data: Bytes) {
        let mut state = self.shared.lock();
        let reader = state.push(data);
        drop(state);
        wake(reader);
    }

    /// Whether the reader has caught up enough for more, or is gone and will not mind. If not,
    /// `waker` is woken when that changes.
    pub(crate) fn has_room(&self, waker: &Waker) -> bool {
        let mut state = self.shared.lock();
        if state.queued_bytes < state.capacity || state.reader_gone {
            return true;
        }
        store(&mut state.writer, &Context::from_waker(waker));
        false
    }

    /// Whether the reader waits for bytes. If not, `waker` is woken when it does, for it may be on
    /// any thread.
    pub(crate) fn is_wanted(&self, waker: &Waker) -> bool {
        let mut state = self.shared.lock();
        if state.reader.is_none() {
            store(&mut state.writer, &Context::from_waker(waker));
            state.writer_awaits_reader = true;
        }
        state.reader.is_some()
    }

    /// Ends the body with a failure. Returns whether there is a reader that will see it.
    pub(crate) fn fail(self, error: BodyError) -> bool {
        let mut state = self.shared.lock();
        state.end = End::Failed(error);
        let has_reader = !state.reader_gone;
        let reader = state.wake_reader();
        drop(state);
        wake(reader);
        has_reader
    }

    fn poll_write(&mut self, data: &mut Bytes, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        match self.write_directly(data) {
            Answer::Written => Poll::Ready(Ok(())),
            Answer::Refused => Poll::Ready(Err(Closed)),
            Answer::Full => {
                store(&mut self.shared.lock().writer, cx);
                Poll::Pending
            }
            Answer::Absent | Answer::OtherRun(_) => self.poll_queue(data, cx),
        }
    }

    /// Writes to the output of the connection, if that is what runs the caller and nothing that was
    /// written before is still queued.
    fn write_directly(&mut self, data: &[u8]) -> Answer {
        if data.is_empty() {
            return Answer::Absent;
        }
        let channel = self.shared.address();
        let answer = direct::write(Run { channel, count: self.run }, data);
        let Answer::OtherRun(run) = answer else { return answer };
        let mut state = self.shared.lock();
        if !state.chunks.is_empty() {
            return Answer::Absent;
        }
        state.unsent = true;
        drop(state);
        self.run = run;
        direct::write(Run { channel, count: run }, data)
    }

    fn poll_queue(&mut self, data: &mut Bytes, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.shared.lock();
        if state.reader_gone {
            return Poll::Ready(Err(Closed));
        }
        if state.queued_bytes >= state.capacity && !data.is_empty() {
            store(&mut state.writer, cx);
            return Poll::Pending;
        }
        self.run = 0;
        let reader = state.push(std::mem::take(data));
        drop(state);
        wake(reader);
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&self, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.shared.lock();
        if state.reader_gone {
            return Poll::Ready(Err(Closed));
        }
        if state.queued_bytes == 0 && !state.unsent {
            return Poll::Ready(Ok(()));
        }
        store(&mut state.writer, cx);
        Poll::Pending
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if matches!(state.end, End::Open) {
            state.end = End::Failed(BodyError::Aborted);
        }
        let reader = state.wake_reader();
        drop(state);
        wake(reader);
    }
}

/// Blocking writes, for threads that produce a body with [`io::Write`]; see
/// [`write_blocking`](BodyWriter::write_blocking).
impl io::Write for BodyWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_blocking(Bytes::copy_from_slice(data))?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.flush_blocking()?)
    }
}
