//! What a server listens on, from addresses to the workers' shares.
//!
//! Not here: how a socket comes to listen (`listener`), and listening on more while the server runs
//! (`handle.rs`).

use std::net::SocketAddr;

use super::Server;
use crate::driver::Listening;
use crate::error::{Error, Result};
use crate::listener::{InvalidAddr, ListenAddr, Listener, OpenSocket, Registry, Spread};
use crate::service::{Service, ServiceId};

impl Server {
    /// Listens on an address, at once. May be called for any number of addresses.
    ///
    /// A [`SocketAddr`] is one, a pair of address and port, and a text such as `127.0.0.1:8080`,
    /// `localhost:8080`, `:8080`, `unix:/run/site.sock`, `fd:3` or `systemd:`: [`ListenAddr`] has
    /// them all, and options. Port 0 takes a free port, which [`local_addrs`](Self::local_addrs)
    /// tells. `[::]` takes IPv4 as well. Of a name with several addresses, the first that can be
    /// bound is taken.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddr`] if the text can't be read; [`Error::Listen`] if the address is
    /// taken, not allowed, not to be had on this system, or does not resolve; [`Error::Handler`] if
    /// the handler was put together wrongly, such as a router with conflicting routes.
    pub fn listen<A>(self, addr: A) -> Result<Self>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        let addr = addr.try_into().map_err(|error| Error::InvalidAddr(error.into()))?;
        self.listen_at(&addr, ServiceId::FIRST)
    }

    /// Listens on an address for another service than the server's own, as
    /// [`listen`](Self::listen) does otherwise.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen), and [`Error::TooManyServices`] if there are 65,535.
    pub fn listen_for<A>(mut self, addr: A, service: Service) -> Result<Self>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        let addr = addr.try_into().map_err(|error| Error::InvalidAddr(error.into()))?;
        let id = ServiceId::new(self.services.len())?;
        self.services.push(service);
        self.listen_at(&addr, id)
    }

    /// What the server was made for.
    #[cfg(feature = "tls")]
    pub(crate) fn own_service(&self) -> Service {
        self.services[0].clone()
    }

    fn listen_at(mut self, addr: &ListenAddr, service: ServiceId) -> Result<Self> {
        self.services[service.index()].prepare()?;
        let speaks_tls = self.services[service.index()].speaks_tls();
        let taken = self.config.hand_over.as_mut().map(|hand_over| hand_over.claim(addr));
        let refused = |source| Error::Listen { addr: addr.to_string(), source };
        match taken.transpose().map_err(refused)?.flatten() {
            Some(listener) => self.listeners.push(listener.of(service, speaks_tls)),
            None => {
                let opened = Listener::open(addr)?;
                self.listeners
                    .extend(opened.into_iter().map(|listener| listener.of(service, speaks_tls)));
            }
        }
        Ok(self)
    }

    /// Listens on a socket that the program has opened: a [`TcpListener`](std::net::TcpListener),
    /// and on Unix a `UnixListener` or the `OwnedFd` of either. It becomes non-blocking, also for
    /// whoever else has it.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if it is not a stream socket that is bound; [`Error::Handler`] as for
    /// [`listen`](Self::listen).
    pub fn listen_on(mut self, socket: impl Into<OpenSocket>) -> Result<Self> {
        self.services[0].prepare()?;
        let listener = Listener::adopt(socket.into())?;
        self.listeners.push(listener.of(ServiceId::FIRST, self.services[0].speaks_tls()));
        Ok(self)
    }

    /// The internet addresses that are listened on, in the order of the calls, with their real
    /// ports. [`listen_addrs`](Self::listen_addrs) has those of Unix sockets as well.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.addr().socket_addr()).collect()
    }

    /// What is listened on, in the order of the calls.
    #[must_use]
    pub fn listen_addrs(&self) -> Vec<ListenAddr> {
        self.listeners.iter().map(|listener| listener.addr().clone()).collect()
    }
}

/// The sockets of each worker.
pub(super) fn share_out(
    listeners: Vec<Listener>,
    registry: &Registry,
    spread: Spread,
) -> Result<Vec<Vec<Listening>>> {
    let mut shares: Vec<Vec<Listening>> = (0..spread.workers).map(|_| Vec::new()).collect();
    for listener in listeners {
        let sockets = registry.add(listener, spread).map_err(Error::Worker)?;
        for (index, socket) in sockets.into_iter().enumerate() {
            shares[index % spread.workers].push(socket);
        }
    }
    Ok(shares)
}
