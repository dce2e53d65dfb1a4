//! Sessions against rustls as the client, in memory: no socket, no clock but that of certificates;
//! and servers, end to end (`served`).
//!
//! Not here: all that is served over TLS as without (`tests/cases`).

mod certificates;
mod costs;
mod handshakes;
mod harness;
mod properties;
mod served;
mod sessions;
