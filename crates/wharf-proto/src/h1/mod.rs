//! HTTP/1.1 and HTTP/1.0, server side, without I/O (RFC 9112).
//!
//! Bytes go in through [`Connection::receive`], one [`Event`] comes out per call, and bytes for
//! the peer are appended to a buffer that the caller owns. A test is a byte string and an
//! expected list of events.
//!
//! `state.rs` decides *whether* something may happen; `parse.rs`, `framing.rs`, `chunked.rs` and
//! `encode.rs` know *how it looks on the wire*; `connection.rs`, `receive.rs` and `send.rs` only
//! join them.
//! `lines.rs` is a short cut through `parse.rs`, for whole lines of the usual form.
//!
//! Not here: timeouts (the caller maps [`Connection::phase`] to a deadline), routing, the choice
//! of an error page.

mod chunk_extension;
mod chunked;
mod connection;
mod encode;
mod events;
mod framing;
mod lines;
mod looks;
mod parse;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod receive;
mod section;
mod send;
mod state;
mod target;
#[cfg(test)]
mod tests;

pub use crate::BodyLength;
pub use connection::Connection;
pub use encode::{DATE_BYTES, DateField};
pub use events::{Event, Received, Response};
pub use state::Phase;
