//! [`BlockingStream`]: a [`Stream`] for threads, and its halves.
//!
//! Not here: on which threads handlers run (`handler.rs`).

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::{ReadHalf, Stream, WriteHalf};
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
/// One thread can read while another writes: each has a half then ([`split`](Self::split)). The
/// connection ends when its handler returns, which therefore has to wait for the other thread.
///
/// Nothing of it may wait on a worker, which panics: a connection would wait for itself there.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::thread;
/// use wharf::{BlockingStream, Server};
///
/// fn serve(stream: BlockingStream) -> io::Result<()> {
///     let (mut reader, mut writer) = stream.split();
///     let ticks = thread::spawn(move || {
///         (0..3).try_for_each(|tick| writeln!(writer, "tick {tick}"))
///     });
///     let mut text = String::new();
///     reader.read_to_string(&mut text)?;
///     ticks.join().expect("it does not panic")
/// }
///
/// let server = Server::tcp(serve).listen("127.0.0.1:0")?;
/// # let _ = server;
/// # Ok::<(), wharf::Error>(())
/// ```
pub struct BlockingStream {
    inner: Stream,
}

/// The receiving half of a [`BlockingStream`].
pub struct BlockingReadHalf {
    inner: ReadHalf,
}

/// The sending half of a [`BlockingStream`]. If it is dropped, the peer is told that nothing more
/// will be sent, as by [`shutdown_write`](Self::shutdown_write).
pub struct BlockingWriteHalf {
    inner: WriteHalf,
}

impl Stream {
    /// The same for a thread.
    #[must_use]
    pub const fn into_blocking(self) -> BlockingStream {
        BlockingStream { inner: self }
    }
}

impl BlockingStream {
    /// The same for asynchronous functions.
    #[must_use]
    pub fn into_async(self) -> Stream {
        self.inner
    }

    /// Takes it apart, so that one thread can read while another writes.
    #[must_use]
    pub fn split(self) -> (BlockingReadHalf, BlockingWriteHalf) {
        let (reader, writer) = self.inner.split();
        (BlockingReadHalf { inner: reader }, BlockingWriteHalf { inner: writer })
    }

    /// Puts two halves together again.
    ///
    /// # Errors
    ///
    /// The halves, if they are not of the same connection.
    pub fn reunite(
        reader: BlockingReadHalf,
        writer: BlockingWriteHalf,
    ) -> Result<Self, (BlockingReadHalf, BlockingWriteHalf)> {
        let reunited = Stream::reunite(reader.inner, writer.inner).map(Stream::into_blocking);
        reunited.map_err(|(reader, writer)| {
            (BlockingReadHalf { inner: reader }, BlockingWriteHalf { inner: writer })
        })
    }

    /// As [`Stream::detach`]. This thread may go on with the connection.
    ///
    /// # Errors
    ///
    /// As [`Stream::detach`].
    pub fn detach(self) -> Result<Detached, DetachError> {
        block_on(|cx| self.inner.shared.poll_detach(cx))
    }
}

macro_rules! reads {
    ($type:ident) => {
        impl $type {
            /// As [`Stream::peek`].
            ///
            /// # Errors
            ///
            /// As [`Stream::read`].
            pub fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                block_on(|cx| self.inner.shared.poll_peek(cx, buffer))
            }

            /// As [`Stream::set_read_timeout`].
            pub fn set_read_timeout(&self, timeout: Option<Duration>) {
                self.inner.set_read_timeout(timeout);
            }

            /// As [`Stream::mark_idle`].
            pub fn mark_idle(&self) {
                self.inner.mark_idle();
            }
        }

        impl Read for $type {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if buffer.is_empty() {
                    return Ok(0);
                }
                let shared = &self.inner.shared;
                block_on(|cx| shared.poll_read(cx, |bytes| super::methods::copy(bytes, buffer)))
            }
        }
    };
}

reads!(BlockingStream);
reads!(BlockingReadHalf);

macro_rules! writes {
    ($type:ident) => {
        impl $type {
            /// As [`Stream::shutdown_write`].
            ///
            /// # Errors
            ///
            /// The connection is over.
            pub fn shutdown_write(&mut self) -> io::Result<()> {
                self.inner.shutdown_write()
            }

            /// As [`Stream::set_write_timeout`].
            pub fn set_write_timeout(&self, timeout: Duration) {
                self.inner.set_write_timeout(timeout);
            }
        }

        impl Write for $type {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.write_vectored(&[IoSlice::new(bytes)])
            }

            fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
                block_on(|cx| self.inner.shared.poll_write(cx, slices))
            }

            fn flush(&mut self) -> io::Result<()> {
                block_on(|cx| self.inner.shared.poll_flush(cx))
            }
        }
    };
}

writes!(BlockingStream);
writes!(BlockingWriteHalf);

macro_rules! knows {
    ($type:ident) => {
        impl $type {
            /// As [`Stream::set_idle_timeout`].
            pub fn set_idle_timeout(&self, timeout: Duration) {
                self.inner.set_idle_timeout(timeout);
            }

            #[cfg(feature = "tls")]
            pub(crate) fn tls_info(&self) -> Option<&crate::tls::TlsInfo> {
                self.inner.tls_info()
            }

            /// Where the connection comes from.
            #[must_use]
            pub fn peer_addr(&self) -> PeerAddr {
                self.inner.peer_addr()
            }

            /// The address on which it was accepted; `None` on a Unix socket.
            #[must_use]
            pub fn local_addr(&self) -> Option<SocketAddr> {
                self.inner.local_addr()
            }

            /// Names the connection, as in the server's list and its hooks.
            #[must_use]
            pub fn connection_id(&self) -> ConnectionId {
                self.inner.connection_id()
            }

            /// The server that has it.
            #[must_use]
            pub fn server(&self) -> &ServerRef {
                self.inner.server()
            }

            /// Whether the server was told to end.
            #[must_use]
            pub fn is_draining(&self) -> bool {
                self.inner.is_draining()
            }

            /// Tells when the server was told to end, or the connection is over.
            #[must_use]
            pub fn draining(&self) -> Signal {
                self.inner.draining()
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($type)).field(&self.inner).finish()
            }
        }
    };
}

knows!(BlockingStream);
knows!(BlockingReadHalf);
knows!(BlockingWriteHalf);
