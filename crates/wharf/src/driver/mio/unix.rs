//! Unix sockets that are accepted from.
//!
//! Not here: their connections, which are like any other.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use mio::event::Source;
use mio::net::TcpStream;

use crate::driver::listening::{UnixListener as StdListener, unix_peer};
use crate::peer::PeerAddr;
use crate::sys::Descriptor;

/// A Unix socket that listens.
pub(super) struct UnixListener(mio::net::UnixListener);

impl UnixListener {
    pub(super) fn from_std(listener: StdListener) -> Self {
        Self(mio::net::UnixListener::from_std(listener))
    }

    pub(super) fn source(&mut self) -> &mut dyn Source {
        &mut self.0
    }

    pub(super) fn accept(&self) -> io::Result<(TcpStream, PeerAddr)> {
        let (socket, _) = self.0.accept()?;
        let peer_addr = unix_peer(&socket);
        Ok((OwnedFd::from(socket).into(), peer_addr))
    }

    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.0).set_nonblocking(true)
    }

    pub(super) fn duplicate(&self) -> io::Result<Descriptor> {
        duplicate(&self.0)
    }
}

/// Another descriptor of a socket.
pub(super) fn duplicate(socket: &impl AsFd) -> io::Result<Descriptor> {
    socket.as_fd().try_clone_to_owned()
}
