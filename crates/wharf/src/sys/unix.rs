//! Limits, files and sends on Unix. Not here: anything that only some Unixes have.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use std::ffi::c_int;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use mio::net::TcpStream;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use rustix::ioctl::{Getter, Opcode, ioctl};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use rustix::process::{Resource, getrlimit};

/// How many descriptors the process may have open; `None` if there is no limit.
pub(crate) fn open_file_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Reads bytes that begin `at` that place of a file, whatever the file's own place.
pub(crate) fn read_file_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    file.read_at(into, at)
}

/// Sends as much of `slices` as the socket takes.
///
/// A program whose `main` is not Rust's need not ignore SIGPIPE, which `writev` raises where the
/// peer is gone.
pub(crate) fn send_vectored(stream: &mut TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut control = SendAncillaryBuffer::default();
    Ok(sendmsg(&*stream, slices, &mut control, NO_SIGNAL)?)
}

/// Sends as much of `bytes` as the socket takes, behind which something follows at once, a file or
/// the end of all: where the system knows how, it waits with what does not fill a packet, so that
/// this goes with it.
pub(crate) fn send_withheld(socket: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, NO_SIGNAL | SendFlags::DONTWAIT | MORE_FOLLOWS)?)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const MORE_FOLLOWS: SendFlags = SendFlags::MORE;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const MORE_FOLLOWS: SendFlags = SendFlags::empty();

/// Apple's systems have a socket option instead, which `mio` sets.
#[cfg(target_vendor = "apple")]
pub(super) const NO_SIGNAL: SendFlags = SendFlags::empty();
#[cfg(not(target_vendor = "apple"))]
pub(super) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// How many bytes in a socket's send queue the peer has not acknowledged; 0 where nobody knows.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[expect(unsafe_code, reason = "the library has no safe wrapper for this request")]
pub(crate) fn unacknowledged_bytes(socket: &impl AsFd) -> u64 {
    /// `SIOCOUTQ` of tcp(7), on architectures with the generic numbers.
    const OUTQ: Opcode = 0x5411;

    // SAFETY: the request is one that writes an int to where its argument points.
    let getter = unsafe { Getter::<OUTQ, c_int>::new() };
    // SAFETY: that is all that it does, and a getter of `c_int` provides the place.
    let queued = unsafe { ioctl(socket, getter) };
    queued.ok().and_then(|queued| u64::try_from(queued).ok()).unwrap_or(0)
}

/// How many bytes in a socket's send queue the peer has not acknowledged; 0 where nobody knows.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) const fn unacknowledged_bytes<S>(_socket: &S) -> u64 {
    0
}

/// Has the allocator return what is free to the system. A process whose memory has grown in a burst
/// of connections otherwise keeps what lies between pieces in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's own functions have no wrapper")]
pub(crate) fn return_free_memory() {
    unsafe extern "C" {
        /// malloc_trim(3)
        safe fn malloc_trim(pad: usize) -> i32;
    }

    // It says whether there was anything, which is of no interest. A program with another
    // allocator has little in this one, so that there is little to do.
    let _ = malloc_trim(0);
}

/// Has the allocator return what is free to the system, where it needs to be asked.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn return_free_memory() {}
