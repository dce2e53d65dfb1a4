//! HTTP/2, server side, without I/O (RFC 9113).
//!
//! `hpack` compresses and decompresses heads. Not here: TLS and the choice of the protocol (ALPN),
//! timeouts, routing.

pub mod hpack;
