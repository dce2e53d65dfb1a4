//! [`ErrorContext`]: something that went wrong, and what was going on.
//!
//! Not here: what the peer is told, which is the status and nothing else unless the program says
//! more.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use wharf_proto::h2::ConnectionError;
use wharf_proto::{Reject, RequestHead};

use super::limit::Limit;
use crate::peer::PeerAddr;

/// Where an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer broke the protocol.
    Rejected(Reject),
    /// The peer broke HTTP/2 itself, and with it all that it had asked for on the connection.
    Http2(ConnectionError),
    /// A bound was reached.
    Limit(Limit),
    /// A handler answered with a [`failure`](crate::Response::failure), or could not go on with a
    /// body.
    Handler,
    /// A handler panicked.
    Panic,
    /// The server's end came before a handler had answered.
    Stopped,
    /// The system says that a connection is broken.
    Io,
    /// Hands could not be shaken, or what came was not TLS as it should have been.
    Tls,
    /// A connection could not be accepted.
    Accept,
    /// A worker panicked, or the system refused what it needs. Its connections are lost; the other
    /// workers go on, unless it was the one that accepts for them
    /// ([`Dispatch::LeastConnections`](crate::Dispatch::LeastConnections)).
    Worker,
    /// A handler, or what else of the program's a worker runs for one connection, has blocked the
    /// worker for so long ([`Server::blocked_worker_after`](crate::Server::blocked_worker_after)):
    /// all of its other connections had to wait. Of several requests that came at once,
    /// [`ErrorContext::request`] is the last.
    BlockedWorker(Duration),
}

/// Something that went wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErrorContext<'a> {
    /// Where it comes from.
    pub kind: ErrorKind,
    /// What it is.
    pub error: &'a (dyn Error + Send + Sync + 'static),
    /// Where the connection comes from, unless there is none.
    pub peer_addr: Option<PeerAddr>,
    /// Method, target and fields of the request that is concerned, if its head was read.
    pub request: Option<&'a RequestHead>,
    /// The status that will be answered with. `None` if no response can be given any more: one has
    /// begun, the connection is lost, or nothing was asked.
    pub status: Option<StatusCode>,
    /// The connection, where it speaks a protocol of the program's own and still can.
    pub stream: Option<&'a FailedStream>,
}

/// A connection on which something went wrong in a protocol of the program's own, and that is open.
/// Unless the program says otherwise, it ends.
///
/// ```
/// use wharf::{BoxError, ErrorContext, Io, Server, Service};
///
/// let sums = |sum: &mut i64, bytes: &[u8], io: &mut Io<'_>| -> Result<(), BoxError> {
///     *sum += std::str::from_utf8(bytes)?.trim().parse::<i64>()?;
///     io.write(format!("{sum}\n").as_bytes());
///     Ok(())
/// };
/// let server = Server::with(Service::on_readable(|| 0, sums)).on_error(|context| {
///     let stream = context.stream?;
///     stream.write(b"that is no number\n");
///     stream.keep();
///     None
/// });
/// # let _ = server;
/// ```
#[derive(Debug, Default)]
pub struct FailedStream {
    words: Mutex<Vec<u8>>,
    is_kept: AtomicBool,
}

impl FailedStream {
    /// Writes bytes behind all that was written before. They are sent also if the connection ends.
    pub fn write(&self, bytes: &[u8]) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    /// Has the connection go on as if nothing had happened, if it was an error of a
    /// [`Protocol`](crate::Protocol) or of a function that is called
    /// [with what comes](crate::Service::on_readable). Who panicked is not called again, and a
    /// handler that has returned has ended its connection.
    pub fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }

    /// What was written, and whether the connection is to go on.
    pub(crate) fn into_parts(self) -> (Vec<u8>, bool) {
        let words = self.words.into_inner().unwrap_or_else(PoisonError::into_inner);
        (words, self.is_kept.into_inner())
    }
}
