//! Socket options that only Linux has, and that no library wraps; and files that it sends itself.
//!
//! Not here: those options that `socket2` and `rustix` have.

#![expect(unsafe_code, reason = "the libraries have no safe wrapper for these options")]

use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Whether Unix sockets can have names without files.
pub(crate) const HAS_ABSTRACT_NAMES: bool = true;

/// Whether files can be sent: a peer that is gone would end a program that does not ignore SIGPIPE,
/// and of this call, unlike of others, the signal can't be kept off.
pub(crate) fn can_send_files() -> bool {
    // SAFETY: an action without a handler is all zeros, which is one that there is.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set where the new action is null, and the place for the current one lives
    // until the call returns.
    let result = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Sends as much of `len` bytes that begin `at` that place of `file` as the socket takes; none
/// where the file ends there.
pub(crate) fn send_file(socket: impl AsFd, file: &File, at: u64, len: usize) -> io::Result<usize> {
    let mut at = at;
    Ok(rustix::fs::sendfile(socket, file, Some(&mut at), len)?)
}

/// How many connections may wait that begin with data.
pub(crate) fn set_fast_open(socket: impl AsFd, connections: u32) -> io::Result<()> {
    set_tcp_option(socket, libc::TCP_FASTOPEN, connections)
}

/// How many seconds the system keeps a connection to itself on which nothing comes.
pub(crate) fn set_defer_accept(socket: impl AsFd, seconds: u32) -> io::Result<()> {
    set_tcp_option(socket, libc::TCP_DEFER_ACCEPT, seconds)
}

fn set_tcp_option(socket: impl AsFd, name: c_int, value: u32) -> io::Result<()> {
    let value = c_int::try_from(value).unwrap_or(c_int::MAX);
    let len = u32::try_from(size_of::<c_int>()).expect("an int is small");
    // SAFETY: the descriptor is open, and the option is an int, which lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            name,
            (&raw const value).cast(),
            len,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Process, user and group of the peer of a Unix socket. The process is zero where it has no number
/// in this process's namespace, which is why `rustix`, whose type knows no zero, can't be asked.
pub(crate) fn peer_credentials(socket: impl AsFd) -> Option<(u32, u32, u32)> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = u32::try_from(size_of::<libc::ucred>()).expect("three numbers are small");
    // SAFETY: the descriptor is open, and the place for the result is as large as is said and may
    // hold any bytes.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut len,
        )
    };
    let pid = u32::try_from(credentials.pid).unwrap_or(0);
    (result == 0).then_some((pid, credentials.uid, credentials.gid))
}
