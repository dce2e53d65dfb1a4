//! What the operating system is asked directly. The only place where `unsafe` is allowed.
//!
//! Each backend provides: [`open_file_limit`], how many descriptors the process may have, and
//! [`send_vectored`], which sends to a socket without raising a signal. [`unacknowledged_bytes`]
//! tells how much of what was sent the peer has not acknowledged.
//! Not here: sockets (`listener.rs`) and events (`driver`).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::unacknowledged_bytes;

#[cfg(not(target_os = "linux"))]
mod not_linux;
#[cfg(not(target_os = "linux"))]
pub(crate) use not_linux::unacknowledged_bytes;

#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(crate) mod uring;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{open_file_limit, send_vectored};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{open_file_limit, send_vectored};
