//! A socket that a driver accepts from, and what it knows of the connections.
//!
//! Not here: how it came to listen (`listener`), and accepting itself (the backends).

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
#[cfg(target_os = "linux")]
use std::time::Duration;
use std::time::Instant;

#[cfg(unix)]
pub(crate) use std::os::unix::net::UnixListener;

#[cfg(unix)]
use crate::peer::{PeerAddr, PeerCredentials};
use crate::service::ServiceId;
#[cfg(unix)]
use crate::sys;

/// Nothing has this type where there are no Unix sockets.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) enum UnixListener {}

/// Names a listener of a server, whose workers may have a socket each for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ListenerId(pub(crate) u32);

/// What a listener passes on to its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// What they are for.
    pub(crate) service: ServiceId,
    /// Not every worker has a socket of this listener, so that connections are handed over.
    pub(crate) hands_over: bool,
}

impl Origin {
    /// That of a listener of the server's own service, of which every worker has a socket.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { service: ServiceId::FIRST, hands_over: false };
}

/// A socket that listens, on its way to a driver.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) id: ListenerId,
    pub(crate) socket: ListenSocket,
    pub(crate) origin: Origin,
    /// Nobody goes on with the socket when it is closed here: what waits would be reset.
    pub(crate) is_own: bool,
}

/// How long a listener that answers nobody any more stays open, so that those who were answered by
/// then can be accepted: longer than their last packet is on its way in a data centre, or is left
/// lying by a machine with too much to do.
#[cfg(target_os = "linux")]
const SETTLING: Duration = Duration::from_millis(20);

/// Has the system leave attempts to connect unanswered from now on, so that all that is still to be
/// accepted waits already, or was answered before and has come by the returned instant: a listener
/// that is closed earlier resets those whose last packet is on its way. Whoever is not answered
/// tries again, a second later, and learns then what has become of the listener. If the system
/// refuses, it goes on as before, and nothing is gained by staying open.
#[cfg(target_os = "linux")]
pub(super) fn leave_unanswered(listener: &socket2::SockRef<'_>) -> Option<Instant> {
    use socket2::SockFilter;

    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_ANY: u16 = 0x45;
    const RETURN: u16 = 0x06;
    /// Where the flags of a segment are, and the one with which a connection begins (RFC 9293
    /// section 3.1).
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 2;
    let filter = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(JUMP_IF_ANY, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    listener.attach_filter(&filter).ok()?;
    Some(Instant::now() + SETTLING)
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn leave_unanswered(_listener: &socket2::SockRef<'_>) -> Option<Instant> {
    None
}

#[cfg(test)]
impl From<TcpListener> for Listening {
    fn from(listener: TcpListener) -> Self {
        Self {
            id: ListenerId(0),
            socket: ListenSocket::Tcp(listener),
            origin: Origin::PLAIN,
            is_own: true,
        }
    }
}

/// A socket that listens, of either kind.
#[derive(Debug)]
pub(crate) enum ListenSocket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl ListenSocket {
    /// The local address of all connections that the socket accepts, so that none needs to be asked
    /// for it. An error if it depends on the connection, as the socket listens on every address of
    /// the machine.
    pub(super) fn local_addr(&self) -> io::Result<LocalAddr> {
        match self {
            Self::Tcp(listener) => {
                let addr = listener.local_addr()?;
                let is_common = !addr.ip().is_unspecified();
                Ok(if is_common { LocalAddr::Common(addr) } else { LocalAddr::OfConnection })
            }
            Self::Unix(_) => Ok(LocalAddr::None),
        }
    }
}

/// Whether an accept that failed says something about one peer alone: the next one is not affected
/// (accept(2)).
pub(crate) fn is_about_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::PermissionDenied
    )
}

/// Whether an accept that failed says that the socket does not listen any more, as one that was
/// shut down through another descriptor. Nothing will ever come there, so that the backends close
/// it and tell of the error once.
pub(crate) fn is_closed_to_all(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidInput
}

/// The peer of a Unix socket that was accepted.
#[cfg(unix)]
pub(super) fn unix_peer(socket: &impl std::os::fd::AsFd) -> PeerAddr {
    let credentials = sys::peer_credentials(socket);
    PeerAddr::Unix(credentials.map(|(pid, uid, gid)| PeerCredentials::new(pid, uid, gid)))
}

/// What is known of the local addresses of a listener's connections.
#[derive(Clone, Copy, Debug)]
pub(super) enum LocalAddr {
    /// They have this one.
    Common(SocketAddr),
    /// The listener takes connections for every address of the machine.
    OfConnection,
    /// They are of a Unix socket.
    None,
}
