//! What the operating system is asked directly. The only place where `unsafe` is allowed.
//!
//! Each backend provides: [`open_file_limit`], how many descriptors the process may have,
//! [`send_vectored`] and [`send_withheld`], which send to a socket without raising a signal,
//! [`read_file_at`], and `send_file`, where [`can_send_files`] says that it may be used,
//! [`unacknowledged_bytes`], which tells what a peer has not taken, [`return_free_memory`], for
//! when a burst is over, [`coarse_nanos`], a clock that costs little, [`pin_this_thread`] and
//! [`Place`], which say where a thread runs, on Linux a timer that is watched like a socket
//! (`timer.rs`), and the few options and messages of sockets that no library wraps (`linux.rs`,
//! `sockets.rs`). Not here: sockets (`listener`) and events (`driver`).

#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(crate) mod uring;

#[cfg(target_os = "linux")]
mod pinning;
#[cfg(target_os = "linux")]
pub(crate) use pinning::{CAN_PIN, Pinned, Place, pin_this_thread};

#[cfg(not(target_os = "linux"))]
mod no_pinning;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_pinning::{CAN_PIN, Pinned, Place, pin_this_thread};

#[cfg(target_os = "linux")]
mod coarse;
#[cfg(target_os = "linux")]
pub(crate) use coarse::coarse_nanos;

#[cfg(not(target_os = "linux"))]
mod no_coarse;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_coarse::coarse_nanos;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    open_file_limit, read_file_at, return_free_memory, send_vectored, send_withheld,
    unacknowledged_bytes,
};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{
    Descriptor, open_file_limit, read_file_at, return_free_memory, send_vectored, send_withheld,
    unacknowledged_bytes,
};

#[cfg(target_os = "linux")]
mod timer;
#[cfg(target_os = "linux")]
pub(crate) use timer::SystemTimer;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    HAS_ABSTRACT_NAMES, can_send_files, peer_credentials, send_file, set_defer_accept,
    set_fast_open,
};

#[cfg(not(target_os = "linux"))]
mod no_linux;
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use no_linux::{HAS_ABSTRACT_NAMES, peer_credentials};
#[cfg(not(target_os = "linux"))]
pub(crate) use no_linux::{can_send_files, send_file, set_defer_accept, set_fast_open};

#[cfg(unix)]
mod sockets;
#[cfg(unix)]
pub(crate) use sockets::{
    Descriptor, duplicate, lock_directory, receive_descriptor, send_descriptor, user,
    wait_for_either,
};

#[cfg(test)]
mod tests;
