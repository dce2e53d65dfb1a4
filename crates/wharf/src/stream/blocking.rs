//! [`BlockingStream`]: a [`Stream`] for threads.
//!
//! Not here: on which threads handlers run (`handler.rs`).

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::Stream;
use crate::body::block_on;
use crate::observe::ConnectionId;
use crate::peer::PeerAddr;
use crate::signal::Signal;
use crate::{DetachError, Detached, ServerRef};

/// A [`Stream`] whose reads and writes block the thread: [`Read`] and [`Write`].
///
/// A read of 0 bytes says that the peer will send no more. What is written is sent without a flush
/// as well; flushing waits until all was handed to the system.
///
/// Nothing of it may wait on a worker, which panics: a connection would wait for itself there.
pub struct BlockingStream {
    stream: Stream,
}

impl Stream {
    /// The same for a thread.
    #[must_use]
    pub const fn into_blocking(self) -> BlockingStream {
        BlockingStream { stream: self }
    }
}

impl BlockingStream {
    /// The same for asynchronous functions, or to be [split](Stream::split).
    #[must_use]
    pub fn into_async(self) -> Stream {
        self.stream
    }

    /// As [`Stream::detach`]. This thread may go on with the connection.
    ///
    /// # Errors
    ///
    /// As [`Stream::detach`].
    pub fn detach(self) -> Result<Detached, DetachError> {
        block_on(|cx| self.stream.shared.poll_detach(cx))
    }

    /// As [`Stream::peek`].
    ///
    /// # Errors
    ///
    /// As [`Stream::read`].
    pub fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        block_on(|cx| self.stream.shared.poll_peek(cx, buffer))
    }

    /// As [`Stream::shutdown_write`].
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown_write()
    }

    /// As [`Stream::set_idle_timeout`].
    pub fn set_idle_timeout(&self, timeout: Duration) {
        self.stream.set_idle_timeout(timeout);
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls_info(&self) -> Option<&crate::tls::TlsInfo> {
        self.stream.tls_info()
    }

    /// As [`Stream::set_read_timeout`].
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.stream.set_read_timeout(timeout);
    }

    /// As [`Stream::set_write_timeout`].
    pub fn set_write_timeout(&self, timeout: Duration) {
        self.stream.set_write_timeout(timeout);
    }

    /// As [`Stream::mark_idle`].
    pub fn mark_idle(&self) {
        self.stream.mark_idle();
    }

    /// Where the connection comes from.
    #[must_use]
    pub fn peer_addr(&self) -> PeerAddr {
        self.stream.peer_addr()
    }

    /// The address on which it was accepted; `None` on a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.stream.local_addr()
    }

    /// Names the connection, as in the server's list and its hooks.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.stream.connection_id()
    }

    /// The server that has it.
    #[must_use]
    pub fn server(&self) -> &ServerRef {
        self.stream.server()
    }

    /// Whether the server was told to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.stream.is_draining()
    }

    /// Tells when the server was told to end, or the connection is over.
    #[must_use]
    pub fn draining(&self) -> Signal {
        self.stream.draining()
    }
}

impl Read for BlockingStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        block_on(|cx| self.stream.shared.poll_read(cx, |bytes| super::methods::copy(bytes, buffer)))
    }
}

impl Write for BlockingStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        block_on(|cx| self.stream.shared.poll_write(cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        block_on(|cx| self.stream.shared.poll_flush(cx))
    }
}

impl fmt::Debug for BlockingStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingStream").field(&self.stream).finish()
    }
}
