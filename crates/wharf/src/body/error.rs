//! What can go wrong with a body: [`BodyError`] when reading, [`Closed`] when writing.

use std::error::Error;
use std::fmt;
use std::io;

use http::StatusCode;
use wharf_proto::Reject;

/// Why a body could not be read to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// The peer broke the framing or a limit, or closed before the end.
    Rejected(Reject),
    /// The connection was lost.
    Disconnected,
    /// The peer sent nothing for longer than [`Timeouts::body`](crate::Timeouts::body).
    TimedOut,
    /// The writer of the body was dropped before it finished.
    Aborted,
    /// A file could not be read, or is shorter than it was.
    Io(io::Error),
}

impl BodyError {
    /// The status to answer with, if nothing has been sent.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Rejected(reject) => reject.status(),
            Self::Disconnected => StatusCode::BAD_REQUEST,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Aborted | Self::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reject) => reject.fmt(f),
            Self::Disconnected => f.write_str("connection lost while receiving the body"),
            Self::TimedOut => f.write_str("peer stopped sending the body"),
            Self::Aborted => f.write_str("body was dropped before its end"),
            Self::Io(_) => f.write_str("file could not be read"),
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(reject) => Some(reject),
            Self::Io(error) => Some(error),
            Self::Disconnected | Self::TimedOut | Self::Aborted => None,
        }
    }
}

impl From<Reject> for BodyError {
    fn from(reject: Reject) -> Self {
        Self::Rejected(reject)
    }
}

impl From<io::Error> for BodyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The other side of a body is gone: nobody will read what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the body is gone")
    }
}

impl Error for Closed {}

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        Self::new(io::ErrorKind::BrokenPipe, closed)
    }
}
