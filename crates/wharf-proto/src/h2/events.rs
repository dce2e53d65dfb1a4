//! The vocabulary of a connection: what comes out of [`receive`](super::Connection::receive).
//!
//! Not here: what happens on an event (`receive.rs`, `blocks.rs`, `control.rs`).

use super::ErrorCode;
use crate::{BodyLength, Reject};

/// A stream that is open: its number, and its place among those that are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamKey {
    pub(super) id: u32,
    pub(super) slot: u16,
}

impl StreamKey {
    /// The number of the stream, which no other stream of the connection ever has.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.id
    }

    /// Its place, which is below the number of streams that may be open, and is another stream's
    /// once this one is over.
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// What one call of [`Connection::receive`](super::Connection::receive) made of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'b> {
    /// How many bytes of the input are dealt with. Drop them before the next call.
    pub consumed: usize,
    /// `None`: nothing more can be made of the input now.
    pub event: Option<Event<'b>>,
}

/// How much of a request's body has come with its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// None that is known.
    Nothing,
    /// Its beginning.
    Part,
    /// All of it, in one frame of so many bytes, which can be taken
    /// [at once](super::Connection::receive_whole_body).
    Whole(u32),
}

/// Something that came from the peer in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// A request head; it stands in the `head` that was passed in. A body of `Known(0)` is over
    /// with this event, any other ends with [`Event::End`].
    Head {
        /// The request's stream.
        stream: StreamKey,
        /// The length of the body. That of CONNECT is what the peer sends through the tunnel.
        body: BodyLength,
    },
    /// A piece of a body, never empty. The peer may not send more than a window ahead of
    /// [`release`](super::Connection::release).
    Data {
        /// The stream that it came on.
        stream: StreamKey,
        /// The bytes.
        bytes: &'b [u8],
    },
    /// The end of a body. Trailer fields, if any, are the headers of the `head` passed in, which is
    /// cleared for them.
    End {
        /// The stream whose body ended. If its response is out, the stream is over with this event.
        stream: StreamKey,
    },
    /// A request that must not be processed. It is to be answered with the status of `reject`, or
    /// reset if its response has begun; no more data of it comes, and its end only where that comes
    /// behind the response. It stands in the `head` that was
    /// passed in as far as it was understood, if [`Event::Head`] did not come before.
    Refused {
        /// The request's stream.
        stream: StreamKey,
        /// What it is refused for.
        reject: Reject,
    },
    /// A malformed request, whose stream has been reset and was never announced (RFC 9113 section
    /// 8.1.1). It stands in the `head` that was passed in as far as it was understood.
    Malformed {
        /// The number of its stream.
        id: u32,
        /// What is wrong with it.
        reject: Reject,
    },
    /// A stream is over at once, whatever was being received or sent on it.
    Reset {
        /// The stream.
        stream: StreamKey,
        /// The code in RST_STREAM.
        code: ErrorCode,
        /// Who reset it, and why.
        cause: ResetCause,
    },
    /// The peer will send no more requests.
    GoAway {
        /// Why it does so.
        code: ErrorCode,
    },
}

/// Why a stream was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetCause {
    /// The peer reset it.
    Peer,
    /// The peer broke a rule of HTTP/2 on it, so that it had to be reset.
    Fault,
    /// The rest of its request is malformed, so that it had to be reset.
    Reject(Reject),
    /// Its response is out, and more of its request came than is
    /// [dropped](super::Connection::drop_rest).
    Drained,
}

/// What a connection is doing, for those who set deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The preface has not come in full.
    Handshake,
    /// No stream is open.
    Idle,
    /// Some of a header block has come, and the peer has to send the rest of it next.
    HeaderBlock,
    /// Streams are open.
    Streams,
    /// Nothing more is read or sent.
    Closed,
}
