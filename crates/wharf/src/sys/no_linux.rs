//! Other systems than Linux: they do without what `linux.rs` asks for.
//!
//! Not here: Linux.

use std::fs::File;
use std::io;

/// Files are read.
pub(crate) const fn can_send_files() -> bool {
    false
}

/// Nobody is told to.
pub(crate) fn send_file<S>(_socket: S, _file: &File, _at: u64, _len: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Clients do without.
pub(crate) fn set_fast_open<S>(_socket: S, _connections: u32) -> io::Result<()> {
    Ok(())
}

/// Connections are accepted earlier.
pub(crate) fn set_defer_accept<S>(_socket: S, _seconds: u32) -> io::Result<()> {
    Ok(())
}

/// Whether Unix sockets can have names without files.
#[cfg(unix)]
pub(crate) const HAS_ABSTRACT_NAMES: bool = false;

/// Nobody is asked.
#[cfg(unix)]
pub(crate) fn peer_credentials<S>(_socket: S) -> Option<(u32, u32, u32)> {
    None
}
