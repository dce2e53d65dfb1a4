//! [`CloseReason`]: why a connection ended, and [`ClosedConnection`], what is told of one that has.
//!
//! Not here: how it is ended (`conn`, `worker`).

use std::fmt;

use wharf_proto::Reject;
use wharf_proto::h2::ConnectionError;

use super::id::ConnectionId;
use super::limit::Limit;
use crate::peer::PeerAddr;

/// Why a connection ended. The first cause counts: a peer that is told to go and then goes did not
/// leave by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer closed when nothing was left to be answered.
    PeerClosed,
    /// The connection was reset or lost, or the peer closed in the middle of something.
    Lost,
    /// The last response went out: the peer or the handler had asked for `Connection: close`, or
    /// the peer speaks HTTP/1.0 and did not ask for more, or has sent GOAWAY over HTTP/2, or a
    /// tunnel came to its end.
    Finished,
    /// The peer broke the protocol.
    Rejected(Reject),
    /// The peer broke HTTP/2 itself.
    Http2(ConnectionError),
    /// A bound was reached.
    Limit(Limit),
    /// A handler panicked, or gave up a response that had begun.
    Failed,
    /// The server stopped.
    Stopped,
    /// The handshake of TLS failed, what came was not TLS as it should have been, or it was TLS
    /// where that is not spoken.
    Tls,
    /// The program had it closed ([`ServerHandle::kill`](crate::ServerHandle::kill)).
    Killed,
    /// It left the server with its socket ([`Stream::detach`](crate::Stream::detach)), and is open.
    Detached,
}

impl CloseReason {
    /// How many there are, whatever their details.
    pub(super) const KINDS: usize = 11;

    /// What happened, whatever its details, in the order of [`kind`](Self::kind).
    pub(super) const KIND_TEXTS: [&str; Self::KINDS] = [
        "closed by the peer",
        "connection lost",
        "last response sent",
        "refused",
        "bound reached",
        "handler failed",
        "server stopped",
        "killed",
        "TLS failed",
        "HTTP/2 broken",
        "detached",
    ];

    pub(super) const fn kind(self) -> usize {
        match self {
            Self::PeerClosed => 0,
            Self::Lost => 1,
            Self::Finished => 2,
            Self::Rejected(_) => 3,
            Self::Limit(_) => 4,
            Self::Failed => 5,
            Self::Stopped => 6,
            Self::Killed => 7,
            Self::Tls => 8,
            Self::Http2(_) => 9,
            Self::Detached => 10,
        }
    }

    /// The reason for a rejection, which may stand for a bound or a peer that has gone.
    pub(crate) fn of(reject: Reject) -> Self {
        match reject {
            Reject::Truncated => Self::Lost,
            reject => Limit::of(reject).map_or(Self::Rejected(reject), Self::Limit),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reject) => reject.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
            Self::Http2(error) => error.fmt(f),
            Self::PeerClosed
            | Self::Lost
            | Self::Finished
            | Self::Failed
            | Self::Stopped
            | Self::Killed
            | Self::Detached
            | Self::Tls => f.write_str(Self::KIND_TEXTS[self.kind()]),
        }
    }
}

impl std::error::Error for CloseReason {}

/// A connection that is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClosedConnection {
    /// Its name; `None` if it was closed before it came to a worker.
    pub id: Option<ConnectionId>,
    /// Where it came from.
    pub peer_addr: PeerAddr,
    /// Why it ended.
    pub reason: CloseReason,
    /// How many requests came on it, those that were refused not counted.
    pub requests: u32,
}
