//! What the operating system is asked directly. The only place where `unsafe` is allowed.
//!
//! Each backend provides: [`open_file_limit`], how many descriptors the process may have,
//! [`send_vectored`] and [`send_last`], which send to a socket without raising a signal,
//! [`unacknowledged_bytes`], which tells what a peer has not taken, [`return_free_memory`], for
//! when a burst is over, and [`pin_this_thread`], which says where a thread runs.
//! Not here: sockets (`listener.rs`) and events (`driver`).

#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(crate) mod uring;

#[cfg(target_os = "linux")]
mod pinning;
#[cfg(target_os = "linux")]
pub(crate) use pinning::{Pinned, pin_this_thread};

#[cfg(not(target_os = "linux"))]
mod no_pinning;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_pinning::{Pinned, pin_this_thread};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    open_file_limit, return_free_memory, send_last, send_vectored, unacknowledged_bytes,
};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{
    open_file_limit, return_free_memory, send_last, send_vectored, unacknowledged_bytes,
};

#[cfg(test)]
mod tests;
