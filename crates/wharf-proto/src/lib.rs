//! HTTP protocol machines without I/O.
//!
//! Every protocol keeps the same contract: bytes from the peer go in through `receive*`, one event
//! comes out per call, what the application does goes in through `send_*`, and bytes for the peer
//! are appended to a buffer that the caller owns. Nothing here reads a socket, a clock, a thread
//! or an environment variable, so that a test is a byte string and a list of events.
//!
//! Faults are told apart by type: [`Reject`] is the peer's fault and carries one status,
//! [`Misuse`] is the caller's. A peer can cause neither a [`Misuse`] nor a panic.
//!
//! Not here: sockets, timers, TLS, routing, handlers. They are the `wharf` crate's.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod authority;
mod content_length;
mod error;
pub mod h1;
pub mod h2;
mod head;
mod headers;
mod limits;
mod scan;
mod trailers;

pub use error::{InvalidHeader, Misuse, OutOfRange, Reject};
pub use head::{BodyLength, ConnectionOptions, RequestHead, TargetForm};
pub use headers::{Headers, HeadersIter, Managed};
pub use limits::{Limits, LimitsBuilder};
