//! HTTP/2, server side, without I/O (RFC 9113), with extensible priorities (RFC 9218) and extended
//! CONNECT (RFC 8441).
//!
//! Bytes go in through [`Connection::receive`], one [`Event`] comes out per call, and bytes for the
//! peer are appended to a buffer that the caller owns. A test is a list of frames and an expected
//! list of events.
//!
//! `state.rs` decides *whether* something may happen to a stream, `frame/`, `hpack/` and
//! `request.rs` know *how it looks on the wire*, `flow.rs` and `schedule.rs` *how much and whose
//! turn it is*, and `abuse.rs` *how often*. `connection.rs`, `receive.rs`, `blocks.rs`,
//! `control.rs`, `send.rs` and `tail.rs` only join them. Time is an argument.
//!
//! Not here: TLS and the choice of the protocol (ALPN), timeouts (the caller maps
//! [`Connection::phase`] and its events to deadlines), routing, server push, which clients no
//! longer take, and the upgrade from HTTP/1.1, which RFC 9113 has dropped.

mod abuse;
mod blocks;
mod connection;
mod control;
mod encode;
mod error;
mod events;
mod flow;
mod frame;
pub mod hpack;
mod preface;
mod priority;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod receive;
mod request;
mod schedule;
mod send;
mod settings;
mod state;
mod stream;
mod streams;
mod tail;
#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use error::{ConnectionError, ErrorCode};
pub use events::{Ahead, Event, Phase, Received, ResetCause, StreamKey};
pub use preface::{IsPreface, PREFACE, is_preface};
pub use send::{Response, Sent, Writable};
pub use settings::Config;
pub use tail::Tail;
