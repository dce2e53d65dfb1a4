//! Sockets that listen: from an address to one socket for each worker.
//!
//! [`ListenAddr`] says where and how (`addr.rs`, `options.rs`); `tcp.rs` and `unix.rs` bind,
//! `adopted.rs` takes what others have bound, `registry.rs` knows what a running server listens on,
//! and `hand_over.rs` passes all of it to another process. Not here: accepting (`driver`), and
//! which worker gets a connection (`worker`).

mod addr;
mod adopted;
mod options;
mod registry;
mod tcp;
#[cfg(test)]
mod tests;

#[cfg(unix)]
mod hand_over;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
#[path = "no_hand_over.rs"]
mod hand_over;
#[cfg(not(unix))]
#[path = "no_unix.rs"]
mod unix;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use socket2::{SockRef, Socket};

use self::addr::Place;
pub use self::addr::{InvalidAddr, ListenAddr, Malformed};
pub use self::adopted::OpenSocket;
pub(crate) use self::hand_over::{HandOver, Successors};
pub use self::options::ListenOptions;
pub(crate) use self::registry::{Registry, Spread};
use self::unix::SocketFile;
use crate::driver::{ListenSocket, ListenerId, Listening, Origin};
use crate::error::{Error, Result};
use crate::service::ServiceId;

/// What listens on one address: a socket, or one for each worker.
#[derive(Debug)]
pub(crate) struct Listener {
    /// At least one.
    sockets: Vec<Socket>,
    /// Where it really listens, and how.
    addr: ListenAddr,
    siblings: Siblings,
    /// The file of a Unix socket, if it is this server's to remove.
    file: Option<SocketFile>,
    /// What its connections are for.
    service: ServiceId,
}

/// Whether more sockets on the same address are opened, where each worker should have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Siblings {
    None,
    /// Whoever bound the first may have had rights that this process lacks.
    IfAllowed,
    All,
}

impl Listener {
    /// Listens on what `addr` stands for, which may be several sockets or none that were passed.
    pub(crate) fn open(addr: &ListenAddr) -> Result<Vec<Self>> {
        addr.check().map_err(Error::InvalidAddr)?;
        let options = &addr.options;
        let opened = match &addr.place {
            Place::All(port) => {
                // The first takes IPv4 as well, but needs a system that has IPv6.
                let both = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
                Self::first(both.map(|ip| SocketAddr::new(ip, *port)), options).map(one)
            }
            Place::Ip(addr) => tcp::bind(*addr, options).map(one),
            Place::Name(name, port) => (name.as_str(), *port)
                .to_socket_addrs()
                .and_then(|addrs| Self::first(addrs, options).map(one)),
            Place::Unix(path) => unix::bind(path, options).map(one),
            Place::Abstract(name) => unix::bind_abstract(name, options).map(one),
            Place::Fd(number) => adopted::descriptor(*number, options).map(one),
            Place::Systemd(name) => adopted::systemd(name.as_deref(), options),
        };
        opened.map_err(|source| Error::Listen { addr: addr.to_string(), source })
    }

    fn first(
        addrs: impl IntoIterator<Item = SocketAddr>,
        options: &ListenOptions,
    ) -> io::Result<Self> {
        let mut last_error = None;
        for addr in addrs {
            match tcp::bind(addr, options) {
                Ok(listener) => return Ok(listener),
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.unwrap_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the name resolves to no address")
        }))
    }

    /// The same for another service, which speaks TLS or not.
    pub(crate) fn of(mut self, service: ServiceId, speaks_tls: bool) -> Self {
        self.service = service;
        self.addr.speaks_tls = speaks_tls;
        self
    }

    /// Where it really listens.
    pub(crate) const fn addr(&self) -> &ListenAddr {
        &self.addr
    }

    /// Opens sockets until each worker has one, where the system spreads connections over them.
    fn open_siblings(&mut self, workers: usize) -> io::Result<()> {
        let Some(addr) = self.addr.socket_addr().filter(|_| self.siblings != Siblings::None) else {
            return Ok(());
        };
        while self.sockets.len() < workers {
            match tcp::sibling(addr, &self.addr.options) {
                Ok(socket) => self.sockets.push(socket),
                Err(_) if self.siblings == Siblings::IfAllowed => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Has the system look for packets for so many microseconds before it says that there are none.
    /// Accepted sockets inherit it.
    pub(crate) fn set_busy_poll(&self, micros: u32) -> io::Result<()> {
        if self.addr.socket_addr().is_none() {
            return Ok(());
        }
        self.sockets.iter().try_for_each(|socket| set_busy_poll(socket, micros))
    }

    /// A share for each worker: some of the sockets. If not every worker has one, those that have
    /// hand connections over.
    fn into_shares(self, id: ListenerId, workers: usize) -> Vec<Listening> {
        let origin = Origin { service: self.service, hands_over: self.sockets.len() < workers };
        let is_internet = self.addr.socket_addr().is_some();
        let is_own = self.siblings != Siblings::None;
        let share = |socket: Socket| {
            let socket = if is_internet {
                ListenSocket::Tcp(socket.into())
            } else {
                unix::listen_socket(socket)
            };
            Listening { id, socket, origin, is_own }
        };
        self.sockets.into_iter().map(share).collect()
    }
}

fn one(listener: Listener) -> Vec<Listener> {
    vec![listener]
}

/// Whether the system spreads connections over sockets that share an address. Others let them
/// share it, but give all connections to one.
pub(crate) const SYSTEM_SPREADS: bool = SPREADS;
#[cfg(target_os = "linux")]
const SPREADS: bool = true;
#[cfg(not(target_os = "linux"))]
const SPREADS: bool = false;

/// Whether the system can be told to look for packets.
pub(crate) const SYSTEM_POLLS: bool = POLLS;
#[cfg(target_os = "linux")]
const POLLS: bool = true;
#[cfg(not(target_os = "linux"))]
const POLLS: bool = false;

#[cfg(target_os = "linux")]
fn set_busy_poll(listener: &Socket, micros: u32) -> io::Result<()> {
    listener.set_busy_poll(micros)
}

#[cfg(not(target_os = "linux"))]
fn set_busy_poll(_listener: &Socket, _micros: u32) -> io::Result<()> {
    Ok(())
}

/// Where a socket is bound; an error if that is neither an internet address nor a Unix one.
fn place_of(socket: &SockRef<'_>) -> io::Result<Place> {
    let addr = socket.local_addr()?;
    if let Some(addr) = addr.as_socket() {
        return Ok(Place::Ip(addr));
    }
    unix::place_of(&addr).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "not an internet or Unix address")
    })
}

/// Buffers, which connections inherit and have to be said before the socket listens.
fn set_buffers(socket: &Socket, options: &ListenOptions) -> io::Result<()> {
    let bytes = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes(size))?;
    }
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(bytes(size))?;
    }
    Ok(())
}
