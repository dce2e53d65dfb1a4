//! Bound sockets that listen: options, addresses, and one socket for each worker.
//!
//! Not here: accepting (`driver`), and which worker gets a connection (`worker`).

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

#[cfg(target_os = "linux")]
use socket2::SockRef;
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};

/// How many connections the system keeps until they are accepted. The system caps it.
const BACKLOG: i32 = 4096;

/// How long a connection is silent before the system asks whether its peer is still there.
/// Go asks after 15 s.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// A socket that listens on one address.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    addr: SocketAddr,
}

impl Listener {
    /// Binds the first address that `addr` resolves to and that can be bound, and listens.
    ///
    /// `[::]` takes IPv4 connections as well.
    pub(crate) fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let mut last_error = None;
        for addr in addr.to_socket_addrs()? {
            match Self::bind_one(addr) {
                Ok(listener) => return Ok(listener),
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.unwrap_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the name resolves to no address")
        }))
    }

    fn bind_one(addr: SocketAddr) -> io::Result<Self> {
        let socket = open(addr)?;
        bind_address(&socket, addr)?;
        // Others may share the port from here on, but only after the bind has shown that nobody
        // has it: with the option set before, a second server would take half of the connections.
        allow_siblings(&socket)?;
        socket.listen(BACKLOG)?;
        let addr = resolved(&socket)?;
        Ok(Self { socket, addr })
    }

    /// The address with the port that the system chose, if it was asked to.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Another socket on the same address: the system spreads connections over both.
    pub(crate) fn sibling(&self) -> io::Result<Self> {
        let socket = open(self.addr)?;
        allow_siblings(&socket)?;
        bind_address(&socket, self.addr)?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket, addr: self.addr })
    }

    pub(crate) fn into_std(self) -> TcpListener {
        self.socket.into()
    }
}

/// Has the system look for packets for so many microseconds before it says that there are none.
/// Accepted sockets inherit it.
#[cfg(target_os = "linux")]
pub(crate) fn set_busy_poll(listener: &TcpListener, micros: u32) -> io::Result<()> {
    SockRef::from(listener).set_busy_poll(micros)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set_busy_poll(_listener: &TcpListener, _micros: u32) -> io::Result<()> {
    Ok(())
}

/// Whether the system spreads connections over sockets that share an address. Others let them
/// share it, but give all connections to one.
pub(crate) const SYSTEM_SPREADS: bool = SPREADS;
#[cfg(target_os = "linux")]
const SPREADS: bool = true;
#[cfg(not(target_os = "linux"))]
const SPREADS: bool = false;

fn open(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit the options, which saves calls for each.
    socket.set_tcp_nodelay(true)?;
    // So that a peer that has vanished while its request is worked on is noticed at all.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER))?;
    bound_unsent(&socket)?;
    Ok(socket)
}

/// Bounds what the system takes of a response that its peer does not read: without, it is megabytes
/// for each, which takes memory, and time in which others are not served. What is on its way to a
/// peer does not count, so that no speed is lost.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound_unsent(socket: &Socket) -> io::Result<()> {
    const UNSENT_BYTES: u32 = 128 << 10;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound_unsent(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

fn bind_address(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    if addr.is_ipv6() {
        socket.set_only_v6(!addr.ip().is_unspecified())?;
    }
    reuse_address(socket)?;
    socket.bind(&SockAddr::from(addr))
}

/// Lets a server be restarted while old connections are in TIME_WAIT. On Windows the option would
/// let others take the port, and is not needed.
#[cfg(unix)]
fn reuse_address(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

#[cfg(not(unix))]
fn reuse_address(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn allow_siblings(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(target_os = "linux"))]
fn allow_siblings(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

fn resolved(socket: &Socket) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?.as_socket();
    addr.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "not an internet address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_an_error_also_when_its_owner_has_siblings() {
        let first = Listener::bind("127.0.0.1:0").unwrap();
        let taken = Listener::bind(first.addr());
        assert_eq!(taken.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn siblings_share_the_port() {
        let first = Listener::bind("127.0.0.1:0").unwrap();
        let second = first.sibling().unwrap();
        assert_eq!(first.addr(), second.addr());
        let taken = Listener::bind(first.addr());
        assert_eq!(taken.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn accepted_sockets_poll_as_long_as_their_listener() {
        const MICROS: u32 = 50;
        let listener = Listener::bind("127.0.0.1:0").unwrap().into_std();
        let set = set_busy_poll(&listener, MICROS);
        let server = crate::Server::new("hello").busy_poll(Duration::from_micros(MICROS.into()));
        let started = server.listen("127.0.0.1:0").unwrap().start();
        if set.is_err() {
            // Where it takes a privilege that is missing, who asked for it is told.
            assert!(matches!(started, Err(crate::Error::BusyPoll(_))), "{started:?}");
            return;
        }
        started.unwrap().stop();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(SockRef::from(&accepted).busy_poll().unwrap(), MICROS);
    }

    #[test]
    fn the_unspecified_v6_address_takes_v4_as_well() {
        let Ok(listener) = Listener::bind("[::]:0") else {
            // A machine without IPv6 can't show it.
            return;
        };
        std::net::TcpStream::connect(("127.0.0.1", listener.addr().port())).unwrap();
    }
}
