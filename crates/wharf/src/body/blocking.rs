//! Waiting on a thread for what tasks do, the threads on which nobody may, and bodies that are read
//! and written by who waits.
//!
//! Not here: what is waited for (`channel`).

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;

use super::{Body, BodyError, BodyKind, BodyWriter};

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, the thread moves connections on, and must not wait for one.
pub(crate) struct OnWorker {
    before: bool,
}

impl OnWorker {
    pub(crate) fn enter() -> Self {
        Self { before: IS_WORKER.replace(true) }
    }

    /// Whether there is one on this thread.
    pub(crate) fn is_here() -> bool {
        IS_WORKER.get()
    }
}

impl Drop for OnWorker {
    fn drop(&mut self) {
        IS_WORKER.set(self.before);
    }
}

/// Polls on this thread, which sleeps in between.
///
/// # Panics
///
/// If it had to sleep on a worker: what it waits for would never come.
pub(crate) fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => {
                assert!(
                    !IS_WORKER.get(),
                    "a handler must not block its worker: await instead, or use `blocking`"
                );
                thread::park();
            }
        }
    }
}

/// Writes a body on the thread of a blocking handler.
pub(crate) type BlockingProducer = Box<dyn FnOnce(BodyWriter) + Send>;

impl Body {
    /// A body that `produce` writes with [`BodyWriter::write_blocking`] or [`std::io::Write`]: for
    /// handlers that may block ([`blocking`](crate::blocking)), on whose thread it runs when the
    /// handler has returned. In the response of any other handler it is a failure.
    ///
    /// It must end with [`BodyWriter::finish`]; a writer that is dropped before aborts the
    /// response, whatever is returned, and the peer can tell.
    ///
    /// ```
    /// use wharf::{Body, Closed, Request, Router, blocking};
    ///
    /// let site = Router::new().get("/numbers", blocking(|_: Request| {
    ///     Body::stream_blocking(|mut writer| {
    ///         for number in 0..1000 {
    ///             writer.write_blocking(format!("{number}\n"))?;
    ///         }
    ///         writer.finish()
    ///     })
    /// }));
    /// # let _ = wharf::Server::new(site);
    /// ```
    #[must_use]
    pub fn stream_blocking<F, E>(produce: F) -> Self
    where
        F: FnOnce(BodyWriter) -> Result<(), E> + Send + 'static,
    {
        // What went wrong is told by the writer that was dropped.
        Self::of(BodyKind::Blocking(Box::new(|writer| drop(produce(writer)))))
    }

    /// Waits for the whole body and takes it, as [`bytes`](Self::bytes) does, but blocks the
    /// thread.
    ///
    /// # Panics
    ///
    /// If it had to wait on a worker: nothing would ever come there.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk).
    pub fn bytes_blocking(&mut self) -> Result<Bytes, BodyError> {
        let mut whole = pin!(self.bytes());
        block_on(|cx| whole.as_mut().poll(cx))
    }

    /// Waits for the next piece of the body, as [`chunk`](Self::chunk) does, but blocks the thread.
    ///
    /// # Panics
    ///
    /// If it had to wait on a worker: nothing would ever come there.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk).
    pub fn chunk_blocking(&mut self) -> Result<Option<Bytes>, BodyError> {
        block_on(|cx| self.poll_chunk(cx))
    }

    /// Puts a channel in the place of a body that this thread is to write, and gives what writes
    /// it.
    pub(crate) fn begin_blocking(&mut self) -> Option<impl FnOnce() + use<>> {
        let BodyKind::Blocking(_) = self.kind else { return None };
        let (writer, channel) = Self::channel();
        let BodyKind::Blocking(produce) = std::mem::replace(&mut self.kind, channel.kind) else {
            return None;
        };
        // A panic drops the writer, which aborts the response.
        Some(move || drop(catch_unwind(AssertUnwindSafe(|| produce(writer)))))
    }
}
