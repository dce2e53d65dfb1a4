//! Everything that keeps a response from being counted.
//!
//! Not here: which of them end a run; none does.

use std::error::Error;
use std::{fmt, io};

/// Why a connection was given up.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// An echo sent back something else.
    Altered,
    /// The sizes of a chunked body can't be followed.
    Chunk,
    /// The server closed the connection while a keep-alive client still wanted it.
    Closed,
    /// What arrived does not begin like an HTTP/1.1 response.
    Garbage,
    /// The response's head is longer than a server has reason to send.
    HeadTooLarge,
    /// The system refused.
    Io(io::Error),
    /// The response is not chunked and has no usable `Content-Length`.
    NoLength,
    /// Not everything asked for had arrived some time after the run's end.
    Stalled,
    /// An HTTP/1.1 response with another status than 200.
    Status,
    /// More bytes arrived than were asked for.
    Surplus,
    /// The response is longer than any that is asked for.
    TooLarge,
    /// Two responses to the same request differ in length.
    Uneven,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered => "other bytes came back than were sent",
            Self::Chunk => "the chunks of the response can't be followed",
            Self::Closed => "the server closed the connection",
            Self::Garbage => "not an HTTP/1.1 response",
            Self::HeadTooLarge => "the head of the response does not end",
            Self::Io(error) => return write!(f, "{error}"),
            Self::NoLength => "the response has neither content-length nor chunks",
            Self::Stalled => "responses are missing",
            Self::Status => "the status is not 200",
            Self::Surplus => "more bytes arrived than were asked for",
            Self::TooLarge => "the response does not end",
            Self::Uneven => "responses differ in length",
        })
    }
}

// No `source`: `Io` already displays what it holds.
impl Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for Fault {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}
