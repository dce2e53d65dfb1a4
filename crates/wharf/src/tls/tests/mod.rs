//! Sessions against rustls as the client, in memory: no socket, no clock but that of certificates.
//!
//! Not here: connections that speak TLS.

mod certificates;
mod costs;
mod handshakes;
mod harness;
mod properties;
mod sessions;
