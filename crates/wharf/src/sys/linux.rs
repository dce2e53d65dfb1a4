//! What only Linux tells of a socket. Not here: what every Unix has (`unix.rs`).

#![expect(unsafe_code, reason = "it is asked by an ioctl")]

use std::ffi::c_int;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

#[expect(clippy::cast_possible_truncation, reason = "all of these numbers have 32 bits")]
const QUEUED: Opcode = libc::TIOCOUTQ as Opcode;

/// How many bytes of what was sent the peer has not acknowledged yet (tcp(7), `SIOCOUTQ`).
pub(crate) fn unacknowledged_bytes(socket: &impl AsFd) -> u64 {
    // SAFETY: the operation stores one `int`, whatever the descriptor is, or fails (tty_ioctl(2),
    // tcp(7)).
    let queued = unsafe { Getter::<QUEUED, c_int>::new() };
    // SAFETY: the operation changes nothing but the `int` that `Getter` has for it.
    let queued = unsafe { ioctl(socket, queued) };
    queued.ok().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}
