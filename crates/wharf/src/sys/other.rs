//! Systems without descriptor limits and signals. Not here: Unix.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::windows::fs::FileExt;

use mio::net::TcpStream;

/// What a socket is passed as: nothing has this type.
#[derive(Debug)]
pub(crate) enum Descriptor {}

/// How many descriptors the process may have open; `None` if there is no limit.
pub(crate) const fn open_file_limit() -> Option<u64> {
    None
}

/// Reads bytes that begin `at` that place of a file, whatever the file's own place, which changes.
pub(crate) fn read_file_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    file.seek_read(into, at)
}

/// Sends as much of `slices` as the socket takes.
pub(crate) fn send_vectored(stream: &mut TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    stream.write_vectored(slices)
}

/// Sends as much of `bytes` as the socket takes, behind which something follows at once.
pub(crate) fn send_withheld(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.write(bytes)
}

/// How many bytes in a socket's send queue the peer has not acknowledged; 0 where nobody knows.
pub(crate) const fn unacknowledged_bytes<S>(_socket: &S) -> u64 {
    0
}

/// Has the allocator return what is free to the system, where it needs to be asked.
pub(crate) const fn return_free_memory() {}
