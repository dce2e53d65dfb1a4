//! Systems without Unix sockets and inherited descriptors: all of it is an error.
//!
//! Not here: Unix.

use std::io::{self, ErrorKind};
use std::path::Path;

use socket2::{SockAddr, Socket};

use super::options::ListenOptions;
use super::{Listener, Place};
use crate::driver::ListenSocket;

pub(super) fn bind(_path: &Path, _options: &ListenOptions) -> io::Result<Listener> {
    Err(unsupported())
}

pub(super) fn bind_abstract(_name: &[u8], _options: &ListenOptions) -> io::Result<Listener> {
    Err(unsupported())
}

pub(super) const fn place_of(_addr: &SockAddr) -> Option<Place> {
    None
}

/// There are none but internet sockets.
pub(super) fn listen_socket(socket: Socket) -> ListenSocket {
    ListenSocket::Tcp(socket.into())
}

fn unsupported() -> io::Error {
    io::Error::new(ErrorKind::Unsupported, "there are no Unix sockets here")
}

/// Nothing has this type.
#[derive(Debug)]
pub(crate) enum SocketFile {}

impl SocketFile {
    pub(super) const fn own(&mut self, _is_owned: bool) {
        match *self {}
    }
}
