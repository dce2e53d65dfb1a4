//! [`Stream`]: a connection for handlers that read and write as they like, asynchronously or on
//! threads of their own.
//!
//! What runs such a handler is one [`Protocol`](crate::Protocol) like any other (`serve.rs`). Not
//! here: protocols that are called with what comes (`conn/raw`).

mod blocking;
#[cfg(feature = "futures")]
mod futures_io;
mod handler;
mod job;
mod methods;
mod serve;
mod shared;
#[cfg(feature = "tokio")]
mod tokio_io;
mod upgrade;

use std::future::poll_fn;
use std::sync::Arc;

pub use self::blocking::{BlockingReadHalf, BlockingStream, BlockingWriteHalf};
pub use self::handler::{IntoStreamHandler, StreamOutcome};
use self::serve::{serve, serve_blocking};
use self::shared::Shared;
pub(crate) use self::upgrade::NextProtocol;
use crate::{DetachError, Detached};

/// A connection to be read from and written to: what the handler of a [`Service::tcp`] is given.
///
/// It may go to any thread or task, whole or in [halves](Self::split). What is written leaves with
/// all else that is written in the same turn of the worker; up to 64 KiB wait for the peer, and
/// then writing does. What comes waits to be read, up to about 64 KiB, and then the peer does.
///
/// The server ends the connection when the handler returns: what was written is delivered first. A
/// stream that is somewhere else by then fails, as it does when the connection is lost or the
/// server ends.
///
/// With the feature `tokio` it is tokio's `AsyncRead` and `AsyncWrite` as well, and with `futures`
/// those of `futures-io`.
///
/// ```
/// use wharf::{Server, Service, Stream};
///
/// async fn echo(mut stream: Stream) -> std::io::Result<()> {
///     let mut buffer = [0; 4096];
///     loop {
///         match stream.read(&mut buffer).await? {
///             0 => return Ok(()),
///             len => stream.write_all(&buffer[..len]).await?,
///         }
///     }
/// }
///
/// let server = Server::tcp(echo).listen("127.0.0.1:0")?;
/// # let _ = server;
/// # Ok::<(), wharf::Error>(())
/// ```
///
/// [`Service::tcp`]: crate::Service::tcp
pub struct Stream {
    shared: Arc<Shared>,
}

/// The receiving half of a [`Stream`].
pub struct ReadHalf {
    shared: Arc<Shared>,
}

/// The sending half of a [`Stream`]. If it is dropped, the peer is told that nothing more will be
/// sent, as by [`shutdown_write`](Self::shutdown_write).
pub struct WriteHalf {
    shared: Arc<Shared>,
    is_whole_again: bool,
}

impl Stream {
    /// A stream for the connection of a [`Protocol`](crate::Protocol).
    const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes it apart, so that one task or thread can read while another writes.
    #[must_use]
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        let reader = ReadHalf { shared: Arc::clone(&self.shared) };
        (reader, WriteHalf { shared: self.shared, is_whole_again: false })
    }

    /// Puts two halves together again.
    ///
    /// # Errors
    ///
    /// The halves, if they are not of the same connection.
    pub fn reunite(reader: ReadHalf, writer: WriteHalf) -> Result<Self, (ReadHalf, WriteHalf)> {
        if !Arc::ptr_eq(&reader.shared, &writer.shared) {
            return Err((reader, writer));
        }
        let stream = Self::new(Arc::clone(&reader.shared));
        writer.forget();
        Ok(stream)
    }
}

impl Stream {
    /// Takes the connection out of the server once what was written is sent: no limit, deadline or
    /// drain has to do with it any more, and it is no longer counted, listed or closed by anybody
    /// else. What came and was not read goes along.
    ///
    /// The handler goes on up to its next wait, and is dropped there: whoever goes on with the
    /// connection is on a thread or task of the program's.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use wharf::{Server, Stream};
    ///
    /// let server = Server::tcp(async |mut stream: Stream| {
    ///     stream.write_all(b"wait\r\n").await?;
    ///     let mut detached = stream.detach().await?;
    ///     std::thread::spawn(move || {
    ///         let mut buffer = [0; 1024];
    ///         let len = detached.read(&mut buffer)?;
    ///         detached.write_all(&buffer[..len])
    ///     });
    ///     Ok::<_, wharf::BoxError>(())
    /// });
    /// # let _ = server;
    /// ```
    ///
    /// # Errors
    ///
    /// The connection is over, or ends before it has left.
    pub async fn detach(self) -> Result<Detached, DetachError> {
        poll_fn(|cx| self.shared.poll_detach(cx)).await
    }
}

impl WriteHalf {
    /// Is dropped without an end to what is sent.
    fn forget(mut self) {
        self.is_whole_again = true;
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        if !self.is_whole_again {
            // One that is over needs no end.
            let _ = self.shared.shut();
        }
    }
}
