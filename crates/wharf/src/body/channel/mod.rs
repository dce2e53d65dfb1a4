//! A bounded channel of bytes between a connection and a handler, in either direction.
//!
//! For a request the connection writes and the handler reads; for a streamed response it is the
//! other way round. The bound is what makes a slow side slow the other one down. Both ends may be
//! on any thread. Not here: chunk framing, and the writing end (`writer.rs`).

mod writer;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use wharf_proto::Headers;

pub use self::writer::BodyWriter;
use super::BodyError;
use super::direct::{self, Run, Sink};

/// How many bytes a channel holds before its writer has to wait.
pub(crate) const CAPACITY_BYTES: usize = 64 << 10;

/// What a piece takes beside its bytes: small ones must not get around the bound.
const PIECE_BYTES: usize = 64;

/// What a queued piece counts for.
fn cost(piece: &Bytes) -> usize {
    piece.len() + PIECE_BYTES
}

/// A channel that holds `capacity` bytes, and one piece more if that is larger.
pub(crate) fn channel(capacity: usize) -> (BodyWriter, BodyReader) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            chunks: VecDeque::new(),
            queued_bytes: 0,
            lent_bytes: 0,
            capacity,
            announced_len: None,
            unsent: false,
            end: End::Open,
            trailers: None,
            is_received: false,
            pace: ReadPace::default(),
            reader_gone: false,
            reader: None,
            writer: None,
            writer_awaits_reader: false,
        }),
    });
    let reader = BodyReader { shared: Arc::clone(&shared), lent: VecDeque::new(), runs: 0 };
    (BodyWriter::new(shared), reader)
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    chunks: VecDeque<Bytes>,
    /// What the queued pieces cost, and those that the reader has not done with.
    queued_bytes: usize,
    /// What of that the reader has.
    lent_bytes: usize,
    capacity: usize,
    /// What of the announced length was not taken yet.
    announced_len: Option<u64>,
    /// Pieces were taken, or written past the queue, and have not been handed to the system yet.
    unsent: bool,
    end: End,
    /// What stands behind the pieces.
    trailers: Option<Box<Headers>>,
    /// A peer writes it, so that what stands behind it is not ours to send on.
    is_received: bool,
    pace: ReadPace,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The writer is to be woken also when the reader begins to wait.
    writer_awaits_reader: bool,
}

/// What a handler has said of how a request's body is to be received, in place of the server's
/// settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadPace {
    pub(crate) max_bytes: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) min_rate: Option<u32>,
}

/// What follows the queued pieces.
#[derive(Debug)]
enum End {
    /// More may come.
    Open,
    Finished,
    Failed(BodyError),
    /// The failure was reported; it is reported as an abort from then on.
    FailureTaken,
}

impl Shared {
    /// A panic elsewhere can't leave the state half-changed: no user code runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What no other channel has as long as this one is there.
    fn address(self: &Arc<Self>) -> *const () {
        Arc::as_ptr(self).cast()
    }
}

impl State {
    /// Queues a piece, and returns who waits for it. An empty one does nothing.
    fn push(&mut self, data: Bytes) -> Option<Waker> {
        if self.reader_gone || data.is_empty() {
            return None;
        }
        self.queued_bytes += cost(&data);
        self.chunks.push_back(data);
        self.reader.take()
    }

    /// Takes back the room of the pieces that the reader had, and returns who waits for it.
    fn end_loan(&mut self) -> Option<Waker> {
        let lent_bytes = std::mem::take(&mut self.lent_bytes);
        self.queued_bytes -= lent_bytes;
        // Waking a writer for nothing would have it wake its reader in turn, and so on.
        let has_more_room = lent_bytes > 0 && self.queued_bytes < self.capacity;
        self.writer.take_if(|_| has_more_room)
    }

    /// The waker of the reader, to be called without the lock.
    fn wake_reader(&mut self) -> Option<Waker> {
        self.reader.take()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn store(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

/// The reading end. Dropping it tells the writer that nobody reads on.
///
/// It takes the pieces that are there in one go, so that many small ones cost one lock.
#[derive(Debug)]
pub(crate) struct BodyReader {
    shared: Arc<Shared>,
    lent: VecDeque<Bytes>,
    /// How often the producer that has the other end was run.
    runs: u64,
}

impl BodyReader {
    /// The length that the writer announced, less what was taken.
    pub(crate) fn announced_len(&self) -> Option<u64> {
        let lent: usize = self.lent.iter().map(Bytes::len).sum();
        self.shared.lock().announced_len.map(|left| left + lent as u64)
    }

    /// Changes how the body is to be received. Its writer, a connection, is woken to look at it.
    pub(crate) fn change_pace(&self, change: impl FnOnce(&mut ReadPace)) {
        let mut state = self.shared.lock();
        change(&mut state.pace);
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }

    /// What is to be sent behind the pieces, once they were all taken. Trailers that a peer sent
    /// are no trailers of the response, even if it sends the same body back.
    pub(crate) fn take_own_trailers(&mut self) -> Option<Box<Headers>> {
        let mut state = self.shared.lock();
        let is_received = state.is_received;
        state.trailers.take_if(|_| !is_received)
    }

    /// What stands behind the pieces, once they were all taken.
    pub(crate) fn take_trailers(&mut self) -> Option<Box<Headers>> {
        self.shared.lock().trailers.take()
    }

    /// Takes the next piece for a reader that is done with it at once.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Bytes>, BodyError>> {
        let polled = self.poll_unsent(cx);
        self.sent();
        polled
    }

    /// Runs the producer that has the other end, so that what it writes goes to `sink`. To be
    /// called when nothing is queued.
    pub(crate) fn run_writer<T>(&mut self, sink: &mut Sink<'_>, produce: impl FnOnce() -> T) -> T {
        self.runs += 1;
        direct::run(Run { channel: self.shared.address(), count: self.runs }, sink, produce)
    }

    /// Takes the next piece; it counts as unsent until [`sent`](Self::sent) is called.
    pub(crate) fn poll_unsent(
        &mut self,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Bytes>, BodyError>> {
        self.poll_queued(Some(cx))
    }

    /// [`poll_unsent`](Self::poll_unsent), and nobody is to be woken if nothing is there.
    pub(crate) fn take_unsent(&mut self) -> Poll<Result<Option<Bytes>, BodyError>> {
        self.poll_queued(None)
    }

    fn poll_queued(&mut self, cx: Option<&Context<'_>>) -> Poll<Result<Option<Bytes>, BodyError>> {
        if let Some(chunk) = self.lent.pop_front() {
            return Poll::Ready(Ok(Some(chunk)));
        }
        let mut state = self.shared.lock();
        let writer = state.end_loan();
        std::mem::swap(&mut state.chunks, &mut self.lent);
        if let Some(chunk) = self.lent.pop_front() {
            state.lent_bytes = state.queued_bytes;
            state.unsent = true;
            if let Some(left) = &mut state.announced_len {
                let lent: usize = self.lent.iter().map(Bytes::len).sum();
                *left = left.saturating_sub((chunk.len() + lent) as u64);
            }
            drop(state);
            wake(writer);
            return Poll::Ready(Ok(Some(chunk)));
        }
        if writer.is_some() {
            // Whoever is woken may come back to this very channel.
            drop(state);
            wake(writer);
            state = self.shared.lock();
            if !state.chunks.is_empty() {
                drop(state);
                return self.poll_queued(cx);
            }
        }
        match std::mem::replace(&mut state.end, End::FailureTaken) {
            End::Failed(error) => Poll::Ready(Err(error)),
            End::FailureTaken => Poll::Ready(Err(BodyError::Aborted)),
            End::Finished => {
                state.end = End::Finished;
                Poll::Ready(Ok(None))
            }
            End::Open => {
                state.end = End::Open;
                let Some(cx) = cx else { return Poll::Pending };
                store(&mut state.reader, cx);
                let is_awaited = std::mem::take(&mut state.writer_awaits_reader);
                let writer = state.writer.take_if(|_| is_awaited);
                drop(state);
                wake(writer);
                Poll::Pending
            }
        }
    }

    /// Everything taken so far was handed to the system.
    pub(crate) fn sent(&mut self) {
        let mut state = self.shared.lock();
        if !self.lent.is_empty() || !state.unsent {
            return;
        }
        let mut writer = state.end_loan();
        if state.queued_bytes == 0 {
            state.unsent = false;
            writer = writer.or_else(|| state.writer.take());
        }
        drop(state);
        wake(writer);
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.reader_gone = true;
        state.queued_bytes = 0;
        let chunks = std::mem::take(&mut state.chunks);
        let writer = state.writer.take();
        drop(state);
        drop(chunks);
        wake(writer);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::thread;

    use super::super::Closed;
    use super::super::blocking::block_on;
    use super::*;

    fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut cx = Context::from_waker(Waker::noop());
        match std::pin::pin!(future).poll(&mut cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn read(reader: &mut BodyReader) -> Poll<Result<Option<Bytes>, BodyError>> {
        reader.poll_chunk(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_writer_waits_while_the_channel_is_full() {
        let (mut writer, mut reader) = channel(4);
        assert_eq!(now_or_never(writer.write("12345")), Some(Ok(())));
        assert_eq!(now_or_never(writer.write("6")), None);
        assert!(!writer.has_room(Waker::noop()));
        assert!(matches!(read(&mut reader), Poll::Ready(Ok(Some(chunk))) if chunk == "12345"));
        assert_eq!(now_or_never(writer.write("6")), Some(Ok(())));
    }

    #[test]
    fn small_pieces_count_for_what_they_take() {
        let (writer, _reader) = channel(64 << 10);
        let mut pieces = 0;
        while writer.has_room(Waker::noop()) {
            writer.push(Bytes::from_static(b"x"));
            pieces += 1;
        }
        assert!(pieces <= 1024, "{pieces}");
    }

    #[test]
    fn the_announced_length_is_what_is_left() {
        let (writer, mut reader) = channel(64);
        writer.announce_len(5);
        writer.push(Bytes::from_static(b"he"));
        assert_eq!(reader.announced_len(), Some(5));
        assert!(matches!(read(&mut reader), Poll::Ready(Ok(Some(_)))));
        assert_eq!(reader.announced_len(), Some(3));
    }

    #[test]
    fn a_flush_waits_until_what_was_taken_is_sent() {
        let (mut writer, mut reader) = channel(4);
        assert_eq!(now_or_never(writer.flush()), Some(Ok(())));
        assert_eq!(now_or_never(writer.write("1")), Some(Ok(())));
        assert_eq!(now_or_never(writer.flush()), None);
        let taken = reader.poll_unsent(&Context::from_waker(Waker::noop()));
        assert!(matches!(taken, Poll::Ready(Ok(Some(_)))));
        assert_eq!(now_or_never(writer.flush()), None);
        reader.sent();
        assert_eq!(now_or_never(writer.flush()), Some(Ok(())));
    }

    #[test]
    fn a_finished_body_ends_and_a_dropped_one_is_aborted() {
        let (mut writer, mut reader) = channel(4);
        assert_eq!(now_or_never(writer.write("1")), Some(Ok(())));
        assert_eq!(writer.finish(), Ok(()));
        assert!(matches!(read(&mut reader), Poll::Ready(Ok(Some(_)))));
        assert!(matches!(read(&mut reader), Poll::Ready(Ok(None))));
        assert!(matches!(read(&mut reader), Poll::Ready(Ok(None))));

        let (writer, mut reader) = channel(4);
        drop(writer);
        assert!(matches!(read(&mut reader), Poll::Ready(Err(BodyError::Aborted))));
        assert!(matches!(read(&mut reader), Poll::Ready(Err(BodyError::Aborted))));
    }

    #[test]
    fn a_writer_learns_when_its_reader_begins_to_wait() {
        struct Count(AtomicUsize);

        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let (writer, mut reader) = channel(4);
        assert!(!writer.is_wanted(&waker));
        assert!(read(&mut reader).is_pending());
        assert!(read(&mut reader).is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(writer.is_wanted(&waker));
    }

    #[test]
    fn a_writer_without_a_reader_is_told() {
        let (mut writer, reader) = channel(1);
        writer.push(Bytes::from_static(b"full"));
        drop(reader);
        assert!(writer.is_closed() && writer.has_room(Waker::noop()));
        assert_eq!(now_or_never(writer.write("x")), Some(Err(Closed)));
        assert_eq!(now_or_never(writer.flush()), Some(Err(Closed)));
        assert_eq!(writer.finish(), Err(Closed));
    }

    #[test]
    fn threads_may_block_on_both_ends() {
        let (mut writer, mut reader) = channel(256);
        let producer = thread::spawn(move || {
            for _ in 0..1000 {
                io::Write::write_all(&mut writer, b"0123456789").unwrap();
            }
            writer.finish()
        });
        let mut total = 0;
        while let Some(chunk) = block_on(|cx| reader.poll_chunk(cx)).unwrap() {
            total += chunk.len();
        }
        assert_eq!(total, 10_000);
        producer.join().unwrap().unwrap();
    }
}
