//! HTTP/1.1 and HTTP/2 in cleartext and over TLS, as bytes: for clients that may misbehave.
//!
//! `link.rs` is a connection that carries bytes, encrypted or not, `frame.rs` writes and reads
//! frames of HTTP/2, `client.rs` asks and understands the answer, `crowd.rs` has many who do so
//! once, `certificate.rs` is what servers are given for TLS.
//!
//! Not here: a protocol machine. What is sent is what the caller wants sent, be it legal or not;
//! load for comparisons is that of the `loadgen` crate.

mod certificate;
mod client;
mod crowd;
pub mod frame;
mod link;

pub use certificate::Certificate;
pub use client::{Client, Fault, Version};
pub use crowd::Crowd;
pub use link::{Link, Transport};
