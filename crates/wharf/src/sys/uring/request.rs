//! Requests and their results by name and number.
//!
//! Not here: making and reading them (`mod.rs`).

use std::io;
use std::os::fd::OwnedFd;

use super::Parts;

/// Tokens are below this.
pub(crate) const MAX_TOKEN: u64 = (1 << 60) - 1;

/// Marks the completion of a request to cancel the one with the rest of the number.
pub(super) const CANCEL: u64 = 1 << 63;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Accept = 1,
    Receive = 2,
    Watch = 3,
    Send = 4,
    Wake = 5,
    /// Nobody waits for its end.
    Close = 6,
}

impl Request {
    const ALL: [Self; 6] =
        [Self::Accept, Self::Receive, Self::Watch, Self::Send, Self::Wake, Self::Close];

    /// The number that a completion is known by.
    pub(super) const fn number(self, token: u64) -> u64 {
        (self as u64) << 60 | token
    }

    pub(super) fn of(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|request| *request as u64 == (number & !CANCEL) >> 60)
    }
}

/// What came of a request. A request that may have several results says which is the last.
#[derive(Debug)]
pub(crate) enum Event {
    Accepted {
        token: u64,
        socket: io::Result<OwnedFd>,
        is_last: bool,
    },
    /// A buffer, which has to be given back; `None` at the end of what the peer sends.
    Received {
        token: u64,
        buffer: io::Result<Option<u16>>,
        is_last: bool,
    },
    /// Something happened to a socket: it is broken, or only closed by its peer.
    Watched {
        token: u64,
        is_broken: bool,
        is_last: bool,
    },
    /// The parts as they were handed over, and how many of their bytes were sent.
    Sent {
        token: u64,
        parts: Parts,
        result: io::Result<usize>,
    },
    /// A request was about to complete when it was to be cancelled, and may go on.
    NotCancelled {
        request: Request,
        token: u64,
    },
}

/// Whether a request has failed for no other reason than that it was cancelled or interrupted.
pub(crate) fn is_interrupted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ECANCELED | libc::EINTR | libc::EAGAIN))
}

/// Whether a request to receive has failed since there was no buffer.
pub(crate) fn lacks_buffers(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}
