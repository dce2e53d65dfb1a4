//! [`Limit`]: everything that a server bounds, by name.
//!
//! Not here: the bounds themselves ([`Limits`](crate::Limits), [`Timeouts`](crate::Timeouts)).

use std::error::Error;
use std::fmt;

use wharf_proto::Reject;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident $text:literal)*) => {
        /// A bound that a peer or a handler ran into. Each is on from the start, except where its
        /// setting says otherwise, and [`Stats::reached`](crate::Stats::reached) counts how often
        /// it fired.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit {
            $($(#[$doc])* $name,)*
        }

        impl Limit {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What happened, in lower case and without a full stop.
            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

limits! {
    /// [`Limits::max_head_bytes`](crate::Limits::max_head_bytes): answered with 431.
    HeadBytes "head too large"
    /// [`Limits::max_target_bytes`](crate::Limits::max_target_bytes): answered with 414.
    TargetBytes "request-target too long"
    /// [`Limits::max_field_bytes`](crate::Limits::max_field_bytes): answered with 431.
    FieldBytes "field line too long"
    /// [`Limits::max_fields`](crate::Limits::max_fields): answered with 431.
    Fields "too many fields"
    /// [`Limits::max_body_bytes`](crate::Limits::max_body_bytes): answered with 413.
    BodyBytes "body too large"
    /// [`Limits::max_trailer_bytes`](crate::Limits::max_trailer_bytes): answered with 431.
    TrailerBytes "trailer section too large"
    /// [`Limits::max_chunk_extension_bytes`](crate::Limits::max_chunk_extension_bytes), or chunks
    /// that are mostly framing: answered with 400.
    ChunkOverhead "too much chunk overhead"
    /// [`Limits::max_drain_bytes`](crate::Limits::max_drain_bytes): the connection closes after the
    /// response; over HTTP/2, the stream is reset.
    DrainBytes "unread body too large"
    /// One receive (68 KiB at most) of requests behind the one that is being answered: its peer is
    /// not read before that is. There is nothing else to it.
    Pipelined "more requests before the response"
    /// [`Server::max_requests_per_connection`](crate::Server::max_requests_per_connection): the
    /// last response says that the connection closes.
    Requests "last request of the connection"
    /// [`Server::max_connections`](crate::Server::max_connections): others wait in the listener's
    /// backlog.
    Connections "too many connections"
    /// [`Server::max_connections_per_client`](crate::Server::max_connections_per_client): one more
    /// is closed at once.
    ConnectionsPerClient "too many connections of one client"
    /// [`Timeouts::first_byte`](crate::Timeouts::first_byte): closed silently.
    FirstByte "nothing came on a new connection"
    /// [`Timeouts::handshake`](crate::Timeouts::handshake): the connection is cut.
    Handshake "TLS handshake took too long"
    /// [`Server::max_handshakes`](crate::Server::max_handshakes): the one that began first is cut.
    Handshakes "too many TLS handshakes"
    /// [`Timeouts::head`](crate::Timeouts::head): answered with 408.
    Head "head took too long"
    /// [`Timeouts::body`](crate::Timeouts::body): answered with 408 if no response has begun.
    Body "body stopped coming"
    /// [`Timeouts::body_rate`](crate::Timeouts::body_rate): answered with 408 if no response has
    /// begun.
    BodyRate "body came too slowly"
    /// [`Timeouts::handler`](crate::Timeouts::handler): answered with 503.
    Handler "handler took too long"
    /// So many handlers of one worker that go on without their client
    /// ([`OnDisconnect::Finish`](crate::OnDisconnect::Finish)): one more is cancelled.
    Orphans "too many handlers without a client"
    /// [`Server::blocked_worker_after`](crate::Server::blocked_worker_after): told, and nothing
    /// else.
    BlockedWorker "handler blocked its worker"
    /// [`BlockingPool::max_queued`](crate::BlockingPool::max_queued): answered with 503.
    BlockingQueue "too many requests wait for a thread"
    /// The [`BlockingPool`](crate::BlockingPool)'s waiting: answered with 503.
    BlockingWait "no thread was free in time"
    /// [`Timeouts::write`](crate::Timeouts::write): the connection is reset.
    Write "response was not taken"
    /// [`Timeouts::write_rate`](crate::Timeouts::write_rate): the connection is reset.
    WriteRate "response was taken too slowly"
    /// [`Timeouts::idle`](crate::Timeouts::idle): closed silently.
    Idle "no further request came"
    /// [`Timeouts::tunnel`](crate::Timeouts::tunnel): the connection is closed.
    Tunnel "nothing came or went"
    /// [`Io::MAX_UNREAD_BYTES`](crate::Io::MAX_UNREAD_BYTES) with which a protocol of the program's
    /// own could do nothing: the connection is closed.
    Unread "too many bytes that nothing could be made of"
    /// [`Timeouts::linger`](crate::Timeouts::linger): a peer did not close after the last response,
    /// or did not end a request of HTTP/2 that was answered: its stream is reset.
    Linger "peer did not close"
}

impl Limit {
    /// The bound that a rejection speaks of, if it does.
    pub(crate) const fn of(reject: Reject) -> Option<Self> {
        Some(match reject {
            Reject::HeadTooLarge => Self::HeadBytes,
            Reject::TargetTooLong => Self::TargetBytes,
            Reject::FieldTooLarge => Self::FieldBytes,
            Reject::TooManyFields => Self::Fields,
            Reject::BodyTooLarge => Self::BodyBytes,
            Reject::TrailersTooLarge => Self::TrailerBytes,
            Reject::ChunkOverhead => Self::ChunkOverhead,
            _ => return None,
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Error for Limit {}
