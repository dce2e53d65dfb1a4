//! Sessions against rustls as the client, in memory: no socket, no clock but that of certificates.
//!
//! Not here: connections that speak TLS.

mod handshakes;
mod harness;
mod sessions;
