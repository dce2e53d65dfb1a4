//! Systems without Unix sockets: there is none that could be accepted from.
//!
//! Not here: Unix.

use std::io;

use mio::event::Source;
use mio::net::TcpStream;

use crate::driver::listening::UnixListener as StdListener;
use crate::peer::PeerAddr;
use crate::sys::Descriptor;

/// A Unix socket that listens: nothing has this type.
pub(super) struct UnixListener(StdListener);

impl UnixListener {
    pub(super) const fn from_std(listener: StdListener) -> Self {
        Self(listener)
    }

    pub(super) fn source(&mut self) -> &mut dyn Source {
        match self.0 {}
    }

    pub(super) fn accept(&self) -> io::Result<(TcpStream, PeerAddr)> {
        match self.0 {}
    }

    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn duplicate(&self) -> io::Result<Descriptor> {
        match self.0 {}
    }
}

/// Another descriptor of a socket: of no use here.
pub(super) fn duplicate<S>(_socket: &S) -> io::Result<Descriptor> {
    Err(io::ErrorKind::Unsupported.into())
}
