//! Limits and sends on Unix. Not here: anything that only some Unixes have.

use std::io::{self, IoSlice};

use mio::net::TcpStream;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use rustix::process::{Resource, getrlimit};

/// How many descriptors the process may have open; `None` if there is no limit.
pub(crate) fn open_file_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Sends as much of `slices` as the socket takes.
///
/// A program whose `main` is not Rust's need not ignore SIGPIPE, which `writev` raises where the
/// peer is gone.
pub(crate) fn send_vectored(stream: &mut TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut control = SendAncillaryBuffer::default();
    Ok(sendmsg(&*stream, slices, &mut control, NO_SIGNAL)?)
}

/// Apple's systems have a socket option instead, which `mio` sets.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
