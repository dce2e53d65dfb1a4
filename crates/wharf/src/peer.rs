//! [`PeerAddr`]: where a connection comes from, and [`PeerCredentials`]: whose process it is.
//!
//! Not here: asking the system (`driver`, `sys`), and how a connection keeps it (`conn/addrs.rs`).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where a connection comes from.
///
/// ```
/// use wharf::{PeerAddr, Request, StatusCode};
///
/// let handler = |request: Request| match request.peer_addr() {
///     PeerAddr::Ip(addr) if addr.ip().is_loopback() => Ok("from this machine"),
///     // Who may connect to a Unix socket is decided by the mode of its file.
///     PeerAddr::Unix(_) => Ok("from this machine, too"),
///     _ => Err(StatusCode::FORBIDDEN),
/// };
/// # let _ = wharf::Server::new(handler);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// An internet address.
    Ip(SocketAddr),
    /// A process of this machine, by a Unix socket: whose it is, where the system tells (Linux).
    /// Clients of Unix sockets have no addresses of their own.
    Unix(Option<PeerCredentials>),
}

impl PeerAddr {
    /// The address, unless the peer came by a Unix socket.
    #[must_use]
    pub const fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }

    /// The address without the port, unless the peer came by a Unix socket.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(addr) => Some(addr.ip()),
            Self::Unix(_) => None,
        }
    }

    /// Whose process the peer is, if it came by a Unix socket and the system tells.
    #[must_use]
    pub const fn credentials(&self) -> Option<PeerCredentials> {
        match self {
            Self::Ip(_) => None,
            Self::Unix(credentials) => *credentials,
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

impl PartialEq<SocketAddr> for PeerAddr {
    fn eq(&self, addr: &SocketAddr) -> bool {
        self.socket_addr() == Some(*addr)
    }
}

/// `127.0.0.1:50000`, or `unix`.
impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix(_) => f.write_str("unix"),
        }
    }
}

/// Whose process connected to a Unix socket, as the system saw it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerCredentials {
    /// Zero if it can't be told.
    pid: u32,
    uid: u32,
    gid: u32,
}

impl PeerCredentials {
    pub(crate) const fn new(pid: u32, uid: u32, gid: u32) -> Self {
        Self { pid, uid, gid }
    }

    /// The process, which may have ended since. `None` if it has no number here, as one of another
    /// container.
    #[must_use]
    pub const fn pid(&self) -> Option<u32> {
        if self.pid == 0 { None } else { Some(self.pid) }
    }

    /// Its user.
    #[must_use]
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// Its group.
    #[must_use]
    pub const fn gid(&self) -> u32 {
        self.gid
    }
}
