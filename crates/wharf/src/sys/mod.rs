//! What the operating system is asked directly. The only place where `unsafe` is allowed.
//!
//! Each backend provides: [`open_file_limit`], how many descriptors the process may have,
//! [`send_vectored`], which sends to a socket without raising a signal, [`unacknowledged_bytes`],
//! which tells what a peer has not taken, and [`return_free_memory`], for when a burst is over.
//! Not here: sockets (`listener.rs`) and events (`driver`).

#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(crate) mod uring;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{open_file_limit, return_free_memory, send_vectored, unacknowledged_bytes};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{open_file_limit, return_free_memory, send_vectored, unacknowledged_bytes};

#[cfg(test)]
mod tests;
